"""``-j MASQUERADE``: the source becomes the address of the way out (``libxt_NAT.c``, kernel ``nf_nat_masquerade.c``)."""

from __future__ import annotations

from pyiptables.xtables.addresses import address_text
from pyiptables.xtables.nat_range import NatTarget
from pyiptables.xtables.option import Option
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet, Verdict


class Masquerade(NatTarget):
    """``values``: to-ports (None, ports) and the flags."""

    __slots__ = ()

    name = "MASQUERADE"
    summary = "give new connections the address of the interface they leave by"
    hooks = ("POSTROUTING",)
    range_option = "to-ports"
    shown_as = "masq ports: "
    options = (
        Option("to-ports", Text(), metavar="port[-port]", help="source ports to use"),
        Option("random", help="map ports at random, by a hash", code=3),
        Option("random-fully", help="map ports wholly at random", code=4),
    )

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        if self.family == 4 and packet.src == 0:
            return Verdict.ACCEPT
        if ctx.host is None:
            kept = address_text(packet.src, packet.family)
            ctx.unknown(f"no host is described: the address of {packet.outiface or 'the way out'} is not known, and {kept} stays")
            return Verdict.ACCEPT
        towards = packet.dst if ctx.gateway is None or self.family == 6 else ctx.gateway
        address = ctx.host.select_source(packet.outiface, towards, self.family)
        if address is None:
            ctx.note("dropped", f"{packet.outiface} has no address")
            return Verdict.DROP
        if packet.ct is not None:
            # A connection that later leaves by another interface must begin anew (nf_nat_oif_changed).
            packet.ct.extra["masquerade"] = packet.outiface
        return ctx.setup_nat(packet, "src", self.wanted((address, address)))


EXTENSIONS = (Masquerade,)
