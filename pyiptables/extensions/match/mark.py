"""``-m mark``: the packet's mark (``libxt_mark.c``, kernel ``xt_mark.c``)."""

from __future__ import annotations

from pyiptables.xtables.marks import MarkMask, mark_text
from pyiptables.xtables.option import Match, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names


class Mark(Match):
    """``values``: mark (value, mask)."""

    __slots__ = ()

    name = "mark"
    summary = "the packet's netfilter mark"
    options = (Option("mark", MarkMask(), invert=True, mandatory=True, help="mark value, under the mask", reads=("mark",)),)

    canonical = r"(?: !)? --mark {HEX32}"

    def show(self, numeric: bool, names: Names) -> str:
        return f" mark match {'! ' if self.inverted else ''}{mark_text(*self.values['mark'])}"

    def matches(self, packet: Packet, ctx: Context) -> bool:
        value, mask = self.values["mark"]
        return bool(((packet.mark & mask) == value) != bool(self.inverted))

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        value, mask = self.values["mark"]
        return space.bits("mark", value, mask, bool(self.inverted))


EXTENSIONS = (Mark,)
