"""``-m connmark``: the mark of the connection (``libxt_connmark.c``, kernel ``xt_connmark.c``)."""

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


class Connmark(Match):
    """``values``: mark (value, mask)."""

    __slots__ = ()

    name = "connmark"
    summary = "the mark of the packet's connection"
    canonical = r"(?: !)? --mark {HEX32}"
    options = (Option("mark", MarkMask(), invert=True, mandatory=True, help="mark value, under the mask"),)

    def show(self, numeric: bool, names: Names) -> str:
        return f" connmark match {'!' if self.inverted else ''} {mark_text(*self.values['mark'])}"

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        value, mask = self.values["mark"]
        return space.values("ctstate", (2, 4)) & space.bits("connmark", value, mask, bool(self.inverted))

    def matches(self, packet: Packet, ctx: Context) -> bool:
        """Without a connection it holds neither plainly nor inverted."""
        if packet.ct is None:
            return False
        value, mask = self.values["mark"]
        return bool(((packet.ct.mark & mask) == value) != bool(self.inverted))


EXTENSIONS = (Connmark,)
