"""``-j TCPOPTSTRIP``: blank out TCP options (``libxt_TCPOPTSTRIP.c``, kernel ``xt_TCPOPTSTRIP.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import UINT8, strtoui
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_OPTIONS = {"wscale": 3, "mss": 2, "sack-permitted": 4, "sack": 5, "timestamp": 8, "md5": 19}
_BY_NUMBER = {number: name for name, number in _OPTIONS.items()}


class Tcpoptstrip(Target):
    """``values``: strip-options (set of numbers)."""

    __slots__ = ()

    name = "TCPOPTSTRIP"
    summary = "replace TCP options by padding"
    tables = ("mangle",)
    protocols = (6,)
    options = (Option("strip-options", Text(), metavar="option[,…]", words=tuple(_OPTIONS), help="names or numbers of the options"),)

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        numbers: set[int] = set()
        for word in value.split(","):
            number = _OPTIONS.get(word)
            if number is None:
                number = strtoui(word, 0, UINT8)
            if number is None:
                raise ParameterProblem(f'Bad TCP option value "{word}"')
            if number < 2:
                raise ParameterProblem("Option value may not be 0 or 1")
            if number in numbers:
                raise ParameterProblem(f'Option "{word}" already specified')
            numbers.add(number)
        super().accept(option, frozenset(numbers), invert, parsing)

    def _list(self, numeric: bool) -> str:
        numbers = sorted(self.values["strip-options"])
        return ",".join([str(n) if numeric else _BY_NUMBER.get(n, str(n)) for n in numbers])

    def save(self) -> str:
        return f" --strip-options {self._list(True)}" if "strip-options" in self.values else ""

    def show(self, numeric: bool, names: Names) -> str:
        return f" TCPOPTSTRIP options {self._list(numeric)}" if "strip-options" in self.values else ""

    def changes(self) -> dict[str, tuple[int, int] | None]:
        return {"tcpoptions": None}

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        numbers = self.values.get("strip-options", ())
        options = bytearray(packet.tcp_options)
        at = 0
        while not packet.frag_offset and at < len(options) - 1:
            length = 1 if options[at] < 2 else max(options[at + 1], 1)
            if options[at] in numbers and at + length <= len(options):
                options[at : at + length] = b"\x01" * length
            at += length
        packet.tcp_options = bytes(options)
        return Verdict.CONTINUE


EXTENSIONS = (Tcpoptstrip,)
