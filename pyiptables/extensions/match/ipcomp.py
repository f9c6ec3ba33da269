"""``-m ipcomp``: the CPI of IPComp (``libxt_ipcomp.c``, kernel ``xt_ipcomp.c``)."""

from __future__ import annotations

from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.spi import EVERY, range_of, save_range, show_range
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

#: Without the option, what the match's data are cleared to.
_NONE = (0, 0)


class Ipcomp(Match):
    """``values``: ipcompspi (low, high), compres."""

    __slots__ = ()

    name = "ipcomp"
    summary = "the compression parameter index of an IPComp packet"
    protocols = (108,)
    options = (
        Option("ipcompspi", UIntRange(32), invert=True, metavar="cpi[:cpi]", help="CPI or range"),
        Option("compres", help="the reserved field is zero"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        super().accept(option, range_of(value) if option.name == "ipcompspi" else value, invert, parsing)

    def saves_all(self) -> bool:
        """The whole range is not written, and nothing means 0."""
        return self.values.get("ipcompspi") != EVERY or bool(self.inverted)

    def save(self) -> str:
        text = save_range("ipcompspi", self.values.get("ipcompspi", _NONE), "ipcompspi" in self.inverted)
        return text + (" --compres" if "compres" in self.values else "")

    def show(self, numeric: bool, names: Names) -> str:
        shown = show_range("spi", self.values.get("ipcompspi", _NONE), "ipcompspi" in self.inverted)
        return f" comp {shown}" + (" reserved" if "compres" in self.values else "")

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        cpi = space.number("ipcomp cpi", 0xFFFF)
        asked = self.values.get("ipcompspi", _NONE)
        return space.values("fragment", (0, 0)) & space.values(cpi, asked, invert="ipcompspi" in self.inverted)

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        if packet.frag_offset or packet.proto != 108:
            return False
        if packet.lacks(4):
            ctx.hotdrop = True
            return False
        if packet.l4 is None or len(packet.l4) < 4:
            ctx.unknown("no IPComp header is described")
            return None
        low, high = self.values.get("ipcompspi", _NONE)
        return bool((low <= int.from_bytes(packet.l4[2:4], "big") <= high) != bool(self.inverted))


EXTENSIONS = (Ipcomp,)
