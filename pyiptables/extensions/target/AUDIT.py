"""``-j AUDIT``: an audit record of the packet (``libxt_AUDIT.c``, kernel ``xt_AUDIT.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing


class Audit(Target):
    """``values``: type (accept, drop or reject)."""

    __slots__ = ()

    name = "AUDIT"
    summary = "write an audit record and go on"
    options = (
        Option(
            "type",
            Text(),
            mandatory=True,
            metavar="accept|drop|reject",
            words=("accept", "drop", "reject"),
            help="what the record says was done",
        ),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if value.lower() not in ("accept", "drop", "reject"):
            raise ParameterProblem(f'Bad action type value "{value}"')
        super().accept(option, value.lower(), invert, parsing)

    def show(self, numeric: bool, names: Names) -> str:
        return f" AUDIT {self.values['type']}"

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        ctx.note("audit", self.values["type"])
        return Verdict.CONTINUE


EXTENSIONS = (Audit,)
