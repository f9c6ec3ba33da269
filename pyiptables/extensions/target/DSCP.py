"""``-j DSCP``: the DiffServ code point (``libxt_DSCP.c``, kernel ``xt_DSCP.c``)."""

from __future__ import annotations

from pyiptables.xtables.dscp_classes import CLASSES, parse_class
from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import Text, UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing


class Dscp(Target):
    """``values``: set-dscp (0-63), or set-dscp-class (the same)."""

    __slots__ = ()

    name = "DSCP"
    summary = "set the DiffServ code point"
    tables = ("mangle",)
    options = (
        Option("set-dscp", UInt(8, 0, 63), excl=("set-dscp-class",), help="the code point"),
        Option("set-dscp-class", Text(), excl=("set-dscp",), metavar="class", words=tuple(CLASSES), help="its class: BE, EF, AFxy, CSx"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        super().accept(option, parse_class(value) if option.name == "set-dscp-class" else value, invert, parsing)

    def final_check(self, parsing: Parsing) -> None:
        if not self.values:
            raise ParameterProblem("DSCP target: Parameter --set-dscp is required")

    def _code(self) -> int:
        code: int = next(iter(self.values.values()))
        return code

    def save(self) -> str:
        return f" --set-dscp 0x{self._code():02x}"

    def show(self, numeric: bool, names: Names) -> str:
        return f" DSCP set 0x{self._code():02x}"

    def changes(self) -> dict[str, tuple[int, int] | None]:
        return {"tos": (0xFC, self._code() << 2)}

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        packet.tos = packet.tos & 3 | self._code() << 2
        return Verdict.CONTINUE


EXTENSIONS = (Dscp,)
