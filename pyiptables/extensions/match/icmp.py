"""``-m icmp``: type and code of ICMP (``libipt_icmp.c``, kernel ``ip_tables.c``/``xt_tcpudp.c``)."""

from __future__ import annotations

from pyiptables.xtables.icmp_types import ICMP, list_types, parse_type, show_type
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


class TypeName(Text):
    """A type by name or ``type[/code]``."""

    metavar = "type[/code]|name"
    words = tuple([entry[0] for entry in ICMP])
    lists_words = False


class Icmp(Match):
    """``values``: icmp-type (type, lowest code, highest code); type 255 with all codes is any."""

    __slots__ = ()

    name = "icmp"
    families = (4,)
    summary = "ICMP type and code; loaded by itself after -p icmp"
    protocols = (1,)
    canonical = r"(?: !)? --icmp-type (?:1?\d?\d(?:/1?\d?\d)?|any)(?<!\D0\d)"
    options = (
        Option("icmp-type", TypeName(), invert=True, mandatory=True, help="the type, by name or number", reads=("icmp_type", "icmp_code")),
    )

    @classmethod
    def more_help(cls) -> str:
        return list_types(ICMP, "ICMP")

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        super().accept(option, parse_type(value, ICMP, "ICMP"), invert, parsing)

    def save(self) -> str:
        kind, low, high = self.values["icmp-type"]
        if (kind, low, high) == (255, 0, 255):
            text = "any"
        else:
            text = str(kind) if (low, high) == (0, 255) else f"{kind}/{low}"
        return f"{' !' if self.inverted else ''} --icmp-type {text}"

    def show(self, numeric: bool, names: Names) -> str:
        return " icmp" + show_type(self.values["icmp-type"], ICMP, bool(self.inverted), numeric)

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        kind, low, high = self.values["icmp-type"]
        types = (0, 0xFFFF) if kind == 255 else (kind << 8 | low, kind << 8 | high)
        return space.values("fragment", (0, 0)) & space.values("icmp", types, invert=bool(self.inverted))

    def matches(self, packet: Packet, ctx: Context) -> bool:
        if packet.frag_offset or packet.proto != 1:
            return False
        if ctx.cut_short(packet):
            return False
        kind, low, high = self.values["icmp-type"]
        hit = kind == 255 or (packet.icmp_type == kind and low <= packet.icmp_code <= high)
        return bool(hit != bool(self.inverted))


EXTENSIONS = (Icmp,)
