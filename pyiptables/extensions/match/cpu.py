"""``-m cpu``: the CPU that handles the packet (``libxt_cpu.c``, kernel ``xt_cpu.c``)."""

from __future__ import annotations

from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names


class Cpu(Match):
    """``values``: cpu (number)."""

    __slots__ = ()

    name = "cpu"
    summary = "the CPU that handles the packet"
    options = (Option("cpu", UInt(32), invert=True, mandatory=True, help="CPU number from 0"),)

    def show(self, numeric: bool, names: Names) -> str:
        return f" cpu {'! ' if self.inverted else ''}{self.values['cpu']}"

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        cpu = self.values["cpu"]
        return space.values(space.number("cpu", 0xFFFFFFFF), (cpu, cpu), invert=bool(self.inverted))

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        if "cpu" not in packet.attrs:
            ctx.unknown("no CPU is described")
            return None
        return bool((packet.attrs["cpu"] == self.values["cpu"]) != bool(self.inverted))


EXTENSIONS = (Cpu,)
