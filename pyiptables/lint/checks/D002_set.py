from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.dependencies import dependencies_of
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class NeedsSet(Check):
    """A set that must exist beforehand.

    What it does: names the ipsets that rules use and that the file does not create.

    Why it matters: iptables refuses a rule whose set does not exist; at boot the sets must be restored first.

    Instead: run `ipset restore` (or `ipset create -exist …`) before these rules are loaded.
    """

    code = "D002"
    name = "needs-set"
    severity = "info"
    bad = ("*filter\n-A INPUT -m set --match-set blocked src -j DROP\nCOMMIT\n",)
    good = (
        "*filter\n-A INPUT -s 10.0.0.0/8 -j DROP\nCOMMIT\n",
        "#!/bin/sh\nipset create blocked hash:ip\niptables -A INPUT -m set --match-set blocked src -j DROP\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        made = _created(subject)
        for kind, name, lines in dependencies_of(subject):
            if kind == "set" and name not in made:
                message = f"set '{name}' must exist before this rule is added"
                yield Diagnostic(self.code, message, subject.line_place(lines[0]), self.severity, name)


def _created(subject: Subject) -> set[str]:
    """Sets that the script itself makes."""
    made: set[str] = set()
    for invocation in getattr(subject.script, "invocations", ()):
        if invocation.program == "ipset":
            words = [word.text or "" for word in invocation.argv]
            for i, word in enumerate(words):
                if word in ("create", "-N", "--create", "n") and i + 1 < len(words):
                    made.add(words[i + 1])
    return made


CHECKS = (NeedsSet,)
