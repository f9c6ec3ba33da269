"""``-j CLASSIFY``: the class for traffic control (``libxt_CLASSIFY.c``, kernel ``xt_CLASSIFY.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import UINT64
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing


class Classify(Target):
    """``values``: set-class (``skb->priority``: major << 16 | minor)."""

    __slots__ = ()

    name = "CLASSIFY"
    idempotent = True
    summary = "set the packet's priority, its class for traffic control"
    hooks = ("OUTPUT", "FORWARD", "POSTROUTING")
    options = (Option("set-class", Text(), mandatory=True, metavar="major:minor", help="class, two hexadecimal numbers"),)

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        major = _scan_hexadecimal(value)
        minor = _scan_hexadecimal(major[1][1:]) if major is not None and major[1][:1] == ":" else None
        if major is None or minor is None:
            raise ParameterProblem(f'Bad class value "{value}"')
        super().accept(option, (major[0] & 0xFFFF) << 16 | minor[0] & 0xFFFF, invert, parsing)

    def save(self) -> str:
        value = self.values["set-class"]
        return f" --set-class {value >> 16:04x}:{value & 0xFFFF:04x}"

    def show(self, numeric: bool, names: Names) -> str:
        value = self.values["set-class"]
        return f" CLASSIFY set {value >> 16:x}:{value & 0xFFFF:x}"

    def changes(self) -> dict[str, tuple[int, int] | None]:
        return {"priority": None}

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        packet.priority = self.values["set-class"]
        return Verdict.CONTINUE


def _scan_hexadecimal(text: str) -> tuple[int, str] | None:
    """``sscanf("%x")``: the number and what follows it; a lone 0x is 0, too large a number all ones."""
    text = text.lstrip(" \t\n\v\f\r")
    negative = text[:1] == "-"
    text = text[1:] if text[:1] in ("+", "-") else text
    marked = text[:2] in ("0x", "0X")
    rest = (text[2:] if marked else text).lstrip("0123456789abcdefABCDEF")
    digits = text[2 * marked : len(text) - len(rest)]
    if not digits and not marked:
        return None
    value = int(digits or "0", 16)
    return (UINT64 if value > UINT64 else -value if negative else value), rest


EXTENSIONS = (Classify,)
