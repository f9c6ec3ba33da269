"""``-m eui64``: the interface identifier made from the MAC address (``libip6t_eui64.c``, kernel ``ip6t_eui64.c``)."""

from __future__ import annotations

from pyiptables.xtables.option import Match

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names


class Eui64(Match):
    """Takes no options."""

    __slots__ = ()

    name = "eui64"
    families = (6,)
    summary = "the source address ends in the sender's MAC address (EUI-64)"
    hooks = ("PREROUTING", "INPUT", "FORWARD")

    def show(self, numeric: bool, names: Names) -> None:
        """It has no print function."""

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        mac = packet.mac_src
        if mac is None:
            ctx.unknown("no source MAC address is described")
            return None
        wanted = bytes([mac[0] ^ 2, mac[1], mac[2], 0xFF, 0xFE, mac[3], mac[4], mac[5]])
        return packet.src & (1 << 64) - 1 == int.from_bytes(wanted, "big")


EXTENSIONS = (Eui64,)
