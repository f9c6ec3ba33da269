from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.rewording import reworded
from pyiptables.lint.subject import Subject


class NotrackTarget(Check):
    """`-j NOTRACK` instead of `-j CT --notrack`.

    What it does: finds the old target `NOTRACK`.

    Why it matters: iptables only translates it; what it saves is `CT --notrack`, so files and their dumps differ.

    Instead: `-j CT --notrack`. `--fix` does that, in rule files and in scripts.
    """

    code = "P002"
    name = "notrack-target"
    severity = "info"
    bad = (
        "*raw\n-A PREROUTING -p udp --dport 53 -j NOTRACK\nCOMMIT\n",
        "#!/bin/sh\niptables -t raw -A OUTPUT -p udp --sport 53 -j NOTRACK\n",
    )
    good = (
        "*raw\n-A PREROUTING -p udp --dport 53 -j CT --notrack\nCOMMIT\n",
        "*filter\n:NOTRACKED - [0:0]\n-A INPUT -j NOTRACKED\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        told = set()
        for item in subject.items:
            if item.command is None or item.command.spec.jump != "NOTRACK":
                continue
            place = word_place(item, "NOTRACK")
            if place not in told:
                told.add(place)
                message = "NOTRACK is the old name of CT --notrack"
                fix = reworded(subject, item, "use CT --notrack", (("NOTRACK", "CT --notrack"),))
                yield Diagnostic(self.code, message, place, self.severity, item.text, fix=fix)


CHECKS = (NotrackTarget,)
