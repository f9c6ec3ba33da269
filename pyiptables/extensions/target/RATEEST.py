"""``-j RATEEST``: gather statistics for ``-m rateest`` (``libxt_RATEEST.c``, kernel ``xt_RATEEST.c``)."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.xtables.doubles import strtod, truncated
from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.numbers import UINT32
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_SECOND = 1_000_000
_UNITS = {"": 1, "s": _SECOND, "sec": _SECOND, "secs": _SECOND, "ms": 1000, "msec": 1000, "msecs": 1000, "us": 1, "usec": 1, "usecs": 1}


class Rateest(Target):
    """``values``: rateest-name, rateest-interval and rateest-ewmalog (microseconds), then _interval and _ewma_log, the
    powers of two that the kernel is given."""

    __slots__ = ()

    name = "RATEEST"
    summary = "estimate the rate of packets, for -m rateest"
    options = (
        Option("rateest-name", Text(size=16), mandatory=True, metavar="name", help="name of the estimator"),
        Option("rateest-interval", Text(), mandatory=True, metavar="time", help="how often to sample: seconds, ms or us"),
        Option("rateest-ewmalog", Text(), mandatory=True, metavar="time", help="averaging time"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if option.name != "rateest-name":
            time = _microseconds(value)
            if time is None:
                raise ParameterProblem(f'RATEEST: bad {option.name[8:]} value "{value}"')
            value = time
        super().accept(option, value, invert, parsing)

    def final_check(self, parsing: Parsing) -> None:
        self.values["_interval"], self.values["_ewma_log"] = _powers(
            self.values.get("rateest-interval", 0), self.values.get("rateest-ewmalog", 0)
        )

    def kernel_check(self, parsing: Parsing) -> None:
        """``xt_rateest_tg_checkentry`` makes the estimator, or finds one of this name, which must have the same times."""
        if parsing.neighbours is not None:
            first = parsing.neighbours.first(self, "-j RATEEST", f"--rateest-name {self.values['rateest-name']}")
            if any(first.values[time] != self.values[time] for time in ("_interval", "_ewma_log")):
                raise KernelRefusal(EINVAL)

    def _times(self) -> tuple[str, str]:
        """The interval and the averaging time that the powers stand for; the latter goes round at 2**32."""
        interval = (_SECOND << (self.values["_interval"] + 2)) // 4
        return _time_text(interval), _time_text((interval << self.values["_ewma_log"]) & UINT32)

    def _text(self, prefix: str) -> str:
        interval, average = self._times()
        return f" {prefix}name {self.values['rateest-name']} {prefix}interval {interval} {prefix}ewmalog {average}"

    def saves_all(self) -> bool:
        interval, average = map(_microseconds, self._times())
        try:
            return _powers(interval or 0, average or 0) == (self.values["_interval"], self.values["_ewma_log"])
        except ParameterProblem:
            return False

    def save(self) -> str:
        return self._text("--rateest-")

    def show(self, numeric: bool, names: Names) -> str:
        return self._text("")

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        """Counts are kept for ``-m rateest``, which says how far they carry."""
        from pyiptables.netfilter.packet import Verdict

        counts: list[int] = ctx.state(("rateest", self.values["rateest-name"]), lambda: [0, 0])
        counts[0] += 1
        counts[1] += packet.length
        return Verdict.CONTINUE


def _time_text(time: int) -> str:
    if time >= _SECOND:
        return f"{time / _SECOND:.1f}s"
    return f"{time / 1000:.1f}ms" if time >= 1000 else f"{time}us"


def _microseconds(text: str) -> int | None:
    """``RATEEST_get_time``: what a conversion of the product to unsigned int leaves."""
    value, end = strtod(text) or (0.0, 0)
    unit = _UNITS.get(text[end:].lower()) if end else None
    return None if unit is None else truncated(value * unit)


def _powers(wanted: int, average: int) -> tuple[int, int]:
    """``RATEEST_final_check``: the powers of two for an interval and an averaging time in microseconds."""
    from math import log1p

    interval = next((i for i in range(6) if wanted <= (1 << i) * (_SECOND // 4)), None)
    if interval is None:
        raise ParameterProblem("RATEEST: interval value is too large")
    log = next((n for n in range(1, 31) if wanted / -log1p(-1.0 / (1 << n)) > average), 32) - 1
    if log == 0 or log >= 31:
        raise ParameterProblem("RATEEST: ewmalog value is out of range")
    return interval - 2, log


EXTENSIONS = (Rateest,)
