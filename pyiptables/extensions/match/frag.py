"""``-m frag``: the IPv6 fragment header (``libip6t_frag.c``, kernel ``ip6t_frag.c``)."""

from __future__ import annotations

from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.spi import EVERY, range_of, save_range, show_range
from pyiptables.xtables.values import UInt, UIntRange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_FLAGS = ("fragres", "fragfirst", "fragmore", "fraglast")
_WORDS = ("reserved", "first", "more", "last")


class Frag(Match):
    """``values``: fragid (low, high), fraglen, and the flags."""

    __slots__ = ()

    name = "frag"
    families = (6,)
    summary = "the IPv6 fragment header"
    options = (
        Option("fragid", UIntRange(32), invert=True, metavar="id[:id]", help="identification"),
        Option("fraglen", UInt(32), invert=True, metavar="length", help="total length of the header (always 8 today)"),
        Option("fragres", help="the reserved fields are zero"),
        Option("fragfirst", help="the first fragment"),
        Option("fragmore", excl=("fraglast",), help="more fragments follow"),
        Option("fraglast", excl=("fragmore",), help="the last fragment"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        super().accept(option, range_of(value) if option.name == "fragid" else value, invert, parsing)

    def save(self) -> str:
        text = save_range("fragid", self.values.get("fragid", EVERY), "fragid" in self.inverted)
        if "fraglen" in self.values:
            text += f"{' !' if 'fraglen' in self.inverted else ''} --fraglen {self.values['fraglen']}"
        return text + "".join([f" --{flag}" for flag in _FLAGS if flag in self.values])

    def identity(self) -> str:
        """Whether the whole range was asked for is compared, though it prints nothing."""
        return f"{self.save()} {'fragid' in self.values}"

    def saves_all(self) -> bool:
        return self.values.get("fragid") != EVERY or "fragid" in self.inverted

    def show(self, numeric: bool, names: Names) -> str:
        text = " frag " + show_range("id", self.values.get("fragid", EVERY), "fragid" in self.inverted)
        if "fraglen" in self.values:
            text += f" length:{'!' if 'fraglen' in self.inverted else ''}{self.values['fraglen']}"
        return text + "".join([f" {word}" for flag, word in zip(_FLAGS, _WORDS, strict=True) if flag in self.values])

    def matches(self, packet: Packet, ctx: Context) -> bool:
        header = next((raw for kind, raw in packet.ext_headers if kind == 44), None)
        if header is None or len(header) < 8:
            return False
        low, high = self.values.get("fragid", EVERY)
        if (low <= int.from_bytes(header[4:8], "big") <= high) == ("fragid" in self.inverted):
            return False
        word = int.from_bytes(header[2:4], "big")
        offset, more, reserved = word & ~7, bool(word & 1), bool(header[1] or word & 6)
        given = self.values
        return not (
            ("fragres" in given and reserved)
            or ("fragfirst" in given and offset)
            or ("fragmore" in given and not more)
            or ("fraglast" in given and more)
        )


EXTENSIONS = (Frag,)
