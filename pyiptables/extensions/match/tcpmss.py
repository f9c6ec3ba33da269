"""``-m tcpmss``: the maximum segment size of a SYN (``libxt_tcpmss.c``, kernel ``xt_tcpmss.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import UIntRange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing


class TcpmssMatch(Match):
    """``values``: mss (low[, high])."""

    __slots__ = ()

    name = "tcpmss"
    summary = "the maximum segment size option of TCP SYN packets"
    protocols = (6,)
    options = (Option("mss", UIntRange(16), invert=True, mandatory=True, metavar="bytes[:bytes]", help="size or range"),)

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if len(value) == 2 and value[1] < value[0]:
            raise ParameterProblem("tcpmss: invalid range given")
        super().accept(option, (value[0], value[-1]), invert, parsing)

    def _range(self) -> str:
        low, high = self.values["mss"]
        return str(low) if low == high else f"{low}:{high}"

    def save(self) -> str:
        return f"{' !' if self.inverted else ''} --mss {self._range()}"

    def show(self, numeric: bool, names: Names) -> str:
        return f" tcpmss match {'!' if self.inverted else ''}{self._range()}"

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        """The value above all sizes stands for packets without the option."""
        field = space.number("mss", 0x10000, ("tcpoptions",))
        return space.values(field, self.values["mss"], invert=bool(self.inverted))

    def matches(self, packet: Packet, ctx: Context) -> bool:
        """A packet without the option answers as the inversion says."""
        options = packet.tcp_options
        at = 0
        low, high = self.values["mss"]
        while at < len(options):
            if options[at] == 2 and at + 4 <= len(options) and options[at + 1] == 4:
                size = int.from_bytes(options[at + 2 : at + 4], "big")
                return bool((low <= size <= high) != bool(self.inverted))
            at += 1 if options[at] < 2 or at + 1 >= len(options) else max(options[at + 1], 1)
        return bool(self.inverted)


EXTENSIONS = (TcpmssMatch,)
