"""ipsets as ``ipset save`` writes them, and what ``-m set`` and ``-j SET`` do with them.

A set's type names its dimensions (``hash:net,port``); each direction of a rule says whether the source or the destination
fills that dimension (``kernel/net/netfilter/ipset/ip_set_*_*.c``, the ``kadt`` functions). An entry is found by its exact
dimensions; networks are tried from the longest prefix to the shortest, as the kernel does, so that a ``nomatch`` entry
shields what a wider one would hold.
"""

from __future__ import annotations

from pyiptables.netfilter.names import ICMP4_TYPES, ICMP6_TYPES, PROTOCOLS
from pyiptables.netfilter.routes import parse_address
from pyiptables.xtables.addresses import ALL_ONES, prefix_mask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet

    Key = tuple[Any, ...]

__all__ = ["Entry", "IpSet", "IpSetError", "IpSets"]

_SECOND = 1_000_000_000
_TYPES = frozenset((
    "bitmap:ip", "bitmap:ip,mac", "bitmap:port", "hash:ip", "hash:ip,mac", "hash:ip,mark", "hash:ip,port", "hash:ip,port,ip",
    "hash:ip,port,net", "hash:mac", "hash:net", "hash:net,iface", "hash:net,net", "hash:net,port", "hash:net,port,net", "list:set",
))  # fmt: skip
_WITH_PORTS = frozenset((6, 17, 132, 136))
#: An address range written out has at most so many addresses.
_RANGE = 65536
#: Options of ``create`` without a value; all others have one.
_FLAGS = frozenset(("counters", "comment", "skbinfo", "forceadd"))
_ENTRY_FLAGS = frozenset(("nomatch", "wildcard"))


class IpSetError(ValueError):
    """A line that cannot be understood: ``line`` counts from 1."""

    def __init__(self, text: str, line: int) -> None:
        super().__init__(f"line {line}: {text}")
        self.line = line


class Entry:
    """One entry: what is not looked up by key (interface, MAC), its flags, counters and values.

    ``expires`` in nanoseconds, None for never; ``mark`` (value, mask), ``priority`` of ``--map-set``.
    """

    __slots__ = ("expires", "iface", "key", "mac", "mark", "nomatch", "octets", "packets", "physdev", "priority", "wildcard")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.expires: int | None = None
        self.iface = ""
        self.physdev = self.wildcard = self.nomatch = False
        self.mac: bytes | None = None
        self.packets = self.octets = 0
        self.mark: tuple[int, int] | None = None
        self.priority: int | None = None

    def fits(self, name: str, physdev: bool) -> bool:
        """Is it for this interface (``hash_netiface4_data_equal``)?"""
        same = name.startswith(self.iface) if self.wildcard else name == self.iface
        return same and physdev == self.physdev


