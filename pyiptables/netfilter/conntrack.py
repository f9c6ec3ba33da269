"""Connection tracking: which connection a packet belongs to, and how (``nf_conntrack_core.c``).

The engine holds the confirmed connections by both their tuples. A packet that starts one carries it unconfirmed until
the last callback of POSTROUTING or INPUT; if it is dropped before, nothing is left behind. Protocol rules: TCP in
``tcp_states``, the rest here (``nf_conntrack_proto_{icmp,icmpv6,udp,generic}.c``). Expectations are declared, not
read out of payloads.
"""

from __future__ import annotations

from types import MappingProxyType

from pyiptables.netfilter import sctp_states, tcp_states
from pyiptables.netfilter.connection import (
    ASSURED,
    CONFIRMED,
    DST_NAT_DONE,
    EXPECTED,
    HELPER,
    SEEN_REPLY,
    SRC_NAT_DONE,
    TEMPLATE,
    Connection,
    FlowTuple,
)  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pyiptables.netfilter.packet import Packet

    #: a flow, and its zone where that is not 0
    Key = tuple[int, ...]

__all__ = ["Conntrack", "Expectation", "flow_of", "inverted", "is_icmp_error"]

_SECOND = 1_000_000_000
_MANY = 4096
#: Answer of each request (``nf_conntrack_proto_icmp.c`` invmap), both ways.
_PAIRS4 = {8: 0, 0: 8, 13: 14, 14: 13, 15: 16, 16: 15, 17: 18, 18: 17}
_PAIRS6 = {128: 129, 129: 128, 139: 140, 140: 139}
_REQUESTS4 = frozenset((8, 13, 15, 17))
_REQUESTS6 = frozenset((128, 139))
_ERRORS4 = frozenset((3, 4, 5, 11, 12))
#: Protocols whose checksum is verified on arrival.
_VERIFIED6 = frozenset((6, 17, 58))
#: ICMPv6 types that are never tracked: MLD, neighbour discovery, multicast router advertisement and solicitation.
_UNTRACKED6 = frozenset((130, 131, 132, 133, 134, 135, 136, 143, 151, 152))
#: DCCP is not followed any more (Linux 6.18): a connection of addresses only.
_PORTS = frozenset((6, 17, 132, 136))
_GRE = 47
#: IPv6 extension headers, of which none can be the transport protocol.
_EXTENSIONS = frozenset((0, 43, 44, 51, 59, 60))
_PPP = b"\x88\x0b"
#: Names of sysctls, and the seconds they are if nobody says otherwise.
_GENERIC = ("generic_timeout", 600)
_UDP, _UDP_STREAM = ("udp_timeout", 30), ("udp_timeout_stream", 120)
_GRE_STREAM = ("gre_timeout_stream", 180)
_TIMEOUTS = {1: ("icmp_timeout", 30), 58: ("icmpv6_timeout", 30), 17: _UDP, 136: _UDP, 47: ("gre_timeout", 30)}
#: Where the sysctl of a TCP timeout is called otherwise than the state.
_TCP_NAMES = {"RETRANS": "max_retrans", "UNACK": "unacknowledged", "SYN_SENT2": "syn_sent"}


class Expectation:
    """A connection that a helper waits for: any field None is a wildcard (``struct nf_conntrack_expect``)."""

    __slots__ = ("dport", "dst", "helper", "master", "once", "proto", "src")

    def __init__(
        self,
        proto: int,
        src: int | None,
        dst: int | None,
        dport: int | None,
        master: Connection | None = None,
        helper: str = "",
        once: bool = True,
    ) -> None:
        self.proto = proto
        self.src = src
        self.dst = dst
        self.dport = dport
        self.master = master
        self.helper = helper
        self.once = once

    def covers(self, flow: FlowTuple) -> bool:
        """Does a new connection's tuple fit?"""
        return flow[4] == self.proto and self.src in (None, flow[0]) and self.dst in (None, flow[2]) and self.dport in (None, flow[3])


def is_icmp_error(packet: Packet) -> bool:
    """ICMP or ICMPv6 that reports about another packet (connection tracking's view: redirects count)."""
    if packet.frag_offset:
        return False
    if packet.proto == 1 and packet.family == 4:
        return packet.icmp_type in _ERRORS4
    return packet.proto == 58 and packet.family == 6 and packet.icmp_type < 128


