"""``-m time``: at certain times only (``libxt_time.c``, kernel ``xt_time.c``)."""

from __future__ import annotations

import calendar
import time as clock
from errno import EDOM

from pyiptables.xtables.errors import KernelRefusal, OtherProblem, ParameterProblem
from pyiptables.xtables.numbers import UINT32, strtoul
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Text, cut_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ALL_WEEKDAYS, _ALL_MONTHDAYS = 0xFE, 0xFFFFFFFE
_LAST_SECOND, _LAST_DATE = 86399, 0x7FFFFFFF


class Time(Match):
    """``values``: datestart, datestop (seconds since 1970), timestart, timestop (seconds of the day), weekdays, monthdays
    (bits), contiguous, kerneltz, localtz, utc."""

    __slots__ = ()

    name = "time"
    summary = "times of the day, days of the week and of the month, dates"
    deterministic = False
    options = (
        Option("datestart", Text(), metavar="YYYY[-MM[-DD[Thh[:mm[:ss]]]]]", help="from this date on"),
        Option("datestop", Text(), metavar="YYYY[-MM[-DD[Thh[:mm[:ss]]]]]", help="up to this date"),
        Option("timestart", Text(), metavar="hh:mm[:ss]", help="from this time of the day"),
        Option("timestop", Text(), metavar="hh:mm[:ss]", help="up to this time of the day"),
        Option("contiguous", help="a span over midnight is one span, not two of the same day"),
        Option(
            "weekdays",
            Text(),
            invert=True,
            metavar="day[,…]",
            words=_DAYS,
            help="days of the week: Mon, Tue, Wed, Thu, Fri, Sat, Sun or 1-7",
        ),
        Option("monthdays", Text(), invert=True, metavar="day[,…]", help="days of the month: 1-31"),
        Option("localtz", excl=("utc",), help="old name of --kerneltz"),
        Option("utc", excl=("localtz", "kerneltz"), help="times are UTC (as they are anyway)"),
        Option("kerneltz", excl=("utc",), help="times are in the kernel's time zone"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        name = option.name
        if name in ("datestart", "datestop"):
            value = _date(value)
            if value < 0:
                # ``perror`` says what happened to fail before, a look for a library.
                parsing.notices.append("mktime: No such file or directory\n")
                raise OtherProblem("mktime returned an error")
        elif name in ("timestart", "timestop"):
            value = _day_time(value)
        elif name == "weekdays":
            value = _weekdays(value) ^ (_ALL_WEEKDAYS if invert else 0)
        elif name == "monthdays":
            value = _monthdays(value) ^ (_ALL_MONTHDAYS if invert else 0)
        elif name == "localtz":
            parsing.notices.append(
                'WARNING: --localtz is being replaced by --kerneltz, since "local" is ambiguous. Note the kernel timezone '
                "has caveats - see manpage for details.\n"
            )
        super().accept(option, value, False, parsing)

    def final_check(self, parsing: Parsing) -> None:
        if "contiguous" in self.values and self._start() < self._stop():
            raise ParameterProblem("time: --contiguous only makes sense when stoptime is smaller than starttime")

    def kernel_check(self, parsing: Parsing) -> None:
        if self._start() > _LAST_SECOND or self._stop() > _LAST_SECOND:
            raise KernelRefusal(EDOM)

    def _start(self) -> int:
        found: int = self.values.get("timestart", 0)
        return found

    def _stop(self) -> int:
        found: int = self.values.get("timestop", _LAST_SECOND)
        return found

    def _day_bits(self) -> tuple[int, int]:
        return self.values.get("weekdays", _ALL_WEEKDAYS), self.values.get("monthdays", _ALL_MONTHDAYS)

    def _local(self) -> bool:
        return bool(self.values.keys() & {"kerneltz", "localtz"})

    def save(self) -> str:
        text = ""
        if (self._start(), self._stop()) != (0, _LAST_SECOND):
            text += f" --timestart {_clock(self._start())} --timestop {_clock(self._stop())}"
        weekdays, monthdays = self._day_bits()
        if monthdays != _ALL_MONTHDAYS:
            text += " --monthdays " + ",".join([str(day) for day in range(1, 32) if monthdays >> day & 1])
        if weekdays != _ALL_WEEKDAYS:
            text += f" --weekdays {_weekday_names(weekdays)}"
        start = self.values.get("datestart", 0)
        if start:
            text += f" --datestart {_date_text(start, 'T')}"
        text += f" --datestop {_date_text(self.values.get('datestop', _LAST_DATE), 'T')}" if self._saves_stop() else ""
        text += " --kerneltz" if self._local() else ""
        return text + (" --contiguous" if "contiguous" in self.values else "")

    def _saves_stop(self) -> bool:
        """The end of time is printed as well: ``time_print_date`` looks for LONG_MAX, the default is INT_MAX."""
        return bool(self.values.get("datestop", _LAST_DATE) != 0)

    def saves_all(self) -> bool:
        """The first second of 1970 as the last one is not printed, nor is the day 0 of a month, and no day is no word."""
        weekdays, monthdays = self._day_bits()
        return self._saves_stop() and not monthdays & 1 and bool(monthdays) and bool(weekdays & _ALL_WEEKDAYS)

    def show(self, numeric: bool, names: Names) -> str:
        text = " TIME"
        if (self._start(), self._stop()) != (0, _LAST_SECOND):
            text += f" from {_clock(self._start())} to {_clock(self._stop())}"
        weekdays, monthdays = self._day_bits()
        if weekdays != _ALL_WEEKDAYS:
            text += f" on {_weekday_names(weekdays)}"
        if monthdays != _ALL_MONTHDAYS:
            text += " on " + ",".join([f"{day}{_ORDINALS.get(day % 10, 'th')}" for day in range(1, 32) if monthdays >> day & 1])
        start, stop = self.values.get("datestart", 0), self.values.get("datestop", _LAST_DATE)
        if start:
            text += f" starting from {_date_text(start, ' ')}"
        if stop != _LAST_DATE:
            text += f" until date{f' {_date_text(stop, chr(32))}' if stop else ''}"
        text += "" if self._local() else " UTC"
        return text + (" contiguous" if "contiguous" in self.values else "")

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        """``time_mt``."""
        stamp = ctx.now // 1_000_000_000
        if self._local():
            if "timezone" not in packet.attrs:
                ctx.unknown("the kernel's time zone is not described")
                return None
            stamp += packet.attrs["timezone"]
        values = self.values
        if not values.get("datestart", 0) <= stamp <= values.get("datestop", _LAST_DATE):
            return False
        second, start, stop = stamp % 86400, self._start(), self._stop()
        if start < stop:
            if not start <= second <= stop:
                return False
        elif stop < second < start:
            return False
        elif "contiguous" in values and second <= stop:
            # The part after midnight belongs to the day before.
            stamp -= 86400
        day = clock.gmtime(stamp)
        weekdays, monthdays = self._day_bits()
        return bool(weekdays >> (day.tm_wday + 1) & 1) and bool(monthdays >> day.tm_mday & 1)


_ORDINALS = {1: "st", 2: "nd", 3: "rd"}


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _date_text(stamp: int, between: str) -> str:
    t = clock.gmtime(stamp)
    return f"{t.tm_year:04d}-{t.tm_mon:02d}-{t.tm_mday:02d}{between}{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d}"


def _weekday_names(bits: int) -> str:
    return ",".join([name for day, name in enumerate(_DAYS, 1) if bits >> day & 1])


def _fields(text: str, seps: str, limits: tuple[tuple[int, int], ...]) -> list[int] | None:
    """Numbers with these characters between them, each within its limits; fewer than all will do, None for others."""
    numbers: list[int] = []
    at = 0
    for low, high in limits:
        number, end = strtoul(text[at:], 10)
        number &= UINT32
        at += end
        if not low <= number <= high:
            return None
        numbers.append(number)
        if at == len(text):
            return numbers
        if len(numbers) > len(seps) or text[at] != seps[len(numbers) - 1]:
            return None
        at += 1
    return None


def _date(text: str) -> int:
    numbers = _fields(text, "--T::", ((1970, 2038), (0, 12), (0, 31), (0, 23), (0, 59), (0, 59)))
    if numbers is None:
        raise ParameterProblem(f'Invalid date "{text}" specified. Should be YYYY[-MM[-DD[Thh[:mm[:ss]]]]]')
    year, month, day, hour, minute, second = numbers + [0, 1, 1, 0, 0, 0][len(numbers) :]
    if month == 0:
        year, month = year - 1, 12
    return calendar.timegm((year, month, 1, hour, minute, second)) + (day - 1) * 86400


def _day_time(text: str) -> int:
    """``time_parse_minutes``; the error quotes what is left from the field that is wrong."""
    rest, total = text, 0
    for limit, unit in ((23, 3600), (59, 60), (59, 1)):
        number, end = strtoul(rest, 10)
        number &= UINT32
        after = rest[end : end + 1]
        if not 0 <= number <= limit or after not in {3600: (":",), 60: (":", ""), 1: ("",)}[unit]:
            raise ParameterProblem(f'invalid time "{rest}" specified, should be hh:mm[:ss] format and within the boundaries')
        total += number * unit
        if not after:
            break
        rest = rest[end + 1 :]
    return total


def _segments(text: str, size: int) -> list[str]:
    """Comma-separated words, each cut to the buffer they are copied into; a comma at the end ends them."""
    parts = text.split(",")
    if parts[-1] == "":
        parts.pop()
    return [cut_bytes(part, size - 1) for part in parts]


def _monthdays(text: str) -> int:
    bits = 0
    for day in _segments(text, 3):
        number, end = strtoul(day)
        if end != len(day) or number > 31:
            raise ParameterProblem(f"{day} is not a valid day for --monthdays")
        bits |= 1 << number
    return bits


def _weekdays(text: str) -> int:
    bits = 0
    for day in _segments(text, 4):
        number, end = strtoul(day)
        if end == len(day):
            if number == 0:
                raise ParameterProblem("No, the week does NOT begin with Sunday.")
            bits |= 1 << (number & 31)
            continue
        named = [number for number, name in enumerate(_DAYS, 1) if day[:2] == name[:2]]
        if not named:
            raise ParameterProblem(f"{day} is not a valid day specifier")
        bits |= 1 << named[0]
    return bits & 0xFF


EXTENSIONS = (Time,)
