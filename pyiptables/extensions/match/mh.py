"""``-m mh``: the Mobility Header of Mobile IPv6 (``libip6t_mh.c``, kernel ``ip6t_mh.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import UINT8, strtoui
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

_TYPES = (
    ("binding-refresh-request", "brr"), ("home-test-init", "hoti"), ("careof-test-init", "coti"), ("home-test", "hot"),
    ("careof-test", "cot"), ("binding-update", "bu"), ("binding-acknowledgement", "ba"), ("binding-error", "be"),
)  # fmt: skip
_EVERY = (0, UINT8)
#: ``IPPROTO_NONE``.
_NO_NEXT_HEADER = 59


class TypeName(Text):
    metavar = "type[:type]"
    words = tuple([long for long, _ in _TYPES])


class Mh(Match):
    """``values``: mh-type (low, high)."""

    __slots__ = ()

    name = "mh"
    families = (6,)
    summary = "the type of a Mobility Header"
    protocols = (135,)
    options = (Option("mh-type", TypeName(), invert=True, help="type or range, by name or number"),)

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        low_text, colon, high_text = value.partition(":")
        if not colon:
            low = high = _type(value)
        else:
            low = _type(low_text) if low_text else 0
            high = _type(high_text) if high_text else UINT8
            if low > high:
                raise ParameterProblem("Invalid MH type range (min > max)")
        super().accept(option, (low, high), invert, parsing)

    def save(self) -> str:
        low, high = self.values.get("mh-type", _EVERY)
        if (low, high) == _EVERY and not self.inverted:
            return ""
        return f"{' !' if self.inverted else ''} --mh-type {low if low == high else f'{low}:{high}'}"

    def show(self, numeric: bool, names: Names) -> str:
        low, high = self.values.get("mh-type", _EVERY)
        if (low, high) == _EVERY and not self.inverted:
            return " mh"

        def name(kind: int) -> str:
            return str(kind) if numeric or kind >= len(_TYPES) else _TYPES[kind][0]

        return f" mh {'!' if self.inverted else ''}{name(low) if low == high else f'{name(low)}:{name(high)}'}"

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        kind = space.number("mh type", 255)
        asked = self.values.get("mh-type", _EVERY)
        return space.values("fragment", (0, 0)) & space.values(kind, asked, invert=bool(self.inverted))

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        """``mh_mt6``: nothing may follow a Mobility Header, or the packet is dropped."""
        if packet.frag_offset or packet.proto != 135:
            return False
        if packet.l4 is None or len(packet.l4) < 3:
            ctx.unknown("no Mobility Header is described")
            return None
        if packet.l4[0] != _NO_NEXT_HEADER:
            ctx.hotdrop = True
            return False
        low, high = self.values.get("mh-type", _EVERY)
        return bool((low <= packet.l4[2] <= high) != bool(self.inverted))


def _type(text: str) -> int:
    """A name, perhaps abbreviated (the first that fits, an exact one before all), or a number."""
    found = None
    for number, pair in enumerate(_TYPES):
        for name in pair:
            if name.startswith(text.lower()) and (found is None or len(name) == len(text)):
                found = number
    if found is None:
        found = strtoui(text, 0, UINT8)
    if found is None:
        raise ParameterProblem(f"Invalid MH type `{text}'")
    return found


EXTENSIONS = (Mh,)
