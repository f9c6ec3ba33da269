"""Routing decisions: where a packet that arrives or is made here goes, or why it goes nowhere.

``ip_route_input_slow``, ``ip_route_output_key_hash`` (``net/ipv4/route.c``), ``fib_validate_source``
(``net/ipv4/fib_frontend.c``), ``ip6_route_input`` (``net/ipv6/route.c``), ``ip6_rcv_core`` (``net/ipv6/ip6_input.c``).
:class:`Routing` decides by a described host, :class:`GivenPath` by the interfaces a packet's description names.
"""

from __future__ import annotations

from pyiptables.netfilter.answers import bad_option
from pyiptables.netfilter.host import LOCAL
from pyiptables.xtables.addresses import ALL_ONES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.host import Host
    from pyiptables.netfilter.packet import Packet
    from pyiptables.netfilter.routes import Route

__all__ = ["Decision", "GivenPath", "Routing", "is_loopback"]

#: What look-ups that end in such a route report (``fib_props``).
_ERRORS = {"blackhole": "EINVAL", "unreachable": "EHOSTUNREACH", "prohibit": "EACCES"}
#: ICMP code of the error that the host sends (``ip_error``); none for a blackhole.
_CODES4 = {"ENETUNREACH": 0, "EHOSTUNREACH": 1, "EACCES": 13}
_CODES6 = {"ENETUNREACH": 0, "EHOSTUNREACH": 0, "EACCES": 1}
_MEMBER4 = 0xE0000001
_MEMBERS6 = frozenset(((0xFF01 << 112) | 1, (0xFF02 << 112) | 1))
_ROUTERS6 = frozenset(((0xFF01 << 112) | 2, (0xFF02 << 112) | 2, (0xFF05 << 112) | 2))
_SOLICITED = (0xFF02 << 112) | 0x1FF000000


_NO_FLOW = (0, 0, 0)
_LOOPBACK4 = 0x7F000001


class Decision:
    """``kind`` local, forward, out or drop; ``iface`` the way out; ``src`` the source it suggests.

    For drop: ``reason`` in a few words, ``error`` the errno's name, ``code`` the ICMP code of the error to send or None.
    ``cast`` is unicast, broadcast, multicast or anycast.
    """

    __slots__ = ("cast", "code", "error", "gateway", "iface", "kind", "locked", "mtu", "reason", "src")

    def __init__(self, kind: str, iface: str = "", *, cast: str = "unicast", reason: str = "") -> None:
        self.kind = kind
        self.iface = iface
        self.cast = cast
        self.reason = reason
        self.error = ""
        self.code: int | None = None
        self.gateway: int | None = None
        self.src: int | None = None
        self.mtu = 0
        self.locked = False


def _refused(reason: str, error: str = "EINVAL", code: int | None = None) -> Decision:
    decision = Decision("drop", reason=reason)
    decision.error = error
    decision.code = code
    return decision


