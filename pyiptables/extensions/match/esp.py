"""``-m esp``: the SPI of ESP (``libxt_esp.c``, kernel ``xt_esp.c``)."""

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


class Esp(Match):
    """``values``: espspi (low, high)."""

    __slots__ = ()

    name = "esp"
    summary = "the SPI of an ESP packet"
    protocols = (50,)
    options = (Option("espspi", UIntRange(32), invert=True, metavar="spi[:spi]", help="SPI or range"),)

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        super().accept(option, range_of(value), invert, parsing)

    def save(self) -> str:
        return save_range("espspi", self.values.get("espspi", EVERY), bool(self.inverted))

    def show(self, numeric: bool, names: Names) -> str:
        shown = show_range("spi", self.values.get("espspi", EVERY), bool(self.inverted))
        return f" esp {shown}" if shown else " esp"

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        spi = space.number("esp spi", 0xFFFFFFFF)
        asked = self.values.get("espspi", EVERY)
        return space.values("fragment", (0, 0)) & space.values(spi, asked, invert=bool(self.inverted))

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        if packet.frag_offset or packet.proto != 50:
            return False
        if packet.lacks(8):
            ctx.hotdrop = True
            return False
        if packet.l4 is None or len(packet.l4) < 4:
            ctx.unknown("no ESP header is described")
            return None
        low, high = self.values.get("espspi", EVERY)
        return bool((low <= int.from_bytes(packet.l4[:4], "big") <= high) != bool(self.inverted))


EXTENSIONS = (Esp,)
