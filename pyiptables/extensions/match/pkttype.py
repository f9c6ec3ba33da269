"""``-m pkttype``: whom the frame was for (``libxt_pkttype.c``, kernel ``xt_pkttype.c``)."""

from __future__ import annotations

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

_SYNONYMS = {"bcast": "broadcast", "mcast": "multicast", "host": "unicast"}
_TYPES = ("unicast", "broadcast", "multicast", "otherhost")


class TypeWord(Text):
    metavar = "type"
    words = _TYPES


class Pkttype(Match):
    """``values``: pkt-type (word)."""

    __slots__ = ()

    name = "pkttype"
    summary = "link-layer packet type: unicast, broadcast, multicast or for another host"
    options = (
        Option("pkt-type", TypeWord(), invert=True, mandatory=True, help="whom the frame was addressed to", reads=("pkttype", "dst")),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        word = value.lower()
        word = _SYNONYMS.get(word, word)
        if word not in _TYPES:
            raise ParameterProblem(f"Bad packet type '{value}'")
        super().accept(option, word, invert, parsing)

    def save(self) -> str:
        return f"{' !' if self.inverted else ''} --pkt-type {self.values['pkt-type']}"

    def show(self, numeric: bool, names: Names) -> str:
        return f" PKTTYPE {'!' if self.inverted else ''}= {self.values['pkt-type']}"

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        kind = _TYPES.index(self.values["pkt-type"])
        return space.values("pkttype", (kind, kind), invert=bool(self.inverted))

    def matches(self, packet: Packet, ctx: Context) -> bool:
        """A packet looped back is told by its address (``pkttype_mt``)."""
        kind = packet.pkttype
        if kind == "loopback":
            first = packet.dst >> 28 if packet.family == 4 else packet.dst >> 120
            kind = "multicast" if first == (0xE if packet.family == 4 else 0xFF) else "broadcast"
        return bool((kind == self.values["pkt-type"]) != bool(self.inverted))


EXTENSIONS = (Pkttype,)
