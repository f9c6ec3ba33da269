from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import chain_place, filterings
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject

_SYN = 0x02
#: A port that no rule is likely to name.
_ANY_PORT = 61234


class NoLoopback(Check):
    """Programs of the host cannot talk to each other.

    What it does: asks INPUT about a new TCP connection that comes in by lo, where the filter accepts something else, and
    OUTPUT about one that leaves by lo.

    Why it matters: resolvers on 127.0.0.53, databases, mail and many programs talk to themselves by lo; what is dropped
    there shows up as time-outs far away from the firewall.

    Instead: `-A INPUT -i lo -j ACCEPT` (and `-A OUTPUT -o lo -j ACCEPT`), first of all.
    """

    code = "S115"
    name = "no-loopback"
    bad = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
        "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "#!/bin/sh\niptables -P OUTPUT DROP\niptables -A OUTPUT -o tun0 -j ACCEPT\n",
    )
    good = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -s 127.0.0.0/8 -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\nCOMMIT\n",
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -i eth0 -j DROP\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for filtering in filterings(subject):
            for name, letter in (("INPUT", "i"), ("OUTPUT", "o")):
                chain = filtering.table.chains.get(name)
                if chain is None or not any(rule.spec is not None and rule.spec.jump for rule in chain.rules):
                    continue
                inward = name == "INPUT"
                packets = filtering.filter.packets(
                    proto=6, dport=_ANY_PORT, flags=_SYN, iniface="lo" if inward else "", outiface="" if inward else "lo"
                )
                if not filtering.fate(name, packets).accepted:
                    place, text = chain_place(subject, filtering, name)
                    message = f"{name} drops what the host's programs say to each other by lo"
                    yield Diagnostic(self.code, message, place, self.severity, text, f"-A {name} -{letter} lo -j ACCEPT")


CHECKS = (NoLoopback,)
