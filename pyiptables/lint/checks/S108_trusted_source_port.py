from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import filterings
from pyiptables.lint.filtering import ports_of
from pyiptables.lint.outside import STRANGER
from pyiptables.lint.places import option_place, word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject
from pyiptables.ruleset import RuleSpec

_SYN = 0x02


class TrustedSourcePort(Check):
    """Trust in something the sender chooses.

    What it does: finds rules by which INPUT or FORWARD accepts new connections to any port because of their source port, or
    because of a MAC address alone.

    Why it matters: the sender writes both. A rule "from port 53" opens every UDP port to anybody who sends from port 53.

    Instead: let connection tracking recognise answers (`--ctstate ESTABLISHED`), and authenticate hosts by more than
    their MAC address.
    """

    code = "S108"
    name = "trusted-source-port"
    bad = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp -m udp --sport 53 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n:in - [0:0]\n-A INPUT -j in\n-A in -p tcp -m multiport --sports 20,21 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -m mac --mac-source 02:00:00:00:00:01 -j ACCEPT\nCOMMIT\n",
    )
    good = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp -m udp --sport 53 -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp -m udp --sport 67 --dport 68 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --sport 80 ! --syn -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate NEW -j DROP\n-A INPUT -p udp -m udp --sport 53 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -s 192.0.2.53/32 -p udp -m udp --sport 53 -j ACCEPT\nCOMMIT\n",
        "*filter\n:OUTPUT DROP [0:0]\n-A OUTPUT -p udp -m udp --sport 53 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m mac --mac-source 02:00:00:00:00:01 -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for filtering in filterings(subject):
            told = set()
            for name in ("INPUT", "FORWARD"):
                if name not in filtering.table.chains:
                    continue
                for proto in (6, 17):
                    flags = _SYN if proto == 6 else None
                    packets = filtering.filter.packets(proto=proto, flags=flags, src=STRANGER[filtering.family])
                    for spec, item in filtering.accepting(name, packets, _trusts):
                        if id(item) in told:
                            continue
                        told.add(id(item))
                        if _source_ports(spec):
                            message = "opens every port to whoever sends from that source port"
                            place = option_place(item, "--sport", "--source-port", "--sports", "--source-ports")
                            yield Diagnostic(
                                self.code, message, place, self.severity, item.text, "answers have -m conntrack --ctstate ESTABLISHED"
                            )
                        else:
                            message = "trusts a MAC address alone, which any neighbour can take"
                            yield Diagnostic(self.code, message, word_place(item, "--mac-source"), "info", item.text)


def _source_ports(spec: RuleSpec) -> bool:
    keys = ("source-port", "source-ports")
    return any(key in match.values and key not in match.inverted for match in spec.matches for key in keys)


def _trusts(spec: RuleSpec) -> bool:
    """Is a source port or a MAC address all that the rule asks of a sender, and every port open to him?"""
    if not spec.matches or any(match.name in ("set", "recent", "helper", "policy") for match in spec.matches):
        return False
    by_mac = any(match.name == "mac" and not match.inverted for match in spec.matches)
    return (by_mac or _source_ports(spec)) and not list(ports_of(spec))


CHECKS = (TrustedSourcePort,)
