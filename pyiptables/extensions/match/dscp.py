"""``-m dscp``: the DiffServ code point (``libxt_dscp.c``, kernel ``xt_dscp.c``)."""

from __future__ import annotations

from pyiptables.xtables.dscp_classes import CLASSES, parse_class
from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Text, UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing


class ClassName(Text):
    metavar = "class"
    words = tuple(CLASSES)


class Dscp(Match):
    """``values``: dscp or dscp-class (code point)."""

    __slots__ = ()

    name = "dscp"
    summary = "the DiffServ code point"
    options = (
        Option("dscp", UInt(8, 0, 63), invert=True, excl=("dscp-class",), metavar="number", help="code point, 0 to 63", reads=("tos",)),
        Option("dscp-class", ClassName(), invert=True, excl=("dscp",), help="class: BE, EF, AFxx or CSx", reads=("tos",)),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        super().accept(option, parse_class(value) if option.name == "dscp-class" else value, invert, parsing)

    def final_check(self, parsing: Parsing) -> None:
        if not self.values:
            raise ParameterProblem("DSCP match: Parameter --dscp is required")

    def _code(self) -> int:
        code: int = next(reversed(self.values.values()))
        return code

    def save(self) -> str:
        return f"{' !' if self.inverted else ''} --dscp 0x{self._code():02x}"

    def show(self, numeric: bool, names: Names) -> str:
        return f" DSCP match {'!' if self.inverted else ''}0x{self._code():02x}"

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        return space.masked("tos", self._code() << 2, 0xFC, bool(self.inverted))

    def matches(self, packet: Packet, ctx: Context) -> bool:
        return (packet.tos >> 2 == self._code()) != bool(self.inverted)


EXTENSIONS = (Dscp,)
