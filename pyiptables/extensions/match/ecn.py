"""``-m ecn``: explicit congestion notification (``libxt_ecn.c``, kernel ``xt_ecn.c``)."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing


class Ecn(Match):
    """``values``: ecn-tcp-cwr, ecn-tcp-ece, ecn-ip-ect (0-3)."""

    __slots__ = ()

    name = "ecn"
    summary = "ECN bits of IP and TCP"
    options = (
        Option("ecn-tcp-cwr", invert=True, help="TCP's CWR bit is set"),
        Option("ecn-tcp-ece", invert=True, help="TCP's ECE bit is set"),
        Option("ecn-ip-ect", UInt(8, 0, 3), invert=True, metavar="0..3", help="this ECT codepoint in the IP header"),
    )

    def final_check(self, parsing: Parsing) -> None:
        if not self.values:
            raise ParameterProblem("ECN match: some option required")

    def kernel_check(self, parsing: Parsing) -> None:
        """The TCP bits need ``-p tcp`` (``ecn_mt_check4``)."""
        of_tcp = "ecn-tcp-cwr" in self.values or "ecn-tcp-ece" in self.values
        if of_tcp and (parsing.proto != 6 or parsing.proto_inv):
            raise KernelRefusal(EINVAL)

    def save(self) -> str:
        text = ""
        for name in ("ecn-tcp-ece", "ecn-tcp-cwr", "ecn-ip-ect"):
            if name in self.values:
                value = f" {self.values[name]}" if name == "ecn-ip-ect" else ""
                text += f"{' !' if name in self.inverted else ''} --{name}{value}"
        return text

    def show(self, numeric: bool, names: Names) -> str:
        text = " ECN match"
        for name, word in (("ecn-tcp-ece", "ECE"), ("ecn-tcp-cwr", "CWR"), ("ecn-ip-ect", "ECT=")):
            if name in self.values:
                value = self.values[name] if name == "ecn-ip-ect" else ""
                text += f" {'!' if name in self.inverted else ''}{word}{value}"
        return text

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        region = space.everything
        fields = (("ecn-ip-ect", "tos", 3), ("ecn-tcp-cwr", "tcpflags", 0x80), ("ecn-tcp-ece", "tcpflags", 0x40))
        for name, field, mask in fields:
            if name in self.values:
                wanted = self.values[name] if name == "ecn-ip-ect" else mask
                region &= space.masked(field, wanted, mask, name in self.inverted)
        return region

    def matches(self, packet: Packet, ctx: Context) -> bool:
        facts = {"ecn-ip-ect": packet.tos & 3 == self.values.get("ecn-ip-ect")}
        if "ecn-tcp-cwr" in self.values or "ecn-tcp-ece" in self.values:
            if packet.proto != 6 or packet.frag_offset:
                return False
            facts["ecn-tcp-cwr"] = bool(packet.tcp_flags & 0x80)
            facts["ecn-tcp-ece"] = bool(packet.tcp_flags & 0x40)
        return all(facts[name] != (name in self.inverted) for name in self.values)


EXTENSIONS = (Ecn,)
