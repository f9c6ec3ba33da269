"""``-m ttl``: the time to live (``libipt_ttl.c``, kernel ``xt_hl.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.hop_limit import HopLimitMatch
from pyiptables.xtables.option import Option
from pyiptables.xtables.values import UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_ANY = ("ttl-eq", "ttl-lt", "ttl-gt")


class Ttl(HopLimitMatch):
    """``values``: one of ttl-eq, ttl-lt, ttl-gt."""

    __slots__ = ()

    name = "ttl"
    families = (4,)
    summary = "the IPv4 time to live"
    numbering = _ANY
    options = (
        Option("ttl-lt", UInt(8), excl=_ANY, help="less than this", reads=("ttl",)),
        Option("ttl-gt", UInt(8), excl=_ANY, help="more than this", reads=("ttl",)),
        Option("ttl-eq", UInt(8), invert=True, aliases=("ttl",), excl=_ANY, help="exactly this", reads=("ttl",)),
    )

    def final_check(self, parsing: Parsing) -> None:
        if not self.values:
            raise ParameterProblem("TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt")

    def show(self, numeric: bool, names: Names) -> str:
        return f" TTL match TTL {self.sign()} {self.limit()}"


EXTENSIONS = (Ttl,)