class Routing:
    """Decisions by a :class:`~pyiptables.netfilter.host.Host`."""

    given = False

    def __init__(self, host: Host) -> None:
        self.host = host

    # -- the tables --------------------------------------------------------------------------------------
    def lookup(
        self,
        family: int,
        dst: int,
        *,
        src: int = 0,
        mark: int = 0,
        iif: str = "",
        oif: str = "",
        tos: int = 0,
        flow: tuple[int, int, int] = _NO_FLOW,
        uid: int = 0,
    ) -> Route | str:
        """The route to ``dst``, or the name of the error (``fib_lookup``). ``flow`` is what rules on protocol and ports see."""
        routes = self.host.routes[family]
        rules = self.host.rules[family]
        skipped = 0
        tos &= 0x1C if family == 4 else 0xFC  # INET_DSCP_LEGACY_TOS_MASK
        for rule in rules:
            if rule.priority < skipped or not rule.holds(src, dst, mark, iif, oif, tos, flow, uid) or rule.action == "nop":
                continue
            if rule.action == "goto":
                if any(other.priority == rule.target for other in rules):
                    skipped = rule.target
                continue
            if rule.action in _ERRORS:
                return "ENETUNREACH" if rule.action == "unreachable" else _ERRORS[rule.action]
            for route in routes:
                if (
                    route.table == rule.table
                    and dst & route.mask == route.prefix
                    and (not oif or route.iface == oif)
                    and (not route.tos or route.tos == tos)
                    and (route.sources is None or src & route.sources[1] == route.sources[0])
                ):
                    if route.type == "throw":
                        break
                    error = _ERRORS.get(route.type)
                    if error is None and (route.length <= rule.shortest or self._in_group(route.iface, rule.group)):
                        break
                    return error or route
        return "ENETUNREACH"

    def _in_group(self, iface: str, group: int) -> bool:
        interface = self.host.interfaces.get(iface)
        return interface is not None and interface.group == group

    # -- arriving ----------------------------------------------------------------------------------------
    def refused_frame(self, packet: Packet) -> str | None:
        """Why a frame does not even reach PREROUTING, None when it does."""
        if packet.pkttype == "otherhost":
            return "the frame is for another machine's MAC address"
        if packet.family == 6 and (packet.proto == 0 or (packet.ext_headers and packet.ext_headers[0][0] == 0)):
            if packet.proto == 0 or bad_option(packet.ext_headers[0][1]):
                return "hop-by-hop options that cannot be read"
        if packet.family == 6 and packet.src >> 120 == 0xFF:
            return "the source is a multicast address"
        if packet.family == 6 and packet.iniface != "lo":
            if packet.src == 1 or packet.dst == 1:
                return "::1 does not come from outside"
            if packet.dst >> 120 == 0xFF and packet.dst >> 112 & 15 <= (packet.pkttype != "loopback"):
                return "a multicast scope that does not leave a host"
        return None

    def arrive(self, packet: Packet) -> Decision:
        """After PREROUTING."""
        if packet.iniface == "lo":
            return Decision("local", cast="unicast")
        return self.arrive_anew(packet)

    def arrive_anew(self, packet: Packet) -> Decision:
        """After PREROUTING, of a packet on lo that was sent elsewhere there; others keep the way they came (``nf_nat_ipv4_in``)."""
        return self._arrive4(packet) if packet.family == 4 else self._arrive6(packet)

    def _arrive4(self, packet: Packet) -> Decision:
        host = self.host
        src, dst, iface = packet.src, packet.dst, packet.iniface
        if dst >> 28 == 14:
            return self._multicast4(packet)
        if src >> 28 == 14 or src == ALL_ONES[4]:
            return _refused("martian source: multicast or broadcast")
        if dst == ALL_ONES[4] or (src == 0 and dst == 0):
            return self._broadcast4(packet)
        if src == 0:
            return _refused("martian source: 0.0.0.0")
        if dst == 0:
            return _refused("martian destination: 0.0.0.0")
        if not host.setting(4, iface, "route_localnet"):
            if dst >> 24 == 127:
                return _refused("martian destination: 127.0.0.0/8 from outside")
            if src >> 24 == 127:
                return _refused("martian source: 127.0.0.0/8 from outside")
        route = self.lookup(4, dst, src=src, mark=packet.mark, iif=iface, tos=packet.tos, flow=_flow(packet))
        if isinstance(route, str):
            if not host.forwards(4, iface):
                return _refused("no route, and the host does not forward", route)
            return _refused(_no_route(route), route, _CODES4.get(route))
        if route.type == "broadcast":
            return self._broadcast4(packet)
        if route.type == "local":
            return self._martian_source(packet, "lo") or Decision("local", route.iface)
        if not host.forwards(4, iface):
            return _refused("the host does not forward (ip_forward is 0)", "EHOSTUNREACH")
        if route.type != "unicast":
            return _refused(f"martian destination: {route.type}")
        return self._martian_source(packet, route.iface) or _way("forward", route, packet.dst)

    def _broadcast4(self, packet: Packet) -> Decision:
        if packet.src:
            refused = self._martian_source(packet, "lo")
            if refused is not None:
                return refused
        return Decision("local", cast="broadcast")

    def arrive_again(self, packet: Packet) -> Decision | None:
        """What was sent by lo is for the host, unless it is for a group that nobody here has joined (``__mkroute_output``)."""
        return _no_member() if packet.family == 4 and packet.dst >> 28 == 14 and packet.dst != _MEMBER4 else None

    def _multicast4(self, packet: Packet) -> Decision:
        if packet.dst != _MEMBER4:
            return _no_member()
        if packet.src >> 28 == 14 or packet.src == ALL_ONES[4] or packet.src >> 24 == 127:
            return _refused("martian source")
        if packet.src == 0:
            return Decision("local", cast="multicast")
        return self._martian_source(packet, "lo") or Decision("local", cast="multicast")

    def _martian_source(self, packet: Packet, oif: str) -> Decision | None:
        """``fib_validate_source``: None when the source is believable."""
        host = self.host
        iface = packet.iniface
        mode = host.setting(4, iface, "rp_filter")
        accept_local = bool(host.setting(4, iface, "accept_local"))
        custom = host.custom_local_routes or len(host.rules[4]) > 3
        if not mode and not custom:
            if not accept_local and self._own_address(packet.src):
                return _refused("martian source: an address of this host")
            return None
        mark = packet.mark if host.setting(4, iface, "src_valid_mark") else 0
        tos = packet.tos
        proto, sport, dport = _flow(packet)
        route = self.lookup(4, packet.src, src=packet.dst, mark=mark, iif=oif, tos=tos, flow=(proto, dport, sport))
        unbelievable = _refused("rp_filter: the way back is another", "EXDEV")
        if isinstance(route, str):
            return unbelievable if mode else None
        if route.type != "unicast" and not (route.type == "local" and accept_local):
            return _refused(f"martian source: a {route.type} address")
        if route.iface == iface:
            return None
        interface = host.interfaces.get(iface)
        if interface is None or not any(address.family == 4 for address in interface.addresses):
            return unbelievable if mode else None
        if mode == 1:
            return unbelievable
        return None

    def _own_address(self, address: int) -> bool:
        return any(own.family == 4 and own.value == address for interface in self.host.interfaces.values() for own in interface.addresses)

    def _arrive6(self, packet: Packet) -> Decision:
        dst = packet.dst
        if dst >> 120 == 0xFF:
            if self._member6(dst, packet.iniface):
                return Decision("local", cast="multicast")
            return _no_member()
        strict = packet.iniface if _link_bound(dst) else ""
        route = self.lookup(6, dst, src=packet.src, mark=packet.mark, iif=packet.iniface, oif=strict, tos=packet.tos, flow=_flow(packet))
        if isinstance(route, str):
            # ip6_pkt_discard answers whether or not the host forwards.
            return _refused(_no_route(route), route, _CODES6.get(route))
        if route.type in ("local", "anycast"):
            return Decision("local", route.iface, cast="anycast" if route.type == "anycast" else "unicast")
        if not self.host.forwards(6, packet.iniface):
            return _refused("the host does not forward (forwarding is 0)", "EHOSTUNREACH")
        return _way("forward", route, dst)

    def _member6(self, group: int, iface: str) -> bool:
        if group in _MEMBERS6 or (group in _ROUTERS6 and self.host.forwarding[6]):
            return True
        if group & ~0xFFFFFF != _SOLICITED:
            return False
        interface = self.host.interfaces.get(iface)
        if interface is None or not interface.arp:
            return False
        own = [a.value for a in interface.addresses if a.family == 6]
        own += [r.prefix for r in self.host.routes[6] if r.type == "anycast" and r.iface == iface]
        return any(value & 0xFFFFFF == group & 0xFFFFFF for value in own)

    # -- leaving -----------------------------------------------------------------------------------------
    def leave(
        self,
        packet: Packet,
        *,
        src: int = 0,
        mark: int = 0,
        tos: int = 0,
        oif: str = "",
        flow: tuple[int, int, int] | None = None,
        uid: int = 0,
    ) -> Decision:
        """The way out of a packet made here; ``src`` to ``uid`` are what the look-up is told."""
        family, dst = packet.family, packet.dst
        if family == 4 and dst == 0:
            decision = Decision("out", "lo")
            decision.src = _LOOPBACK4
            return decision
        if family == 6 and dst == 0 and packet.attrs.get("raw_socket"):
            return Decision("out", "lo")
        if family == 4 and src and not oif and (dst >> 28 == 14 or dst == ALL_ONES[4]):
            # To many hosts a packet leaves by the device that has its source address.
            oif = self._device_of(src)
            if not oif:
                return _refused("no device has the source address")
            return Decision("out", oif, cast="multicast" if dst >> 28 == 14 else "broadcast")
        flow = _flow(packet) if flow is None else flow
        route = self.lookup(family, dst, src=src, mark=mark, iif="lo", oif=oif, tos=tos, flow=flow, uid=uid)
        if isinstance(route, str):
            if family == 4 and oif:
                # "Apparently, routing tables are wrong": what is to leave by a device is on its link.
                return Decision("out", oif)
            return _refused(_no_route(route), route)
        if route.type in ("local", "anycast"):
            if family == 6 and route.type == "anycast":
                decision = Decision("out", "lo", cast="anycast")
                decision.src = self.host.select_source("lo", dst, 6)
                return decision
            decision = Decision("out", "lo")
            decision.src = dst if route.src is None else route.src
            return decision
        way = _way("out", route, dst)
        if family == 4 and src >> 24 == 127 and not self.host.setting(4, way.iface, "route_localnet"):
            return _refused("127.0.0.0/8 does not leave the host")
        if family == 4 and (dst == ALL_ONES[4] or route.type == "broadcast"):
            way.cast = "broadcast"
        elif (family == 4 and dst >> 28 == 14) or (family == 6 and dst >> 120 == 0xFF):
            way.cast = "multicast"
        elif family == 6 and route.length < 127 and route.via is None and route.prefix == dst:
            way.cast = "anycast"  # of the routers on that link (ipv6_anycast_destination)
        if way.src is None:
            way.src = self.host.select_source(way.iface, dst if route.via is None else route.via, family)
            if family == 6:
                way.src = self.host.select_source(way.iface, dst, 6)
        return way

    def _device_of(self, address: int) -> str:
        """``__ip_dev_find``."""
        for interface in self.host.interfaces.values():
            if any(own.family == 4 and own.value == address for own in interface.addresses):
                return interface.name
        local = [route for route in self.host.routes[4] if route.table == LOCAL and route.type == "local"]
        found = next((route for route in local if route.covers(address)), None)
        return "" if found is None else found.iface

    def is_source(self, address: int) -> bool:
        """May an answer of the stack come from this IPv4 address? Not if only a rule's table calls it local."""
        return bool(self._device_of(address))

    def answer_device(self, packet: Packet, answer: Packet) -> str:
        """The device that the stack's answer to a delivered packet is bound to, '' when to none.

        IPv6 answers to addresses that mean something else on every link must leave by the link the packet belongs to,
        which for TCP to the host's own addresses is the interface that has them (``rt6_need_strict``, ``ip6_rcv_core``).
        """
        if packet.family == 4 or not (_link_bound(packet.src) or answer.src == 0):
            return ""
        if packet.iniface != "lo" or (packet.proto != 6 and (packet.src == 1 or (answer.src and packet.src >> 118 != 0x3FA))):
            return packet.iniface
        route = self.lookup(6, packet.dst, src=packet.src, iif="lo")
        return "" if isinstance(route, str) else route.iface

    def comes_back(self, packet: Packet, way: Decision) -> bool:
        """Is the host among those that a packet of its own is for, sent by a device (``ip_mc_output``, ``ip6_finish_output2``)?"""
        if way.iface == "lo" or way.cast == "unicast":
            return False
        if packet.family == 6:
            return self._member6(packet.dst, way.iface)
        return way.cast == "broadcast" or packet.dst == _MEMBER4

    def reroute(self, packet: Packet, device: str) -> Decision:
        """``ip_route_me_harder``: after a target in OUTPUT changed what routes depend on; ``device`` was the way out before."""
        src = packet.src
        bound = packet.family == 6 and (packet.dst >> 118 == 0x3FA or packet.dst >> 120 == 0xFF)
        if packet.family == 4 and self.host.address_type(src, family=4) not in ("LOCAL", "UNICAST"):
            src = 0
        flow = self.flow_again(packet)
        uid = packet.attrs.get("uid") or 0 if packet.family == 6 else 0
        return self.leave(packet, src=src, mark=packet.mark, tos=packet.tos, oif=device if bound else "", flow=flow, uid=uid)

    def flow_again(self, packet: Packet) -> tuple[int, int, int]:
        """What rules see of a packet that is routed as it is: it is only looked into when rules want that, and others than
        those for what is made here (``fib_rule_requires_fldissect``)."""
        wanted = any(rule.iif != "lo" and (rule.proto or rule.sport or rule.dport) for rule in self.host.rules[packet.family])
        return _flow(packet) if wanted else _NO_FLOW


