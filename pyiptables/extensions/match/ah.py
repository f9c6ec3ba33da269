"""``-m ah``: the SPI of AH (``libipt_ah.c``, ``libip6t_ah.c``, kernel ``ipt_ah.c``, ``ip6t_ah.c``)."""

from __future__ import annotations

from pyiptables.xtables.numbers import UINT32
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.spi import EVERY, range_of, save_range, show_range
from pyiptables.xtables.values import UInt, UIntRange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_AH = 51
_SPI = Option("ahspi", UIntRange(32), invert=True, metavar="spi[:spi]", help="SPI or range")


class Ah(Match):
    """``values``: ahspi (low, high)."""

    __slots__ = ()

    name = "ah"
    families: tuple[int, ...] = (4,)
    summary = "the SPI of an AH packet"
    protocols: tuple[int, ...] | None = (_AH,)
    options: tuple[Option, ...] = (_SPI,)

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        super().accept(option, range_of(value) if option.name == "ahspi" else value, invert, parsing)

    def _spi(self) -> tuple[tuple[int, int], bool]:
        return self.values.get("ahspi", EVERY), "ahspi" in self.inverted

    def save(self) -> str:
        return save_range("ahspi", *self._spi())

    def show(self, numeric: bool, names: Names) -> str:
        return " ah " + show_range("spi", *self._spi())

    def packet_set(self, space: Space, spec: RuleSpec) -> Region | None:
        if self.family == 6:
            return None
        asked, inverted = self._spi()
        return space.values("fragment", (0, 0)) & space.values(space.number("ah spi", UINT32), asked, invert=inverted)

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        if packet.frag_offset or packet.proto != _AH:
            return False
        if packet.lacks(12):
            ctx.hotdrop = True
            return False
        if packet.l4 is None or len(packet.l4) < 12:
            ctx.unknown("no AH header is described")
            return None
        return self._fits(packet.l4)

    def _fits(self, header: bytes) -> bool:
        (low, high), inverted = self._spi()
        return (low <= int.from_bytes(header[4:8], "big") <= high) != inverted


class Ah6(Ah):
    """``values``: ahspi (low, high), ahlen, ahres. In IPv6 AH is an extension header."""

    __slots__ = ()

    families = (6,)
    protocols = None
    options = (
        _SPI,
        Option("ahlen", UInt(32), invert=True, metavar="length", help="total length of the header"),
        Option("ahres", help="the reserved field is zero"),
    )

    def save(self) -> str:
        text = super().save()
        length = self.values.get("ahlen", 0)
        if length or "ahlen" in self.inverted:
            text += f"{' !' if 'ahlen' in self.inverted else ''} --ahlen {length}"
        return text + (" --ahres" if "ahres" in self.values else "")

    def show(self, numeric: bool, names: Names) -> str:
        text = super().show(numeric, names)
        length = self.values.get("ahlen", 0)
        if length or "ahlen" in self.inverted:
            text += f"length:{'!' if 'ahlen' in self.inverted else ''}{length}"
        return text + (" reserved" if "ahres" in self.values else "")

    def matches(self, packet: Packet, ctx: Context) -> bool:
        header = next((raw for kind, raw in packet.ext_headers if kind == _AH), None)
        if header is None or len(header) < 12 or not self._fits(header):
            return False
        length = self.values.get("ahlen", 0)
        if length and ((header[1] + 2 << 2) == length) == ("ahlen" in self.inverted):
            return False
        return not ("ahres" in self.values and header[2:4] != b"\0\0")


EXTENSIONS = (Ah, Ah6)
