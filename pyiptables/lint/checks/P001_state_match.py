from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic, Edit, Fix
from pyiptables.lint.places import word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Item, Subject


class StateMatch(Check):
    """`-m state` instead of `-m conntrack`.

    What it does: finds the old match `state`.

    Why it matters: it has been a thin layer over `conntrack` since 2012 and may go; `conntrack` says more.

    Instead: `-m conntrack --ctstate …` with the same states. `--fix` does that.
    """

    code = "P001"
    name = "state-match"
    severity = "info"
    bad = (
        "*filter\n-A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT\nCOMMIT\n",
        "#!/bin/sh\niptables -A INPUT -m state --state NEW -j ACCEPT\n",
    )
    good = ("*filter\n-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\nCOMMIT\n",)

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for item in subject.items:
            if item.command is None or not any(match.name == "state" for match in item.command.spec.matches):
                continue
            message = "-m state is the old name of -m conntrack --ctstate"
            place = word_place(item, "state")
            yield Diagnostic(self.code, message, place, self.severity, item.text, fix=_fix(subject, item))


def _fix(subject: Subject, item: Item) -> Fix | None:
    if not item.end or item.text.count(" -m state") != 1 or item.text.count(" --state ") != 1:
        return None
    raw = subject.data[item.start : item.end]
    if raw.count(b"-m state") != 1 or raw.count(b"--state ") != 1:
        return None
    match, option = item.start + raw.index(b"-m state"), item.start + raw.index(b"--state ")
    edits = (Edit(match, match + 8, "-m conntrack"), Edit(option, option + 8, "--ctstate "))
    return Fix("use conntrack", edits)


CHECKS = (StateMatch,)