def _flow(packet: Packet) -> tuple[int, int, int]:
    """What routing rules see of the transport header; the type and code of ICMP stand where ports would."""
    if packet.proto == (1 if packet.family == 4 else 58):
        return packet.proto, 0, packet.icmp_type << 8 | packet.icmp_code
    return packet.proto, packet.sport, packet.dport


def is_loopback(address: int, family: int) -> bool:
    return address >> 24 == 127 if family == 4 else address == 1


def _link_bound(address: int) -> bool:
    """An IPv6 address that means something else on every link (``rt6_need_strict``)."""
    return address == 1 or address >> 118 == 0x3FA or address >> 120 == 0xFF


class GivenPath:
    """Decisions without a host: in and out are as the description says, whatever the addresses become."""

    given = True
    host = None

    def __init__(self, iniface: str, outiface: str) -> None:
        self.iniface = iniface
        self.outiface = outiface

    def refused_frame(self, packet: Packet) -> str | None:
        return "the frame is for another machine's MAC address" if packet.pkttype == "otherhost" else None

    def arrive(self, packet: Packet) -> Decision:
        cast = "broadcast" if packet.pkttype == "broadcast" else "unicast"
        return Decision("forward", self.outiface) if self.outiface and packet.iniface != "lo" else Decision("local", cast=cast)

    def arrive_anew(self, packet: Packet) -> Decision:
        return self.arrive(packet)

    def arrive_again(self, packet: Packet) -> Decision | None:
        return None

    def leave(self, packet: Packet, **asked: object) -> Decision:
        return Decision("out", self.outiface or self.iniface)

    def is_source(self, address: int) -> bool:
        return True

    def answer_device(self, packet: Packet, answer: Packet) -> str:
        return ""

    def comes_back(self, packet: Packet, way: Decision) -> bool:
        return False

    def reroute(self, packet: Packet, device: str) -> Decision:
        return Decision("out", "lo") if is_loopback(packet.dst, packet.family) else self.leave(packet)

    def flow_again(self, packet: Packet) -> tuple[int, int, int]:
        return _NO_FLOW


def _no_member() -> Decision:
    return _refused("the host is no member of this multicast group")


def _way(kind: str, route: Route, dst: int) -> Decision:
    decision = Decision(kind, route.iface)
    decision.gateway = route.via
    decision.src = route.src
    decision.mtu, decision.locked = route.mtu, route.locked
    return decision


def _no_route(error: str) -> str:
    return {"ENETUNREACH": "no route to the destination", "EINVAL": "a blackhole route"}.get(
        error, "a prohibit route" if error == "EACCES" else "an unreachable route"
    )
