"""``-m rpfilter``: would an answer leave by where it came from? (``libxt_rpfilter.c``, kernel ``ipt_rpfilter.c``)."""

from __future__ import annotations

from pyiptables.xtables.addresses import ALL_ONES
from pyiptables.xtables.option import Match, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names


class Rpfilter(Match):
    """``values``: loose, validmark, accept-local, invert."""

    __slots__ = ()

    name = "rpfilter"
    summary = "reverse path test of the source address"
    tables = ("raw", "mangle")
    hooks = ("PREROUTING",)
    options = (
        Option("loose", help="any interface will do"),
        Option("validmark", help="use the packet's mark for the look-up"),
        Option("accept-local", help="sources of this host are fine"),
        Option("invert", help="match packets that fail the test"),
    )

    def show(self, numeric: bool, names: Names) -> str:
        return " rpfilter" + "".join([f" {option.name}" for option in self.options if option.name in self.values])

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        flags = " ".join([name for name in ("loose", "validmark", "accept-local") if name in self.values])
        return space.atom(f"rpfilter {flags}", "invert" in self.values)

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        inverted = "invert" in self.values
        if packet.iniface == "lo" or packet.pkttype == "loopback":
            return not inverted
        if ctx.host is None:
            ctx.unknown("no host is described: routes are not known")
            return None
        if self.family == 4 and packet.src == 0 and (packet.dst == ALL_ONES[4] or packet.dst >> 8 == 0xE00000):
            return not inverted  # who has no address yet asks all on the link
        return self._reachable(packet, ctx) != inverted

    def _reachable(self, packet: Packet, ctx: Context) -> bool:
        from pyiptables.netfilter.routing import Routing

        assert ctx.host is not None
        mark = packet.mark if "validmark" in self.values else 0
        flow = (0 if self.family == 4 else packet.proto, 0, 0)
        # Every link has link-local addresses of its own: for them no other interface will do, loose or not.
        oif = packet.iniface if self.family == 6 and packet.src >> 118 == 0x3FA else ""
        source = 0 if self.family == 4 and (packet.dst >> 28 == 14 or packet.dst == ALL_ONES[4]) else packet.dst
        route = Routing(ctx.host).lookup(self.family, packet.src, src=source, mark=mark, iif="lo", oif=oif, tos=packet.tos, flow=flow)
        if isinstance(route, str):
            return False
        if route.type != "unicast" and not (route.type == "local" and "accept-local" in self.values):
            return False
        if route.type == "local" and self.family == 6:
            return True
        return "loose" in self.values or route.iface == packet.iniface


EXTENSIONS = (Rpfilter,)
