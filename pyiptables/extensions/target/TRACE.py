"""``-j TRACE``: have the kernel log the packet's way (``libxt_TRACE.c``, kernel ``xt_TRACE.c``)."""

from __future__ import annotations

from pyiptables.xtables.option import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing


class Trace(Target):
    """No options."""

    __slots__ = ()

    name = "TRACE"
    summary = "log every rule that the packet goes through"
    tables = ("raw",)

    def show(self, numeric: bool, names: Names) -> str | None:
        return None

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        ctx.note("trace", "on")
        return Verdict.CONTINUE


EXTENSIONS = (Trace,)
