"""The ttl and hl matches: one comparison with the hop limit (``libipt_ttl.c``, ``libip6t_hl.c``)."""

from __future__ import annotations

from pyiptables.xtables.option import Match

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec

__all__ = ["HopLimitMatch"]

_SIGNS = {"eq": "==", "lt": "<", "gt": ">"}


class HopLimitMatch(Match):
    """A match on the hop limit by one of three options whose names end in eq, lt and gt."""

    __slots__ = ()

    def _given(self) -> tuple[str, int]:
        """(``eq``, ``lt`` or ``gt``; the number), the last one given."""
        name, value = next(iter(self.values.items()))
        return name[-2:], value

    def sign(self) -> str:
        return "!=" if self.inverted else _SIGNS[self._given()[0]]

    def limit(self) -> int:
        return self._given()[1]

    def save(self) -> str:
        how, value = self._given()
        return f"{' !' if self.inverted else ''} --{self.name}-{how} {value}"

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        how, value = self._given()
        if how == "lt":
            return space.values("ttl", (0, value - 1))
        if how == "gt":
            return space.values("ttl", (value + 1, 255))
        return space.values("ttl", (value, value), invert=bool(self.inverted))

    def matches(self, packet: Packet, ctx: Context) -> bool:
        how, value = self._given()
        if how == "lt":
            return packet.ttl < value
        if how == "gt":
            return packet.ttl > value
        return (packet.ttl == value) != bool(self.inverted)