class IpSet:
    """One set. ``kinds`` are its dimensions: ip, net, port, mac, mark, iface, set."""

    def __init__(self, name: str, kind: str, options: dict[str, str]) -> None:
        self.name = name
        self.kind = kind
        self.kinds = kind.partition(":")[2].split(",")
        self.family = 0
        if self.kinds[0] in ("ip", "net"):
            self.family = 6 if options.get("family") == "inet6" else 4
        whole = ALL_ONES[self.family or 4]
        self.mask = whole
        if "netmask" in options:
            self.mask = prefix_mask(int(options["netmask"]), self.family)
        elif "bitmask" in options:
            self.mask = parse_address(options["bitmask"])[1]
        self.markmask = int(options.get("markmask", "0xffffffff"), 0)
        self.timeout = int(options["timeout"]) if "timeout" in options else None
        self.counters = "counters" in options
        self.limits = _range(options["range"]) if kind.startswith("bitmap") else None
        self.members: list[str] = []
        self.entries: dict[Key, list[Entry]] = {}
        #: Prefix lengths in use, one for each net dimension, longest first, with how many entries have them.
        self.lengths: dict[tuple[int, ...], int] = {}

    # -- entries -----------------------------------------------------------------------------------------
    def insert(self, entry: Entry, lengths: tuple[int, ...] = ()) -> None:
        """Put an entry in, in place of one that is the same."""
        known = self.entries.setdefault(entry.key, [])
        for old in known:
            if (old.iface, old.physdev) == (entry.iface, entry.physdev):
                known.remove(old)
                break
        else:
            if lengths:
                self.lengths[lengths] = self.lengths.get(lengths, 0) + 1
                self.lengths = dict(sorted(self.lengths.items(), reverse=True))
        known.append(entry)

    def remove(self, key: Key, iface: str, lengths: tuple[int, ...] = ()) -> bool:
        """Take an entry out; False when it was not there."""
        known = self.entries.get(key, [])
        for old in known:
            if old.iface == iface:
                known.remove(old)
                if lengths:
                    self.lengths[lengths] -= 1
                    if not self.lengths[lengths]:
                        del self.lengths[lengths]
                return True
        return False

    def candidates(self, parts: list[Any], now: int) -> Iterator[Entry]:
        """The entries for the dimensions of a packet that have not expired, longest prefix first."""
        whole = 32 if self.family == 4 else 128
        for lengths in self.lengths or ((),):
            key: list[Any] = []
            rest = iter(lengths)
            for kind, part in zip(self.kinds, parts, strict=False):
                if kind == "net":
                    length = next(rest, whole)
                    key.append((part & prefix_mask(length, self.family), length))
                elif kind != "iface" and not (kind == "mac" and self.kind == "bitmap:ip,mac"):
                    key.append(part)
            found = self.entries.get(tuple(key))
            for entry in found or ():
                if entry.expires is None or entry.expires > now:
                    yield entry
            if found and self.kinds[-1] == "iface":
                # A network that is there for other interfaces only ends the search (``multi`` in mtype_test_cidrs).
                return


