"""``-m devgroup``: the group of an interface (``libxt_devgroup.c``, kernel ``xt_devgroup.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.named_numbers import named_text, parse_named
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_FILE = "/etc/iproute2/group"


class Devgroup(Match):
    """``values``: src-group, dst-group (number, mask, name)."""

    __slots__ = ()

    name = "devgroup"
    summary = "the device group of the incoming or outgoing interface"
    options = (
        Option("src-group", Text(), invert=True, metavar="group[/mask]", help="group of the incoming interface"),
        Option("dst-group", Text(), invert=True, metavar="group[/mask]", help="group of the outgoing interface"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        group = parse_named(value, option.name, self.name, parsing, _FILE)
        super().accept(option, group, invert, parsing)

    def final_check(self, parsing: Parsing) -> None:
        if not self.values:
            raise ParameterProblem("devgroup match: You must specify either '--src-group' or '--dst-group'")

    def hooks_allowed(self) -> tuple[str, ...] | None:
        """``devgroup_mt_checkentry``."""
        if "src-group" in self.values and "dst-group" in self.values:
            return ("FORWARD",)
        if "src-group" in self.values:
            return ("PREROUTING", "INPUT", "FORWARD")
        return ("FORWARD", "OUTPUT", "POSTROUTING")

    def _shown(self, prefix: str, numeric: bool = False, names: Names | None = None) -> str:
        text = ""
        for name in ("src-group", "dst-group"):
            if name in self.values:
                shown = named_text(self.values[name], _FILE, numeric, names)
                text += f"{' !' if name in self.inverted else ''} {prefix}{name} {shown}"
        return text

    def save(self) -> str:
        return self._shown("--")

    def show(self, numeric: bool, names: Names) -> str:
        return self._shown("", numeric, names)

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        answer: bool | None = True
        for name, key, device in (("src-group", "devgroup_in", packet.iniface), ("dst-group", "devgroup_out", packet.outiface)):
            if name not in self.values:
                continue
            found = packet.attrs.get(key)
            if found is None and ctx.host is not None and device in ctx.host.interfaces:
                found = ctx.host.interfaces[device].group
            if found is None:
                ctx.unknown("no device group is described")
                answer = None
                continue
            group, mask, _ = self.values[name]
            if ((found ^ group) & mask == 0) == (name in self.inverted):
                return False
        return answer


EXTENSIONS = (Devgroup,)
