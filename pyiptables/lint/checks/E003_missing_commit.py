from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic, Edit, Fix
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class MissingCommit(Check):
    """A table without COMMIT.

    What it does: finds a `*table` whose rules no `COMMIT` ends.

    Why it matters: nothing of the table takes effect, and iptables-restore fails.

    Instead: end the table with a line `COMMIT`.
    """

    code = "E003"
    name = "missing-commit"
    severity = "error"
    bad = ("*filter\n-A INPUT -j ACCEPT\n", "*filter\n-A INPUT -j ACCEPT\n*nat\nCOMMIT\n")
    good = ("*filter\n-A INPUT -j ACCEPT\nCOMMIT\n", "*filter\nCOMMIT\n*nat\nCOMMIT")

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        if subject.script is not None:
            return
        opened = None
        for item in [*subject.items, None]:
            if opened is not None and (item is None or item.action == "*"):
                at = len(subject.data) if item is None else item.start
                newline = "" if subject.data[:at].endswith(b"\n") or not at else "\n"
                fix = Fix("add COMMIT", (Edit(at, at, f"{newline}COMMIT\n"),))
                message = f"table {opened.table} has no COMMIT"
                yield Diagnostic(self.code, message, opened.place, self.severity, opened.text, fix=fix)
            if item is not None and item.action in ("*", "COMMIT"):
                opened = item if item.action == "*" else None


CHECKS = (MissingCommit,)
