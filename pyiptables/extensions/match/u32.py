"""``-m u32``: any four bytes of the packet (``libxt_u32.c``, kernel ``xt_u32.c``)."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.numbers import UINT32, scan_unsigned
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

#: ``XT_U32_MAXSIZE``: tests, operators of a location, values of a test.
_MOST = 10
_SPACE = " \t\n\v\f\r"

#: ((operator, number), …), ((low, high), …); the first operator is "".
Test = tuple[tuple[tuple[str, int], ...], tuple[tuple[int, int], ...]]


class U32(Match):
    """``values``: u32, a tuple of tests, all of which must hold."""

    __slots__ = ()

    name = "u32"
    summary = "values computed from any four bytes of the packet"
    options = (Option("u32", Text(), invert=True, mandatory=True, metavar="tests", help="tests, as 6&0xFF=1&&4&0x3FFF=0"),)

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        super().accept(option, _Reader(value).tests(), invert, parsing)

    def kernel_check(self, parsing: Parsing) -> None:
        """Four bytes cannot be shifted by more than they have (``u32_mt_checkentry``)."""
        for location, _ in self.values["u32"]:
            if any([operator in ("<<", ">>") and number > 31 for operator, number in location]):
                raise KernelRefusal(EINVAL)

    def _quoted(self) -> str:
        return ' "' + "&&".join(map(_test_text, self.values["u32"])) + '"'

    def save(self) -> str:
        return f"{' !' if self.inverted else ''} --u32{self._quoted()}"

    def show(self, numeric: bool, names: Names) -> str:
        return f" u32{' !' if self.inverted else ''}{self._quoted()}"

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        return space.inverse(self.save(), bool(self.inverted))

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        """``u32_mt``: a position outside the packet makes the test false."""
        data = packet.octets()
        if data is None:
            ctx.unknown("no payload is described")
            return None
        return all(_test_holds(test, data) for test in self.values["u32"]) != bool(self.inverted)


def _test_text(test: Test) -> str:
    location, values = test
    where = "".join([f"{operator}0x{number:x}" for operator, number in location])
    return f"{where}=" + ",".join([f"0x{low:x}" if low == high else f"0x{low:x}:0x{high:x}" for low, high in values])


def _test_holds(test: Test, data: bytes) -> bool:
    """``u32_match_it``."""
    location, values = test
    position, base = location[0][1], 0
    if position + 4 > len(data):
        return False
    value = int.from_bytes(data[position : position + 4], "big")
    for operator, number in location[1:]:
        if operator == "&":
            value &= number
        elif operator == "<<":
            value = value << number & UINT32 if number < 32 else 0
        elif operator == ">>":
            value = value >> number
        else:
            base += value
            position = base + number
            if base > len(data) or position + 4 > len(data):
                return False
            value = int.from_bytes(data[position : position + 4], "big")
    return any(low <= value <= high for low, high in values)


class _Reader:
    """Reads the tests (``u32_parse``); positions in messages count from 0."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def _fail(self, message: str) -> ParameterProblem:
        return ParameterProblem(f"u32: at char {self.at}: {message}")

    def _peek(self) -> str:
        while self.at < len(self.text) and self.text[self.at] in _SPACE:
            self.at += 1
        return self.text[self.at : self.at + 1]

    def _number(self) -> int:
        got = scan_unsigned(self.text[self.at :], 0, UINT32)
        if got is None:
            raise self._fail("not a number or out of range")
        self.at += got[1]
        return got[0]

    def _twice(self, char: str) -> None:
        """The second of two equal characters."""
        self.at += 1
        if self.text[self.at : self.at + 1] != char:
            raise self._fail(f"a second '{char}' was expected")

    def tests(self) -> tuple[Test, ...]:
        tests: list[Test] = []
        while True:
            location = self._location()
            values, more = self._values()
            tests.append((location, values))
            if len(tests) > _MOST:
                raise self._fail('too many "&&"s')
            if not more:
                return tuple(tests)

    def _location(self) -> tuple[tuple[str, int], ...]:
        location: list[tuple[str, int]] = []
        while True:
            char = self._peek()
            if not char:
                raise ParameterProblem("u32: abrupt end of input after location specifier")
            if char == "=":
                if not location:
                    raise self._fail("location spec missing")
                self.at += 1
                return tuple(location)
            operator = self._operator(char) if location else ""
            location.append((operator, self._number()))
            if len(location) > _MOST:
                raise self._fail("too many operators")

    def _operator(self, char: str) -> str:
        if char in "<>":
            self._twice(char)
            operator = char * 2
        elif char in "&@":
            operator = char
        else:
            raise self._fail("operator expected")
        self.at += 1
        return operator

    def _values(self) -> tuple[tuple[tuple[int, int], ...], bool]:
        """The values, and whether another test follows."""
        values: list[tuple[int, int]] = []
        while True:
            char = self._peek()
            if not char:
                if not values:
                    raise ParameterProblem("u32: test ended with no value specified")
                return tuple(values), False
            if char == "&":
                self._twice("&")
                if not values:
                    raise self._fail("value spec missing")
                self.at += 1
                return tuple(values), True
            if values:
                if char != ",":
                    raise self._fail('expected "," or "&&"')
                self.at += 1
            low = high = self._number()
            if self._peek() == ":":
                self.at += 1
                high = self._number()
            values.append((low, high))
            if len(values) > _MOST:
                raise self._fail('too many ","s')


EXTENSIONS = (U32,)
