from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.hints import word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class TrustedSourcePort(Check):
    """Trust in something the sender chooses.

    What it does: finds rules in INPUT and FORWARD that accept new packets because of their source port, or because of a
    MAC address alone.

    Why it matters: the sender writes both. A rule "from port 53" opens every UDP port to anybody who sends from port 53.

    Instead: let connection tracking recognise answers (`--ctstate ESTABLISHED`), and authenticate hosts by more than
    their MAC address.
    """

    code = "S108"
    name = "trusted-source-port"
    bad = ("*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp -m udp --sport 53 -j ACCEPT\nCOMMIT\n",)
    good = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp -m udp --sport 53 -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp -m udp --sport 67 --dport 68 -j ACCEPT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for item in subject.items:
            spec = item.rules[0].spec if item.rules and item.action in ("A", "I") else None
            if spec is None or spec.jump != "ACCEPT" or item.chain not in ("INPUT", "FORWARD") or item.table != "filter":
                continue
            if spec.src_mask or any(m.name in ("conntrack", "state", "set", "recent", "helper") for m in spec.matches):
                continue
            for match in spec.matches:
                if match.name in ("tcp", "udp") and "source-port" in match.values and "destination-port" not in match.values:
                    if match.name == "tcp" and "tcp-flags" in match.values:
                        continue
                    message = "accepts any port of this host to whoever sends from that source port"
                    yield Diagnostic(self.code, message, word_place(item, "--sport"), self.severity, item.text)
                elif match.name == "mac" and not match.inverted and not any(m.name in ("tcp", "udp", "multiport") for m in spec.matches):
                    message = "trusts a MAC address alone, which any neighbour can take"
                    yield Diagnostic(self.code, message, word_place(item, "mac"), "info", item.text)


CHECKS = (TrustedSourcePort,)
