"""``-j SYNPROXY``: shake hands for a server (``libxt_SYNPROXY.c``, kernel ``ipt_SYNPROXY.c``)."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.xtables.errors import KernelRefusal
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_FLAGS = ("sack-perm", "timestamp", "wscale", "mss", "ecn")
_BITS = {"wscale": 8, "mss": 16}
_SYN, _ACK, _FIN, _RST = 2, 16, 1, 4


class Synproxy(Target):
    """``values``: sack-perm, timestamp, wscale, mss, ecn."""

    __slots__ = ()

    name = "SYNPROXY"
    summary = "answer SYNs in the place of a server until the client is proven real"
    hooks = ("INPUT", "FORWARD")
    options = (
        Option("sack-perm", help="pass the client's SACK on to the server"),
        Option("timestamp", help="pass the client's timestamps on to the server"),
        Option("wscale", UInt(32), metavar="shift", help="window scale announced to the client"),
        Option("mss", UInt(32), metavar="bytes", help="segment size announced to the client"),
        Option("ecn", help="pass the client's ECN on to the server"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        """The kernel's structure has 8 and 16 bits for what 32 are read of."""
        if option.name in _BITS:
            value &= (1 << _BITS[option.name]) - 1
        super().accept(option, value, invert, parsing)

    def kernel_check(self, parsing: Parsing) -> None:
        if parsing.proto != 6 or parsing.proto_inv:
            raise KernelRefusal(EINVAL)

    def _parts(self) -> list[str]:
        return [f"{flag} {self.values[flag]}" if flag in ("wscale", "mss") else flag for flag in _FLAGS if flag in self.values]

    def save(self) -> str:
        return "".join([f" --{part}" for part in self._parts()])

    def show(self, numeric: bool, names: Names) -> str:
        return " SYNPROXY " + "".join([f"{part} " for part in self._parts()])

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        """``synproxy_tg4``: a SYN is answered, the handshake's last ACK goes on to the server, all else goes on."""
        from pyiptables.netfilter.packet import Verdict

        if packet.bad_checksum and packet.verified is None:
            return Verdict.DROP
        flags = packet.tcp_flags & (_SYN | _ACK | _FIN | _RST)
        if flags == _SYN:
            ctx.send("synproxy", packet, **self.values)
            return Verdict.STOLEN
        if flags == _ACK:
            ctx.unknown("whether the ACK carries a valid cookie is not described")
            return Verdict.DROP
        return Verdict.CONTINUE


EXTENSIONS = (Synproxy,)
