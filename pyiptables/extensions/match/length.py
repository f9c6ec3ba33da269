"""``-m length``: the length of the IP packet (``libxt_length.c``, kernel ``xt_length.c``)."""

from __future__ import annotations

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


class Length(Match):
    """``values``: length (low, high)."""

    __slots__ = ()

    name = "length"
    summary = "length of the whole packet in bytes"
    options = (
        Option("length", UIntRange(16), invert=True, mandatory=True, metavar="length[:length]", help="bytes, header included",
               reads=("length",)),
    )  # fmt: skip

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        super().accept(option, (value[0], value[-1]), invert, parsing)

    def show(self, numeric: bool, names: Names) -> str:
        low, high = self.values["length"]
        return f" length {'!' if self.inverted else ''}{low if low == high else f'{low}:{high}'}"

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        return space.values("length", self.values["length"], invert=bool(self.inverted))

    def matches(self, packet: Packet, ctx: Context) -> bool:
        low, high = self.values["length"]
        return bool((low <= packet.length <= high) != bool(self.inverted))


EXTENSIONS = (Length,)
