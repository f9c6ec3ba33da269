"""``-m sctp``: ports and chunks of SCTP (``libxt_sctp.c``, kernel ``xt_sctp.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import UINT16
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.ports import parse_port_range, show_ports
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

#: Name → (number, letters of its flags from bit 7 to bit 0), in libxtables' order: flags are kept by place in it.
_CHUNKS = {
    "DATA": (0, "----IUBE"), "INIT": (1, ""), "INIT_ACK": (2, ""), "SACK": (3, ""), "HEARTBEAT": (4, ""),
    "HEARTBEAT_ACK": (5, ""), "ABORT": (6, "-------T"), "SHUTDOWN": (7, ""), "SHUTDOWN_ACK": (8, ""), "ERROR": (9, ""),
    "COOKIE_ECHO": (10, ""), "COOKIE_ACK": (11, ""), "ECN_ECNE": (12, ""), "ECN_CWR": (13, ""),
    "SHUTDOWN_COMPLETE": (14, "-------T"), "I_DATA": (64, "----IUBE"), "RE_CONFIG": (130, ""), "PAD": (132, ""),
    "ASCONF": (193, ""), "ASCONF_ACK": (128, ""), "FORWARD_TSN": (192, ""), "I_FORWARD_TSN": (194, ""),
}  # fmt: skip
_NAMES = tuple(_CHUNKS)
_BY_NUMBER = {number: name for name, (number, _) in _CHUNKS.items()}
#: ``XT_NUM_SCTP_FLAGS``.
_FLAG_PLACES = 4
_SOURCE, _DESTINATION, _TYPES = "source-port", "destination-port", "chunk-types"
_EVERY = (0, UINT16)


class Sctp(Match):
    """``values``: source-port, destination-port (low, high), chunk-types (how, numbers, flags by place)."""

    __slots__ = ()

    name = "sctp"
    summary = "SCTP ports and chunk types; loaded by itself after -p sctp"
    protocols = (132,)
    options = (
        Option(_SOURCE, Text(), invert=True, aliases=("sport",), metavar="port[:port]", help="source port or range"),
        Option(_DESTINATION, Text(), invert=True, aliases=("dport",), metavar="port[:port]", help="destination port or range"),
        Option(_TYPES, Text(), invert=True, metavar="all|any|only chunk[:flags][,…]", words=("all", "any", "only", *_NAMES),
               help="all, any or only these chunks"),
    )  # fmt: skip

    def parse(self, option: Option, text: str, invert: bool, parsing: Parsing) -> None:
        name = option.name
        if name in self.values:
            raise ParameterProblem(f"Only one `--{name}' allowed")
        value: Any
        if name == _TYPES:
            chunks = parsing.next_word()
            if chunks is None:
                raise ParameterProblem("--chunk-types requires two args")
            if text.upper() not in ("ANY", "ALL", "ONLY"):
                raise ParameterProblem('Match type has to be one of "ALL", "ANY" or "ONLY"')
            value = (text.lower(), *_parse_chunks(chunks))
        else:
            value = parse_port_range(text, "sctp", parsing)
        self.accept(option, value, invert, parsing)

    def _chunks(self, numeric: bool) -> str:
        how, numbers, flags = self.values[_TYPES]
        if not numbers:
            return f" {how} NONE"
        if len(numbers) == 256:
            return f" {how} ALL"
        parts = []
        for number in sorted(numbers):
            name = f"0x{number:04X}" if numeric else _BY_NUMBER[number]
            mask, bits = flags.get(number, (0, 0))
            letters = _CHUNKS[_NAMES[number]][1] if mask else ""
            marks = [
                letters[7 - bit].upper() if bits >> bit & 1 else letters[7 - bit].lower() for bit in range(7, -1, -1) if mask >> bit & 1
            ]
            parts.append(name + (":" + "".join(marks) if mask else ""))
        return f" {how} {','.join(parts)}"

    def save(self) -> str:
        text = ""
        for name, short in ((_SOURCE, "sport"), (_DESTINATION, "dport")):
            if name in self.values:
                low, high = self.values[name]
                text += f"{' !' if name in self.inverted else ''} --{short} {low if low == high else f'{low}:{high}'}"
        if _TYPES in self.values:
            text += f"{' !' if _TYPES in self.inverted else ''} --chunk-types{self._chunks(False)}"
        return text

    def show(self, numeric: bool, names: Names) -> str:
        text = " sctp"
        for name, word in ((_SOURCE, "spt"), (_DESTINATION, "dpt")):
            if name in self.values:
                text += show_ports(word, self.values[name], name in self.inverted, numeric, names, "sctp")
        if _TYPES in self.values:
            text += f"{' !' if _TYPES in self.inverted else ''}{self._chunks(numeric)}"
        return text

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        region = space.ports(self.values, self.inverted)
        if _TYPES in self.values:
            region &= space.atom(f"sctp{self._chunks(True)}", _TYPES in self.inverted, ())
        return region

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        if packet.frag_offset or packet.proto != 132:
            return False
        if packet.lacks(12):
            ctx.hotdrop = True
            return False
        for name, port in ((_SOURCE, packet.sport), (_DESTINATION, packet.dport)):
            low, high = self.values.get(name, _EVERY)
            if (low <= port <= high) == (name in self.inverted):
                return False
        if _TYPES not in self.values:
            return True
        octets = None if packet.l4 is None else packet.transport()
        if octets is None:
            ctx.unknown("no SCTP chunks are described")
            return None
        hit = self._match_chunks(octets)
        if hit is None:
            # The packet is lost, but a rule that wants other chunks has matched before that shows.
            ctx.hotdrop = True
            hit = False
        return hit != (_TYPES in self.inverted)

    def _match_chunks(self, segment: bytes) -> bool | None:
        """``match_packet``: walk the chunks; None when they are broken."""
        how, numbers, flags = self.values[_TYPES]
        missing = set(numbers)
        at = 12
        while True:
            length = int.from_bytes(segment[at + 2 : at + 4], "big")
            if at + 4 > len(segment) or not length:
                return None
            kind, marks = segment[at], segment[at + 1]
            if kind in numbers:
                mask, bits = flags.get(kind, (0, 0))
                fits = marks & mask == bits
                if how == "any" and fits:
                    return True
                if how == "only" and not fits:
                    return False
                if how == "all" and fits:
                    missing.discard(kind)
            elif how == "only":
                return False
            at += length + 3 & ~3
            if at >= len(segment):
                break
        return {"any": False, "only": True, "all": not missing}[how]


def _parse_chunks(text: str) -> tuple[frozenset[int], dict[int, tuple[int, int]]]:
    """Chunk numbers, and (mask, bits) of flags by the chunk's place in the table, as libxtables keeps them."""
    if text.upper() == "ALL":
        return frozenset(range(256)), {}
    if text.upper() == "NONE":
        return frozenset(), {}
    numbers = set()
    flags: dict[int, tuple[int, int]] = {}
    for part in filter(None, text.split(",")):
        name, colon, letters = part.partition(":")
        if name.upper() not in _CHUNKS:
            raise ParameterProblem(f"Unknown sctp chunk `{name}'")
        number, valid = _CHUNKS[name.upper()]
        place = _NAMES.index(name.upper())
        numbers.add(number)
        for letter in letters if colon else "":
            at = (valid or "-" * 8).find(letter.upper())
            if at < 0:
                raise ParameterProblem(f"Invalid flags for chunk type {place}")
            if place not in flags and len(flags) == _FLAG_PLACES:
                raise ParameterProblem(
                    "Number of chunk types with flags exceeds currently allowed limit. Increasing this limit involves "
                    "changing IPT_NUM_SCTP_FLAGS and recompiling both the kernel space and user space modules"
                )
            mask, bits = flags.get(place, (0, 0))
            bit = 1 << 7 - at
            flags[place] = mask | bit, bits | (bit if letter.isupper() else 0)
    return frozenset(numbers), flags


EXTENSIONS = (Sctp,)
