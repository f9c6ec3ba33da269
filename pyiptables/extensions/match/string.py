"""``-m string``: text in the packet (``libxt_string.c``, kernel ``xt_string.c``)."""

from __future__ import annotations

from errno import EINVAL, ENOENT

from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.numbers import UINT16
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Text, UInt, byte_length

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_LONGEST = 128
_ALGORITHMS = ("bm", "kmp")
_HEX = frozenset(b"0123456789abcdefABCDEF")


class String(Match):
    """``values``: from, to (offsets into the packet), algo, string or hex-string (bytes), icase."""

    __slots__ = ()

    name = "string"
    summary = "bytes that occur in the packet"
    options = (
        Option("from", UInt(16), metavar="offset", help="look from this byte of the packet on"),
        Option("to", UInt(16), metavar="offset", help="look up to this byte"),
        Option("algo", Text(size=16), mandatory=True, metavar="bm|kmp", words=_ALGORITHMS[:2], help="how to search"),
        Option("string", Text(), invert=True, excl=("hex-string",), metavar="text", help="text to look for"),
        Option(
            "hex-string", Text(), invert=True, excl=("string",), metavar="text", help="text with hexadecimal bytes between bars: |0d0a|"
        ),
        Option("icase", help="ignore case", code=3),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if option.name == "string":
            if byte_length(value) > _LONGEST:
                raise ParameterProblem(f'STRING too long "{value}"')
            value = value.encode("utf-8", "surrogateescape")
        elif option.name == "hex-string":
            value = _parse_hex(value.encode("utf-8", "surrogateescape"), value)
        super().accept(option, value, invert, parsing)

    def final_check(self, parsing: Parsing) -> None:
        if not self.values.keys() & {"string", "hex-string"}:
            raise ParameterProblem("STRING match: You must specify `--string' or `--hex-string'")

    def kernel_check(self, parsing: Parsing) -> None:
        if self._from() > self._to() or not self._pattern():
            raise KernelRefusal(EINVAL)
        if self.values["algo"] not in _ALGORITHMS:
            # The third that the kernel has, fsm, wants a machine for a pattern, and no text is one.
            raise KernelRefusal(EINVAL if self.values["algo"] == "fsm" else ENOENT)

    def _pattern(self) -> bytes:
        found: bytes = self.values.get("string", self.values.get("hex-string", b""))
        return found

    def _from(self) -> int:
        found: int = self.values.get("from", 0)
        return found

    def _to(self) -> int:
        found: int = self.values.get("to", UINT16)
        return found

    def _is_hex(self) -> bool:
        pattern = self._pattern()
        return any(not 32 <= octet < 127 for octet in pattern) or pattern.endswith(b"\\")

    def _quoted(self) -> str:
        pattern = self._pattern()
        if self._is_hex():
            return f'"|{pattern.hex()}|"'
        return '"' + pattern.decode().replace("\\", "\\\\").replace('"', '\\"') + '"'

    def save(self) -> str:
        text = f"{' !' if self.inverted else ''} --{'hex-' if self._is_hex() else ''}string {self._quoted()}"
        text += f" --algo {self.values['algo']}"
        if self._from():
            text += f" --from {self._from()}"
        if self._to() != UINT16:
            text += f" --to {self._to()}"
        return text + (" --icase" if "icase" in self.values else "")

    def show(self, numeric: bool, names: Names) -> str:
        text = f" STRING match {'!' if self.inverted else ''} {self._quoted()} ALGO name {self.values['algo']}"
        if self._from():
            text += f" FROM {self._from()}"
        if self._to() != UINT16:
            text += f" TO {self._to()}"
        return text + (" ICASE" if "icase" in self.values else "")

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        return space.inverse(self.save(), bool(self.inverted))

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        """``skb_find_text``: what is found must lie within [from, to), counted from the network header."""
        data = packet.octets()
        if data is None:
            ctx.unknown("no payload is described")
            return None
        pattern = self._pattern()
        if "icase" in self.values:
            data, pattern = data.lower(), pattern.lower()
        at = data.find(pattern, self._from())
        found = at >= 0 and at + len(pattern) <= self._to()
        if not found and packet.attrs.get("payload_open"):
            ctx.unknown("no payload is described (payload)")
            return None
        return found != bool(self.inverted)


def _parse_hex(data: bytes, text: str) -> bytes:
    """``parse_hex_string``, step by step: it lets odd things pass that a cleaner reading would not."""
    if not data:
        raise ParameterProblem("STRING must contain at least one char")
    found = bytearray()
    i, size = 0, len(data)
    in_hex = literal = False
    at = data + b"\0\0\0"
    while i < size:
        if len(found) >= _LONGEST:
            raise ParameterProblem(f'STRING too long "{text}"')
        if at[i] == 0x5C and not in_hex:
            literal = True
        elif at[i] == 0x5C:
            raise ParameterProblem("Cannot include literals in hex data")
        elif at[i] == 0x7C:
            in_hex = not in_hex
            while in_hex and at[i + 1] == 0x20:
                i += 1
            if i + 1 >= size:
                break
            i += 1
        if literal:
            if i + 1 >= size:
                raise ParameterProblem("Bad literal placement at end of string")
            found.append(at[i + 1])
            i += 2
            literal = False
        elif in_hex:
            i = _take_hex(at, i, size, found)
        else:
            found.append(at[i])
            i += 1
    return bytes(found)


def _take_hex(at: bytes, i: int, size: int, found: bytearray) -> int:
    if i + 1 >= size:
        raise ParameterProblem("Odd number of hex digits")
    if i + 2 >= size:
        raise ParameterProblem("Invalid hex block")
    for octet in at[i : i + 2]:
        if octet not in _HEX:
            raise ParameterProblem(f"Invalid hex char '{chr(octet)}'")
    found.append(int(at[i : i + 2], 16))
    return i + 3 if at[i + 2] == 0x20 else i + 2


EXTENSIONS = (String,)
