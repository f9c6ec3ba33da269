"""``-m dccp``: ports, types and options of DCCP (``libxt_dccp.c``, kernel ``xt_dccp.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import UINT16
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.ports import PortRange, show_ports
from pyiptables.xtables.values import Text, UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_TYPES = ("REQUEST", "RESPONSE", "DATA", "ACK", "DATAACK", "CLOSEREQ", "CLOSE", "RESET", "SYNC", "SYNCACK", "INVALID")
_SOURCE, _DESTINATION = "source-port", "destination-port"
_INVALID_BITS = 0xF800
_EVERY = (0, UINT16)


class TypeList(Text):
    metavar = "type[,type…]"
    words = _TYPES


#: Octets behind the generic header, by type of packet (RFC 4340, 5.2 to 5.8): REQUEST, RESPONSE, DATA, those with an
#: acknowledgement only.
_HEADS = {0: 4, 1: 12, 2: 0, 3: 8, 4: 8, 5: 8, 6: 8, 8: 8, 9: 8}


class Dccp(Match):
    """``values``: source-port, destination-port (low, high), dccp-types (bits), dccp-option."""

    __slots__ = ()

    name = "dccp"
    summary = "DCCP ports, packet types and options; loaded by itself after -p dccp"
    protocols = (33,)
    options = (
        Option(_SOURCE, PortRange(), invert=True, aliases=("sport",), save_as="sport", help="source port or range"),
        Option(_DESTINATION, PortRange(), invert=True, aliases=("dport",), save_as="dport", help="destination port or range"),
        Option("dccp-types", TypeList(), invert=True, help="one of these packet types"),
        Option("dccp-option", UInt(8, 1, 255), invert=True, help="the option with this number is present"),
    )  # fmt: skip

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if option.name == "dccp-types":
            bits = 0
            for word in filter(None, value.split(",")):
                if word.upper() not in _TYPES:
                    raise ParameterProblem(f"Unknown DCCP type `{word}'")
                bits |= 1 << _TYPES.index(word.upper())
            value = bits | (_INVALID_BITS if bits >> 10 else 0)
        super().accept(option, value, invert, parsing)

    def option_text(self, option: Option, value: Any) -> str:
        return " " + _listed(value) if option.name == "dccp-types" else super().option_text(option, value)

    def show(self, numeric: bool, names: Names) -> str:
        text = " dccp"
        for name, word in ((_SOURCE, "spt"), (_DESTINATION, "dpt")):
            if name in self.values:
                text += show_ports(word, self.values[name], name in self.inverted, numeric, names, "dccp")
        if "dccp-types" in self.values:
            bits = self.values["dccp-types"]
            listed = ",".join([str(i) for i in range(16) if bits >> i & 1]) if numeric else _listed(bits)
            text += f"{' !' if 'dccp-types' in self.inverted else ''} {listed}"
        if "dccp-option" in self.values:
            text += f" option={'!' if 'dccp-option' in self.inverted else ''}{self.values['dccp-option']}"
        return text

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        region = space.ports(self.values, self.inverted)
        for name in ("dccp-types", "dccp-option"):
            if name in self.values:
                region &= space.atom(f"{name} {self.values[name]}", name in self.inverted, ())
        return region

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        if packet.frag_offset or packet.proto != 33:
            return False
        if packet.lacks(12):
            ctx.hotdrop = True
            return False
        for name, port in ((_SOURCE, packet.sport), (_DESTINATION, packet.dport)):
            low, high = self.values.get(name, _EVERY)
            if (low <= port <= high) == (name in self.inverted):
                return False
        if "dccp-types" not in self.values and "dccp-option" not in self.values:
            return True
        header = packet.l4
        if header is None or len(header) < 12:
            ctx.unknown("no DCCP header is described")
            return None
        if "dccp-types" in self.values:
            hit = bool(self.values["dccp-types"] >> (header[8] >> 1 & 15) & 1)
            if hit == ("dccp-types" in self.inverted):
                return False
        if "dccp-option" in self.values:
            found = _has_option(header, packet.payload or b"", self.values["dccp-option"])
            if found is None:
                # The packet is lost, but a rule that wants no such option has matched before that shows.
                ctx.hotdrop = True
                found = False
            if found == ("dccp-option" in self.inverted):
                return False
        return True


def _listed(bits: int) -> str:
    return ",".join([name for i, name in enumerate(_TYPES) if bits >> i & 1])


def _has_option(header: bytes, payload: bytes, wanted: int) -> bool | None:
    """``dccp_find_option``: a whole header is needed (None where it is not there); kinds from 2 on tell their length."""
    kind, extended = header[8] >> 1 & 15, header[8] & 1
    at = 12 + 4 * extended + _HEADS.get(kind, 12)
    end = header[4] * 4
    octets = header + payload
    if end < at or end > len(octets):
        return None
    while at < end:
        if octets[at] == wanted:
            return True
        at += 1 if octets[at] < 2 or at + 1 >= end else octets[at + 1] or 1
    return False


EXTENSIONS = (Dccp,)
