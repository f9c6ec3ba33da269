from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import command_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class DeleteByNumber(Check):
    """A rule deleted or replaced by its number.

    What it does: finds `-D CHAIN NUMBER` and `-R CHAIN NUMBER` with a number that the script has as a constant, in a chain
    that the script has not emptied or made before.

    Why it matters: which rule has that number depends on what ran before: the second run, or another program's `-I`, makes
    it a different one.

    Instead: delete by the rule itself (`-D INPUT -p tcp --dport 22 -j ACCEPT`).
    """

    code = "O110"
    name = "delete-by-number"
    bad = ("#!/bin/sh\niptables -D INPUT 3\n", "#!/bin/sh\niptables -R FORWARD 1 -i eth0 -j DROP\n")
    good = (
        "#!/bin/sh\niptables -D INPUT -p tcp --dport 22 -j ACCEPT\n",
        "#!/bin/sh\niptables -F INPUT\niptables -A INPUT -j ACCEPT\niptables -R INPUT 1 -j DROP\n",
        "#!/bin/sh\niptables -D INPUT $(iptables -L INPUT --line-numbers | awk '/evil/ {print $1; exit}')\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        if subject.script is None:
            return
        known: set[tuple[int, str, str | None]] = set()
        for item in subject.items:
            command = item.command
            if command is None or item.invocation is None or "-restore" in item.invocation.program:
                continue
            if item.action in ("F", "N"):
                known.add((item.family, item.table, item.chain))
            if item.action not in ("D", "R") or command.number is None or not item.invocation.resolved:
                continue
            if {(item.family, item.table, item.chain), (item.family, item.table, None)} & known:
                continue
            what = "deletes" if item.action == "D" else "replaces"
            message = f"{what} whatever rule is number {command.number} of {item.chain} by then"
            yield Diagnostic(self.code, message, command_place(item), self.severity, item.text, "name the rule itself")


CHECKS = (DeleteByNumber,)
