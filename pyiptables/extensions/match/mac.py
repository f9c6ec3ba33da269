"""``-m mac``: the sender's Ethernet address (``libxt_mac.c``, kernel ``xt_mac.c``)."""

from __future__ import annotations

from pyiptables.xtables.hosts import EtherMac, mac_text
from pyiptables.xtables.option import Match, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names


class Mac(Match):
    """``values``: mac-source (six bytes)."""

    __slots__ = ()

    name = "mac"
    summary = "the sender's Ethernet address"
    hooks = ("PREROUTING", "INPUT", "FORWARD")
    options = (
        Option("mac-source", EtherMac(), invert=True, mandatory=True, help="the address, XX:XX:XX:XX:XX:XX", reads=("mac_src", "iniface")),
    )

    def show(self, numeric: bool, names: Names) -> str:
        return f" MAC {'! ' if self.inverted else ''}{mac_text(self.values['mac-source'])}"

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        """``mac_mt``: a packet without an Ethernet header matches neither way."""
        address = int.from_bytes(self.values["mac-source"], "big")
        if self.inverted:
            return space.values("mac", (address, address), (space.no_mac, space.no_mac), invert=True)
        return space.values("mac", (address, address))

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        if not packet.iniface or packet.iniface == "lo":
            return False
        if packet.mac_src is None:
            ctx.unknown("no source MAC address is described")
            return None
        return bool((packet.mac_src == self.values["mac-source"]) != bool(self.inverted))


EXTENSIONS = (Mac,)
