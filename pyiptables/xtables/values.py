"""Value types of extension options: text → value with libxtables' errors, and value → canonical text.

Each type stands for one ``XTTYPE_*`` of ``libxtables/xtoptions.c``. ``parse(text, option, extension, parsing)``
returns the value or raises :class:`ParameterProblem`; ``text(value)`` gives what the save form prints after the
option (with its leading space).
"""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.names import CHAIN_PROTOCOLS
from pyiptables.xtables.numbers import UINT8, UINT16, UINT32, UINT64, scan_unsigned, strtoui

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.xtables.option import Extension, Option, Parsing

__all__ = [
    "Nothing",
    "ProtocolNumber",
    "Text",
    "UInt",
    "UIntRange",
    "ValueType",
    "bad_value",
    "byte_length",
    "cut_bytes",
    "parse_interface",
    "parse_protocol",
    "quoted",
]


class ValueType:
    """A type of option values. ``metavar`` names it in help; ``words`` are completions, told by help if ``lists_words``."""

    takes_argument = True
    metavar = "value"
    words: tuple[str, ...] = ()
    lists_words = True

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> Any:
        raise NotImplementedError

    def text(self, value: Any) -> str:
        return f" {value}"


class Nothing(ValueType):
    """An option without an argument (``XTTYPE_NONE``)."""

    takes_argument = False
    metavar = ""

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> bool:
        return True

    def text(self, value: Any) -> str:
        return ""


class UInt(ValueType):
    """``XTTYPE_UINT8`` … ``XTTYPE_UINT64``; value: int."""

    metavar = "number"

    def __init__(self, bits: int = 32, low: int = 0, high: int = 0, base: int = 0, hexadecimal: bool = False):
        self.low = low
        self.high = high or {8: UINT8, 16: UINT16, 32: UINT32, 64: UINT64}[bits]
        self.base = base
        self.hexadecimal = hexadecimal

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> int:
        value = strtoui(text, self.low, self.high, self.base)
        if value is None:
            raise ParameterProblem(f'{ext.name}: bad value for option "--{option.name}", or out of range ({self.low}-{self.high}).\n')
        return value

    def text(self, value: Any) -> str:
        return f" {value:#x}" if self.hexadecimal else f" {value}"


class UIntRange(ValueType):
    """``XTTYPE_UINT*RC``: up to ``count`` numbers with colons; value: tuple of ints as given, at least one.

    Of the fields left empty the second stands for the maximum, all others for the lowest allowed.
    """

    metavar = "number[:number]"

    def __init__(self, bits: int = 32, low: int = 0, high: int = 0, count: int = 2):
        top = {8: UINT8, 16: UINT16, 32: UINT32, 64: UINT64}[bits]
        self.low = low
        self.high = min(high, top) if high else top
        self.count = count

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> tuple[int, ...]:
        values: list[int] = []
        low = self.low
        rest = text
        while True:
            if len(values) == self.count:
                raise ParameterProblem(f'{ext.name}: Too many components for option "--{option.name}" (max: {self.count})\n')
            if rest[:1] in ("", ":"):
                values.append(self.high if len(values) == 1 else low)
                end = rest
            else:
                got = scan_unsigned(rest, low, self.high)
                if got is None:
                    raise ParameterProblem(
                        f'{ext.name}: bad value for option "--{option.name}" near "{rest}", or out of range ({low}-{self.high}).\n'
                    )
                end = rest[got[1] :]
                if end and end[0] != ":":
                    raise ParameterProblem(f'{ext.name}: Argument to "--{option.name}" has unexpected characters near "{end}".\n')
                low = got[0]
                values.append(low)
            if not end:
                return tuple(values)
            rest = end[1:]

    def text(self, value: Any) -> str:
        return f" {value[0]}" if len(value) == 1 or value[0] == value[1] else f" {value[0]}:{value[1]}"


class Text(ValueType):
    """``XTTYPE_STRING``: any text; at most ``size - 1`` characters are kept when ``size`` is given."""

    metavar = "text"

    def __init__(self, low: int = 0, high: int = 0, size: int = 0):
        self.low = low
        self.high = high
        self.size = size

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> str:
        length = byte_length(text)
        if self.low and length < self.low:
            raise ParameterProblem(f"Argument must have a minimum length of {self.low} characters\n")
        if self.high and length > self.high:
            raise ParameterProblem(f"Argument must have a maximum length of {self.high} characters\n")
        if self.size and length >= self.size:
            return cut_bytes(text, self.size - 1)
        return text

    def text(self, value: Any) -> str:
        return quoted(value)


def byte_length(text: str) -> int:
    """How long C's ``strlen`` finds the argument."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))


def cut_bytes(text: str, length: int) -> str:
    """The first ``length`` bytes, as ``strncpy`` keeps them."""
    if text.isascii():
        return text[:length]
    return text.encode("utf-8", "surrogateescape")[:length].decode("utf-8", "surrogateescape")


class ProtocolNumber(ValueType):
    """``XTTYPE_PROTOCOL``; value: int."""

    metavar = "protocol"
    words = tuple(CHAIN_PROTOCOLS)
    lists_words = False

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> int:
        # Kept in an octet, though /etc/protocols has a larger one (mptcp).
        return parse_protocol(text, parsing) & UINT8


def parse_protocol(text: str, parsing: Parsing) -> int:
    """``xtables_parse_protocol``: a number up to 255 or a name."""
    number = strtoui(text, 0, UINT8)
    if number is None:
        number = CHAIN_PROTOCOLS.get(text)
    if number is None:
        number = parsing.names.protocol_number(text)
    if number is None:
        raise ParameterProblem(f'unknown protocol "{text}" specified')
    return number


_PLAIN = frozenset("_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def quoted(value: str) -> str:
    """``xtables_save_string``: a space, then the text, in quotes unless it is a plain word."""
    if value and _PLAIN.issuperset(value):
        return " " + value
    return ' "' + value.replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'") + '"'


def parse_interface(text: str, parsing: Parsing) -> str:
    """``xtables_parse_interface`` of an extension: at most 15 characters, with a warning for odd ones."""
    if byte_length(text) > 15:
        raise ParameterProblem(f"interface name `{text}' must be shorter than IFNAMSIZ (15)")
    if "/" in text or " " in text:
        parsing.notices.append(f"Warning: weird character in interface `{text}' ('/' and ' ' are not allowed by the kernel).\n")
    return text


def bad_value(extension: str, option: str, text: str) -> ParameterProblem:
    """``xtables_param_act(XTF_BAD_VALUE)``."""
    return ParameterProblem(f'{extension}: Bad value for "--{option}" option: "{text}"')
