"""``-j CONNSECMARK``: copy security marks (``libxt_CONNSECMARK.c``, kernel ``xt_CONNSECMARK.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.option import Option, Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing


class Connsecmark(Target):
    """``values``: save or restore."""

    __slots__ = ()

    name = "CONNSECMARK"
    idempotent = True
    summary = "copy the security mark between the packet and its connection"
    tables = ("mangle", "security")
    options = (
        Option("save", excl=("restore",), help="from the packet to the connection, if that has none"),
        Option("restore", excl=("save",), help="from the connection to the packet, if that has none"),
    )

    def final_check(self, parsing: Parsing) -> None:
        if not self.values:
            raise ParameterProblem("CONNSECMARK target: parameter required")

    def show(self, numeric: bool, names: Names) -> str:
        return f" CONNSECMARK {next(iter(self.values))}"

    def changes(self) -> dict[str, tuple[int, int] | None]:
        return {"secmark": None} if "restore" in self.values else {}

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        ct = packet.ct
        if ct is not None:
            if "save" in self.values:
                if packet.secmark and not ct.secmark:
                    ct.secmark = packet.secmark
            elif ct.secmark and not packet.secmark:
                packet.secmark = ct.secmark
        return Verdict.CONTINUE


EXTENSIONS = (Connsecmark,)
