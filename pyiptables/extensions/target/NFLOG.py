"""``-j NFLOG``: hand a copy to userspace (``libxt_NFLOG.c``, kernel ``xt_NFLOG.c``; nft's own log, ``nft_log.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import Text, UInt, cut_bytes, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_THRESHOLD = 0
#: ``NF_LOG_PREFIXLEN`` and the prefix of ``struct xt_nflog_info``.
_PREFIX, _LEGACY_PREFIX = 128, 64


class Nflog(Target):
    """``values``: nflog-group, nflog-prefix, nflog-range, nflog-size (bytes), nflog-threshold (packets)."""

    __slots__ = ()

    name = "NFLOG"
    summary = "pass the packet to a logging program and go on"
    options = (
        Option("nflog-group", UInt(16), help="netlink group"),
        Option("nflog-prefix", Text(low=1), help="text to send along"),
        Option("nflog-range", UInt(32), excl=("nflog-size",), help="without effect"),
        Option("nflog-size", UInt(32), excl=("nflog-range",), metavar="bytes", help="bytes of the packet to send"),
        Option("nflog-threshold", UInt(16), metavar="packets", help="packets to collect in the kernel first"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if option.name == "nflog-prefix":
            if "\n" in value:
                raise ParameterProblem("Newlines not allowed in --log-prefix")
            value = cut_bytes(value, (_PREFIX if parsing.variant == "nft" else _LEGACY_PREFIX) - 1)
        super().accept(option, value, invert, parsing)

    def final_check(self, parsing: Parsing) -> None:
        if "nflog-range" in self.values:
            parsing.notices.append("warn: --nflog-range has never worked and is no longer supported, please use --nflog-size instead\n")

    def nft_form(self, spec: RuleSpec) -> Target:
        """nft's log has no range."""
        self.values.pop("nflog-range", None)
        return self

    def _text(self, prefix: str) -> str:
        given = self.values
        text = f" {prefix}nflog-prefix{quoted(given['nflog-prefix'])}" if "nflog-prefix" in given else ""
        if given.get("nflog-group"):
            text += f" {prefix}nflog-group {given['nflog-group']}"
        if "nflog-size" in given:
            text += f" {prefix}nflog-size {given['nflog-size']}"
        elif given.get("nflog-range"):
            text += f" {prefix}nflog-range {given['nflog-range']}"
        if given.get("nflog-threshold", _THRESHOLD) != _THRESHOLD:
            text += f" {prefix}nflog-threshold {given['nflog-threshold']}"
        return text

    def save(self) -> str:
        return self._text("--")

    def show(self, numeric: bool, names: Names) -> str:
        return self._text("")

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        ctx.note("nflog", f"group {self.values.get('nflog-group', 0)}")
        return Verdict.CONTINUE


EXTENSIONS = (Nflog,)
