"""``-j REJECT``: drop and say so (``libipt_REJECT.c``, ``libip6t_REJECT.c``, kernel ``ipt_REJECT.c``, ``ip6t_REJECT.c``)."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_RESET = "tcp-reset"
#: Name → (alias, ICMP type, code), in the order that abbreviations are looked up in.
_KINDS = {
    4: {
        "icmp-net-unreachable": ("net-unreach", 3, 0),
        "icmp-host-unreachable": ("host-unreach", 3, 1),
        "icmp-proto-unreachable": ("proto-unreach", 3, 2),
        "icmp-port-unreachable": ("port-unreach", 3, 3),
        "icmp-net-prohibited": ("net-prohib", 3, 9),
        "icmp-host-prohibited": ("host-prohib", 3, 10),
        _RESET: ("tcp-rst", 0, 0),
        "icmp-admin-prohibited": ("admin-prohib", 3, 13),
    },
    6: {
        "icmp6-no-route": ("no-route", 1, 0),
        "icmp6-adm-prohibited": ("adm-prohibited", 1, 1),
        "icmp6-addr-unreachable": ("addr-unreach", 1, 3),
        "icmp6-port-unreachable": ("port-unreach", 1, 4),
        _RESET: (_RESET, 0, 0),
        "icmp6-policy-fail": ("policy-fail", 1, 5),
        "icmp6-reject-route": ("reject-route", 1, 6),
    },
}
_DEFAULT = {4: "icmp-port-unreachable", 6: "icmp6-port-unreachable"}
_TCP = 6


class Reject(Target):
    """``values``: reject-with (the full name)."""

    __slots__ = ()

    name = "REJECT"
    summary = "drop the packet and answer with an error"
    terminal = True
    tables = ("filter",)
    hooks = ("INPUT", "FORWARD", "OUTPUT")
    canonical = " --reject-with {ICMP}-port-unreachable"
    options = (Option("reject-with", Text(), metavar="type", help="what to answer; any beginning of a type's name"),)

    @classmethod
    def choices(cls, option: Option, family: int) -> tuple[str, ...]:
        return tuple(_KINDS[family])

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        start = value.lower()
        for name, (alias, _, _) in _KINDS[self.family].items():
            if name.startswith(start) or alias.startswith(start):
                super().accept(option, name, invert, parsing)
                return
        if self.family == 4 and ("echo-reply".startswith(start) or "echoreply".startswith(start)):
            parsing.notices.append("--reject-with echo-reply no longer supported\n")
        raise ParameterProblem(f'unknown reject type "{value}"')

    def _kind(self) -> str:
        found: str = self.values.get("reject-with", _DEFAULT[self.family])
        return found

    def kernel_check(self, parsing: Parsing) -> None:
        """A reset answers TCP only."""
        if self._kind() == _RESET and (parsing.proto != _TCP or parsing.proto_inv):
            raise KernelRefusal(EINVAL)

    def save(self) -> str:
        return f" --reject-with {self._kind()}"

    def show(self, numeric: bool, names: Names) -> str:
        return f" reject-with {self._kind()}"

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        kind = self._kind()
        if kind == _RESET:
            return ctx.reject(packet, _RESET)
        _, icmp_type, code = _KINDS[self.family][kind]
        return ctx.reject(packet, "icmp", icmp_type, code)


EXTENSIONS = (Reject,)
