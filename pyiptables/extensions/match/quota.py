"""``-m quota``: so many bytes and no more (``libxt_quota.c``, kernel ``xt_quota.c``)."""

from __future__ import annotations

from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names


class Quota(Match):
    """``values``: quota (bytes)."""

    __slots__ = ()

    name = "quota"
    summary = "true until so many bytes have passed"
    deterministic = False
    options = (Option("quota", UInt(64), invert=True, mandatory=True, metavar="bytes", help="the quota"),)

    def show(self, numeric: bool, names: Names) -> str:
        return f" quota: {self.values['quota']} bytes"

    def matches(self, packet: Packet, ctx: Context) -> bool:
        """``quota_mt``: once a packet is too large the rest of the quota is forfeit."""
        left: list[int] = ctx.state(self, lambda: [self.values["quota"]])
        fits = left[0] >= packet.length
        left[0] = left[0] - packet.length if fits else 0
        return fits != bool(self.inverted)


EXTENSIONS = (Quota,)
