"""Address translation: the mapping a connection gets, and the rewriting of its packets (``nf_nat_core.c``).

A mapping is a changed reply tuple; whatever a packet's headers must become follows from the two tuples alone. Where the
kernel draws lots (a free port, an address of a range) this engine takes the seed of the trace, so the choice is the same
in every run but need not be the kernel's.
"""

from __future__ import annotations

from pyiptables.netfilter.connection import (
    CONFIRMED,
    DST_NAT,
    DST_NAT_DONE,
    SRC_NAT,
    SRC_NAT_DONE,
    Connection,
    FlowTuple,
)  # fmt: skip
from pyiptables.netfilter.conntrack import Conntrack, inverted, is_icmp_error
from pyiptables.netfilter.hooks import TRANSLATES
from pyiptables.netfilter.packet import Context, NatRange, Packet, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    #: source address and port, protocol, zone
    _Source = tuple[int, int, int, int]

__all__ = ["Nat"]

_DONE = {"src": SRC_NAT_DONE, "dst": DST_NAT_DONE}
_CHANGED = {"src": SRC_NAT, "dst": DST_NAT}
_BOTH = SRC_NAT | DST_NAT
_PORTS = frozenset((6, 17, 132, 136))
_ICMP = frozenset((1, 58))
_GRE = 47
_ATTEMPTS = 128
_M32 = 0xFFFFFFFF
_MANY = 4096
#: So few attempts are left when connections that are over must give way (``NF_NAT_HARDER_THRESH``).
_HARDER = 32
_OVER = ("TIME_WAIT", "CLOSE", "SYN_SENT2")