def flow_of(packet: Packet) -> FlowTuple | None:
    """The packet's tuple (``nf_ct_get_tuple``); None where its header has none."""
    proto = packet.proto
    if packet.family == 6 and proto in _EXTENSIONS:
        # Nothing follows, or a header that ends too early: no protocol (ipv6_skip_exthdr()).
        return None
    if proto == (58 if packet.family == 4 else 1):
        # The other family's ICMP is no connection.
        return None
    if proto in _PORTS:
        if packet.lacks(4):
            return None
        return (packet.src, packet.sport, packet.dst, packet.dport, proto)
    if proto == (1 if packet.family == 4 else 58):
        return (packet.src, packet.icmp_id, packet.dst, packet.icmp_type << 8 | packet.icmp_code, proto)
    if proto == _GRE and packet.l4 is not None and len(packet.l4) >= 8 and packet.l4[1] & 7 == 1:
        # gre_pkt_to_tuple(): version 1 is PPTP's, with a call id; what carries anything but PPP is no connection.
        if packet.l4[2:4] != _PPP:
            return None
        return (packet.src, 0, packet.dst, int.from_bytes(packet.l4[6:8], "big"), proto)
    return (packet.src, 0, packet.dst, 0, proto)


def inverted(flow: FlowTuple, family: int) -> FlowTuple | None:
    """The tuple of the answer; None for ICMP types that have none (``nf_ct_invert_tuple``)."""
    src, sport, dst, dport, proto = flow
    if proto == (1 if family == 4 else 58):
        answer = (_PAIRS4 if family == 4 else _PAIRS6).get(dport >> 8)
        if answer is None:
            return None
        return (dst, sport, src, answer << 8 | dport & 255, proto)
    return (dst, dport, src, sport, proto)


