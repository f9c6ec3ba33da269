"""Value types of extension options: text → value with libxtables' errors, and value → canonical text.

Each type stands for one ``XTTYPE_*`` of ``libxtables/xtoptions.c``. ``parse(text, option, extension, parsing)``
returns the value or raises :class:`ParameterProblem`; ``text(value)`` gives what the save form prints after the
option (with its leading space).
"""

from __future__ import annotations

from pyiptables.xtables.addresses import (
    ALL_ONES,
    address_text,
    mask_prefix,
    parse_ip6,
    prefix_mask,
)
from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.names import CHAIN_PROTOCOLS
from pyiptables.xtables.numbers import UINT8, UINT16, UINT32, UINT64, scan_unsigned, strtoui, strtoul_prefix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyiptables.xtables.option import Extension, Option, Parsing

__all__ = [
    "Double",
    "EtherMac",
    "EtherMacMask",
    "Host",
    "HostMask",
    "MarkMask",
    "Nothing",
    "Port",
    "PortRange",
    "PrefixLength",
    "PrefixMask",
    "ProtocolNumber",
    "SysLogLevel",
    "Text",
    "TosMask",
    "UInt",
    "UIntRange",
    "ValueType",
    "mac_text",
    "mark_text",
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


class Double(ValueType):
    """``XTTYPE_DOUBLE``; value: float. Bounds are checked only when they differ, as there."""

    metavar = "number"

    def __init__(self, low: int = 0, high: int = 0):
        self.low = low
        self.high = high

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> float:
        try:
            if "_" in text or text != text.rstrip():
                raise ValueError
            bare = text.strip().lower()
            value = float.fromhex(bare) if bare.lstrip("+-").startswith("0x") else float(bare)
        except (ValueError, OverflowError):
            value = None
        if value is None or (self.low != self.high and not self.low <= value <= self.high):
            raise ParameterProblem(f'{ext.name}: bad value for option "--{option.name}", or out of range ({self.low}-{self.high}).\n')
        return value


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


TOS_NAMES = {
    "Minimize-Delay": 0x10,
    "Maximize-Throughput": 0x08,
    "Maximize-Reliability": 0x04,
    "Minimize-Cost": 0x02,
    "Normal-Service": 0x00,
}


class TosMask(ValueType):
    """``XTTYPE_TOSMASK``; value: (tos, mask). ``name_mask`` is the mask of symbolic names."""

    metavar = "value[/mask]"
    words = tuple(TOS_NAMES)

    def __init__(self, name_mask: int = 0x3F):
        self.name_mask = name_mask

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> tuple[int, int]:
        got = scan_unsigned(text, 0, UINT8)
        if got is None:
            for name, tos in TOS_NAMES.items():
                if name.lower() == text.lower():
                    return tos, self.name_mask
            raise ParameterProblem(f'Symbolic name "{text}" is unknown')
        value, end = got
        mask = UINT8
        if text[end : end + 1] == "/":
            after = scan_unsigned(text[end + 1 :], 0, UINT8)
            if after is None:
                raise ParameterProblem(f'Illegal value: "{text}"')
            mask = after[0]
            end += 1 + after[1]
        if end != len(text):
            raise ParameterProblem(f'Illegal value: "{text}"')
        return value, mask

    def text(self, value: Any) -> str:
        return f" 0x{value[0]:02x}/0x{value[1]:02x}"


class MarkMask(ValueType):
    """``XTTYPE_MARKMASK32`` (``xtables_parse_val_mask``); value: (mark, mask)."""

    metavar = "value[/mask]"

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> tuple[int, int]:
        return parse_value_mask(text, option.name, ext.name)

    def text(self, value: Any) -> str:
        return " " + mark_text(*value)


def parse_value_mask(text: str, option: str, extension: str, named: Callable[[str], int | None] | None = None) -> tuple[int, int]:
    """``xtables_parse_val_mask``; ``named`` looks up what is no number, where there is a list of names."""
    got = scan_unsigned(text, 0, UINT32)
    end = -1 if got is None else got[1]
    if got is not None and end == len(text):
        return got[0], UINT32
    if got is None or text[end] != "/":
        if named is not None:
            number = named(text)
            if number is None:
                raise ParameterProblem(f'{extension}: could not map name {text} to an integer value for option "--{option}".\n')
            return number, UINT32
        if got is not None:
            raise ParameterProblem(f'{extension}: trailing garbage after value for option "--{option}".\n')
    else:
        mask = scan_unsigned(text[end + 1 :], 0, UINT32)
        if mask is not None and end + 1 + mask[1] == len(text):
            return got[0], mask[0]
        if mask is not None:
            raise ParameterProblem(f'{extension}: trailing garbage after value for option "--{option}".\n')
    raise ParameterProblem(f'{extension}: bad integer value for option "--{option}", or out of range.\n')


def mark_text(value: int, mask: int = UINT32) -> str:
    return f"0x{value:x}" if mask == UINT32 else f"0x{value:x}/0x{mask:x}"


SYSLOG_LEVELS = {
    "emerg": 0,
    "alert": 1,
    "crit": 2,
    "error": 3,
    "warning": 4,
    "notice": 5,
    "info": 6,
    "debug": 7,
}


class SysLogLevel(ValueType):
    """``XTTYPE_SYSLOGLEVEL``; value: 0-7."""

    metavar = "level"
    words = tuple(SYSLOG_LEVELS)

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> int:
        number = strtoui(text, 0, 7)
        if number is None:
            number = 0 if text == "panic" else SYSLOG_LEVELS.get(text)
        if number is None:
            raise ParameterProblem(f'log level "{text}" unknown\n')
        return number


class Host(ValueType):
    """``XTTYPE_HOST``: one address or a name that has just one; value: int."""

    metavar = "address"

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> int:
        family = parsing.family
        address = _scoped_ip6(text) if family == 6 else _inet_aton(text)
        if address is not None:
            return address
        found = parsing.names.host_addresses(text, family)
        if not found:
            if text and (_scoped_ip6(text) is not None or _inet_aton(text) is not None):
                raise ParameterProblem("getaddrinfo: Address family for hostname not supported\n")
            raise ParameterProblem(f"getaddrinfo: {parsing.no_such_host(text)}\n")
        if any(other != found[0] for other in found):
            raise ParameterProblem(f"{text} resolves to more than one address\n")
        return found[0]

    def text(self, value: Any) -> str:
        raise NotImplementedError("an address is printed with its family: Extension.address")


def _scoped_ip6(text: str) -> int | None:
    """An IPv6 address, perhaps with the scope that getaddrinfo takes and iptables forgets (``fe80::1%1``)."""
    bare, percent, scope = text.partition("%")
    address = parse_ip6(bare)
    if address is None or not percent:
        return address
    local = address >> 118 == 0x3FA or address >> 112 & 0xFF0F in (0xFF01, 0xFF02)
    # Of interfaces a fresh namespace has one.
    return address if (local and scope == "lo") or strtoui(scope, base=10) is not None else None


def _inet_aton(text: str) -> int | None:
    """``inet_aton`` as getaddrinfo uses it: 1 to 4 parts, the last fills what is left, C number notation."""
    parts = text.split(".")
    if len(parts) > 4:
        return None
    value = 0
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        if part[:1] not in "0123456789" or not part:
            return None
        number = strtoui(part, 0, (1 << 8 * (5 - len(parts))) - 1 if last else 255)
        if number is None:
            return None
        value |= number if last else number << 8 * (3 - i)
    return value


class PrefixLength(ValueType):
    """``XTTYPE_PLEN``: a prefix length or a mask written out; value: mask as int."""

    metavar = "length"

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> int:
        family = parsing.family
        width = 32 if family == 4 else 128
        length = strtoui(text, 0, width)
        if length is not None:
            return prefix_mask(length, family)
        mask = _inet_aton(text) if family == 4 else parse_ip6(text)
        if mask is None:
            raise ParameterProblem(
                f'{ext.name}: bad value for option "--{option.name}", neither a valid network mask nor valid CIDR (0-{width}).\n'
            )
        return mask


class PrefixMask(PrefixLength):
    """``XTTYPE_PLENMASK``; value: mask as int."""


class HostMask(ValueType):
    """``XTTYPE_HOSTMASK``: address[/mask]; value: (address, mask), the address as given."""

    metavar = "address[/mask]"

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> tuple[int, int]:
        host, slash, mask = text.partition("/")
        address = Host().parse(host, option, ext, parsing)
        if not slash:
            return address, ALL_ONES[parsing.family]
        return address, PrefixMask().parse(mask, option, ext, parsing)


def masked_address_text(address: int, mask: int, family: int) -> str:
    """``address/prefix``, the mask left out when it covers the whole address (``xtables_ip*mask_to_numeric``)."""
    if mask == ALL_ONES[family]:
        return address_text(address, family)
    length = mask_prefix(mask, family)
    return f"{address_text(address, family)}/{address_text(mask, family) if length is None else length}"


class ProtocolNumber(ValueType):
    """``XTTYPE_PROTOCOL``; value: int."""

    metavar = "protocol"
    words = tuple(CHAIN_PROTOCOLS)
    lists_words = False

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> int:
        return parse_protocol(text, parsing)


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


def _port(text: str, parsing: Parsing) -> int | None:
    """``xtables_getportbyname``: getaddrinfo of a service, a decimal number or a name of any protocol."""
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text) & UINT16
    got = (0, 0) if not text else strtoul_prefix(text, 10)
    if got is not None and got[1] == len(text):
        # strtoul's result is kept in an int; a negative one makes getaddrinfo look for a name.
        number = UINT64 if abs(got[0]) > UINT64 else got[0] & UINT64
        if not number >> 31 & 1:
            return number & UINT16
    return parsing.names.port_number(text, None)


