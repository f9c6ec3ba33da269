"""``-m tcp``: ports, flags and options of TCP (``libxt_tcp.c``, kernel ``xt_tcpudp.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import UINT8, UINT16, strtoui
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.ports import listed_port, nft_ports, parse_port_range, save_ports, show_ports
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

FLAGS = {"FIN": 0x01, "SYN": 0x02, "RST": 0x04, "PSH": 0x08, "ACK": 0x10, "URG": 0x20}
_WORDS = {**FLAGS, "ALL": 0x3F, "NONE": 0}
_EVERY_PORT = (0, UINT16)
_SOURCE, _DESTINATION, _OPTION, _FLAGS = "source-port", "destination-port", "tcp-option", "tcp-flags"


class Tcp(Match):
    """``values``: source-port and destination-port (low, high), tcp-flags (mask, compare), tcp-option (kind)."""

    __slots__ = ()

    name = "tcp"
    summary = "TCP ports, flags and options; loaded by itself after -p tcp"
    protocols = (6,)
    canonical = r"(?:(?: !)? --sport {PORTS})?(?:(?: !)? --dport {PORTS})?(?:(?: !)? --tcp-flags FIN,SYN,RST,ACK SYN)?"
    options = (
        Option(_SOURCE, Text(), invert=True, aliases=("sport",), metavar="port[:port]", help="source port or range",
               reads=("sport",)),
        Option(_DESTINATION, Text(), invert=True, aliases=("dport",), metavar="port[:port]", help="destination port or range",
               reads=("dport",)),
        Option("syn", invert=True, help="only SYN set of SYN, RST, ACK, FIN: a connection request", code=ord("3")),
        Option(_FLAGS, Text(), invert=True, metavar="mask compare", words=tuple(_WORDS),
               help="of the flags in mask exactly those in compare are set", reads=("tcp_flags",)),
        Option(_OPTION, Text(), invert=True, metavar="number", help="the TCP option with this number is present",
               reads=("tcp_options",)),
    )  # fmt: skip

    def parse(self, option: Option, text: str, invert: bool, parsing: Parsing) -> None:
        name = _FLAGS if option.name == "syn" else option.name
        if name in self.values:
            if name == _FLAGS:
                raise ParameterProblem("Only one of `--syn' or `--tcp-flags'  allowed")
            raise ParameterProblem(f"Only one `--{name}' allowed")
        value: Any
        if name in (_SOURCE, _DESTINATION):
            value = parse_port_range(text, "tcp", parsing)
        elif option.name == "syn":
            value = (0x17, 0x02)
        elif name == _FLAGS:
            compare = parsing.next_word()
            if compare is None:
                raise ParameterProblem("--tcp-flags requires two args.")
            value = (_flag_bits(text), _flag_bits(compare))
        else:
            value = strtoui(text, 1, UINT8)
            if value is None:
                raise ParameterProblem(f'Bad TCP option "{text}"')
        self.accept(option if option.name == name else _flags_option(), value, invert, parsing)

    def save(self) -> str:
        given, inverted = self.values, self.inverted
        text = save_ports("sport", given.get(_SOURCE, _EVERY_PORT), _SOURCE in inverted)
        text += save_ports("dport", given.get(_DESTINATION, _EVERY_PORT), _DESTINATION in inverted)
        if _OPTION in given:
            text += f"{' !' if _OPTION in inverted else ''} --tcp-option {given[_OPTION]}"
        if _FLAGS in given:
            mask, compare = given[_FLAGS]
            if mask or _FLAGS in inverted:
                mark = " !" if _FLAGS in inverted else ""
                text += f"{mark} --tcp-flags {flag_text(mask)} {flag_text(compare)}"
        return text

    def show(self, numeric: bool, names: Names) -> str:
        given, inverted = self.values, self.inverted
        text = " tcp"
        text += show_ports("spt", given.get(_SOURCE, _EVERY_PORT), _SOURCE in inverted, numeric, names, "tcp")
        text += show_ports("dpt", given.get(_DESTINATION, _EVERY_PORT), _DESTINATION in inverted, numeric, names, "tcp")  # fmt: skip
        if _OPTION in given:
            text += f" option={'!' if _OPTION in inverted else ''}{given[_OPTION]}"
        if _FLAGS in given:
            mask, compare = given[_FLAGS]
            if mask or _FLAGS in inverted:
                text += f" flags:{'!' if _FLAGS in inverted else ''}"
                text += f"0x{mask:02X}/0x{compare:02X}" if numeric else f"{flag_text(mask)}/{flag_text(compare)}"
        return text

    @classmethod
    def listed(cls, saved: str) -> str | None:
        return listed_port(cls.name, saved)

    def nft_form(self, earlier: list[Match], spec: RuleSpec) -> Match | None:
        """Ports and flags become native expressions (``add_nft_tcp``); later ones fill the tcp match before them."""
        if not self.native():
            return self
        if spec.proto != 6:
            raise ParameterProblem("TCP match requires '-p tcp'")
        before = next((match for match in earlier if match.name == self.name), None)
        nft_ports(self.values, self.inverted, (_SOURCE, _DESTINATION), before.values if before is not None else {})
        if not self.values.get(_FLAGS, (0, 0))[0]:
            # Flags under no mask make no expression, whatever they are compared with.
            self.values.pop(_FLAGS, None)
            self.inverted.discard(_FLAGS)
            if not self.save():
                return None
        if before is None:
            return self
        before.values.update(self.values)
        before.inverted.update(self.inverted)
        return None

    def native(self) -> bool:
        return _OPTION not in self.values and bool(self.save() or self.values.get(_FLAGS, (0, 0))[1])

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        """``tcp_mt``: never a later fragment; TCP options are a condition of their own."""
        given, inverted = self.values, self.inverted
        region = space.values("fragment", (0, 0))
        for name, field in ((_SOURCE, "sport"), (_DESTINATION, "dport")):
            if name in given:
                region &= space.values(field, given[name], invert=name in inverted)
        if _FLAGS in given:
            mask, compare = given[_FLAGS]
            region &= space.masked("tcpflags", compare, mask, _FLAGS in inverted)
        if _OPTION in given:
            region &= space.atom(f"tcp option {given[_OPTION]}", _OPTION in inverted, ("tcpoptions",))
        return region

    def matches(self, packet: Packet, ctx: Context) -> bool:
        """``tcp_mt``: a second fragment that begins inside the header drops the packet."""
        if packet.frag_offset or packet.proto != 6:
            ctx.hotdrop = ctx.hotdrop or packet.frag_offset == 1
            return False
        if ctx.cut_short(packet):
            return False
        given, inverted = self.values, self.inverted
        if _DESTINATION in given:
            low, high = given[_DESTINATION]
            if (low <= packet.dport <= high) == (_DESTINATION in inverted):
                return False
        if _SOURCE in given:
            low, high = given[_SOURCE]
            if (low <= packet.sport <= high) == (_SOURCE in inverted):
                return False
        if _FLAGS in given:
            mask, compare = given[_FLAGS]
            if (packet.tcp_flags & mask == compare) == (_FLAGS in inverted):
                return False
        return _OPTION not in given or _has_option(packet.tcp_options, given[_OPTION]) != (_OPTION in inverted)


def _flags_option() -> Option:
    return Tcp.options[3]


def _has_option(options: bytes, kind: int) -> bool:
    """``tcp_find_option``: kinds 0 and 1 are one byte, all others tell their length."""
    at = 0
    while at < len(options):
        if options[at] == kind:
            return True
        at += 1 if options[at] < 2 or at + 1 >= len(options) else options[at + 1] or 1
    return False


def _flag_bits(text: str) -> int:
    bits = 0
    for word in filter(None, text.split(",")):
        if word.upper() not in _WORDS:
            raise ParameterProblem(f"Unknown TCP flag `{word}'")
        bits |= _WORDS[word.upper()]
    return bits


def flag_text(bits: int) -> str:
    """Flag names with commas, ``NONE`` for none."""
    return ",".join([name for name, bit in FLAGS.items() if bits & bit]) or "NONE"


EXTENSIONS = (Tcp,)
