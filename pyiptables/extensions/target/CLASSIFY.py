"""``-j CLASSIFY``: the class for traffic control (``libxt_CLASSIFY.c``, kernel ``xt_CLASSIFY.c``)."""

from __future__ import annotations

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

#: ``sscanf("%x:%x")``: what follows the second number does not matter.
_HANDLE = re.compile(r"\s*([+-]?)(?:0[xX])?([0-9a-fA-F]+):\s*([+-]?)(?:0[xX](?=[0-9a-fA-F]))?([0-9a-fA-F]+)")


class Classify(Target):
    """``values``: set-class (``skb->priority``: major << 16 | minor)."""

    __slots__ = ()

    name = "CLASSIFY"
    summary = "set the packet's priority, its class for traffic control"
    tables = ("mangle",)
    hooks = ("OUTPUT", "FORWARD", "POSTROUTING")
    options = (Option("set-class", Text(), mandatory=True, metavar="major:minor", help="class, two hexadecimal numbers"),)

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        found = _HANDLE.match(value)
        if found is None:
            raise ParameterProblem(f'Bad class value "{value}"')
        major, minor = (
            (-1 if sign == "-" else 1) * int(digits, 16) & UINT32
            for sign, digits in ((found[1], found[2]), (found[3], found[4]))
        )
        super().accept(option, major << 16 & 0xFFFF0000 | minor & 0xFFFF, invert, parsing)

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


EXTENSIONS = (Classify,)
