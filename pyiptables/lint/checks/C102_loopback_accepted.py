from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import chain_place, filterings
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject

_LOCAL = {4: (0x7F000001, 0xFFFFFFFF), 6: (1, (1 << 128) - 1)}


class LoopbackAccepted(Check):
    """Loopback traffic that the filter does not accept.

    What it does: asks INPUT about new packets that come in by lo, and OUTPUT about packets that leave by it.

    Why it matters: benchmark item "loopback traffic": programs of one host talk to each other by lo; what is not accepted
    there breaks name look-ups, databases and mail in ways that are hard to find.

    Instead: `-A INPUT -i lo -j ACCEPT` and `-A OUTPUT -o lo -j ACCEPT`, first of all.
    """

    code = "C102"
    name = "loopback-accepted"
    default = False
    sets = ("cis",)
    bad = (
        "*filter\n:INPUT DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n:OUTPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n",
    )
    good = (
        "*filter\n:INPUT DROP [0:0]\n:OUTPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A OUTPUT -o lo -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for filtering in filterings(subject):
            local = _LOCAL[filtering.family]
            for name, letter in (("INPUT", "i"), ("OUTPUT", "o")):
                inward = name == "INPUT"
                packets = filtering.filter.packets(
                    proto=6, src=local, flags=0x02, iniface="lo" if inward else "", outiface="" if inward else "lo"
                )
                if filtering.fate(name, packets).refused:
                    place, text = chain_place(subject, filtering, name)
                    message = f"{name} does not accept loopback traffic"
                    yield Diagnostic(self.code, message, place, self.severity, text, f"-A {name} -{letter} lo -j ACCEPT")


CHECKS = (LoopbackAccepted,)