class Port(ValueType):
    """``XTTYPE_PORT``; value: int."""

    metavar = "port"

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> int:
        port = _port(text, parsing)
        if port is None:
            raise ParameterProblem(f'Port "{text}" does not resolve to anything.\n')
        return port


class PortRange(ValueType):
    """``XTTYPE_PORTRC``: port[:port]; value: (low, high)."""

    metavar = "port[:port]"

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> tuple[int, int]:
        parts = text.split(":")
        ports = [0, UINT16]
        previous = 0
        for i, part in enumerate(parts):
            if i == 2:
                raise ParameterProblem(f'{ext.name}: Too many components for option "--{option.name}" (max: 2)\n')
            if not part:
                continue
            port = _port(part, parsing)
            if port is None:
                raise ParameterProblem(f'Port "{part}" does not resolve to anything.\n')
            if port < previous:
                raise ParameterProblem(f"Port range {previous}-{port} is negative.\n")
            previous = port
            ports[i] = port
        if len(parts) == 1:
            ports[1] = ports[0]
        return ports[0], ports[1]

    def text(self, value: Any) -> str:
        return f" {value[0]}" if value[0] == value[1] else f" {value[0]}:{value[1]}"


class EtherMac(ValueType):
    """``XTTYPE_ETHERMAC``; value: six bytes."""

    metavar = "mac"

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> bytes:
        # Six times strtoul over at most two characters, which takes none for 0 and knows blanks and signs.
        parts = text.split(":")
        octets = [(0, 0) if not part else strtoul_prefix(part, 16) for part in parts]
        if len(parts) != 6 or any(got is None or got[1] != len(part) or len(part) > 2 for got, part in zip(octets, parts, strict=True)):
            raise ParameterProblem("Invalid MAC address specified.")
        return bytes([got[0] & 0xFF for got in octets if got is not None])

    def text(self, value: Any) -> str:
        return " " + mac_text(value)


class EtherMacMask(ValueType):
    """``XTTYPE_ETHERMACMASK``; value: (mac, mask), each six bytes."""

    metavar = "mac[/mask]"

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> tuple[bytes, bytes]:
        address, slash, mask = text.partition("/")
        try:
            mac = bytes([int(p, 16) for p in address.split(":")])
            bits = bytes([int(p, 16) for p in mask.split(":")]) if slash else b"\xff" * 6
        except ValueError:
            mac = bits = b""
        if len(mac) != 6 or len(bits) != 6:
            raise ParameterProblem("Invalid MAC/mask address specified.")
        return bytes(a & b for a, b in zip(mac, bits, strict=True)), bits


def mac_text(mac: bytes) -> str:
    return ":".join([f"{octet:02x}" for octet in mac])


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
