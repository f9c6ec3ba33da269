"""``-m iprange``: addresses from … to (``libxt_iprange.c``, kernel ``xt_iprange.c``)."""

from __future__ import annotations

from pyiptables.xtables.addresses import parse_ip4, parse_ip6
from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing


class Iprange(Match):
    """``values``: src-range, dst-range (low, high)."""

    __slots__ = ()

    name = "iprange"
    summary = "source or destination address within a range"
    options = (
        Option("src-range", Text(), invert=True, metavar="from[-to]", help="source address in this range", reads=("src",)),
        Option("dst-range", Text(), invert=True, metavar="from[-to]", help="destination address in this range", reads=("dst",)),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        low_text, dash, high_text = value.partition("-")
        bounds = []
        for text in (low_text, high_text if dash else low_text):
            address = parse_ip4(text) if parsing.family == 4 else parse_ip6(text)
            if address is None:
                raise ParameterProblem(f'iprange: Bad value for "--{option.name}" option: "{text}"')
            bounds.append(address)
        if bounds[0] > bounds[1]:
            parsing.notices.append(f"xt_iprange: range {low_text}-{high_text} is reversed and will never match\n")
        super().accept(option, tuple(bounds), invert, parsing)

    def final_check(self, parsing: Parsing) -> None:
        if not self.values:
            raise ParameterProblem("iprange match: You must specify `--src-range' or `--dst-range'")

    def option_text(self, option: Option, value: Any) -> str:
        return f" {self.address(value[0])}-{self.address(value[1])}"

    def show(self, numeric: bool, names: Names) -> str:
        text = ""
        for name, word in (("src-range", "source"), ("dst-range", "destination")):
            if name in self.values:
                low, high = self.values[name]
                mark = " !" if name in self.inverted else ""
                text += f" {word} IP range{mark} {self.address(low)}-{self.address(high)}"
        return text

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        region = space.everything
        for name, field in (("src-range", "src"), ("dst-range", "dst")):
            if name in self.values:
                region &= space.values(field, self.values[name], invert=name in self.inverted)
        return region

    def matches(self, packet: Packet, ctx: Context) -> bool:
        for name, address in (("src-range", packet.src), ("dst-range", packet.dst)):
            if name in self.values:
                low, high = self.values[name]
                if (low <= address <= high) == (name in self.inverted):
                    return False
        return True


EXTENSIONS = (Iprange,)
