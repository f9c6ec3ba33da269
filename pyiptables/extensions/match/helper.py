"""``-m helper``: the conntrack helper of the connection (``libxt_helper.c``, kernel ``xt_helper.c``)."""

from __future__ import annotations

from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names


class Helper(Match):
    """``values``: helper (name)."""

    __slots__ = ()

    name = "helper"
    summary = "the connection belongs to this conntrack helper (ftp, sip …)"
    options = (Option("helper", Text(size=30), invert=True, mandatory=True, metavar="name", help="name of the helper"),)

    def identity(self) -> str:
        """It declares no size to compare: any helper is the same."""
        return ""

    def show(self, numeric: bool, names: Names) -> str:
        return f' helper match {"! " if self.inverted else ""}"{self.values["helper"]}"'

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        return space.inverse(self.save(), bool(self.inverted), ("ctstate",))

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        """``helper_mt``: the helper is that of the connection that expected this one; only its length is compared."""
        inverted = bool(self.inverted)
        if "helper" in packet.attrs:
            name = str(packet.attrs["helper"])
        elif packet.ct is None or packet.ct.master is None:
            return inverted
        else:
            name = packet.ct.master.helper
        if not name:
            return inverted
        wanted = self.values["helper"]
        return wanted.startswith(name) != inverted if wanted else not inverted


EXTENSIONS = (Helper,)