class Nat:
    """Mappings of the connections in a :class:`Conntrack`."""

    def __init__(self, conntrack: Conntrack) -> None:
        self.conntrack = conntrack
        #: How often a choice was made that the kernel makes by chance.
        self.lots = 0
        #: Connections by source of their original tuple, the newest first: the same source keeps its mapping.
        self._by_source: dict[_Source, list[Connection]] = {}
        #: With so many sources, those without a connection go.
        self._many = _MANY

    def flush(self) -> None:
        """Forget which source had which mapping."""
        self._by_source.clear()

    def wanted(self, packet: Packet, hook: str) -> bool:
        """Must the table's chains be asked about this packet (``nf_nat_inet_fn``)?"""
        ct = packet.ct
        if ct is None or packet.ctstate not in ("NEW", "RELATED"):
            return False
        return not (packet.ctstate == "RELATED" and is_icmp_error(packet)) and not self.done(ct, TRANSLATES[hook])

    def done(self, ct: Connection, which: str) -> bool:
        """Has this half been decided (``nf_nat_initialized``)?"""
        return bool(ct.status & _DONE[which])

    def setup(self, packet: Packet, which: str, wanted: NatRange, ctx: Context) -> Verdict:
        """Decide one half of the mapping (``nf_nat_setup_info``)."""
        ct = packet.ct
        if ct is None or ct.status & CONFIRMED:
            return Verdict.ACCEPT
        if self.done(ct, which):
            return Verdict.DROP
        now = inverted(ct.reply, ct.family)
        if now is None:
            return Verdict.DROP
        chosen = self._unique(now, wanted, ct, which, ctx)
        if chosen != now:
            reply = inverted(chosen, ct.family)
            assert reply is not None
            ct.reply = reply
            ct.status |= _CHANGED[which]
        self._decide(ct, which)
        return Verdict.ACCEPT

    def _decide(self, ct: Connection, which: str) -> None:
        """One half of the mapping is as it stands."""
        if which == "src":
            key = _source(ct.original, ct)
            self._by_source[key] = [ct, *filter(self._alive, self._by_source.get(key, ()))]
            if len(self._by_source) > self._many:
                self._by_source = {each: held for each, held in self._by_source.items() if each == key or any(map(self._alive, held))}
                self._many = max(_MANY, 2 * len(self._by_source))
        ct.status |= _DONE[which]

    def bind_null(self, packet: Packet, hook: str, ctx: Context) -> Verdict:
        """No rule asked for anything: keep the address, change the port only on a clash."""
        ct = packet.ct
        assert ct is not None
        which = TRANSLATES[hook]
        if not ct.status & CONFIRMED and self.conntrack.taken(ct.reply, ct, ctx.now) is None:
            self._decide(ct, which)
            return Verdict.ACCEPT
        address = ct.reply[2] if which == "src" else ct.reply[0]
        return self.setup(packet, which, NatRange((address, address)), ctx)

    # -- choosing ----------------------------------------------------------------------------------------
    def _unique(self, flow: FlowTuple, wanted: NatRange, ct: Connection, which: str, ctx: Context) -> FlowTuple:
        """``get_unique_tuple``."""
        lots = wanted.random or wanted.random_fully
        if which == "src" and not lots:
            if _in_range(flow, wanted):
                if not self._used(flow, ct, ctx):
                    return flow
            else:
                same = self._same_source(flow, wanted, ct)
                if same is not None and not self._used(same, ct, ctx):
                    return same
        flow = _with_address(flow, wanted, which, ct)
        if not lots:
            if wanted.ports is not None:
                if (
                    wanted.base_port is None
                    and _port_fits(flow, wanted, which)
                    and (wanted.ports[0] == wanted.ports[1] or not self._used(flow, ct, ctx))
                ):
                    return flow
            elif not self._used(flow, ct, ctx):
                return flow
        return self._free_port(flow, wanted, ct, which, ctx)

    def _same_source(self, flow: FlowTuple, wanted: NatRange, ct: Connection) -> FlowTuple | None:
        for other in self._by_source.get(_source(flow, ct), ()):
            if other is ct or not self._alive(other):
                continue
            mapped = inverted(other.reply, other.family)
            if mapped is not None:
                mapped = (mapped[0], mapped[1], flow[2], flow[3], flow[4])
                if _in_range(mapped, wanted):
                    return mapped
        return None

    def _alive(self, ct: Connection) -> bool:
        return self.conntrack.holds(ct)

    def _used(self, flow: FlowTuple, ct: Connection, ctx: Context) -> bool:
        reply = inverted(flow, ct.family)
        if reply is None:
            return False
        return self.conntrack.taken(reply, ct, ctx.now) is not None

    def _free_port(self, flow: FlowTuple, wanted: NatRange, ct: Connection, which: str, ctx: Context) -> FlowTuple:
        """``nf_nat_l4proto_unique_tuple``: the first free port or id, from where the lots or the offset say."""
        proto = flow[4]
        position = 1 if which == "src" or proto in _ICMP else 3
        if proto in _ICMP:
            low, high = wanted.ports if wanted.ports is not None else (0, 65535)
        elif proto not in _PORTS:
            return flow
        elif wanted.ports is None:
            if which == "dst":
                return flow
            port = flow[1]
            low, high = (1, 511) if port < 512 else (600, 1023) if port < 1024 else (1024, 65535)
        else:
            low, high = min(wanted.ports), max(wanted.ports)
        size = high - low + 1
        if size > 1 and wanted.base_port is None and (which == "src" or wanted.random or wanted.random_fully):
            self.lots += 1
        offset = 0
        if wanted.base_port is not None:
            offset = flow[position] - wanted.base_port
        elif wanted.random or wanted.random_fully:
            offset = ctx.random_bits(16)
        found = flow
        attempts = min(size, _ATTEMPTS)
        for attempt in range(attempts):
            words = list(flow)
            words[position] = low + (offset + attempt) % size
            found = (words[0], words[1], words[2], words[3], words[4])
            if not self._used(found, ct, ctx) or (attempts - attempt <= _HARDER and self._freed(found, ct, ctx)):
                break
        return found

    def _freed(self, flow: FlowTuple, ct: Connection, ctx: Context) -> bool:
        """A new TCP connection takes the place of one that is over and was translated too (``nf_nat_used_tuple_harder``)."""
        reply = inverted(flow, ct.family)
        if reply is None or ct.tcp is None or ct.tcp.state != "SYN_SENT":
            return False
        held = self.conntrack.taken(reply, ct, ctx.now)
        if held is None or held.tcp is None or held.tcp.state not in _OVER or not held.status & SRC_NAT:
            return False
        self.conntrack.forget(held)
        return True

    # -- rewriting ---------------------------------------------------------------------------------------
    def translate(self, packet: Packet, hook: str) -> bool:
        """Rewrite the packet as its connection says (``nf_nat_packet``). False: it must be dropped."""
        ct = packet.ct
        if ct is None:
            return True
        if packet.ctstate == "RELATED" and is_icmp_error(packet):
            return self._translate_error(packet, ct, hook)
        which = TRANSLATES[hook]
        if self._changes(ct, which, packet.ctdir):
            if not _can_be_rewritten(packet, which):
                return False
            target = inverted(ct.tuple(1 - packet.ctdir), ct.family)
            if target is not None:
                _rewrite(packet, target, which)
        return True

    def _changes(self, ct: Connection, which: str, way: int) -> bool:
        """Seen from the reply direction, source and destination change roles."""
        bit = _CHANGED[which]
        return bool(ct.status & (bit ^ _BOTH if way else bit))

    def _translate_error(self, packet: Packet, ct: Connection, hook: str) -> bool:
        """An ICMP error: the packet inside, then the outside (``nf_nat_icmp_reply_translation``)."""
        if packet.bad_checksum and (packet.verified is None or hook in ("PREROUTING", "INPUT")):
            # What came in with the right checksum is not summed up again on the way out (nf_ip6_checksum).
            return False
        if packet.family == 6 and packet.verified is None:
            packet.verified = (packet.tos, packet.ttl)
        redirect = packet.icmp_type == (5 if packet.family == 4 else 137)
        if redirect and (ct.status & (SRC_NAT_DONE | DST_NAT_DONE) != SRC_NAT_DONE | DST_NAT_DONE or ct.status & _BOTH):
            return False
        which = TRANSLATES[hook]
        if not self._changes(ct, which, packet.ctdir):
            return True
        other = ct.tuple(1 - packet.ctdir)
        if packet.inner is not None:
            packet.inner = packet.inner.copy()
            inside = "src" if which == "dst" else "dst"
            if not _can_be_rewritten(packet.inner, inside):
                return False
            _rewrite(packet.inner, other, inside)
        target = inverted(other, ct.family)
        if target is not None:
            if which == "src":
                packet.src = target[0]
            else:
                packet.dst = target[2]
        return True