class IpSets:
    """All sets of a host (``PacketSets``)."""

    def __init__(self) -> None:
        self.sets: dict[str, IpSet] = {}

    # -- reading -----------------------------------------------------------------------------------------
    @classmethod
    def read(cls, text: str, now: int = 0) -> IpSets:
        """The sets of ``ipset save``; timeouts run from ``now`` (nanoseconds). Raises IpSetError."""
        found = cls()
        for number, line in enumerate(text.splitlines(), 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            try:
                found._line(words, now)
            except KeyError as error:
                raise IpSetError(f"there is no set {error}", number) from error
            except (ValueError, IndexError) as error:
                raise IpSetError(str(error) if isinstance(error, ValueError) else "the line ends too early", number) from error
        return found

    def _line(self, words: list[str], now: int) -> None:
        verb = words[0]
        if verb in ("create", "-N"):
            name, kind, options = words[1], words[2], _options(words[3:], _FLAGS)
            if kind not in _TYPES:
                raise ValueError(f"unknown type of set {kind!r}")
            self.sets[name] = IpSet(name, kind, options)
        elif verb in ("add", "-A"):
            self._add(self.sets[words[1]], words[2], _options(words[3:], _ENTRY_FLAGS), now)
        else:
            raise ValueError(f"not a line of ipset save: {verb!r}")

    def _add(self, found: IpSet, text: str, options: dict[str, str], now: int) -> None:
        if found.kind == "list:set":
            found.members.append(self.sets[text].name)
            return
        physdev = "physdev:" in text
        parts = text.replace("physdev:", "").split(",")
        if found.kinds[0] == "port":
            parts = [_bare_port(parts[0], found)]
        if len(parts) != len(found.kinds) and not (found.kind == "bitmap:ip,mac" and len(parts) == 1):
            raise ValueError(f"{text!r} has not the dimensions of {found.kind}")
        for key, lengths in _keys(found, parts):
            entry = Entry(key)
            seconds = int(options.get("timeout", found.timeout or 0))
            entry.expires = now + seconds * _SECOND if seconds else None
            entry.nomatch = "nomatch" in options
            entry.wildcard = "wildcard" in options
            entry.physdev = physdev
            if found.kinds[-1] == "iface":
                entry.iface = parts[-1]
            if found.kind == "bitmap:ip,mac" and len(parts) == 2:
                entry.mac = _mac(parts[1])
            entry.packets, entry.octets = int(options.get("packets", 0)), int(options.get("bytes", 0))
            if "skbmark" in options:
                value, _, mask = options["skbmark"].partition("/")
                entry.mark = (int(value, 16), int(mask or "ffffffff", 16))
            if "skbprio" in options:
                major, _, minor = options["skbprio"].partition(":")
                entry.priority = int(major, 16) << 16 | int(minor or "0", 16)
            found.insert(entry, lengths)

    # -- asking ------------------------------------------------------------------------------------------
    def knows(self, name: str) -> bool:
        """Is there such a set?"""
        return name in self.sets

    def find(
        self,
        name: str,
        directions: tuple[str, ...],
        packet: Packet,
        ctx: Context,
        *,
        shielded: bool = False,
        update: bool = True,
        update_members: bool = True,
        wanted: Callable[[int, int], bool] | None = None,
    ) -> Entry | bool | None:
        """The entry that a packet meets; False when there is none, None when the description leaves it open.

        ``shielded`` asks sets of networks for their ``nomatch`` entries (``--return-nomatch``), ``wanted`` judges the entry's counters;
        ``update`` and ``update_members`` are whether a match counts, here and in the members of a list.
        """
        found = self.sets.get(name)
        if found is None:
            ctx.unknown(f"set {name} is not described")
            return None
        if len(directions) < (1 if found.kind == "list:set" else len(found.kinds)) or found.family not in (0, packet.family):
            return False
        if found.kind == "list:set":
            for member in found.members:
                options: Any = {"shielded": shielded, "update": update and update_members, "wanted": wanted}
                answer = self.find(member, directions, packet, ctx, **options)
                if answer is not False:
                    return answer
            return False
        parts = _parts(found, directions, packet, ctx)
        if not parts:
            return parts if parts is None else False
        for entry in found.candidates(parts, ctx.now):
            if not _rest_fits(found, entry, directions, packet):
                continue
            if found.counters:
                if update:
                    entry.packets += 1
                    entry.octets += packet.length
                if wanted is not None and not wanted(entry.packets, entry.octets):
                    return False
            return entry if entry.nomatch == (shielded and "net" in found.kinds) else False
        return False

    def add(self, name: str, directions: tuple[str, ...], packet: Packet, ctx: Context, timeout: int | None, exist: bool) -> bool:
        """``-j SET --add-set``; False when it was there before, the set is not described, or the packet lacks what it takes."""
        found = self.sets.get(name)
        if found is None:
            return False
        if found.kind == "list:set":
            return any(self.add(member, directions, packet, ctx, timeout, exist) for member in found.members)
        made = _made(found, directions, packet, ctx)
        if made is None:
            return False
        entry, lengths = made
        old = next((each for each in found.entries.get(entry.key, ()) if each.iface == entry.iface), None)
        if old is not None and not exist and (old.expires is None or old.expires > ctx.now):
            return False
        seconds = found.timeout if timeout is None else timeout
        if found.timeout is not None and seconds:
            entry.expires = ctx.now + seconds * _SECOND
        found.insert(entry, lengths)
        return True

    def delete(self, name: str, directions: tuple[str, ...], packet: Packet, ctx: Context) -> bool:
        """``-j SET --del-set``."""
        found = self.sets.get(name)
        if found is None:
            return False
        if found.kind == "list:set":
            return any(self.delete(member, directions, packet, ctx) for member in found.members)
        made = _made(found, directions, packet, ctx)
        return made is not None and found.remove(made[0].key, made[0].iface, made[1])


def _made(found: IpSet, directions: tuple[str, ...], packet: Packet, ctx: Context) -> tuple[Entry, tuple[int, ...]] | None:
    """The entry that a packet makes: networks get the longest prefix that the set has (``INIT_CIDR``)."""
    if len(directions) < len(found.kinds) or found.family not in (0, packet.family):
        return None
    parts = _parts(found, directions, packet, ctx)
    if not parts:
        return None
    whole = 32 if found.family == 4 else 128
    nets = [at for at, kind in enumerate(found.kinds) if kind == "net"]
    longest = [max((lengths[at] for lengths in found.lengths), default=whole) for at in range(len(nets))]
    key = [part for kind, part in zip(found.kinds, parts, strict=True) if kind != "iface"]
    for at, length in zip(nets, longest, strict=True):
        key[at] = (key[at] & prefix_mask(length, found.family), length)
    mac = key.pop() if found.kind == "bitmap:ip,mac" else None
    if found.limits is not None and not found.limits[0] <= key[0] <= found.limits[1]:
        return None
    entry = Entry(tuple(key))
    entry.mac = mac
    if found.kinds[-1] == "iface":
        entry.iface = parts[-1]
    return entry, tuple(longest)


# -- what a packet is in a dimension ---------------------------------------------------------------------------
def _parts(found: IpSet, directions: tuple[str, ...], packet: Packet, ctx: Context) -> list[Any] | None:
    """The packet's value for each dimension; an empty list when it has none, None when it is not described."""
    parts: list[Any] = []
    for at, (kind, way) in enumerate(zip(found.kinds, directions, strict=False)):
        source = way == "src"
        if kind in ("ip", "net"):
            address = packet.src if source else packet.dst
            parts.append(address & found.mask if kind == "ip" else address)
            if kind == "ip" and found.kind.startswith("hash") and at == 0 and parts[0] == 0:
                return []
        elif kind == "port":
            port = _port(packet, source)
            if port is None or (len(found.kinds) == 1 and port[0] not in (6, 17)):
                return []
            parts.append(port[1] if len(found.kinds) == 1 else port)
        elif kind == "mac":
            if not packet.iniface or packet.iniface == "lo":
                return []
            mac = packet.mac_src if source else packet.mac_dst
            if mac is None:
                ctx.unknown(f"no {'source' if source else 'destination'} MAC address is described")
                return None
            parts.append(mac)
        elif kind == "mark":
            parts.append(packet.mark & found.markmask)
        else:
            name = packet.iniface if source else packet.outiface
            if not name:
                return []
            parts.append(name)
    return parts


def _port(packet: Packet, source: bool) -> tuple[int, int] | None:
    """Protocol and port, ICMP type and code in its place, 0 for other protocols (``get_port``)."""
    if packet.frag_offset:
        return None
    if packet.proto in _WITH_PORTS:
        if packet.lacks(4):
            return None
        return packet.proto, packet.sport if source else packet.dport
    if packet.proto in (1, 58):
        return packet.proto, packet.icmp_type << 8 | packet.icmp_code
    return packet.proto, 0


def _rest_fits(found: IpSet, entry: Entry, directions: tuple[str, ...], packet: Packet) -> bool:
    if found.kinds[-1] == "iface":
        source = directions[len(found.kinds) - 1] == "src"
        if entry.physdev:
            return entry.fits(packet.physin if source else packet.physout, True)
        return entry.fits(packet.iniface if source else packet.outiface, False)
    if found.kind == "bitmap:ip,mac":
        mac = packet.mac_src if directions[1] == "src" else packet.mac_dst
        if entry.mac is None:
            # The first packet fills in what was left open (bitmap_ipmac_do_test, -EAGAIN).
            entry.mac = mac
        return entry.mac == mac
    return True


# -- text --------------------------------------------------------------------------------------------------------
def _options(words: list[str], flags: frozenset[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while at < len(words):
        word = words[at]
        if word == "comment" and "comment" not in flags:
            # The last of an entry's options; its text may hold anything.
            return found
        if word in flags:
            found[word] = ""
            at += 1
        else:
            found[word] = words[at + 1]
            at += 2
    return found


def _keys(found: IpSet, parts: list[str]) -> Iterator[tuple[Key, tuple[int, ...]]]:
    """Every key that an entry's text stands for, with the prefix lengths of its networks."""
    keys: list[tuple[Key, tuple[int, ...]]] = [((), ())]
    for at, (kind, text) in enumerate(zip(found.kinds, parts, strict=False)):
        if kind == "iface" or (found.kind == "bitmap:ip,mac" and at == 1):
            continue
        values: list[tuple[Any, tuple[int, ...]]]
        if kind == "net":
            values = [((value, length), (length,)) for value, length in _networks(text, found.family)]
        elif kind == "ip":
            low, high = _range(text)
            if high - low >= _RANGE:
                raise ValueError(f"{text} has more than {_RANGE} addresses")
            values = [(value, ()) for value in dict.fromkeys(value & found.mask for value in range(low, high + 1))]
        elif kind == "port":
            values = [(port, ()) for port in _ports(text, len(found.kinds) == 1)]
        elif kind == "mac":
            values = [(_mac(text), ())]
        else:
            values = [(int(text, 0) & found.markmask, ())]
        keys = [((*key, value), (*lengths, *more)) for key, lengths in keys for value, more in values]
    return iter(keys)


def _range(text: str) -> tuple[int, int]:
    """``10.0.0.1``, ``10.0.0.0/24``, ``10.0.0.1-10.0.0.9``, or a range of ports."""
    low, dash, high = text.partition("-")
    if low.isdigit():
        return int(low), int(high) if dash else int(low)
    if dash:
        return parse_address(low)[1], parse_address(high)[1]
    family, value, length = parse_address(text)
    mask = prefix_mask(length, family)
    return value & mask, value & mask | (mask ^ ALL_ONES[family])


def _networks(text: str, family: int) -> Iterator[tuple[int, int]]:
    if "-" not in text:
        found, value, length = parse_address(text)
        if found != family:
            raise ValueError(f"{text} is not of the set's family")
        yield value & prefix_mask(length, family), length
        return
    low, high = _range(text)
    whole = 32 if family == 4 else 128
    while low <= high:
        size = min((low & -low).bit_length() - 1 if low else whole, (high - low + 1).bit_length() - 1)
        yield low, whole - size
        low += 1 << size


def _bare_port(text: str, found: IpSet) -> str:
    low, high = _range(text.rpartition(":")[2])
    if found.limits is not None and not (found.limits[0] <= low and high <= found.limits[1]):
        raise ValueError(f"port {text} is outside the set's range")
    return text


def _ports(text: str, bare: bool) -> Iterator[Any]:
    proto, colon, port = text.rpartition(":")
    if bare:
        low, high = _range(port)
        yield from range(low, high + 1)
        return
    number = 6 if not colon else int(proto) if proto.isdigit() else PROTOCOLS.get(proto.lower())
    if number is None:
        raise ValueError(f"unknown protocol {proto!r}")
    names = {1: ICMP4_TYPES, 58: ICMP6_TYPES}.get(number)
    if names is not None:
        type_, _, code = port.partition("/")
        kind = names.get(port)
        if kind is None:
            kind = (int(type_), int(code or 0))
        yield number, kind[0] << 8 | kind[1]
        return
    low, high = _range(port)
    for value in range(low, high + 1):
        yield number, value


def _mac(text: str) -> bytes:
    value = bytes.fromhex(text.replace(":", ""))
    if len(value) != 6:
        raise ValueError(f"no MAC address: {text!r}")
    return value
