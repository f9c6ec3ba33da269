"""``-m statistic``: at random, or every nth packet (``libxt_statistic.c``, kernel ``xt_statistic.c``)."""

from __future__ import annotations

import math
from errno import EINVAL

from pyiptables.xtables.doubles import strtod
from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Text, UInt, ValueType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Extension, Parsing

#: Probability 1.
_ONE = 0x80000000


class Double(ValueType):
    """``XTTYPE_DOUBLE``; value: float. Bounds are checked only when they differ, as there."""

    metavar = "number"

    def __init__(self, low: int = 0, high: int = 0):
        self.low = low
        self.high = high

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> float:
        value, end = strtod(text) or (0.0, -1)
        if end != len(text) or (self.low != self.high and (value < self.low or value > self.high)):
            raise ParameterProblem(f'{ext.name}: bad value for option "--{option.name}", or out of range ({self.low}-{self.high}).\n')
        return value


class Statistic(Match):
    """``values``: mode (random or nth), probability (in 1/2^31), every, packet."""

    __slots__ = ()

    name = "statistic"
    summary = "some packets only: at random or every nth"
    deterministic = False
    options = (
        Option("mode", Text(), mandatory=True, metavar="random|nth", words=("random", "nth"), help="how to choose"),
        Option("probability", Double(0, 1), invert=True, excl=("every", "packet"), metavar="p", help="random: probability, 0 to 1"),
        Option("every", UInt(32, 1), invert=True, excl=("probability",), also=("packet",), metavar="n", help="nth: one packet of n"),
        Option("packet", UInt(32), excl=("probability",), also=("every",), metavar="p", help="nth: which of them, from 0"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if option.name == "mode" and value not in ("random", "nth"):
            raise ParameterProblem(f'Bad mode "{value}"')
        if option.name == "probability":
            # What is not a number is neither too small nor too large, and no more than 0 of a 32-bit integer.
            value = 0 if math.isnan(value) else math.floor(_ONE * value + 0.5)
        super().accept(option, value, invert, parsing)

    def final_check(self, parsing: Parsing) -> None:
        given = self.values
        if given.get("mode", "random") == "random" and "probability" not in given:
            raise ParameterProblem("--probability must be specified when using random mode")
        if given.get("mode") == "nth" and "every" not in given and "packet" not in given:
            raise ParameterProblem("--every and --packet must be specified when using nth mode")
        # The probability and the number of packets are kept in one place (``union`` in ``xt_statistic.h``).
        last = given["probability"] if "probability" in given else given.get("every", 1) - 1
        if given.get("packet", 0) > last:
            raise ParameterProblem("the --packet p must be 0 <= p <= n-1")

    def kernel_check(self, parsing: Parsing) -> None:
        if self.values["mode"] not in ("random", "nth"):
            raise KernelRefusal(EINVAL)

    def _text(self, prefix: str) -> str:
        given = self.values
        mark = " !" if self.inverted else ""
        if given["mode"] == "random":
            return f" {prefix}mode random{mark} {prefix}probability {given['probability'] / _ONE:.11f}"
        packet = given.get("packet", 0)
        text = f" {prefix}mode nth{mark} {prefix}every {given.get('every', 1)}"
        return text + (f" {prefix}packet {packet}" if packet or prefix else "")

    def save(self) -> str:
        return self._text("--")

    def show(self, numeric: bool, names: Names) -> str:
        return " statistic" + self._text("")

    def matches(self, packet: Packet, ctx: Context) -> bool:
        inverted = bool(self.inverted)
        if self.values["mode"] == "random":
            return ctx.chance(self.values["probability"] / _ONE) != inverted
        every = self.values.get("every", 1)
        count: list[int] = ctx.state(self, lambda: [every - 1 - self.values.get("packet", 0)])
        count[0] += 1
        hit = count[0] == every
        if hit:
            count[0] = 0
        return bool(hit != inverted)


EXTENSIONS = (Statistic,)
