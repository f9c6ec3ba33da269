"""``-j MARK``: the packet's mark (``libxt_MARK.c``, kernel ``xt_mark.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.marks import MarkMask
from pyiptables.xtables.numbers import UINT32
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_ONE_OF = ("set-xmark", "set-mark", "and-mark", "or-mark", "xor-mark")


def mark_change(how: str, value: Any) -> tuple[int, int]:
    """What an option of MARK or CONNMARK does: (value, mask) meaning ``mark & ~mask ^ value``."""
    if how == "set-mark":
        return value[0], value[0] | value[1]
    if how == "and-mark":
        return 0, ~value & UINT32
    if how == "or-mark":
        return value, value
    if how == "xor-mark":
        return value, 0
    return value[0], value[1]


def change_text(word: str, value: int, mask: int) -> str:
    """How ``-L`` describes the change."""
    if value == 0:
        return f" {word} and 0x{~mask & UINT32:x}"
    if value == mask:
        return f" {word} or 0x{value:x}"
    if mask == 0:
        return f" {word} xor 0x{value:x}"
    return f" {word} set 0x{value:x}" if mask == UINT32 else f" {word} xset 0x{value:x}/0x{mask:x}"


class Mark(Target):
    """``values``: set-xmark (value, mask), whatever the option was."""

    __slots__ = ()

    name = "MARK"
    summary = "change the packet's mark (nfmark)"
    numbering = ("set-mark", "and-mark", "or-mark", "xor-mark", "set-xmark")
    canonical = r" --set-xmark {HEX32}"
    options = (
        Option("set-xmark", MarkMask(), excl=_ONE_OF, help="clear the mask's bits, then xor the value"),
        Option("set-mark", MarkMask(), excl=_ONE_OF, help="clear the mask's bits, then or the value"),
        Option("and-mark", UInt(32), excl=_ONE_OF, metavar="bits", help="and the mark with it"),
        Option("or-mark", UInt(32), excl=_ONE_OF, metavar="bits", help="or the mark with it"),
        Option("xor-mark", UInt(32), excl=_ONE_OF, metavar="bits", help="xor the mark with it"),
    )

    def final_check(self, parsing: Parsing) -> None:
        if not self.values:
            raise ParameterProblem("MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required")

    def change(self) -> tuple[int, int]:
        """(value, mask): the new mark is ``mark & ~mask ^ value``."""
        for how, value in self.values.items():
            return mark_change(how, value)
        return 0, 0

    def save(self) -> str:
        value, mask = self.change()
        return f" --set-xmark 0x{value:x}/0x{mask:x}"

    def show(self, numeric: bool, names: Names) -> str:
        return change_text("MARK", *self.change())

    def changes(self) -> dict[str, tuple[int, int] | None]:
        value, mask = self.change()
        return {"mark": (mask, value)}

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        value, mask = self.change()
        packet.mark = packet.mark & ~mask ^ value
        return Verdict.CONTINUE


EXTENSIONS = (Mark,)
