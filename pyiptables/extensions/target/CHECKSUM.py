"""``-j CHECKSUM``: fill in a checksum left to the hardware (``libxt_CHECKSUM.c``, kernel ``xt_CHECKSUM.c``)."""

from __future__ import annotations

from pyiptables.xtables.option import Option, Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names


class Checksum(Target):
    """``values``: checksum-fill."""

    __slots__ = ()

    name = "CHECKSUM"
    summary = "fill in the checksum of a packet that lacks one"
    tables = ("mangle",)
    options = (Option("checksum-fill", mandatory=True, help="calculate and fill in the checksum"),)

    def show(self, numeric: bool, names: Names) -> str:
        return " CHECKSUM fill"

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        """Only a checksum still to be done is filled in, which no described packet has."""
        from pyiptables.netfilter.packet import Verdict

        return Verdict.CONTINUE


EXTENSIONS = (Checksum,)
