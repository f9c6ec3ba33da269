"""``-m udp``: ports of UDP (``libxt_udp.c``, kernel ``xt_tcpudp.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import UINT16
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.ports import PortRange, listed_port, nft_ports, save_ports, show_ports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names

_EVERY_PORT = (0, UINT16)
_SOURCE, _DESTINATION = "source-port", "destination-port"


class Udp(Match):
    """``values``: source-port and destination-port (low, high)."""

    __slots__ = ()

    name = "udp"
    summary = "UDP ports; loaded by itself after -p udp"
    protocols = (17,)
    canonical = r"(?:(?: !)? --sport {PORTS})?(?:(?: !)? --dport {PORTS})?"
    options = (
        Option(_SOURCE, PortRange(), invert=True, aliases=("sport",), help="source port or range", reads=("sport",)),
        Option(_DESTINATION, PortRange(), invert=True, aliases=("dport",), help="destination port or range", reads=("dport",)),
    )

    def save(self) -> str:
        given, inverted = self.values, self.inverted
        text = save_ports("sport", given.get(_SOURCE, _EVERY_PORT), _SOURCE in inverted)
        return text + save_ports("dport", given.get(_DESTINATION, _EVERY_PORT), _DESTINATION in inverted)

    def show(self, numeric: bool, names: Names) -> str:
        given, inverted = self.values, self.inverted
        text = " udp" + show_ports("spt", given.get(_SOURCE, _EVERY_PORT), _SOURCE in inverted, numeric, names, "udp")
        ports = given.get(_DESTINATION, _EVERY_PORT)
        return text + show_ports("dpt", ports, _DESTINATION in inverted, numeric, names, "udp")

    @classmethod
    def listed(cls, saved: str) -> str | None:
        return listed_port(cls.name, saved)

    def nft_form(self, earlier: list[Match], spec: RuleSpec) -> Match | None:
        """Ports become native expressions (``add_nft_udp``); later ones fill the udp match before them."""
        if not self.save():
            return self
        if spec.proto != 17:
            raise ParameterProblem("UDP match requires '-p udp'")
        before = next((match for match in earlier if match.name == self.name), None)
        nft_ports(self.values, self.inverted, (_SOURCE, _DESTINATION), before.values if before is not None else {})
        if before is None:
            return self
        before.values.update(self.values)
        before.inverted.update(self.inverted)
        return None

    def native(self) -> bool:
        return bool(self.save())

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        return space.ports(self.values, self.inverted)

    def matches(self, packet: Packet, ctx: Context) -> bool:
        if packet.frag_offset or packet.proto != 17:
            return False
        if ctx.cut_short(packet):
            return False
        for option, port in ((_SOURCE, packet.sport), (_DESTINATION, packet.dport)):
            low, high = self.values.get(option, _EVERY_PORT)
            if (low <= port <= high) == (option in self.inverted):
                return False
        return True


EXTENSIONS = (Udp,)
