"""``-j DNPT``: translate the prefix of the destination (``libip6t_DNPT.c``, kernel ``ip6t_NPT.c``)."""

from __future__ import annotations

from pyiptables.xtables.prefix_translation import PrefixTarget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet, Verdict


class Dnpt(PrefixTarget):
    """``values``: src-pfx, dst-pfx (address, prefix length)."""

    __slots__ = ()

    name = "DNPT"
    summary = "translate the IPv6 prefix of the destination, without state"
    hooks = ("PREROUTING", "OUTPUT")
    field = "dst"

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        address = self.translated(packet.dst)
        if address is None:
            return ctx.reject(packet, "icmp", 4, 0)
        packet.dst = address
        return Verdict.CONTINUE


EXTENSIONS = (Dnpt,)
