"""The header space: which fields a packet has, in which order diagrams look at them, and how they are
printed.

Every field is a *level* with integer values ``0 … top``; a set of packets is built from interval sets over
levels. The order (interfaces, MAC, addresses, protocol, ports, …) is the one that keeps diagrams of real
firewalls small.

* An interface name is the integer of its 16 bytes (``IFNAMSIZ``, padded with zeros): ``eth+`` is one
  interval, a name one point, 0 is "no such interface at this hook" (``ip_packet_match`` compares with an
  empty name there).
* A MAC is its 48-bit integer; one more value stands for packets without an Ethernet header (``xt_mac.c`` says
  false for them, inverted or not).
* Marks are one level per bit, so that ``--mark value/mask`` is one product.
* What no field can say is an *atom*: a level of its own with values 0 and 1, interned by text. The same text
  is the same condition, its negation the complement. Treating it as free is safe: real packets are a subset.

The protocol for extensions
---------------------------
``Match.packet_set(space, spec)`` returns a :class:`~pyiptables.analysis.region.Region` made with the
methods of :class:`Space` (``values``, ``masked``, ``bits``, ``ports``, ``number``, ``atom``, ``unsure``,
``everything``, ``nothing``) and ``&``, ``|``, ``~``. None means "opaque": a deterministic match becomes an
atom of its whole text, one with ``deterministic = False`` may match and may not. ``spec`` is the rule.

``Match.volatile()`` names what a match alters while it looks: rows of bits, memories. ``Target.changes()`` says what a
target that lets the packet go on does to it: ``{field: None}`` for "any value afterwards",
``{"mark": (clear, flip)}`` for ``mark = mark & ~clear ^ flip``. Field names are those of :data:`FIELDS`, of
``bits``, ``number``, and the words given as ``depends`` of an atom.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from pyiptables.analysis.intervals import complement, intersect, masked, normal
from pyiptables.analysis.region import Product, Region
from pyiptables.ruleset import RuleSpec
from pyiptables.xtables.addresses import address_text

__all__ = ["CT_STATES", "FIELDS", "NO_MAC", "PACKET_TYPES", "Space", "interface_number"]

#: ``ctstate``: the first two have no connection (``ct == NULL`` in ``xt_conntrack.c``).
CT_STATES: Final = ("INVALID", "UNTRACKED", "NEW", "RELATED", "ESTABLISHED")
#: ``skb->pkt_type``.
PACKET_TYPES: Final = (
    "unicast",
    "broadcast",
    "multicast",
    "otherhost",
    "outgoing",
    "loopback",
    "user",
    "kernel",
)
NO_MAC: Final = 1 << 48

_INTERFACE = (1 << 128) - 1

#: The fixed levels in order, with their largest values (addresses: of IPv6; IPv4 is cut to 32 bits).
FIELDS: Final[dict[str, int]] = {
    "iniface": _INTERFACE,
    "outiface": _INTERFACE,
    "mac": NO_MAC,
    "src": (1 << 128) - 1,
    "dst": (1 << 128) - 1,
    "proto": 255,
    "dport": 65535,
    "sport": 65535,
    "icmp": 65535,  # type << 8 | code
    "tcpflags": 255,
    "ctstate": len(CT_STATES) - 1,
    "ctdir": 1,  # 0 original, 1 reply
    "ctstatus": 15,  # EXPECTED 1, SEEN_REPLY 2, ASSURED 4, CONFIRMED 8
    "ctnat": 3,  # 1 source, 2 destination translated
    "fragment": 1,  # 1: not the first fragment
    "pkttype": 7,
    "tos": 255,
    "ttl": 255,
    "length": 0xFFFFFFFF,  # IPv6 jumbo and GRO packets are longer than 16 bits say
}

#: Values that make a good example, best first.
_PREFERRED: Final[dict[str, tuple[int, ...]]] = {
    "proto": (6, 17, 1),
    "mac": (0x020000000042,),
    "dport": (80, 443, 22, 53, 12345, 40000),
    "sport": (40000, 1024, 53),
    "icmp": (0x0800, 0x8000),
    "tcpflags": (0x02, 0x10, 0x18),
    "ctstate": (2, 4, 3),
    "ttl": (64,),
    "length": (60, 1000),
}
_PREFERRED_ADDRESSES: Final[dict[int, tuple[int, ...]]] = {
    4: (
        0xC6336407,
        0xCB007109,
        0xC0000205,
        0x0A000007,
        0xC0A80107,
        0xAC100007,
    ),  # 198.51.100.7, 203.0.113.9, …
    6: (0x20010DB8 << 96 | 7, 0xFD << 120 | 7, 0xFE80 << 112 | 7),
}
_NAME_TAILS: Final = ("0", "1", "", "a", "x", "_", "9", "z")


def interface_number(name: str) -> int:
    """The level value of an interface name."""
    return int.from_bytes(name.encode("utf-8", "surrogateescape")[:16].ljust(16, b"\0"), "big")


class Space:
    """The fields of one analysis; levels for atoms, marks and other rare fields are added on first use."""

    #: The value of ``mac`` for packets without an Ethernet header.
    no_mac: Final = NO_MAC

    def __init__(self, family: int, assume: bool = False) -> None:
        """``assume``: matches that are not deterministic become atoms too, equal texts behaving alike."""
        self.family = family
        self.assume = assume
        self.names = list(FIELDS)
        self.tops = list(FIELDS.values())
        if family == 4:
            self.tops[3] = self.tops[4] = 0xFFFFFFFF
        self._levels = {name: level for level, name in enumerate(self.names)}
        #: Per level beyond the fixed ones: words a target may name in ``changes()``; None: any change
        #: concerns it.
        self.depends: dict[int, frozenset[str] | None] = {}
        self.everything = self._exact({})
        self.nothing = self._empty()
        #: May match or not, whatever the packet looks like.
        self.maybe = Region(({},), (), self.tops)
        self._regions: dict[Any, Region] = {}
        self._matches: dict[tuple[int, int], tuple[Any, Region]] = {}
        #: Rows of bits that matches alter while they look: nothing certain can be said about them.
        self.volatile: set[str] = set()

    # -- building regions --------------------------------------------------------------------------------
    def values(self, field: str, *ranges: tuple[int, int], invert: bool = False) -> Region:
        """Packets whose field lies in one of the (low, high) ranges, or in none of them."""
        key = (field, ranges, invert)
        region = self._regions.get(key)
        if region is None:
            level = self._levels[field]
            top = self.tops[level]
            values = normal((low, min(high, top)) for low, high in ranges)
            if invert:
                values = complement(values, top)
            region = self._regions[key] = self._one(level, values)
        return region

    def masked(self, field: str, value: int, mask: int, invert: bool = False) -> Region:
        """Packets with ``field & mask == value`` (a field whose values fill whole bits)."""
        key = (field, value, mask, invert, 0)
        region = self._regions.get(key)
        if region is None:
            level = self._levels[field]
            top = self.tops[level]
            values = masked(value, mask, top)
            if values is None:
                region = self.atom(f"{field} & {mask:#x} == {value:#x}", invert, (field,))
                if not invert:
                    # The ones on the left are a prefix, which is worth knowing.
                    free = (1 << (mask & top ^ top).bit_length()) - 1
                    region &= self.values(field, (value & ~free, value & ~free | free))
            else:
                region = self._one(level, complement(values, top) if invert else values)
            self._regions[key] = region
        return region

    def bits(self, field: str, value: int, mask: int, invert: bool = False, width: int = 32) -> Region:
        """Packets with ``field & mask == value``, the field being a row of bits (marks)."""
        if field in self.volatile:
            return self.unsure(f"{field} & {mask:#x} == {value:#x}", invert)
        levels = [self._level(f"{field}:{bit}", 1, (field,)) for bit in range(width)]
        if value & ~mask:
            return self.everything if invert else self.nothing
        product: Product = {}
        for bit in range(width):
            if mask >> bit & 1:
                product[levels[bit]] = (1, 1) if value >> bit & 1 else (0, 0)
        region = self._exact(product)
        return ~region if invert else region

    def ports(self, given: dict[str, Any], inverted: set[str]) -> Region:
        """What ``source-port`` and ``destination-port`` (low, high) ask; later fragments have no ports."""
        region = self.values("fragment", (0, 0))
        if "source-port" in given:
            region &= self.values("sport", given["source-port"], invert="source-port" in inverted)
        if "destination-port" in given:
            region &= self.values("dport", given["destination-port"], invert="destination-port" in inverted)
        return region

    @staticmethod
    def state(word: str) -> int:
        """The value of ``ctstate`` for a state's name (not SNAT, DNAT: those are ``ctnat``)."""
        return CT_STATES.index(word)

    def number(self, field: str, top: int, depends: Iterable[str] = ()) -> str:
        """Make sure that a numeric field 0 … top exists; gives its name for ``values`` and ``masked``."""
        self._level(field, top, depends)
        return field

    def atom(self, text: str, invert: bool = False, depends: Iterable[str] | None = None) -> Region:
        """A condition of its own. ``depends``: the fields (or words) whose change by a target may change it;
        None means any change may."""
        level = self._level(text, 1, depends)
        return self._one(level, (0, 0) if invert else (1, 1))

    def inverse(self, text: str, inverted: bool, depends: Iterable[str] | None = None) -> Region:
        """The condition of a match whose saved ``text`` begins with `` !`` when it is inverted, then its complement."""
        return self.atom(text.removeprefix(" !") if inverted else text, inverted, depends)

    def unsure(self, text: str, invert: bool = False) -> Region:
        """A condition that more than the packet decides: may hold or not, each time anew."""
        return self.atom(text, invert) if self.assume else self.maybe

    # -- rules -------------------------------------------------------------------------------------------
    def rule_region(self, spec: RuleSpec) -> Region:
        """The packets a rule matches."""
        parts = self._head(spec, [match.instead_of for match in spec.matches])
        touched: Region | None = None
        for match in spec.matches:
            if match.obscure:
                return self.maybe
            if touched is None and match.volatile():
                # From here on the rule leaves its traces, whatever the matches that follow say.
                touched = self._all_of(parts)
            parts.append(self._match_region(match, spec))
        region = self._all_of(parts)
        return region if touched is None else Region(touched.upper, region.lower, self.tops)

    def _match_region(self, match: Any, spec: RuleSpec) -> Region:
        """The packets of a match, which is often one of many rules."""
        # What is said about volatile fields changes when there are more of them.
        key = id(match), len(self.volatile)
        known = self._matches.get(key)
        if known is None:
            region = match.packet_set(self, spec)
            # The match is kept, lest another one gets its id.
            known = self._matches[key] = match, self._opaque(match) if region is None else region
        return known[1]

    def _all_of(self, parts: Iterable[Region]) -> Region:
        product: Product = {}
        region: Region | None = None
        for part in parts:
            upper = part.upper
            if len(upper) == 1 and part.lower is upper:
                for level, values in upper[0].items():
                    mine = product.get(level)
                    if mine is not None:
                        values = intersect(mine, values)
                        if not values:
                            return self.nothing
                    product[level] = values
            elif not upper:
                return self.nothing
            else:
                region = part if region is None else region & part
        exact = self._exact(product)
        return exact if region is None else exact & region

    def hook_region(self, table: str, chain: str) -> Region:
        """What can arrive at a built-in chain: interfaces that exist there; nat sees connections begin only.

        nat tables are entered for NEW connections and RELATED ones that are not ICMP errors
        (``nf_nat_inet_fn``); INVALID and UNTRACKED packets have no connection and pass by.
        """
        region = self.everything
        if chain in ("PREROUTING", "INPUT", "FORWARD"):
            region &= self.values("iniface", (1, _INTERFACE))
        elif chain == "OUTPUT":
            region &= self.values("iniface", (0, 0))
        if chain in ("PREROUTING", "INPUT"):
            region &= self.values("outiface", (0, 0))
        elif chain in ("FORWARD", "OUTPUT", "POSTROUTING"):
            region &= self.values("outiface", (1, _INTERFACE))
        if table == "nat":
            region &= self.values("ctstate", (2, 3))
        return region

    def _head(self, spec: RuleSpec, stand_ins: list[str]) -> list[Region]:
        parts = []
        if (spec.src_mask or spec.src_inv) and "src" not in stand_ins:
            parts.append(self.masked("src", spec.src & spec.src_mask, spec.src_mask, spec.src_inv))
        if (spec.dst_mask or spec.dst_inv) and "dst" not in stand_ins:
            parts.append(self.masked("dst", spec.dst & spec.dst_mask, spec.dst_mask, spec.dst_inv))
        if spec.iniface:
            parts.append(self._interface("iniface", spec.iniface, spec.iniface_inv))
        if spec.outiface:
            parts.append(self._interface("outiface", spec.outiface, spec.outiface_inv))
        if spec.proto:
            parts.append(self.values("proto", (spec.proto, spec.proto), invert=spec.proto_inv))
        if spec.fragment:
            parts.append(self.values("fragment", (1, 1), invert=spec.fragment_inv))
        return parts

    def _interface(self, field: str, name: str, invert: bool) -> Region:
        low = high = interface_number(name)
        if name.endswith("+"):
            prefix = name[:-1].encode("utf-8", "surrogateescape")[:16]
            low = int.from_bytes(prefix.ljust(16, b"\0"), "big")
            high = int.from_bytes(prefix.ljust(16, b"\xff"), "big")
        return self.values(field, (low, high), invert=invert)

    def _opaque(self, match: Any) -> Region:
        if not (match.deterministic or self.assume):
            return self.maybe
        return self.atom(f"-m {match.name}{match.save()}")

    # -- levels ------------------------------------------------------------------------------------------
    def level(self, field: str) -> int | None:
        """The level of a field or atom, None when nothing uses it."""
        return self._levels.get(field)

    def levels_changed(self, field: str) -> list[int]:
        """The levels whose value may differ after a target changed a field."""
        levels = [level for level, words in self.depends.items() if words is None or field in words]
        own = self._levels.get(field)
        if own is not None:
            levels.append(own)
        return levels

    def _level(self, name: str, top: int, depends: Iterable[str] | None) -> int:
        level = self._levels.get(name)
        if level is None:
            level = self._levels[name] = len(self.names)
            self.names.append(name)
            self.tops.append(top)
            self.depends[level] = None if depends is None else frozenset(depends)
        return level

    def _exact(self, product: Product) -> Region:
        products = (product,)
        return Region(products, products, self.tops)

    def _empty(self) -> Region:
        products: tuple[Product, ...] = ()
        return Region(products, products, self.tops)

    def _one(self, level: int, values: tuple[int, ...]) -> Region:
        if values == (0, self.tops[level]):
            return self.everything
        return self._exact({level: values}) if values else self.nothing

    # -- showing packets ---------------------------------------------------------------------------------
    def pick(self, level: int, low: int, high: int) -> int:
        """A value in low … high that reads well in an example."""
        name = self.names[level]
        if name in ("iniface", "outiface"):
            return _pick_name(low, high)
        if name in ("src", "dst"):
            favourites = _PREFERRED_ADDRESSES[self.family]
            for value in favourites if name == "src" else favourites[1:] + favourites[:1]:
                if low <= value <= high:
                    return value
            return low + 1 if high - low > 2 else low
        for value in (6, 17, 58) if name == "proto" and self.family == 6 else _PREFERRED.get(name, ()):
            if low <= value <= high:
                return value
        return low

    def show(self, level: int, value: int) -> str | int | bool:
        """A level's value as people write it."""
        name = self.names[level]
        if name in ("iniface", "outiface"):
            return value.to_bytes(16, "big").rstrip(b"\0").decode("utf-8", "backslashreplace")
        if name in ("src", "dst"):
            return address_text(value, self.family)
        if name == "mac":
            return "none" if value == NO_MAC else ":".join(f"{octet:02x}" for octet in value.to_bytes(6, "big"))
        if name == "ctstate":
            return CT_STATES[value]
        if name == "ctdir":
            return ("ORIGINAL", "REPLY")[value]
        if name == "pkttype":
            return PACKET_TYPES[value]
        if name == "icmp":
            return f"{value >> 8}/{value & 255}"
        if self.tops[level] == 1:
            return bool(value)
        return value

    def describe(self, point: dict[int, int]) -> dict[str, str | int | bool]:
        """A packet as field names and readable values; rows of bits become one number."""
        shown: dict[str, str | int | bool] = {}
        for level in sorted(point):
            name, _, bit = self.names[level].rpartition(":")
            words = self.depends.get(level)
            if words is not None and words == {name} and bit.isdigit():
                shown[name] = int(shown.get(name, 0)) | point[level] << int(bit)
            else:
                shown[self.names[level]] = self.show(level, point[level])
        return shown


_FAVOURITE_NAMES: Final = tuple([interface_number(name) for name in ("eth0", "wan0", "lan0", "net9")])


def _pick_name(low: int, high: int) -> int:
    """A printable interface name in an interval of names, else its low end."""
    for value in _FAVOURITE_NAMES:
        if low <= value <= high:
            return value
    if low == high:
        return low
    first = low.to_bytes(16, "big").rstrip(b"\0\1")
    last = high.to_bytes(16, "big").rstrip(b"\0\xff")
    for stem in (first, last):
        for length in range(min(len(stem), 14), 0, -1):
            if all(33 <= octet < 127 for octet in stem[:length]):
                for tail in _NAME_TAILS:
                    value = int.from_bytes((stem[:length] + tail.encode())[:15].ljust(16, b"\0"), "big")
                    if low <= value <= high:
                        return value
    return low
