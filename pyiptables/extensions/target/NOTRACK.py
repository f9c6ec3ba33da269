"""``-j NOTRACK``: leave the packet to no connection (``libxt_CT.c``, kernel ``xt_CT.c``)."""

from __future__ import annotations

from pyiptables.xtables.option import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names


class Notrack(Target):
    """No options; another name of ``CT --notrack``, which the kernel keeps apart."""

    __slots__ = ()

    name = "NOTRACK"
    idempotent = True
    summary = "do not track the packet's connection"
    tables = ("raw",)

    def listed_name(self) -> str:
        return "CT"

    def show(self, numeric: bool, names: Names) -> str:
        return " NOTRACK"

    def changes(self) -> dict[str, tuple[int, int] | None]:
        return {"ctstate": None, "ctstatus": None, "ctdir": None}

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        ctx.notrack(packet)
        return Verdict.CONTINUE


EXTENSIONS = (Notrack,)
