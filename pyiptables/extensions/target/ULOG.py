"""``-j ULOG``: hand a copy to userspace (``libipt_ULOG.c``); Linux 3.17 dropped it for NFLOG."""

from __future__ import annotations

from errno import ENOENT

from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import Text, UInt, cut_bytes, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_GROUP, _THRESHOLD = 1, 1
#: ``ULOG_PREFIX_LEN``.
_PREFIX = 32


class Ulog(Target):
    """``values``: ulog-nlgroup, ulog-cprange (bytes), ulog-qthreshold (packets), ulog-prefix."""

    __slots__ = ()

    name = "ULOG"
    families = (4,)
    gone = True
    summary = "pass the packet to a logging program and go on, with kernels before 3.17"
    options = (
        Option("ulog-nlgroup", UInt(8, 1, 32), metavar="group", help="netlink group"),
        Option("ulog-cprange", UInt(64), metavar="bytes", help="bytes of the packet to send"),
        Option("ulog-qthreshold", UInt(8, 1, 50), metavar="packets", help="packets to collect in the kernel first"),
        Option("ulog-prefix", Text(low=1), metavar="text", help="text to send along"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if option.name == "ulog-prefix":
            if "\n" in value:
                raise ParameterProblem("Newlines not allowed in --ulog-prefix")
            value = cut_bytes(value, _PREFIX - 1)
        elif option.name == "ulog-cprange":
            value &= 0xFFFFFFFF
        super().accept(option, value, invert, parsing)

    def kernel_check(self, parsing: Parsing) -> None:
        if not parsing.elsewhere:
            raise KernelRefusal(ENOENT)

    def save(self) -> str:
        given = self.values
        text = f" --ulog-prefix{quoted(given['ulog-prefix'])}" if "ulog-prefix" in given else ""
        if given.get("ulog-nlgroup", _GROUP) != _GROUP:
            text += f" --ulog-nlgroup {given['ulog-nlgroup']}"
        if given.get("ulog-cprange"):
            text += f" --ulog-cprange {given['ulog-cprange']}"
        if given.get("ulog-qthreshold", _THRESHOLD) != _THRESHOLD:
            text += f" --ulog-qthreshold {given['ulog-qthreshold']}"
        return text

    def show(self, numeric: bool, names: Names) -> str:
        given = self.values
        text = f" ULOG copy_range {given.get('ulog-cprange', 0)} nlgroup {given.get('ulog-nlgroup', _GROUP)}"
        if "ulog-prefix" in given:
            text += f' prefix "{given["ulog-prefix"]}"'
        return f"{text} queue_threshold {given.get('ulog-qthreshold', _THRESHOLD)}"

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        ctx.note("ulog", f"group {self.values.get('ulog-nlgroup', _GROUP)}")
        return Verdict.CONTINUE


EXTENSIONS = (Ulog,)
