"""What the NAT targets have in common: ranges of addresses and ports (``libxt_NAT.c``)."""

from __future__ import annotations

from pyiptables.xtables.addresses import address_text, parse_ip6, parse_strict_ip4
from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import UINT16, scan_unsigned
from pyiptables.xtables.option import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import NatRange
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Option, Parsing

__all__ = ["NatTarget"]

#: Protocols that may come with ports; for ICMP they are ids. ICMPv6 is missing there too.
_WITH_PORTS = (6, 17, 132, 33, 1)

Ports = tuple[int, int, "int | None"]


class NatTarget(Target):
    """A NAT target. The option named :attr:`range_option` holds (addresses, ports): (low, high) or None, and
    (low, high, base) or None."""

    __slots__ = ()

    terminal = True
    tables = ("nat",)
    range_option = ""
    #: Whether the kernel knows ``port-port/base``; where it does not the base is forgotten and saved as 0.
    shifts = False
    #: What ``-L`` prints before the range.
    shown_as = "to:"

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if option.name == "to-ports":
            value = (None, parse_ports(value, parsing))
        elif option.name == self.range_option:
            value = parse_range(value, parsing)
        if option.name == self.range_option and not self.shifts:
            addresses, ports = value
            if ports is not None and ports[2] is not None:
                value = (addresses, (ports[0], ports[1], 0))
        super().accept(option, value, invert, parsing)

    def range(self) -> tuple[tuple[int, int] | None, Ports | None]:
        found: tuple[tuple[int, int] | None, Ports | None] = self.values.get(self.range_option, (None, None))
        return found

    def _range_text(self) -> str:
        addresses, ports = self.range()
        text = ""
        if addresses is not None:
            low, high = addresses
            text = address_text(low, self.family) + ("" if low == high else f"-{address_text(high, self.family)}")
            if self.family == 6 and ports is not None:
                text = f"[{text}]"
        if ports is not None:
            low, high, base = ports
            text += f":{low}" + ("" if low == high else f"-{high}") + ("" if base is None else f"/{base}")
        return text[1:] if self.range_option == "to-ports" else text

    def _flags(self, prefix: str) -> str:
        return "".join([f" {prefix}{flag}" for flag in ("random", "random-fully", "persistent") if flag in self.values])

    def save(self) -> str:
        text = self._range_text()
        return (f" --{self.range_option} {text}" if text else "") + self._flags("--")

    def show(self, numeric: bool, names: Names) -> str:
        text = self._range_text()
        return (f" {self.shown_as}{text}" if text else "") + self._flags("")

    def saves_all(self) -> bool:
        """No base of 0 is read again, and no base behind a single port."""
        ports = self.range()[1]
        return ports is None or ports[2] is None or (ports[2] > 0 and ports[0] != ports[1])

    def wanted(self, addresses: tuple[int, int] | None) -> NatRange:
        """What is asked of the engine, with the addresses the target settled on."""
        from pyiptables.netfilter.packet import NatRange

        ports = self.range()[1]
        return NatRange(
            addresses,
            None if ports is None else ports[:2],
            random="random" in self.values,
            random_fully="random-fully" in self.values,
            persistent="persistent" in self.values,
            base_port=None if ports is None else ports[2],
        )


def parse_ports(text: str, parsing: Parsing) -> Ports:
    """``parse_ports``: port[-port[/base]]."""
    if parsing.proto not in _WITH_PORTS:
        raise ParameterProblem("Need TCP, UDP, SCTP or DCCP with port specification")
    got = scan_unsigned(text, 0, UINT16)
    if got is None:
        number = parsing.names.port_number(text, None)
        if number is None:
            raise ParameterProblem(f"Port `{text}' not valid")
        got = number, len(text)
    low, end = got
    if end == len(text):
        return low, low, None
    if text[end] == ":":
        raise ParameterProblem("Invalid port:port syntax - use dash")
    if text[end] != "-":
        raise ParameterProblem(f"Garbage after port value: `{text[end:]}'")
    rest = text[end + 1 :]
    got = scan_unsigned(rest, 0, UINT16)
    if got is None:
        raise ParameterProblem(f"Port `{rest}' not valid")
    high, end = got
    if high < low:
        raise ParameterProblem(f"Port range `{rest}' funky")
    if end == len(rest):
        return low, high, None
    if rest[end] != "/":
        raise ParameterProblem(f"Garbage after port range: `{rest[end:]}'")
    rest = rest[end + 1 :]
    got = scan_unsigned(rest, 1, UINT16)
    base = parsing.names.port_number(rest, None) if got is None else got[0]
    if base is None:
        raise ParameterProblem(f"Port `{rest}' not valid")
    return low, high, base


def _address(text: str, family: int) -> int:
    value = parse_strict_ip4(text) if family == 4 else parse_ip6(text)
    if value is None:
        raise ParameterProblem(f'Bad IP address "{text}"')
    return value


def parse_range(text: str, parsing: Parsing) -> tuple[tuple[int, int] | None, Ports | None]:
    """``parse_to``: [address[-address]][:ports], the address in brackets before ports when it has colons."""
    family = parsing.family
    before, bracket, inside = text.partition("[")
    if bracket:
        span, closed, after = inside.partition("]")
        if not closed or family == 4:
            raise ParameterProblem("Invalid address format")
        _, colon, port_text = after.partition(":")
        # Nothing but brackets is before the colon.
        bare = len(before) + len(span) + 2 + len(after.partition(":")[0]) in (0, 2)
    else:
        span, colon, port_text = text.partition(":")
        bare = len(span) in (0, 2)
        if colon and ":" in port_text:
            span, colon, port_text, bare = text, "", "", False
    ports = None
    if colon:
        ports = parse_ports(port_text, parsing)
        if bare:
            return None, ports
    low, dash, high = span.partition("-")
    first = _address(low, family)
    return (first, _address(high, family) if dash else first), ports
