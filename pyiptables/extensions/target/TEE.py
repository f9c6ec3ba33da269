"""``-j TEE``: send a copy to another machine (``libxt_TEE.c``, kernel ``xt_TEE.c``)."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.xtables.addresses import address_text
from pyiptables.xtables.errors import KernelRefusal
from pyiptables.xtables.hosts import Host
from pyiptables.xtables.names import any_name
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing


class Tee(Target):
    """``values``: gateway (address), oif."""

    __slots__ = ()

    name = "TEE"
    summary = "send a copy of the packet to a machine on the local network"
    options = (
        Option("gateway", Host(), mandatory=True, help="machine that gets the copy"),
        Option("oif", Text(size=16), metavar="interface", help="interface to send it by"),
    )

    def kernel_check(self, parsing: Parsing) -> None:
        """``tee_tg_check``: no gateway of nothing."""
        if self.values["gateway"] == 0:
            raise KernelRefusal(EINVAL)

    def save(self) -> str:
        oif = f" --oif {self.values['oif']}" if self.values.get("oif") else ""
        return f" --gateway {self.address(self.values['gateway'])}{oif}"

    def show(self, numeric: bool, names: Names) -> str:
        gateway = self.values["gateway"]
        name = None if numeric else any_name(names, gateway, self.family)
        oif = f" oif={self.values['oif']}" if self.values.get("oif") else ""
        return f" TEE gw:{name or address_text(gateway, self.family)}{oif}"

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        if ctx.host is None and not self.values.get("oif"):
            ctx.unknown(f"no host is described: by which interface {self.address(self.values['gateway'])} is reached")
        ctx.send("tee", packet, gateway=self.values["gateway"], oif=self.values.get("oif", ""))
        return Verdict.CONTINUE


EXTENSIONS = (Tee,)
