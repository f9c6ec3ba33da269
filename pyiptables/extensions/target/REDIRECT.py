"""``-j REDIRECT``: to this host itself (``libxt_NAT.c``, kernel ``nf_nat_redirect.c``)."""

from __future__ import annotations

from pyiptables.xtables.addresses import address_text
from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.nat_range import NatTarget
from pyiptables.xtables.option import Option
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.option import Parsing

_LOOPBACK = {4: 0x7F000001, 6: 1}


class Redirect(NatTarget):
    """``values``: to-ports (None, ports) and the flag."""

    __slots__ = ()

    name = "REDIRECT"
    summary = "send new connections to this host, to a port of it"
    hooks = ("PREROUTING", "OUTPUT")
    range_option = "to-ports"
    shifts = True
    shown_as = "redir ports "
    options = (
        Option("to-ports", Text(), metavar="port[-port]", help="destination ports to use"),
        Option("random", help="map ports at random", code=3),
    )

    def final_check(self, parsing: Parsing) -> None:
        ports = self.range()[1]
        if ports is not None and ports[2] is not None:
            raise ParameterProblem("Shifted portmap ranges not supported with this kernel")

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        if ctx.hook == "OUTPUT":
            address: int | None = _LOOPBACK[self.family]
        elif ctx.host is None:
            kept = address_text(packet.dst, packet.family)
            ctx.unknown(f"no host is described: the address of {packet.iniface or 'the way in'} is not known, and {kept} stays")
            address = packet.dst
        else:
            address = ctx.host.first_address(packet.iniface, self.family, packet.dst)
            if address is None:
                ctx.note("dropped", f"{packet.iniface} has no address")
                return Verdict.DROP
        assert address is not None
        return ctx.setup_nat(packet, "dst", self.wanted((address, address)))


EXTENSIONS = (Redirect,)
