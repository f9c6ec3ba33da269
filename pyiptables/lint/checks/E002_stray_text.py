from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class StrayText(Check):
    """A line outside any table.

    What it does: finds lines of a rule file that stand before `*table` or after `COMMIT` and are no comments.

    Why it matters: iptables-restore fails at such a line, with the tables before it already loaded.

    Instead: put a `#` in front, or move the rule between `*table` and `COMMIT`.
    """

    code = "E002"
    name = "stray-text"
    severity = "error"
    bad = ("hello\n*filter\nCOMMIT\n", "*filter\nCOMMIT\n-A INPUT -j ACCEPT\n")
    good = ("# hello\n*filter\n-A INPUT -j ACCEPT\nCOMMIT\n",)

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for place, text in subject.strays:
            yield Diagnostic(self.code, "line outside of any table", place, self.severity, text)


CHECKS = (StrayText,)
