from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class UnusedSuppression(Check):
    """A `# pyiptables: ignore` that excuses nothing.

    What it does: finds suppressions that no finding needed.

    Why it matters: what they excused is gone; the next finding at that place would be hidden.

    Instead: delete the comment. (The engine itself makes these findings, after all others.)
    """

    code = "L001"
    name = "unused-suppression"
    severity = "info"
    bad = ("*filter\n-A INPUT -j ACCEPT # pyiptables: ignore\nCOMMIT\n",)
    good = ("*filter\n-A INPUT -j ACCEPT\nCOMMIT\n",)

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        return iter(())


CHECKS = (UnusedSuppression,)
