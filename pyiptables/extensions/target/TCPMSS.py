"""``-j TCPMSS``: the maximum segment size of SYNs (``libxt_TCPMSS.c``, kernel ``xt_TCPMSS.c``)."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.numbers import UINT16, UINT32
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.host import Host
    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Extension, Match, Parsing

_CLAMP, _SET = "clamp-mss-to-pmtu", "set-mss"
_FLAGS = "tcp-flags"
_SYN = 2


class _SegmentSize(UInt):
    """16 bits less an IP header of the family."""

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> int:
        self.high = UINT16 - (20 if ext.family == 4 else 40)
        return super().parse(text, option, ext, parsing)


class Tcpmss(Target):
    """``values``: set-mss (bytes) or clamp-mss-to-pmtu."""

    __slots__ = ()

    name = "TCPMSS"
    idempotent = True
    summary = "set or clamp the maximum segment size in TCP SYN packets"
    protocols = (6,)
    canonical = r" --(?:clamp-mss-to-pmtu|set-mss 1[0-4]\d\d)"
    options = (
        Option(_SET, _SegmentSize(16), metavar="bytes", help="set it to this"),
        Option(_CLAMP, help="clamp it to the path MTU less headers"),
    )

    def final_check(self, parsing: Parsing) -> None:
        if not self.values:
            raise ParameterProblem("TCPMSS target: At least one parameter is required")

    def _clamps(self) -> bool:
        """The option that came last decides."""
        return [name for name in self.values if name in (_SET, _CLAMP)][-1] == _CLAMP

    def hooks_allowed(self) -> tuple[str, ...] | None:
        return ("FORWARD", "OUTPUT", "POSTROUTING") if self._clamps() else None

    def kernel_check(self, parsing: Parsing) -> None:
        """``tcpmss_tg4_check``: without nft there must be a -m tcp that looks for SYN."""
        if parsing.variant == "legacy" and parsing.spec is not None and not any(map(_asks_for_syn, parsing.spec.matches)):
            raise KernelRefusal(EINVAL)

    def save(self) -> str:
        return " --clamp-mss-to-pmtu" if self._clamps() else f" --set-mss {self.values[_SET]}"

    def show(self, numeric: bool, names: Names) -> str:
        return " TCPMSS clamp to PMTU" if self._clamps() else f" TCPMSS set {self.values[_SET]}"

    def changes(self) -> dict[str, tuple[int, int] | None]:
        return {"tcpoptions": None, "length": None}

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        """``tcpmss_mangle_packet``: an option that is there is only lowered; a SYN without one gets one."""
        from pyiptables.netfilter.packet import Verdict

        if packet.frag_offset:
            return Verdict.CONTINUE
        header = 40 if self.family == 4 else 60
        if self._clamps():
            if ctx.host is None:
                ctx.unknown("no host is described: the path MTU is not known")
                return Verdict.CONTINUE
            way = ctx.mtu or ctx.host.mtu(packet.outiface)
            wanted = min(way, _reverse_mtu(packet, ctx.host)) - header
            if wanted <= 0:
                return Verdict.DROP
        else:
            wanted = self.values[_SET]
        at = _find(packet.tcp_options)
        if at is not None:
            old = int.from_bytes(packet.tcp_options[at + 2 : at + 4], "big")
            if old > wanted:
                packet.tcp_options = packet.tcp_options[: at + 2] + wanted.to_bytes(2, "big") + packet.tcp_options[at + 4 :]
            return Verdict.CONTINUE
        if not packet.tcp_flags & _SYN or packet.payload_len or len(packet.tcp_options) > 36:
            return Verdict.CONTINUE
        if self.family == 4:
            wanted = min(wanted, 536)
        else:
            wanted = min(wanted, 1220)
        packet.tcp_options = b"\x02\x04" + wanted.to_bytes(2, "big") + packet.tcp_options
        packet.length += 4
        return Verdict.CONTINUE


def _reverse_mtu(packet: Packet, host: Host) -> int:
    """``tcpmss_reverse_mtu``: of the way back to the source; no limit where there is none, or the source is here."""
    from pyiptables.netfilter.routing import Routing

    route = Routing(host).lookup(packet.family, packet.src, iif="lo")
    if isinstance(route, str) or route.type == "local":
        return UINT32
    return route.mtu or host.mtu(route.iface)


def _asks_for_syn(match: Match) -> bool:
    """``find_syn_match``: flags compared have SYN, not inverted."""
    return match.name == "tcp" and match.values.get(_FLAGS, (0, 0))[1] & _SYN != 0 and _FLAGS not in match.inverted


def _find(options: bytes) -> int | None:
    """Where the MSS option is."""
    at = 0
    while at < len(options) and options[at]:
        if options[at] == 2 and at + 4 <= len(options) and options[at + 1] == 4:
            return at
        at += 1 if options[at] == 1 else max(options[at + 1] if at + 1 < len(options) else 1, 1)
    return None


EXTENSIONS = (Tcpmss,)
