"""``-m physdev``: ports of a bridge (``libxt_physdev.c``, kernel ``xt_physdev.c``)."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Text, parse_interface

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_IS_IN, _IN, _IS_OUT, _OUT, _BRIDGED = "physdev-is-in", "physdev-in", "physdev-is-out", "physdev-out", "physdev-is-bridged"


class Physdev(Match):
    """``values``: physdev-in, physdev-out (names), physdev-is-in, -is-out, -is-bridged."""

    __slots__ = ()

    name = "physdev"
    summary = "the bridge ports the packet comes in and goes out by"
    options = (
        Option(_IN, Text(), invert=True, metavar="name[+]", help="bridge port it came by"),
        Option(_OUT, Text(), invert=True, metavar="name[+]", help="bridge port it goes by"),
        Option(_IS_IN, invert=True, help="it came by a bridge port"),
        Option(_IS_OUT, invert=True, help="it goes by a bridge port"),
        Option(_BRIDGED, invert=True, help="it is bridged, not routed"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if option.name in (_IN, _OUT):
            value = parse_interface(value, parsing)
        super().accept(option, value, invert, parsing)

    def final_check(self, parsing: Parsing) -> None:
        if not self.values:
            raise ParameterProblem("PHYSDEV: no physdev option specified")

    def hooks_allowed(self) -> tuple[str, ...] | None:
        """Routed packets have no port to go out by: it must be said that they are bridged."""
        outward = self.values.keys() & {_OUT, _IS_OUT}
        if outward and (_BRIDGED not in self.values or _BRIDGED in self.inverted):
            return ("PREROUTING", "INPUT", "FORWARD", "POSTROUTING")
        return None

    def kernel_check(self, parsing: Parsing) -> None:
        if not self.values:
            raise KernelRefusal(EINVAL)

    def save(self) -> str:
        text = ""
        for name in (_IS_IN, _IN, _IS_OUT, _OUT, _BRIDGED):
            if name in self.values:
                value = f" {self.values[name]}" if name in (_IN, _OUT) else ""
                text += f"{' !' if name in self.inverted else ''} --{name}{value}"
        return text

    def show(self, numeric: bool, names: Names) -> str:
        return " PHYSDEV match" + self.save()

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        """Each option is a condition of its own, false for a packet that met no bridge."""
        region = space.everything
        for name, value in self.values.items():
            region &= space.atom(f"{name} {value}", name in self.inverted, ())
        return region

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        """``physdev_mt``: a packet that met no bridge has no ports at all."""
        bridged = bool(packet.attrs.get("bridged", packet.physin and packet.physout))
        facts = {_BRIDGED: bridged, _IS_IN: bool(packet.physin), _IS_OUT: bool(packet.physout)}
        if not packet.physin and not packet.physout:
            for name in (_IS_IN, _IS_OUT, _BRIDGED, _IN, _OUT):
                if name in self.values and name not in self.inverted:
                    return False
            return True
        for name, fact in facts.items():
            if name in self.values and fact == (name in self.inverted):
                return False
        for name, port in ((_IN, packet.physin), (_OUT, packet.physout)):
            if name in self.values and (bool(port) and _is_like(port, self.values[name])) == (name in self.inverted):
                return False
        return True


def _is_like(port: str, pattern: str) -> bool:
    return port.startswith(pattern[:-1]) if pattern.endswith("+") else port == pattern


EXTENSIONS = (Physdev,)
