"""``-m nfacct``: count in an accounting object (``libxt_nfacct.c``, kernel ``xt_nfacct.c``)."""

from __future__ import annotations

from errno import ENOENT

from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Text, cut_bytes, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing


class Nfacct(Match):
    """``values``: nfacct-name."""

    __slots__ = ()

    name = "nfacct"
    summary = "count the packet in an accounting object; matches always"
    options = (Option("nfacct-name", Text(low=1), mandatory=True, metavar="name", help="the object"),)

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if "\n" in value:
            raise ParameterProblem("Newlines not allowed in --nfacct-name")
        super().accept(option, cut_bytes(value, 31), invert, parsing)

    def kernel_check(self, parsing: Parsing) -> None:
        """Objects are made by ``nfacct add``; here there are none."""
        if not parsing.elsewhere:
            raise KernelRefusal(ENOENT)

    def save(self) -> str:
        # Two blanks (``nfacct_print_name``).
        return f" --nfacct-name {quoted(self.values['nfacct-name'])}"

    def show(self, numeric: bool, names: Names) -> str:
        return self.save().replace("--", "", 1)

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        return space.everything

    def matches(self, packet: Packet, ctx: Context) -> bool:
        return True


EXTENSIONS = (Nfacct,)
