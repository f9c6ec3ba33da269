"""``-j LOG``: a line in the kernel log (``libxt_LOG.c``, kernel ``xt_LOG.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import strtoui
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import Text, ValueType, cut_bytes, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Extension, Parsing

_WARNING = 4
_FLAGS = {"log-tcp-sequence": 1, "log-tcp-options": 2, "log-ip-options": 4, "log-uid": 8, "log-macdecode": 32}


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


class Log(Target):
    """``values``: log-level (0-7), log-prefix (text) and the flags."""

    __slots__ = ()

    name = "LOG"
    summary = "log the packet and go on with the next rule"
    options = (
        Option("log-level", SysLogLevel(), help="syslog level, a name or 0-7"),
        Option("log-prefix", Text(low=1), help="text in front of the line, up to 29 characters"),
        Option("log-tcp-sequence", help="log TCP sequence numbers", code=0),
        Option("log-tcp-options", help="log TCP options", code=1),
        Option("log-ip-options", help="log IP options", code=2),
        Option("log-uid", help="log the user who owns the local socket", code=3),
        Option("log-macdecode", help="decode MAC addresses and protocol", code=5),
    )

    canonical = r"(?: --log-prefix {TEXT:29})?(?: --log-level [0-35-7])?"

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if option.name == "log-prefix":
            if "\n" in value:
                raise ParameterProblem("Newlines not allowed in --log-prefix")
            value = cut_bytes(value, 29)
        super().accept(option, value, invert, parsing)

    def save(self) -> str:
        text = ""
        if "log-prefix" in self.values:
            text += " --log-prefix" + quoted(self.values["log-prefix"])
        level = self.values.get("log-level", _WARNING)
        if level != _WARNING:
            text += f" --log-level {level}"
        return text + "".join([f" --{flag}" for flag in _FLAGS if flag in self.values])

    def show(self, numeric: bool, names: Names) -> str:
        level = self.values.get("log-level", _WARNING)
        bits = sum([bit for flag, bit in _FLAGS.items() if flag in self.values])
        if numeric:
            text = f" LOG flags {bits} level {level}"
        else:
            word = {3: "err", 4: "warn"}.get(level) or next(n for n, v in SYSLOG_LEVELS.items() if v == level)
            text = f" LOG level {word}"
            text += "".join([" " + flag[4:] for flag in _FLAGS if flag in self.values])
        if "log-prefix" in self.values:
            text += f' prefix "{self.values["log-prefix"]}"'
        return text

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        return Verdict.CONTINUE


EXTENSIONS = (Log,)
