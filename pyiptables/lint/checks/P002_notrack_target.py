from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic, Edit, Fix
from pyiptables.lint.places import word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class NotrackTarget(Check):
    """`-j NOTRACK` instead of `-j CT --notrack`.

    What it does: finds the old target `NOTRACK`.

    Why it matters: iptables only translates it; what it saves is `CT --notrack`, so files and their dumps differ.

    Instead: `-j CT --notrack`. `--fix` does that.
    """

    code = "P002"
    name = "notrack-target"
    severity = "info"
    bad = ("*raw\n-A PREROUTING -p udp --dport 53 -j NOTRACK\nCOMMIT\n",)
    good = ("*raw\n-A PREROUTING -p udp --dport 53 -j CT --notrack\nCOMMIT\n",)

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for item in subject.items:
            if item.command is None or item.command.spec.jump != "NOTRACK":
                continue
            raw = subject.data[item.start : item.end]
            fix = None
            if item.end and raw.count(b"-j NOTRACK") == 1:
                at = item.start + raw.index(b"-j NOTRACK")
                fix = Fix("use CT --notrack", (Edit(at, at + 10, "-j CT --notrack"),))
            message = "NOTRACK is the old name of CT --notrack"
            yield Diagnostic(self.code, message, word_place(item, "NOTRACK"), self.severity, item.text, fix=fix)


CHECKS = (NotrackTarget,)
