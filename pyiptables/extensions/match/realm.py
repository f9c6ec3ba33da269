"""``-m realm``: the routing realm (``libipt_realm.c``, kernel ``xt_realm.c``)."""

from __future__ import annotations

from pyiptables.xtables.numbers import UINT32
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Text, parse_value_mask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_FILE = "/etc/iproute2/rt_realms"


class Realm(Match):
    """``values``: realm (value, mask). The packet's realm is the attribute ``realm``."""

    __slots__ = ("_name",)

    name = "realm"
    families = (4,)
    summary = "the routing realm of the packet"
    hooks = ("POSTROUTING", "FORWARD", "OUTPUT", "INPUT")
    options = (Option("realm", Text(), invert=True, mandatory=True, metavar="value[/mask]|name", help="realm number or name"),)

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        self._name = None

        def named(name: str) -> int | None:
            self._name = name
            return parsing.names.mapped_number(_FILE, name)

        super().accept(option, parse_value_mask(value, option.name, self.name, named), invert, parsing)

    def _text(self, numeric: bool) -> str:
        value, mask = self.values["realm"]
        if mask != UINT32:
            return f" 0x{value:x}/0x{mask:x}"
        return f" {self._name}" if self._name and not numeric else f" 0x{value:x}"

    def save(self) -> str:
        return f"{' !' if self.inverted else ''} --realm{self._text(False)}"

    def show(self, numeric: bool, names: Names) -> str:
        return f"{' !' if self.inverted else ''} realm{self._text(numeric)}"

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        value, mask = self.values["realm"]
        return space.bits("realm", value, mask, bool(self.inverted))

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        realm = packet.attrs.get("realm")
        if realm is None:
            ctx.unknown("no realm is described")
            return None
        value, mask = self.values["realm"]
        return bool((value == realm & mask) != bool(self.inverted))


EXTENSIONS = (Realm,)
