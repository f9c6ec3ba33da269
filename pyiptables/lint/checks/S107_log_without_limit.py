from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class LogWithoutLimit(Check):
    """LOG without a limit.

    What it does: finds LOG (and NFLOG) rules for packets from outside that no `limit` or `hashlimit` slows down.

    Why it matters: whoever sends packets writes the log: it fills the disk and hides what matters.

    Instead: `-m limit --limit 5/min -j LOG …`.
    """

    code = "S107"
    name = "log-without-limit"
    bad = ("*filter\n:INPUT DROP [0:0]\n-A INPUT -j LOG\nCOMMIT\n",)
    good = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -m limit --limit 5/min -j LOG\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A OUTPUT -j LOG\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        limited: set[tuple[str, str]] = set()
        for item in subject.items:
            for rule in item.rules:
                spec = rule.spec
                if spec is not None and spec.jump and any(m.name in ("limit", "hashlimit") for m in spec.matches):
                    limited.add((item.table, spec.jump))
        for item in subject.items:
            spec = item.rules[0].spec if item.rules and item.action in ("A", "I") else None
            if spec is None or spec.target is None or spec.target.name not in ("LOG", "NFLOG"):
                continue
            if item.chain == "OUTPUT" or (item.table, item.chain) in limited:
                continue
            if any(match.name in ("limit", "hashlimit", "recent", "quota") for match in spec.matches):
                continue
            message = f"{spec.target.name} without a limit lets a sender fill the log"
            yield Diagnostic(self.code, message, word_place(item, spec.target.name), self.severity, item.text)


CHECKS = (LogWithoutLimit,)
