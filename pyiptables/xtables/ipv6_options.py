"""The hbh and dst matches: options of an IPv6 extension header (``libip6t_hbh.c``, ``libip6t_dst.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import UINT64, strtoul_prefix
from pyiptables.xtables.option import Match, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

__all__ = ["OptionsHeaderMatch"]

#: ``IP6T_OPTS_OPTSNR``.
_PLACES = 16
_ANY_LENGTH = 255


class OptionsHeaderMatch(Match):
    """``values``: NAME-len (bytes), NAME-opts (tuple of (type, length); 255 stands for any length)."""

    __slots__ = ()

    #: Protocol number of the header.
    header = 0
    #: What is said of a PAD0 option that is given a length.
    pad_with_length = "PAD0 has not got length"

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if option.name.endswith("-opts"):
            value = self._options(value)
        super().accept(option, value, invert, parsing)

    def _options(self, text: str) -> tuple[tuple[int, int], ...]:
        parts = text.split(",")
        found = []
        for i, part in enumerate(parts):
            if i >= _PLACES:
                raise ParameterProblem("too many addresses specified")
            kind_text, colon, length_text = part.partition(":")
            if colon and i == _PLACES - 1:
                raise ParameterProblem("too many ports specified")
            kind = self._number(kind_text, "opt") & 0xFF
            length = _ANY_LENGTH
            if colon:
                if kind == 0:
                    raise ParameterProblem(self.pad_with_length)
                length = self._number(length_text, "length") & 0xFF
            found.append((kind, length))
        return tuple(found)

    def _number(self, text: str, what: str) -> int:
        got = strtoul_prefix(text)
        if got is None:
            raise ParameterProblem(f"{self.name}: no valid digits in {what} `{text}'")
        if got[0] > UINT64:
            raise ParameterProblem(f"{what} `{text}' specified too big: would overflow")
        if got[1] != len(text):
            raise ParameterProblem(f"{self.name}: error parsing {what} `{text}'")
        return got[0]

    def _listed(self) -> str:
        given = self.values.get(f"{self.name}-opts", ())
        return ",".join([str(kind) if length == _ANY_LENGTH else f"{kind}:{length}" for kind, length in given])

    def save(self) -> str:
        text = ""
        if f"{self.name}-len" in self.values:
            text += f"{' !' if self.inverted else ''} --{self.name}-len {self.values[f'{self.name}-len']}"
        if f"{self.name}-opts" in self.values:
            text += f" --{self.name}-opts {self._listed()}"
        return text

    def show(self, numeric: bool, names: Names) -> str:
        text = f" {self.name}"
        if f"{self.name}-len" in self.values:
            text += f" length:{'!' if self.inverted else ''}{self.values[f'{self.name}-len']}"
        if f"{self.name}-opts" in self.values:
            text += f" opts {self._listed()}"
        return text

    def matches(self, packet: Packet, ctx: Context) -> bool:
        """``hbh_mt6``: the options must stand in the header in this order, padding apart."""
        header = next((raw for kind, raw in packet.ext_headers if kind == self.header), None)
        if header is None:
            return False
        length = self.values.get(f"{self.name}-len")
        if length is not None and (len(header) == length) == bool(self.inverted):
            return False
        at = 2
        for kind, size in self.values.get(f"{self.name}-opts", ()):
            if at >= len(header) or header[at] != kind:
                return False
            if kind == 0:
                at += 1
                continue
            if at + 1 >= len(header) or size not in (_ANY_LENGTH, header[at + 1]):
                return False
            at += 2 + header[at + 1]
        return True
