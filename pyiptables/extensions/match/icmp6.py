"""``-m icmp6``: type and code of ICMPv6 (``libip6t_icmp6.c``, kernel ``ip6_tables.c``/``xt_tcpudp.c``)."""

from __future__ import annotations

from pyiptables.xtables.icmp_types import ICMPV6, list_types, parse_type, show_type
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
    words = tuple([entry[0] for entry in ICMPV6])
    lists_words = False


class Icmp6(Match):
    """``values``: icmpv6-type (type, lowest code, highest code)."""

    __slots__ = ()

    name = "icmp6"
    families = (6,)
    summary = "ICMPv6 type and code; loaded by itself after -p ipv6-icmp"
    protocols = (58,)
    options = (
        Option(
            "icmpv6-type", TypeName(), invert=True, mandatory=True, help="the type, by name or number", reads=("icmp_type", "icmp_code")
        ),
    )

    @classmethod
    def more_help(cls) -> str:
        return list_types(ICMPV6, "ICMPv6")

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        super().accept(option, parse_type(value, ICMPV6, "ICMPv6"), invert, parsing)

    def save(self) -> str:
        kind, low, high = self.values["icmpv6-type"]
        text = str(kind) if (low, high) == (0, 255) else f"{kind}/{low}"
        return f"{' !' if self.inverted else ''} --icmpv6-type {text}"

    def show(self, numeric: bool, names: Names) -> str:
        return " ipv6-icmp" + show_type(self.values["icmpv6-type"], ICMPV6, bool(self.inverted), numeric)

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        kind, low, high = self.values["icmpv6-type"]
        types = (kind << 8 | low, kind << 8 | high)
        return space.values("fragment", (0, 0)) & space.values("icmp", types, invert=bool(self.inverted))

    def matches(self, packet: Packet, ctx: Context) -> bool:
        if packet.frag_offset or packet.proto != 58:
            return False
        if ctx.cut_short(packet):
            return False
        kind, low, high = self.values["icmpv6-type"]
        return bool((packet.icmp_type == kind and low <= packet.icmp_code <= high) != bool(self.inverted))


EXTENSIONS = (Icmp6,)
