"""``-m hl``: the IPv6 hop limit (``libip6t_hl.c``, kernel ``xt_hl.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.hop_limit import HopLimitMatch
from pyiptables.xtables.option import Option
from pyiptables.xtables.values import UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_ANY = ("hl-eq", "hl-lt", "hl-gt")


class Hl(HopLimitMatch):
    """``values``: one of hl-eq, hl-lt, hl-gt."""

    __slots__ = ()

    name = "hl"
    families = (6,)
    summary = "the IPv6 hop limit"
    numbering = _ANY
    options = (
        Option("hl-lt", UInt(8), excl=_ANY, help="less than this", reads=("ttl",)),
        Option("hl-gt", UInt(8), excl=_ANY, help="more than this", reads=("ttl",)),
        Option("hl-eq", UInt(8), invert=True, aliases=("hl",), excl=_ANY, help="exactly this", reads=("ttl",)),
    )

    def final_check(self, parsing: Parsing) -> None:
        if not self.values:
            raise ParameterProblem("HL match: You must specify one of `--hl-eq', `--hl-lt', `--hl-gt'")

    def show(self, numeric: bool, names: Names) -> str:
        return f" HL match HL {self.sign()} {self.limit()}"


EXTENSIONS = (Hl,)