class Conntrack:
    """The table of connections of one family, and the sysctls (``net.netfilter.nf_conntrack_*``) that it heeds."""

    def __init__(self, family: int, settings: Mapping[str, int] = MappingProxyType({})) -> None:
        self.family = family
        self._settings = settings
        self.loose = bool(self._setting("tcp_loose", 1))
        self.liberal = bool(self._setting("tcp_be_liberal", 0))
        self.forgiving = bool(self._setting("tcp_ignore_invalid_rst", 0))
        self.checksum = bool(self._setting("checksum", 1))
        self.tcp_limits = tcp_states.Limits(
            {
                state: self._setting(f"tcp_timeout_{_TCP_NAMES.get(state, state.lower())}", seconds)
                for state, seconds in tcp_states.TIMEOUTS.items()
            },
            self._setting("tcp_max_retrans", tcp_states.MAX_RETRANS),
        )
        #: Connections by their original tuples, and by their reply tuples.
        self._held: tuple[dict[Key, Connection], dict[Key, Connection]] = {}, {}
        #: With so many connections, those that have ended go.
        self._many = _MANY
        self.expectations: list[Expectation] = []

    def _setting(self, name: str, default: int) -> int:
        return self._settings.get(f"net.netfilter.nf_conntrack_{name}", default)

    # -- the table ---------------------------------------------------------------------------------------
    def flush(self) -> None:
        """Forget every connection (``conntrack -F``)."""
        for held in self._held:
            held.clear()

    def connections(self, now: int) -> Iterable[Connection]:
        """All confirmed connections that have not ended."""
        return [ct for ct in self._held[0].values() if not _ended(ct, now)]

    def find(self, flow: FlowTuple, zone: int, zone_dir: str, now: int) -> tuple[Connection, int] | None:
        """The connection with this tuple, and the tuple's direction there, in which its zone must be the wanted one's.

        A tuple that answers itself is found as the answer, put into the table last, unless zones keep the two apart.
        """
        keys = (flow, flow) if not zone else (_key(flow, zone, zone_dir, 0), _key(flow, zone, zone_dir, 1))
        for way in (1, 0) if keys[0] == keys[1] else (0, 1):
            found = self._held[way].get(keys[way])
            if found is None:
                continue
            if not _ended(found, now):
                return found, way
            self.forget(found)
        return None

    def lookup(self, flow: FlowTuple, zone: int, zone_dir: str, now: int) -> Connection | None:
        """The connection that a tuple of either direction belongs to, in a zone of either direction or both."""
        found = self.find(flow, zone, zone_dir, now)
        return None if found is None else found[0]

    def taken(self, flow: FlowTuple, by: Connection, now: int, way: int = 1) -> Connection | None:
        """The connection other than this one that has a tuple in its zone (``nf_conntrack_tuple_taken``).

        It is sought where the zone of direction ``way`` puts the tuple, so tuples of the other direction only count in the
        same zone.
        """
        zone = by.zone
        wanted = _key(flow, zone, by.zone_dir, way) if zone else flow
        for other in (1, 0):
            found = self._held[other].get(wanted)
            if found is None or found is by or (zone and _key(flow, zone, by.zone_dir, other) != wanted):
                continue
            if not _ended(found, now):
                return found
            self.forget(found)
        return None

    def holds(self, ct: Connection) -> bool:
        """Is the connection in the table?"""
        return self._held[1].get(_key(ct.reply, ct.zone, ct.zone_dir, 1)) is ct

    def forget(self, ct: Connection) -> None:
        """Remove a connection (``nf_ct_kill``)."""
        for way, held in enumerate(self._held):
            key = _key(ct.tuple(way), ct.zone, ct.zone_dir, way)
            if held.get(key) is ct:
                del held[key]

    def close(self, ct: Connection, now: int) -> None:
        """The host itself reset a TCP connection (``nf_conntrack_tcp_set_closing``)."""
        if ct.status & CONFIRMED and ct.tcp is not None and ct.tcp.state != "CLOSE":
            ct.tcp.state = "CLOSE"
            self._refresh(ct, self.tcp_limits.seconds["CLOSE"], now)

    def insert(self, ct: Connection) -> None:
        """Put a connection into the table, confirmed."""
        ct.status |= CONFIRMED
        held, answered = self._held
        if ct.zone:
            held[_key(ct.original, ct.zone, ct.zone_dir, 0)] = answered[_key(ct.reply, ct.zone, ct.zone_dir, 1)] = ct
        else:
            held[ct.original] = answered[ct.reply] = ct

    # -- hooks -------------------------------------------------------------------------------------------
    def track(self, packet: Packet, hook: str, now: int) -> bool:
        """``nf_conntrack_in``: give the packet its connection and state. False: drop it."""
        if (packet.ct is not None and not packet.ct.status & TEMPLATE) or packet.ctstate == "UNTRACKED":
            return True
        template, packet.template = packet.template or {}, None
        packet.ct = None
        packet.ctstate = "INVALID"
        if "ctstate" in packet.attrs:
            self._declare(packet, packet.attrs["ctstate"], template, now)
            return True
        if packet.family == 6 and hook == "PREROUTING" and self.checksum and packet.proto in _VERIFIED6:
            packet.verified = None if packet.bad_checksum else (packet.tos, packet.ttl)
        icmp = packet.proto == (1 if packet.family == 4 else 58)
        if icmp:
            if self._bad(packet, hook):
                return True
            if packet.family == 6 and packet.icmp_type in _UNTRACKED6:
                packet.ctstate = "UNTRACKED"
                return True
            if is_icmp_error(packet):
                self._track_error(packet, template, now)
                return True
        for _ in range(3):
            ct = self._resolve(packet, template, now)
            if ct is None:
                return True
            verdict = self._follow(packet, ct, hook, now)
            if verdict == tcp_states.REPEAT:
                self.forget(ct)
                packet.ct = None
                continue
            if verdict == tcp_states.INVALID:
                packet.ct = None
                packet.ctstate = "INVALID"
                packet.ctdir = 0
                return True
            if verdict == tcp_states.ACCEPT:
                ct.packets[packet.ctdir] += 1
                ct.bytes[packet.ctdir] += packet.length
            if packet.ctdir == 1 and packet.ctstate == "ESTABLISHED":
                ct.status |= SEEN_REPLY
            return True
        return False

    def confirm(self, packet: Packet, now: int) -> bool:
        """``__nf_conntrack_confirm``: keep a new connection. False: its tuples were taken meanwhile, drop."""
        ct = packet.ct
        if ct is None or ct.status & CONFIRMED or packet.ctdir == 1:
            return True
        if self.taken(ct.original, ct, now, 0) is not None or self.taken(ct.reply, ct, now, 1) is not None:
            return False
        ct.expires = now + ct.extra.pop("lasts", _GENERIC[1] * _SECOND)
        ct.started = now
        self.insert(ct)
        if len(self._held[0]) > self._many:
            for ended in [held for held in self._held[0].values() if _ended(held, now)]:
                self.forget(ended)
            self._many = max(_MANY, 2 * len(self._held[0]))
        return True

    def _declare(self, packet: Packet, state: str, template: dict[str, object], now: int) -> None:
        """The state that a description gives, instead of what tracking would find; no state machine is asked."""
        ct = None if state in ("INVALID", "UNTRACKED") else self._resolve(packet, template, now)
        packet.ctstate = state
        if ct is None:
            return
        if state == "ESTABLISHED":
            ct.status |= SEEN_REPLY | CONFIRMED | SRC_NAT_DONE | DST_NAT_DONE
        elif state == "RELATED":
            ct.status |= EXPECTED

    # -- finding -----------------------------------------------------------------------------------------
    def _bad(self, packet: Packet, hook: str) -> bool:
        return self.checksum and packet.bad_checksum and hook == "PREROUTING"

    def _resolve(self, packet: Packet, template: dict[str, object], now: int) -> Connection | None:
        flow = flow_of(packet)
        if flow is None:
            return None
        zone, zone_dir = _wanted_zone(packet, template)
        found = self.find(flow, zone, zone_dir, now)
        if found is None:
            ct = self._create(flow, zone, zone_dir, template, now)
            if ct is None:
                return None
            packet.ct = ct
            packet.ctdir = 0
            packet.ctstate = "RELATED" if ct.status & EXPECTED else "NEW"
            return ct
        ct, way = found
        packet.ct = ct
        packet.ctdir = way
        if way == 1 or ct.status & SEEN_REPLY:
            packet.ctstate = "ESTABLISHED"
        else:
            packet.ctstate = "RELATED" if ct.status & EXPECTED else "NEW"
        return ct

    def _create(self, flow: FlowTuple, zone: int, zone_dir: str, template: dict[str, object], now: int) -> Connection | None:
        reply = inverted(flow, self.family)
        if reply is None:
            return None
        ct = Connection(self.family, flow, reply)
        ct.zone = zone
        ct.zone_dir = zone_dir
        ct.started = now
        if template.get("helper"):
            ct.helper = str(template["helper"])
            ct.status |= HELPER
        if template.get("timeout"):
            ct.timeout = str(template["timeout"])
        for expected in self.expectations:
            if expected.covers(flow):
                if expected.once:
                    self.expectations.remove(expected)
                ct.status |= EXPECTED
                ct.master = expected.master
                if expected.helper:
                    ct.helper = expected.helper
                if ct.master is not None:
                    ct.mark = ct.master.mark
                    ct.secmark = ct.master.secmark
                break
        return ct

    def _track_error(self, packet: Packet, template: dict[str, object], now: int) -> None:
        """An ICMP error belongs to the connection of the packet inside (``nf_conntrack_inet_error``)."""
        inner = packet.inner
        if inner is None or inner.frag_offset:
            return
        flow = flow_of(inner)
        back = None if flow is None else inverted(flow, self.family)
        if back is None:
            return
        found = self.find(back, *_wanted_zone(packet, template), now)
        if found is None:
            return
        ct, way = found
        if packet.dst != ct.tuple(way)[2]:
            return
        packet.ct = ct
        packet.ctdir = way
        packet.ctstate = "RELATED"

    # -- protocols ---------------------------------------------------------------------------------------
    def _follow(self, packet: Packet, ct: Connection, hook: str, now: int) -> str:
        proto = packet.proto
        if proto in (6, 17) and self._bad(packet, hook):
            return tcp_states.INVALID
        if proto == 136 and self.checksum and hook == "PREROUTING":
            # udplite_error() verifies the checksum with the protocol number of UDP: never right on arrival.
            return tcp_states.INVALID
        if proto == 6:
            return self._follow_tcp(packet, ct, now)
        if proto == 132 and packet.l4 is not None:
            return self._follow_sctp(packet, ct, hook, now)
        fresh = not ct.status & CONFIRMED
        name, seconds = _TIMEOUTS.get(proto, _GENERIC)
        if proto == 1 and self.family == 4:
            if fresh and ct.original[3] >> 8 not in _REQUESTS4:
                return tcp_states.INVALID
        elif proto == 58 and self.family == 6:
            if fresh and ct.original[3] >> 8 not in _REQUESTS6:
                return tcp_states.INVALID
        elif proto in (17, 136):
            if fresh:
                ct.extra["stream"] = now + 2 * _SECOND
            if ct.status & SEEN_REPLY and now > ct.extra.get("stream", 0):
                name, seconds = _UDP_STREAM
                ct.status |= ASSURED
        elif proto == _GRE and ct.status & SEEN_REPLY:
            name, seconds = _GRE_STREAM
            ct.status |= ASSURED
        self._refresh(ct, self._setting(name, seconds), now)
        return tcp_states.ACCEPT

    def _follow_tcp(self, packet: Packet, ct: Connection, now: int) -> str:
        if not tcp_states.valid_flags(packet.tcp_flags):
            return tcp_states.INVALID
        tracker = ct.tcp
        if tracker is None:
            tracker = ct.tcp = tcp_states.Tracker()
        if not ct.status & CONFIRMED and not tracker.begin(packet, self.loose):
            return tcp_states.INVALID
        seen_reply = bool(ct.status & SEEN_REPLY)
        kind = tcp_states.segment_kind(packet.tcp_flags)
        verdict, old = tracker.follow(packet, packet.ctdir, seen_reply, bool(ct.status & ASSURED), self.liberal, self.forgiving)
        if verdict != tcp_states.ACCEPT:
            return str(verdict)
        seconds: int = tracker.timeout(kind, self.tcp_limits)
        if not seen_reply:
            if kind == "RST" and ct.status & CONFIRMED:
                self.forget(ct)
                return str(verdict)
            if kind == "SYN" and old == "SYN_SENT":
                # A repeated SYN neither counts nor prolongs.
                return tcp_states.IGNORED
            if tracker.state == "ESTABLISHED":
                seconds = min(seconds, self.tcp_limits.seconds["UNACK"])
        elif not ct.status & ASSURED and old in ("SYN_RECV", "ESTABLISHED") and tracker.state == "ESTABLISHED":
            ct.status |= ASSURED
        self._refresh(ct, seconds, now)
        return str(verdict)

    def _follow_sctp(self, packet: Packet, ct: Connection, hook: str, now: int) -> str:
        segment = (packet.l4 or b"") + (packet.payload or b"")
        if len(segment) < 12 or (self.checksum and hook == "PREROUTING" and not sctp_states.checksum(segment)):
            return tcp_states.INVALID
        tracker = ct.extra.setdefault("sctp", sctp_states.Tracker())
        old = tracker.state
        if not tracker.follow(segment, packet.ctdir, not ct.status & CONFIRMED):
            return tcp_states.INVALID
        if old == "COOKIE_ECHOED" and packet.ctdir == 1 and tracker.state == "ESTABLISHED":
            ct.status |= ASSURED
        state = tracker.state
        self._refresh(ct, self._setting(f"sctp_timeout_{state.lower()}", sctp_states.TIMEOUTS.get(state, 10)), now)
        return tcp_states.ACCEPT

    def _refresh(self, ct: Connection, seconds: int, now: int) -> None:
        if ct.status & CONFIRMED:
            ct.expires = now + seconds * _SECOND
        else:
            ct.extra["lasts"] = seconds * _SECOND


def _ended(ct: Connection, now: int) -> bool:
    return ct.expires is not None and ct.expires <= now


def _key(flow: FlowTuple, zone: int, zone_dir: str, way: int) -> Key:
    """The zone counts only in the directions it was given for (``nf_ct_zone_id``)."""
    return (*flow, zone) if zone and (zone_dir == "both" or (zone_dir == "orig") == (way == 0)) else flow


def _wanted_zone(packet: Packet, template: dict[str, object]) -> tuple[int, str]:
    if not template:
        return 0, "both"
    if template.get("zone_mark"):
        zone = packet.mark & 0xFFFF
    else:
        zone = int(str(template.get("zone", 0)))
    return zone, str(template.get("zone_dir", "both"))
