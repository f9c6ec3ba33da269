"""``-m rateest``: compare estimated rates (``libxt_rateest.c``, kernel ``xt_rateest.c``)."""

from __future__ import annotations

from errno import EINVAL, ENOENT

from pyiptables.xtables.doubles import strtod, truncated
from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.numbers import UINT32, scan_unsigned
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Text, cut_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_SCALES = {
    "bit": 1, "kibit": 1 << 10, "kbit": 10**3, "mibit": 1 << 20, "mbit": 10**6, "gibit": 1 << 30, "gbit": 10**9,
    "tibit": 1 << 40, "tbit": 10**12, "bps": 8, "kibps": 8 << 10, "kbps": 8000, "mibps": 8 << 20, "mbps": 8 * 10**6,
    "gibps": 8 << 30, "gbps": 8 * 10**9, "tibps": 8 << 40, "tbps": 8 * 10**12,
}  # fmt: skip
_MODES = ("rateest-eq", "rateest-lt", "rateest-gt")
_AMOUNTS = ("rateest-bps1", "rateest-pps1", "rateest-bps2", "rateest-pps2")


class RateestMatch(Match):
    """``values``: rateest1, rateest2 (names), rateest-bps1 … -pps2 (bytes or packets a second), rateest-delta, and the
    comparison."""

    __slots__ = ()

    name = "rateest"
    summary = "compare rates that -j RATEEST estimates, with numbers or each other"
    deterministic = False
    options = (
        Option("rateest1", Text(), aliases=("rateest",), metavar="name", help="name of the (first) estimator"),
        Option("rateest2", Text(), metavar="name", help="name of the second estimator"),
        Option("rateest-bps1", metavar="[rate]", help="bytes: what is taken off the first rate"),
        Option("rateest-pps1", metavar="[number]", help="packets: what is taken off the first rate"),
        Option("rateest-bps2", aliases=("rateest-bps",), metavar="[rate]", help="bytes: what to compare with"),
        Option("rateest-pps2", aliases=("rateest-pps",), metavar="[number]", help="packets: what to compare with"),
        Option("rateest-delta", help="compare the distances to the given rates"),
        *[
            Option(name, invert=True, help=f"compare: {word}", code=code)
            for name, word, code in zip(_MODES, ("equal", "less", "greater"), (9, 7, 8), strict=True)
        ],
    )

    def parse(self, option: Option, text: str, invert: bool, parsing: Parsing) -> None:
        name = option.name
        if name in _MODES:
            if name in self.values:
                raise ParameterProblem("rateest: can't specify lt/gt/eq twice")
            for other in _MODES:
                self.values.pop(other, None)
            self.accept(option, True, invert, parsing)
            return
        if invert:
            raise ParameterProblem(f"rateest: {name.rstrip('12')} can't be inverted")
        if name in self.values:
            raise ParameterProblem(f"rateest: can't specify --{name} twice")
        value: Any = cut_bytes(text, 15) if name in ("rateest1", "rateest2") else True
        if name in _AMOUNTS:
            value = self._amount(name, parsing)
        self.accept(option, value, False, parsing)

    @staticmethod
    def _amount(name: str, parsing: Parsing) -> int:
        """The number after the option, which may be left out."""
        word = parsing.next_word()
        if word is None:
            return 0
        if "bps" in name:
            rate = _rate(word)
            if rate is None:
                raise ParameterProblem(f"rateest: could not parse rate `{word}'")
            return rate
        got = scan_unsigned(word, 0, UINT32)
        if got is None or got[1] != len(word):
            raise ParameterProblem(f"rateest: could not parse pps `{word}'")
        return got[0]

    def kernel_check(self, parsing: Parsing) -> None:
        """``xt_rateest_mt_checkentry``: one comparison, something to compare, estimators that exist."""
        if not self._mode() or not any(name in self.values for name in _AMOUNTS):
            raise KernelRefusal(EINVAL)
        if parsing.neighbours is not None:
            for name in (self.values.get("rateest1", ""), self.values.get("rateest2")):
                if name is not None and parsing.neighbours.find("-j RATEEST", f"--rateest-name {name}") is None:
                    raise KernelRefusal(ENOENT)

    def _mode(self) -> str:
        return next((name for name in _MODES if name in self.values), "")

    def _relative(self) -> bool:
        return "rateest2" in self.values

    def _comparison(self, prefix: str) -> str:
        mode = self._mode()
        return f"{' !' if mode in self.inverted else ''} {prefix}{mode[8:]}"

    def _asks(self, what: str) -> bool:
        return f"rateest-{what}1" in self.values or f"rateest-{what}2" in self.values

    def _saved_rates(self) -> str:
        text, delta = "", "rateest-delta" in self.values
        for what in ("bps", "pps"):
            if not self._asks(what):
                continue
            show = _rate_text if what == "bps" else _number_text
            first, second = (self.values.get(f"rateest-{what}{n}", 0) for n in (1, 2))
            if delta:
                text += f" --rateest-{what}1{show(first)}{self._comparison('--rateest-')} --rateest-{what}2"
            else:
                text += f"{self._comparison('--rateest-')} --rateest-{what}"
            if delta or not self._relative():
                text += show(second)
        return text

    def save(self) -> str:
        text = " --rateest-delta" if "rateest-delta" in self.values else ""
        name = self.values.get("rateest1", "")
        if self._relative():
            return f"{text} --rateest1 {name}{self._saved_rates()} --rateest2 {self.values['rateest2']}"
        return f"{text} --rateest {name}{self._saved_rates()}"

    def saves_all(self) -> bool:
        """Two rates to compare with are printed with two comparisons, of which only one may be given; rates are rounded."""
        rates = [self.values.get(f"rateest-bps{n}", 0) for n in (1, 2)]
        if any([_rate(_rate_text(rate).lstrip()) != rate for rate in rates]):
            return False
        return "rateest-delta" in self.values or not (self._asks("bps") and self._asks("pps"))

    def show(self, numeric: bool, names: Names) -> str:
        values, delta, relative = self.values, "rateest-delta" in self.values, self._relative()
        rate = _number_text if numeric else _rate_text
        text = f" rateest match {values.get('rateest1', '')}{' delta' if delta else ''}"
        if self._asks("bps"):
            text += " bps" + (rate(values.get("rateest-bps1", 0)) if delta else "")
            if not relative:
                text += rate(values.get("rateest-bps2", 0)) + self._comparison("")
        if self._asks("pps"):
            text += " pps" + (_number_text(values.get("rateest-pps1", 0)) if delta else "")
            if not relative:
                text += self._comparison("") + _number_text(values.get("rateest-pps2", 0))
        if relative:
            text += f"{self._comparison('')} {values['rateest2']}"
            if self._asks("bps"):
                text += " bps" + (rate(values.get("rateest-bps2", 0)) if delta else "")
            if self._asks("pps"):
                text += " pps" + (_number_text(values.get("rateest-pps2", 0)) if delta else "")
        return text

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        ctx.unknown("rates of traffic are not described")
        return None


def _rate(text: str) -> int | None:
    """Bytes a second."""
    got = strtod(text)
    if got is None:
        return None
    value, end = got
    scale = _SCALES.get(text[end:].lower()) if end < len(text) else 1
    return None if scale is None else truncated(value * scale / 8)


def _rate_text(rate: int) -> str:
    bits = rate * 8
    if bits >= 10**9:
        return f" {bits / 1e6:.0f}Mbit"
    return f" {bits / 1e3:.0f}Kbit" if bits >= 10**6 else f" {bits}bit"


def _number_text(number: int) -> str:
    return f" {number}"


EXTENSIONS = (RateestMatch,)
