from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic, Place
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
    bad = ("hello\n*filter\nCOMMIT\n", "*filter\nCOMMIT\n-A INPUT -j ACCEPT\n", "-A INPUT -j ACCEPT\n-A INPUT -j DROP\n")
    good = (
        "# hello\n*filter\n-A INPUT -j ACCEPT\nCOMMIT\n",
        "*filter\nCOMMIT\n\n# the other table\n*nat\nCOMMIT\n",
        "*filter\n# -A INPUT -j ACCEPT\n-A INPUT -j DROP\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        strays = list(subject.strays)
        if subject.assumed_table and strays:
            place, text = strays.pop(0)
            message = f"rules without a table, read as those of {subject.assumed_table}"
            hint = f"put *{subject.assumed_table} in front of them and COMMIT behind"
            yield Diagnostic(self.code, message, place, self.severity, text, hint)
        while strays:
            place, text = strays.pop(0)
            last = place
            while strays and strays[0][0].line == last.line + 1:
                last = strays.pop(0)[0]
            count = last.line - place.line + 1
            whole = Place(place.file, place.line, place.column, last.end_line, last.end_column)
            message = "line outside of any table" if count == 1 else f"{count} lines outside of any table"
            yield Diagnostic(self.code, message, whole, self.severity, text)


CHECKS = (StrayText,)
