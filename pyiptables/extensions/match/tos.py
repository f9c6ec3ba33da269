"""``-m tos``: the type of service or traffic class byte (``libxt_tos.c``, kernel ``xt_dscp.c``)."""

from __future__ import annotations

from pyiptables.xtables.marks import TOS_NAMES, TosMask
from pyiptables.xtables.option import Match, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names


class Tos(Match):
    """``values``: tos (value, mask)."""

    __slots__ = ()

    name = "tos"
    summary = "the TOS or traffic class byte"
    options = (
        Option("tos", TosMask(0x3F), invert=True, mandatory=True, metavar="value[/mask]|name", help="value, under the mask",
               reads=("tos",)),
    )  # fmt: skip

    def show(self, numeric: bool, names: Names) -> str:
        value, mask = self.values["tos"]
        text = " tos match" + ("!" if self.inverted else "")
        if not numeric and mask == 0x3F:
            for name, tos in TOS_NAMES.items():
                if tos == value:
                    return f"{text} {name}"
        return f"{text}0x{value:02x}/0x{mask:02x}"

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        value, mask = self.values["tos"]
        return space.masked("tos", value, mask, bool(self.inverted))

    def matches(self, packet: Packet, ctx: Context) -> bool:
        value, mask = self.values["tos"]
        return bool(((packet.tos & mask) == value) != bool(self.inverted))


EXTENSIONS = (Tos,)
