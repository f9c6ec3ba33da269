"""Ports as the tcp, udp, sctp, dccp … matches read, save and list them, and as value types."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import UINT16, strtoui, strtoul
from pyiptables.xtables.values import ValueType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Extension, Option, Parsing

__all__ = ["Port", "PortRange", "listed_port", "nft_ports", "parse_port", "parse_port_range", "save_ports", "show_ports"]

#: What glibc's getaddrinfo knows services for, in its order (``gaih_inet_typeproto``).
_WITH_SOCKETS = ("tcp", "udp", "dccp", "udplite", "sctp")


def parse_port(text: str, protocol: str | None, parsing: Parsing) -> int:
    """``xtables_parse_port``: a number in C notation or a service of the protocol."""
    port = strtoui(text, 0, UINT16)
    if port is None:
        port = parsing.names.port_number(text, protocol)
    if port is None:
        raise ParameterProblem(f"invalid port/service `{text}' specified")
    return port


def parse_port_range(text: str, protocol: str, parsing: Parsing) -> tuple[int, int]:
    """``port``, ``low:high`` with either side left out (``parse_tcp_ports``, ``libxt_tcp.c``)."""
    low_text, colon, high_text = text.partition(":")
    if not colon:
        port = parse_port(text, protocol, parsing)
        return port, port
    low = parse_port(low_text, protocol, parsing) if low_text else 0
    high = parse_port(high_text, protocol, parsing) if high_text else UINT16
    if low > high and not parsing.kept:
        raise ParameterProblem("invalid portrange (min > max)")
    return low, high


def save_ports(option: str, ports: tuple[int, int], inverted: bool) -> str:
    """`` --sport 1:2``; nothing for the whole range."""
    low, high = ports
    if low == 0 and high == UINT16 and not inverted:
        return ""
    mark = " !" if inverted else ""
    return f"{mark} --{option} {low}" if low == high else f"{mark} --{option} {low}:{high}"


def show_ports(word: str, ports: tuple[int, int], inverted: bool, numeric: bool, names: Names, protocol: str) -> str:
    """`` spt:22``, `` dpts:1:1024`` as listings show them."""
    low, high = ports
    if low == 0 and high == UINT16 and not inverted:
        return ""
    mark = "!" if inverted else ""

    def name(port: int) -> str:
        return (None if numeric else names.port_name(port, protocol)) or str(port)

    return f" {word}:{mark}{name(low)}" if low == high else f" {word}s:{mark}{name(low)}:{name(high)}"


def listed_port(match: str, saved: str) -> str | None:
    """The numeric listing of a match that asks for one port, from its save form; None for any other."""
    words = saved.split(" ")
    if len(words) != 3 or not words[2].isdigit() or words[1] not in ("--sport", "--dport"):
        return None
    return f" {match} {'spt' if words[1] == '--sport' else 'dpt'}:{words[2]}"


def nft_ports(values: dict[str, Any], inverted: set[str], names: tuple[str, ...], before: dict[str, Any]) -> None:
    """The ranges as iptables-nft reads them back (``nft-ruleparse.c``); ``before`` are those of the match they fill.

    0 to N is a comparison, "up to N", and with ``!`` "above N": it moves one end of the range that is there.
    """
    for name in names:
        low, high = values.get(name, (0, 0))
        if (low, high) == (0, UINT16) and name not in inverted:
            values.pop(name, None)
        elif low == 0 and 0 < high < UINT16:
            first, last = before.get(name, (0, UINT16))
            values[name] = (high + 1, last) if name in inverted else (first, high)
            inverted.discard(name)


def _port(text: str, parsing: Parsing) -> int | None:
    """``xtables_getportbyname``: getaddrinfo of a service, a decimal number or a name of a protocol that has sockets."""
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text) & UINT16
    number, end = strtoul(text, 10)
    # strtoul's result is kept in an int; a negative one makes getaddrinfo look for a name.
    if end == len(text) and not number >> 31 & 1:
        return number & UINT16
    found = [parsing.names.port_number(text, protocol) for protocol in _WITH_SOCKETS]
    return next((port for port in found if port is not None), None)


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
            if port < previous and not parsing.kept:
                raise ParameterProblem(f"Port range {previous}-{port} is negative.\n")
            previous = port
            ports[i] = port
        if len(parts) == 1:
            ports[1] = ports[0]
        return ports[0], ports[1]

    def text(self, value: Any) -> str:
        return f" {value[0]}" if value[0] == value[1] else f" {value[0]}:{value[1]}"
