"""``-j DNAT``: another destination (``libxt_NAT.c``, kernel ``xt_nat.c``)."""

from __future__ import annotations

from pyiptables.xtables.nat_range import NatTarget
from pyiptables.xtables.option import Option
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet, Verdict


class Dnat(NatTarget):
    """``values``: to-destination (addresses, ports) and the flags."""

    __slots__ = ()

    name = "DNAT"
    summary = "give new connections another destination address or port"
    hooks = ("PREROUTING", "OUTPUT")
    range_option = "to-destination"
    shifts = True
    options = (
        Option("to-destination", Text(), mandatory=True, metavar="[addr[-addr]][:port[-port[/base]]]", help="new destination"),
        Option("random", help="map ports at random", code=3),
        Option("persistent", help="give a client the same address each time", code=5),
    )  # fmt: skip

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        return ctx.setup_nat(packet, "dst", self.wanted(self.range()[0]))


EXTENSIONS = (Dnat,)
