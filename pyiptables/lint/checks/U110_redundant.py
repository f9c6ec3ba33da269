from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.causes import does, named, own_name, related
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import item_of, redundancies
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class Redundant(Check):
    """A rule whose packets a later rule treats alike.

    What it does: finds rules that packets do reach, but for which a later, wider rule of the same chain gives the same
    verdict, and no rule between the two gets in the way. Proven for each rule alone.

    Why it matters: harmless today, but it hides what the firewall does; and whoever changes one of the two is surprised
    by the other.

    Instead: delete it, or narrow the later rule.
    """

    code = "U110"
    name = "redundant"
    severity = "info"
    bad = ("*filter\n-A INPUT -s 10.1.0.0/16 -j ACCEPT\n-A INPUT -s 172.16.0.0/12 -j DROP\n-A INPUT -s 10.0.0.0/8 -j ACCEPT\nCOMMIT\n",)
    good = (
        "#!/bin/sh\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\niptables -A INPUT $X -j DROP\niptables -A INPUT -p tcp -j ACCEPT\n",
        "#!/bin/sh\niptables -A INPUT -s 192.0.2.1 -p tcp --dport 22 -j ACCEPT\niptables -A INPUT -p tcp -j f2b-sshd\n"
        "iptables -A INPUT -p tcp --dport 22 -j ACCEPT\n",
        "*filter\n-A INPUT -s 10.1.0.0/16 -j ACCEPT\n-A INPUT -p udp -j DROP\n-A INPUT -s 10.0.0.0/8 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate INVALID -j DROP\n-A INPUT -j DROP\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for redundancy in redundancies(subject):
            for step, wider in redundancy.anticipating():
                item = item_of(subject, step)
                if item is not None:
                    reason = f"{named(subject, [wider], step)} behind it would {does([wider, wider], 'all its packets')} too"
                    message = f"{own_name(step, item)} could go: {reason}"
                    yield Diagnostic(
                        self.code, message, item.place, self.severity, item.text, related=related(subject, [wider], "does the same"),
                    )  # fmt: skip


CHECKS = (Redundant,)
