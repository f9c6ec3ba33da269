"""``-j IDLETIMER``: tell userspace when traffic stops (``libxt_IDLETIMER.c``, kernel ``xt_IDLETIMER.c``)."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.xtables.errors import KernelRefusal
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import Text, UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

#: Milliseconds must fit into an int.
_LONGEST = 0x7FFFFFFF // 1000
_NO_LABELS = ("", ".", "..", "power", "subsystem", "uevent")


class Idletimer(Target):
    """``values``: timeout (seconds), label, alarm."""

    __slots__ = ()

    name = "IDLETIMER"
    summary = "notify userspace when no packet came for a while"
    options = (
        Option("timeout", UInt(32), mandatory=True, metavar="seconds", help="time without packets"),
        Option("label", Text(size=28), mandatory=True, help="name of the timer in sysfs"),
        Option("alarm", help="use an alarm timer, which runs while the machine sleeps"),
    )

    def kernel_check(self, parsing: Parsing) -> None:
        """``idletimer_tg_check``: the label must do as the name of a file in sysfs; a timer of this name is of the same kind."""
        timeout, label = self.values["timeout"], self.values["label"]
        if not 0 < timeout < _LONGEST or label in _NO_LABELS or "/" in label:
            raise KernelRefusal(EINVAL)
        if parsing.neighbours is not None:
            first = parsing.neighbours.first(self, "-j IDLETIMER", f"--label {label}")
            if ("alarm" in first.values) != ("alarm" in self.values):
                raise KernelRefusal(EINVAL)

    def save(self) -> str:
        alarm = " --alarm" if "alarm" in self.values else ""
        return f" --timeout {self.values['timeout']} --label {self.values['label']}{alarm}"

    def show(self, numeric: bool, names: Names) -> str:
        alarm = " alarm" if "alarm" in self.values else ""
        return f" timeout:{self.values['timeout']} label:{self.values['label']}{alarm}"

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        ctx.note("timer", f"{self.values['label']} starts over")
        return Verdict.CONTINUE


EXTENSIONS = (Idletimer,)
