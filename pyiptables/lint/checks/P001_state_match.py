from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.rewording import reworded
from pyiptables.lint.subject import Subject


class StateMatch(Check):
    """`-m state` instead of `-m conntrack`.

    What it does: finds the old match `state`.

    Why it matters: it has been a thin layer over `conntrack` since 2012 and may go; `conntrack` says more.

    Instead: `-m conntrack --ctstate …` with the same states. `--fix` does that, in rule files and in scripts.
    """

    code = "P001"
    name = "state-match"
    severity = "info"
    bad = (
        "*filter\n-A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT\nCOMMIT\n",
        "#!/bin/sh\niptables -A INPUT -m state --state NEW -j ACCEPT\n",
    )
    good = (
        "*filter\n-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\nCOMMIT\n",
        '*filter\n-A INPUT -m comment --comment "-m state" -j ACCEPT\nCOMMIT\n',
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        told = set()
        for item in subject.items:
            if item.command is None or not any(match.name == "state" for match in item.command.spec.matches):
                continue
            place = word_place(item, "state")
            if place not in told:
                told.add(place)
                message = "-m state is the old name of -m conntrack --ctstate"
                fix = reworded(subject, item, "use conntrack", (("-m state", "-m conntrack"), ("--state", "--ctstate")))
                yield Diagnostic(self.code, message, place, self.severity, item.text, fix=fix)


CHECKS = (StateMatch,)
