from __future__ import annotations

from collections.abc import Iterator

from pyiptables.analysis.reachability import CONTRADICTION
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import answers
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class Contradiction(Check):
    """A rule whose conditions exclude each other.

    What it does: finds rules that match no packet at all: two matches that cannot hold together, an address that is
    inverted away, a port of a protocol that has none.

    Why it matters: the rule looks like protection or permission and is neither.

    Instead: correct the condition that was meant otherwise, or delete the rule.
    """

    code = "U102"
    name = "contradiction"
    bad = (
        "*filter\n-A INPUT -p tcp -m mark --mark 1 -m mark --mark 2 -j ACCEPT\nCOMMIT\n",
        "*filter\n-A INPUT ! -i + -j DROP\nCOMMIT\n",
    )
    good = ("*filter\n-A INPUT -p tcp -m mark --mark 1 -m mark ! --mark 2 -j ACCEPT\nCOMMIT\n",)

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for _, item, _ in answers(subject, CONTRADICTION):
            message = "no packet can match: the conditions exclude each other"
            yield Diagnostic(self.code, message, item.place, self.severity, item.text)


CHECKS = (Contradiction,)
