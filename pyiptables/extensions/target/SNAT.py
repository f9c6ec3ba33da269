"""``-j SNAT``: another source (``libxt_NAT.c``, kernel ``xt_nat.c``)."""

from __future__ import annotations

from pyiptables.xtables.nat_range import NatTarget
from pyiptables.xtables.option import Option
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet, Verdict


class Snat(NatTarget):
    """``values``: to-source (addresses, ports) and the flags."""

    __slots__ = ()

    name = "SNAT"
    summary = "give new connections another source address or port"
    hooks = ("POSTROUTING", "INPUT")
    range_option = "to-source"
    options = (
        Option("to-source", Text(), mandatory=True, metavar="[addr[-addr]][:port[-port]]", help="new source"),
        Option("random", help="map ports at random, by a hash", code=3),
        Option("random-fully", help="map ports wholly at random", code=4),
        Option("persistent", help="give a client the same address each time", code=5),
    )

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        return ctx.setup_nat(packet, "src", self.wanted(self.range()[0]))


EXTENSIONS = (Snat,)
