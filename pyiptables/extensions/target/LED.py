"""``-j LED``: a light that blinks with packets (``libxt_LED.c``, kernel ``xt_LED.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import UINT32, scan_unsigned
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing


class Led(Target):
    """``values``: led-trigger-id, led-delay (milliseconds, all ones = for ever), led-always-blink."""

    __slots__ = ()

    name = "LED"
    summary = "blink an LED"
    options = (
        Option("led-trigger-id", Text(high=16), mandatory=True, metavar="name", help="name of the LED trigger"),
        Option("led-delay", Text(), metavar="ms|inf", help="how long it stays on"),
        Option("led-always-blink", help="blink even if it is on already"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if option.name == "led-delay":
            value = _delay(value)
        super().accept(option, value, invert, parsing)

    def _id(self) -> str:
        text: str = self.values["led-trigger-id"]
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def save(self) -> str:
        delay = self.values.get("led-delay", 0)
        text = f" --led-trigger-id {self._id()}"
        if delay:
            text += f" --led-delay {_signed(delay)}"
        return text + (" --led-always-blink" if "led-always-blink" in self.values else "")

    def show(self, numeric: bool, names: Names) -> str:
        delay = self.values.get("led-delay", 0)
        text = f" led-trigger-id:{self._id()} led-delay:{'inf' if delay == UINT32 else f'{_signed(delay)}ms'}"
        return text + (" led-always-blink" if "led-always-blink" in self.values else "")

    def saves_all(self) -> bool:
        return not self.values.get("led-delay", 0) >> 31

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        ctx.note("led", self.values["led-trigger-id"])
        return Verdict.CONTINUE


def _delay(text: str) -> int:
    if text[:3].lower() == "inf":
        return UINT32
    got = scan_unsigned(text, 0, UINT32)
    if got is None or got[1] != len(text):
        raise ParameterProblem(f"Delay value must be within range 0..{UINT32}")
    return got[0]


def _signed(delay: int) -> int:
    """Unsigned in the kernel, but printed with %d; so --led-delay inf is saved as -1."""
    return delay - (1 << 32) if delay >> 31 else delay


EXTENSIONS = (Led,)
