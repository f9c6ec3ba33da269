"""``-j NETMAP``: a whole network onto another, host by host (``libipt_NETMAP.c``, kernel ``xt_NETMAP.c``)."""

from __future__ import annotations

from pyiptables.xtables.addresses import ALL_ONES, address_text, mask_prefix
from pyiptables.xtables.hosts import HostMask
from pyiptables.xtables.option import Option, Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names


class Netmap(Target):
    """``values``: to (address, mask)."""

    __slots__ = ()

    name = "NETMAP"
    summary = "map a network of addresses onto another, keeping the host part"
    terminal = True
    tables = ("nat",)
    hooks = ("PREROUTING", "POSTROUTING", "OUTPUT", "INPUT")
    options = (Option("to", HostMask(), mandatory=True, help="network to map to"),)

    def _network(self) -> str:
        address, mask = self.values["to"]
        length = mask_prefix(mask, self.family)
        return f"{address_text(address & mask, self.family)}/{address_text(mask, self.family) if length is None else length}"

    def save(self) -> str:
        return f" --to {self._network()}"

    def show(self, numeric: bool, names: Names) -> str:
        return f" to:{self._network()}"

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import NatRange

        address, mask = self.values["to"]
        which = "dst" if ctx.hook in ("PREROUTING", "OUTPUT") else "src"
        host = (packet.dst if which == "dst" else packet.src) & ~mask & ALL_ONES[self.family]
        new = address & mask | host
        return ctx.setup_nat(packet, which, NatRange((new, new), netmap=True))


EXTENSIONS = (Netmap,)
