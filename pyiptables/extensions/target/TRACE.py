"""``-j TRACE``: have the kernel log the packet's way (``libxt_TRACE.c``, kernel ``xt_TRACE.c``)."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.xtables.errors import KernelRefusal
from pyiptables.xtables.option import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing


class Trace(Target):
    """No options."""

    __slots__ = ()

    name = "TRACE"
    summary = "log every rule that the packet goes through"

    def kernel_check(self, parsing: Parsing) -> None:
        """``xt_TRACE`` is for table raw; nft sets a flag instead, anywhere."""
        if parsing.variant == "legacy" and parsing.table != "raw":
            raise KernelRefusal(EINVAL)

    def show(self, numeric: bool, names: Names) -> str | None:
        return None

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        ctx.note("trace", "on")
        return Verdict.CONTINUE


EXTENSIONS = (Trace,)
