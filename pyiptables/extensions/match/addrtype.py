"""``-m addrtype``: what routing says of an address (``libxt_addrtype.c``, kernel ``xt_addrtype.c``)."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.xtables.addresses import address_text
from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.host import Host
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

#: ``RTN_*`` in the order of their bits.
_TYPES = (
    "UNSPEC", "UNICAST", "LOCAL", "BROADCAST", "ANYCAST", "MULTICAST", "BLACKHOLE", "UNREACHABLE", "PROHIBIT", "THROW",
    "NAT", "XRESOLVE",
)  # fmt: skip
#: What ``addrtype_mt_checkentry_v1`` refuses in IPv6.
_NOT_IPV6 = frozenset(("BLACKHOLE", "BROADCAST", "PROHIBIT", "THROW", "NAT", "XRESOLVE"))


class TypeList(Text):
    metavar = "type[,type…]"
    words = _TYPES


class Addrtype(Match):
    """``values``: src-type, dst-type (frozenset of words), limit-iface-in, limit-iface-out."""

    __slots__ = ()

    name = "addrtype"
    summary = "address type by routing: local, broadcast, multicast …"
    canonical = r"(?:(?: !)? --src-type LOCAL)?(?:(?: !)? --dst-type LOCAL)(?! --)"
    options = (
        Option("src-type", TypeList(), invert=True, help="type of the source address", reads=("src",)),
        Option("dst-type", TypeList(), invert=True, help="type of the destination address", reads=("dst",)),
        Option("limit-iface-in", excl=("limit-iface-out",), help="only on the interface it came in by", reads=("iniface",)),
        Option("limit-iface-out", excl=("limit-iface-in",), help="only on the interface it leaves by", reads=("outiface",)),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if option.name.endswith("-type"):
            value = _parse(value)
        super().accept(option, value, invert, parsing)

    def final_check(self, parsing: Parsing) -> None:
        if "src-type" not in self.values and "dst-type" not in self.values:
            raise ParameterProblem("addrtype: you must specify --src-type or --dst-type")

    def hooks_allowed(self) -> tuple[str, ...] | None:
        """``addrtype_mt_checkentry_v1``: no outgoing interface before routing, no incoming one after."""
        if "limit-iface-out" in self.values:
            return ("FORWARD", "OUTPUT", "POSTROUTING")
        if "limit-iface-in" in self.values:
            return ("PREROUTING", "INPUT", "FORWARD")
        return None

    def kernel_check(self, parsing: Parsing) -> None:
        if parsing.family != 6:
            return
        asked = self.values.get("src-type", frozenset()) | self.values.get("dst-type", frozenset())
        if asked & _NOT_IPV6:
            raise KernelRefusal(EINVAL)

    def option_text(self, option: Option, value: Any) -> str:
        return " " + _listed(value) if option.name.endswith("-type") else ""

    def show(self, numeric: bool, names: Names) -> str:
        text = " ADDRTYPE match"
        for name in ("src-type", "dst-type"):
            if name in self.values:
                text += f" {name} {'!' if name in self.inverted else ''}{_listed(self.values[name])}"
        if "limit-iface-in" in self.values:
            text += " limit-in"
        return text + (" limit-out" if "limit-iface-out" in self.values else "")

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        """An IPv4 address has one type (``inet_addr_type``); an IPv6 one may be of several (``match_type6``)."""
        limit = next((f" {name}" for name in ("limit-iface-in", "limit-iface-out") if name in self.values), "")
        region = space.everything
        for name in ("src-type", "dst-type"):
            if name not in self.values:
                continue
            invert = name in self.inverted
            if self.family == 6:
                region &= space.atom(f"{name} {_listed(self.values[name])}{limit}", invert, (name[:3],))
            else:
                field = space.number(f"{name}{limit}", len(_TYPES) - 1, (name[:3],))
                numbers = sorted([_TYPES.index(word) for word in self.values[name]])
                region &= space.values(field, *[(number, number) for number in numbers], invert=invert)
        return region

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        interface = ""
        if "limit-iface-in" in self.values:
            interface = packet.iniface
        elif "limit-iface-out" in self.values:
            interface = packet.outiface
        unsure = []
        for name, address in (("src-type", packet.src), ("dst-type", packet.dst)):
            if name not in self.values:
                continue
            wanted = self.values[name]
            if ctx.host is None:
                holds = _by_description(wanted, name[:3], address, interface, packet, ctx.hook)
            elif packet.family == 6:
                holds = _holds6(wanted, address, interface, ctx.host)
            else:
                holds = ctx.host.address_type(address, interface) in wanted
            if holds is None:
                unsure.append(f"{address_text(address, packet.family)} is {_listed(wanted)}")
            elif holds == (name in self.inverted):
                return False
        if unsure:
            ctx.unknown(f"no host is described: whether {' and '.join(unsure)}")
            return None
        return True


def _holds6(wanted: frozenset[str], address: int, interface: str, host: Host) -> bool:
    """``match_type6``: what the address is by itself must all hold, of what the routes say of it anything."""
    from pyiptables.netfilter.routing import Routing

    multicast = address >> 120 == 0xFF
    if ("MULTICAST" in wanted and not multicast) or ("UNICAST" in wanted and (multicast or not address)):
        return False
    if "UNSPEC" in wanted and address:
        return False
    asked = wanted & {"ANYCAST", "LOCAL", "UNREACHABLE"}
    if not asked:
        return True
    route = Routing(host).lookup(6, address, iif="lo", oif=interface)
    if isinstance(route, str):
        return "UNREACHABLE" in asked
    own = route.type == "local"
    if interface:
        own = any(each.family == 6 and each.value == address for each in host.interfaces[interface].addresses)
    return ("LOCAL" in asked and own) or ("ANYCAST" in asked and route.type == "anycast")


def _by_description(wanted: frozenset[str], which: str, address: int, interface: str, packet: Packet, hook: str) -> bool | None:
    """What the address says by itself, and the way that the packet is said to take: what is for this host has an address of it."""
    kind = _kind_of(address, packet.family)
    own = None
    if kind is None:
        own = _is_own(which, packet, hook)
        if own and packet.pkttype == "broadcast":
            kind = "BROADCAST"
        elif own and not interface and (which == "src" or packet.family == 6 or address & 0xFF != 0xFF):
            kind = "LOCAL"  # what ends in 255 may as well be for a whole network
    if kind == "LOCAL" and packet.family == 6:
        return not wanted & {"MULTICAST", "UNSPEC"} and ("LOCAL" in wanted or wanted == {"UNICAST"})
    if kind is not None:
        return kind in wanted
    return False if own is False and wanted == {"LOCAL"} else None


def _is_own(which: str, packet: Packet, hook: str) -> bool | None:
    if packet.iniface == "lo" or packet.outiface == "lo":
        return True
    made_here = hook == "OUTPUT" or (hook == "POSTROUTING" and not packet.iniface)
    if which == "src" or made_here:
        return made_here and which == "src"
    if hook == "PREROUTING":
        # What is forwarded may have been for this host until here.
        return packet.attrs.get("for_host")
    return hook == "INPUT"


def _kind_of(address: int, family: int) -> str | None:
    if family == 4:
        if address >> 28 == 0xE:
            return "MULTICAST"
        if address == 0xFFFFFFFF or address == 0:
            return "BROADCAST"
        if address >> 24 == 127:
            return "LOCAL"
    elif address >> 120 == 0xFF:
        return "MULTICAST"
    elif address == 1:
        return "LOCAL"
    return None


def _parse(text: str) -> frozenset[str]:
    chosen = set()
    rest = text
    while True:
        word, comma, after = rest.partition(",")
        found = next((name for name in _TYPES if name.startswith(word.upper())), None) if word else None
        if found is None:
            quotes = ("`", "'") if comma else ('"', '"')
            raise ParameterProblem(f"addrtype: bad type {quotes[0]}{rest}{quotes[1]}")
        chosen.add(found)
        if not comma:
            return frozenset(chosen)
        rest = after


def _listed(chosen: frozenset[str]) -> str:
    return ",".join([name for name in _TYPES if name in chosen])


EXTENSIONS = (Addrtype,)
