"""``-j ECN``: the bits of explicit congestion notification (``libipt_ECN.c``, kernel ``ipt_ECN.c``)."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_REMOVE, _CWR, _ECE, _ECT = "ecn-tcp-remove", "ecn-tcp-cwr", "ecn-tcp-ece", "ecn-ip-ect"
_CWR_BIT, _ECE_BIT = 0x80, 0x40
_TCP = 6


class Ecn(Target):
    """``values``: ecn-tcp-remove, ecn-tcp-cwr, ecn-tcp-ece, ecn-ip-ect."""

    __slots__ = ()

    name = "ECN"
    families = (4,)
    summary = "change the ECN bits of the IP or TCP header"
    tables = ("mangle",)
    options = (
        Option(_REMOVE, excl=(_CWR, _ECE), help="clear the ECN bits of the TCP header"),
        Option(_CWR, UInt(8, 0, 1), excl=(_REMOVE,), metavar="0|1", help="set the CWR bit"),
        Option(_ECE, UInt(8, 0, 1), excl=(_REMOVE,), metavar="0|1", help="set the ECE bit"),
        Option(_ECT, UInt(8, 0, 3), metavar="0-3", help="set the code point in the IP header"),
    )

    def final_check(self, parsing: Parsing) -> None:
        if not self.values:
            raise ParameterProblem("ECN target: An operation is required")

    def kernel_check(self, parsing: Parsing) -> None:
        if self.values.keys() & {_REMOVE, _CWR, _ECE} and (parsing.proto != _TCP or parsing.proto_inv):
            raise KernelRefusal(EINVAL)

    def _bits(self) -> dict[str, int]:
        """What is set, by the names of the options; removing clears both bits and forgets a code point before it."""
        bits: dict[str, int] = {}
        for name, value in self.values.items():
            if name == _REMOVE:
                bits = {_ECE: 0, _CWR: 0}
            else:
                bits[name] = value
        return bits

    def _removes(self) -> bool:
        bits = self._bits()
        return _ECT not in bits and bits.get(_ECE) == 0 and bits.get(_CWR) == 0

    def save(self) -> str:
        if self._removes():
            return " --ecn-tcp-remove"
        bits = self._bits()
        return "".join([f" --{name} {bits[name]}" for name in (_ECE, _CWR, _ECT) if name in bits])

    def show(self, numeric: bool, names: Names) -> str:
        if self._removes():
            return " ECN TCP remove"
        bits = self._bits()
        words = ((_ECE, "ECE"), (_CWR, "CWR"), (_ECT, "ECT codepoint"))
        return " ECN" + "".join([f" {word}={bits[name]}" for name, word in words if name in bits])

    def changes(self) -> dict[str, tuple[int, int] | None]:
        touched = {_ECE: "tcpflags", _CWR: "tcpflags", _ECT: "tos"}
        return {touched[name]: None for name in self._bits()}

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        bits = self._bits()
        if _ECT in bits:
            packet.tos = packet.tos & ~3 | bits[_ECT]
        if packet.proto == _TCP and not packet.frag_offset:
            for name, bit in ((_ECE, _ECE_BIT), (_CWR, _CWR_BIT)):
                if name in bits:
                    packet.tcp_flags = packet.tcp_flags & ~bit | bit * bits[name]
        return Verdict.CONTINUE


EXTENSIONS = (Ecn,)
