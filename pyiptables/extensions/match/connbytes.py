"""``-m connbytes``: how much a connection has carried (``libxt_connbytes.c``, kernel ``xt_connbytes.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import UINT64
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Text, UIntRange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing


class Direction(Text):
    metavar = "direction"
    words = ("original", "reply", "both")


class Mode(Text):
    metavar = "mode"
    words = ("packets", "bytes", "avgpkt")


class Connbytes(Match):
    """``values``: connbytes (from, to; from above to means inverted), connbytes-dir, connbytes-mode."""

    __slots__ = ()

    name = "connbytes"
    summary = "bytes or packets that the connection has carried so far"
    deterministic = False
    options = (
        Option("connbytes", UIntRange(64), invert=True, mandatory=True, metavar="from[:to]", help="the amount"),
        Option("connbytes-dir", Direction(), mandatory=True, help="which direction to count"),
        Option("connbytes-mode", Mode(), mandatory=True, help="what to count"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if option.name == "connbytes":
            value = (value[0], value[1] if len(value) == 2 else UINT64)
            if invert:
                value = (value[1], value[0])
        elif value not in option.type.words:
            raise ParameterProblem(f"Unknown --{option.name} `{value}'")
        super().accept(option, value, False, parsing)

    def _range(self, prefix: str) -> str:
        low, high = self.values["connbytes"]
        mark = ""
        if low > high:
            low, high, mark = high, low, " !"
        upper = f":{high}" if high and high < UINT64 else ""
        return f"{mark} {prefix}connbytes {low}{upper}"

    def save(self) -> str:
        mode, direction = self.values["connbytes-mode"], self.values["connbytes-dir"]
        return f"{self._range('--')} --connbytes-mode {mode} --connbytes-dir {direction}"

    def identity(self) -> str:
        return f"{self.save()} {self.values['connbytes']}"

    def saves_all(self) -> bool:
        """Nothing at all is printed as if it had no end."""
        return bool(self.values["connbytes"] != (0, 0))

    def show(self, numeric: bool, names: Names) -> str:
        mode, direction = self.values["connbytes-mode"], self.values["connbytes-dir"]
        return f"{self._range('')} connbytes mode {mode} connbytes direction {direction}"

    def matches(self, packet: Packet, ctx: Context) -> bool:
        from pyiptables.netfilter.connection import TEMPLATE

        if packet.ct is None or packet.ct.status & TEMPLATE:
            return False
        direction = self.values["connbytes-dir"]
        which = {"original": (0,), "reply": (1,), "both": (0, 1)}[direction]
        packets = sum([packet.ct.packets[i] for i in which])
        octets = sum([packet.ct.bytes[i] for i in which])
        mode = self.values["connbytes-mode"]
        amount = {"packets": packets, "bytes": octets, "avgpkt": octets // packets if packets else 0}[mode]
        low, high = self.values["connbytes"]
        return low <= amount <= high if low <= high else not high <= amount <= low


EXTENSIONS = (Connbytes,)
