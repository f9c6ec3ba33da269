"""``-j RATEEST``: gather statistics for ``-m rateest`` (``libxt_RATEEST.c``, kernel ``xt_RATEEST.c``)."""

from __future__ import annotations

import math
import re

from pyiptables.xtables.errors import ParameterProblem
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
_TIME = re.compile(r"\s*([+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?))(.*)", re.DOTALL)
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
            found = _TIME.match(value)
            unit = None if found is None else _UNITS.get(found[2].lower())
            if found is None or unit is None:
                raise ParameterProblem(f'RATEEST: bad {option.name[8:]} value "{value}"')
            value = int(float(found[1]) * unit) & UINT32
        super().accept(option, value, invert, parsing)

    def final_check(self, parsing: Parsing) -> None:
        """``RATEEST_final_check``: the nearest powers of two."""
        wanted = self.values.get("rateest-interval", 0)
        interval = next((i for i in range(6) if wanted <= (1 << i) * (_SECOND // 4)), None)
        if interval is None:
            raise ParameterProblem("RATEEST: interval value is too large")
        average = self.values.get("rateest-ewmalog", 0)
        log = 1
        while log < 32:
            if wanted / -math.log(1.0 - 1.0 / (1 << log)) > average:
                break
            log += 1
        log -= 1
        if log == 0 or log >= 31:
            raise ParameterProblem("RATEEST: ewmalog value is out of range")
        self.values["_interval"] = interval - 2
        self.values["_ewma_log"] = log

    def _text(self, prefix: str) -> str:
        interval = (_SECOND << (self.values["_interval"] + 2)) // 4
        average = interval * (1 << self.values["_ewma_log"]) & UINT32
        name = self.values["rateest-name"]
        return f" {prefix}name {name} {prefix}interval{_time_text(interval)} {prefix}ewmalog{_time_text(average)}"

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
        return f" {time / _SECOND:.1f}s"
    return f" {time / 1000:.1f}ms" if time >= 1000 else f" {time}us"


EXTENSIONS = (Rateest,)