def _source(flow: FlowTuple, ct: Connection) -> _Source:
    """What two connections of one source have in common (``same_src``), in the zone of their first direction."""
    return flow[0], flow[1], flow[4], 0 if ct.zone_dir == "reply" else ct.zone


def _in_range(flow: FlowTuple, wanted: NatRange) -> bool:
    if wanted.addresses is not None and not wanted.addresses[0] <= flow[0] <= wanted.addresses[1]:
        return False
    return wanted.ports is None or _port_fits(flow, wanted, "src")


def _port_fits(flow: FlowTuple, wanted: NatRange, which: str) -> bool:
    """``l4proto_in_range``; protocols without ports always fit."""
    assert wanted.ports is not None
    proto = flow[4]
    if proto in _ICMP:
        port = flow[1]
    elif proto in _PORTS:
        port = flow[1] if which == "src" else flow[3]
    else:
        return True
    return wanted.ports[0] <= port <= wanted.ports[1]


def _with_address(flow: FlowTuple, wanted: NatRange, which: str, ct: Connection) -> FlowTuple:
    """The address of the range for this flow; a choice among several depends on the flow's addresses only."""
    if wanted.addresses is None:
        return flow
    low, high = wanted.addresses
    src, sport, dst, dport, proto = flow
    if wanted.netmap:
        hosts = low ^ high
        chosen = ((src if which == "src" else dst) & hosts) | (low & ~hosts)
    elif low == high:
        chosen = low
    else:
        chosen = _among(flow, wanted, which, ct)
    return (chosen, sport, dst, dport, proto) if which == "src" else (src, sport, chosen, dport, proto)


def _among(flow: FlowTuple, wanted: NatRange, which: str, ct: Connection) -> int:
    """One address of several by a hash of source and destination, without a secret (``find_best_ips_proto``)."""
    from pyiptables.xtables.jenkins import jhash_words, reciprocal_scale

    assert wanted.addresses is not None
    size = 1 if ct.family == 4 else 4
    source, destination = _stored(flow[0], size), _stored(flow[2], size)
    low, high = (_words(address, size) for address in wanted.addresses)
    value = jhash_words(source + [0] * (4 - size), 0 if wanted.persistent else destination[-1] ^ ct.zone)
    chosen: list[int] = []
    below = False  # the highest address of the range: what follows is free
    for at in range(size):
        least, count = (0, _M32) if below else (low[at], high[at] - low[at] + 1 & _M32)
        chosen.append(least + reciprocal_scale(value, count) & _M32)
        below = below or chosen[-1] != high[at]
        if not wanted.persistent:
            value ^= destination[at] if which == "src" else _stored(chosen[-1], 1)[0]
    return int.from_bytes(b"".join([word.to_bytes(4, "big") for word in chosen]), "big")


def _words(address: int, size: int) -> list[int]:
    """An address as 32-bit words."""
    return [address >> 32 * at & _M32 for at in reversed(range(size))]


def _stored(address: int, size: int) -> list[int]:
    """The same as a little-endian machine reads them from a header."""
    return [int.from_bytes(word.to_bytes(4, "big"), "little") for word in _words(address, size)]


def _can_be_rewritten(packet: Packet, which: str) -> bool:
    """Is there as much of a header as ``l4proto_manip_pkt`` wants (of GRE that of PPTP, and a version that it knows)?"""
    if packet.proto in _PORTS:
        return not packet.lacks(8)
    return packet.proto != _GRE or not (packet.lacks(8) or (which == "dst" and packet.l4 is not None and packet.l4[1] & 7 > 1))


def _rewrite(packet: Packet, target: FlowTuple, which: str) -> None:
    """Write one half of a tuple into a packet (``nf_nat_manip_pkt``)."""
    proto = packet.proto
    if which == "src":
        packet.src = target[0]
        if proto in _PORTS:
            packet.sport = target[1]
    else:
        packet.dst = target[2]
        if proto in _PORTS:
            packet.dport = target[3]
    if proto in _ICMP and not is_icmp_error(packet):
        packet.icmp_id = target[1]
