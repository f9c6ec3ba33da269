from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import chain_place, filterings
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject

_PROTOCOLS = {4: ((6, "tcp"), (17, "udp"), (1, "icmp")), 6: ((6, "tcp"), (17, "udp"), (58, "icmpv6"))}


class EstablishedConfigured(Check):
    """Outgoing connections, or the answers to them, that the filter does not let through.

    What it does: asks OUTPUT about new and established packets of TCP, UDP and ICMP, and INPUT about established ones.

    Why it matters: benchmark item "outbound and established connections": under policies of DROP they need rules of their
    own, else the host cannot use the network.

    Instead: `-A OUTPUT -p tcp -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT` and `-A INPUT -p tcp -m conntrack --ctstate
    ESTABLISHED -j ACCEPT`, likewise for udp and icmp.
    """

    code = "C104"
    name = "established-configured"
    default = False
    sets = ("cis",)
    bad = (
        "*filter\n:INPUT DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p tcp -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT DROP [0:0]\n-A OUTPUT -o lo -j ACCEPT\nCOMMIT\n",
    )
    good = (
        "*filter\n:INPUT DROP [0:0]\n:OUTPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
        "-A OUTPUT -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for filtering in filterings(subject):
            for name, states in (("INPUT", ("ESTABLISHED",)), ("OUTPUT", ("NEW",)), ("OUTPUT", ("ESTABLISHED",))):
                inward = name == "INPUT"
                lost = []
                for proto, label in _PROTOCOLS[filtering.family]:
                    packets = filtering.filter.packets(
                        proto=proto, states=states, iniface="!lo" if inward else "", outiface="" if inward else "!lo"
                    )
                    if not filtering.fate(name, packets).accepted:
                        lost.append(label)
                if lost:
                    place, text = chain_place(subject, filtering, name)
                    what = "new" if states == ("NEW",) else "established"
                    message = f"{name} accepts no {what} connections of {', '.join(lost)}"
                    hint = f"-A {name} -p {lost[0]} -m conntrack --ctstate {states[0]} -j ACCEPT"
                    yield Diagnostic(self.code, message, place, self.severity, text, hint)


CHECKS = (EstablishedConfigured,)
