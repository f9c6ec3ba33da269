"""``-j SECMARK``: a security context for the packet (``libxt_SECMARK.c``, kernel ``xt_SECMARK.c``)."""

from __future__ import annotations

from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names


class Secmark(Target):
    """``values``: selctx."""

    __slots__ = ()

    name = "SECMARK"
    idempotent = True
    summary = "give the packet an SELinux security context"
    tables = ("mangle", "security")
    options = (Option("selctx", Text(size=256), mandatory=True, metavar="context", help="the security context"),)

    def save(self) -> str:
        return f" --selctx {self.values['selctx']}"

    def show(self, numeric: bool, names: Names) -> str:
        return f" SECMARK selctx {self.values['selctx']}"

    def changes(self) -> dict[str, tuple[int, int] | None]:
        return {"secmark": None}

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        """The kernel's number of a context is its own business; equal contexts get equal numbers here."""
        from pyiptables.netfilter.packet import Verdict

        numbers: dict[str, int] = ctx.state("secmark", dict)
        packet.secmark = numbers.setdefault(self.values["selctx"], len(numbers) + 1)
        return Verdict.CONTINUE


EXTENSIONS = (Secmark,)
