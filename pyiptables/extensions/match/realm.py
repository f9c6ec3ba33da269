"""``-m realm``: the routing realm (``libipt_realm.c``, kernel ``xt_realm.c``)."""

from __future__ import annotations

from pyiptables.xtables.named_numbers import named_text, parse_named
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_FILE = "/etc/iproute2/rt_realms"


class Realm(Match):
    """``values``: realm (number, mask, name). The packet's realm is the attribute ``realm``."""

    __slots__ = ()

    name = "realm"
    families = (4,)
    summary = "the routing realm of the packet"
    hooks = ("POSTROUTING", "FORWARD", "OUTPUT", "INPUT")
    options = (Option("realm", Text(), invert=True, mandatory=True, metavar="value[/mask]|name", help="realm number or name"),)

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        super().accept(option, parse_named(value, option.name, self.name, parsing, _FILE), invert, parsing)

    def save(self) -> str:
        return f"{' !' if self.inverted else ''} --realm {named_text(self.values['realm'], _FILE)}"

    def show(self, numeric: bool, names: Names) -> str:
        return f"{' !' if self.inverted else ''} realm {named_text(self.values['realm'], _FILE, numeric, names)}"

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        realm = packet.attrs.get("realm")
        if realm is None:
            ctx.unknown("no realm is described")
            return None
        value, mask, _ = self.values["realm"]
        return bool((value == realm & mask) != bool(self.inverted))


EXTENSIONS = (Realm,)
