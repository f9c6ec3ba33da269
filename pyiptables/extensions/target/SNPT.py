"""``-j SNPT``: translate the prefix of the source (``libip6t_SNPT.c``, kernel ``ip6t_NPT.c``)."""

from __future__ import annotations

from pyiptables.xtables.prefix_translation import PrefixTarget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet, Verdict


class Snpt(PrefixTarget):
    """``values``: src-pfx, dst-pfx (address, prefix length)."""

    __slots__ = ()

    name = "SNPT"
    summary = "translate the IPv6 prefix of the source, without state"
    hooks = ("INPUT", "POSTROUTING")
    field = "src"

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        address = self.translated(packet.src)
        if address is None:
            return ctx.reject(packet, "icmp", 4, 0)
        packet.src = address
        return Verdict.CONTINUE


EXTENSIONS = (Snpt,)
