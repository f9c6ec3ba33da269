"""``-j TPROXY``: to a local socket without changing the packet (``libxt_TPROXY.c``, kernel ``xt_TPROXY.c``)."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.xtables.errors import KernelRefusal
from pyiptables.xtables.hosts import Host
from pyiptables.xtables.marks import MarkMask
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.ports import Port

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing


class Tproxy(Target):
    """``values``: on-port, on-ip (address), tproxy-mark (value, mask)."""

    __slots__ = ()

    name = "TPROXY"
    summary = "give the packet to a local socket, its addresses unchanged"
    terminal = True
    tables = ("mangle",)
    hooks = ("PREROUTING",)
    options = (
        Option("on-port", Port(), mandatory=True, help="port of the socket, 0 for the packet's own"),
        Option("on-ip", Host(), help="address of the socket; that of the interface if not given"),
        Option("tproxy-mark", MarkMask(), help="mark to give the packet"),
    )

    def kernel_check(self, parsing: Parsing) -> None:
        if parsing.proto not in (6, 17) or parsing.proto_inv:
            raise KernelRefusal(EINVAL)

    def _fields(self) -> tuple[int, str, int, int]:
        value, mask = self.values.get("tproxy-mark", (0, 0))
        return self.values["on-port"], self.address(self.values.get("on-ip", 0)), value, mask

    def save(self) -> str:
        port, address, value, mask = self._fields()
        return f" --on-port {port} --on-ip {address} --tproxy-mark 0x{value:x}/0x{mask:x}"

    def show(self, numeric: bool, names: Names) -> str:
        port, address, value, mask = self._fields()
        return f" TPROXY redirect {address}:{port} mark 0x{value:x}/0x{mask:x}"

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        """``tproxy_tg4``: without a listening socket the packet is dropped."""
        from pyiptables.netfilter.packet import Verdict

        listening = packet.attrs.get("tproxy_listener")
        if listening is None and "socket" in packet.attrs:
            listening = bool((packet.attrs["socket"] or {}).get("transparent"))
        if listening is None:
            ctx.unknown("whether a transparent socket listens is not described (socket transparent)")
            return Verdict.DROP
        if not listening:
            return Verdict.DROP
        value, mask = self.values.get("tproxy-mark", (0, 0))
        packet.mark = packet.mark & ~mask ^ value
        packet.attrs["socket"] = packet.attrs.get("socket") or {"transparent": True}
        ctx.note("socket", f"{self.address(self.values.get('on-ip', 0))}:{self.values['on-port']}")
        return Verdict.ACCEPT


EXTENSIONS = (Tproxy,)
