from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import command_place
from pyiptables.lint.registry import Check
from pyiptables.lint.replay import stages
from pyiptables.lint.subject import Subject

_MANY = 100


class OneByOne(Check):
    """Hundreds of commands where one would do.

    What it does: counts the single iptables commands of one run, loops included, and reports a hundred and more.

    Why it matters: every command reads the whole ruleset, changes one rule and writes it back, so the time grows with the
    square of the number, and all the while packets meet a ruleset that is half there.

    Instead: write the rules as text and load them with one iptables-restore, which is fast and takes effect at once or not
    at all (`pyiptables plan SCRIPT` prints them in that form); many addresses belong into an ipset.
    """

    code = "O109"
    name = "one-by-one"
    severity = "info"
    bad = ("#!/bin/sh\niptables -F INPUT\nfor n in $(seq 1 200); do\n  iptables -A INPUT -s 10.0.0.$n -j DROP\ndone\n",)
    good = (
        "#!/bin/sh\nfor n in $(seq 1 20); do\n  iptables -A INPUT -s 10.0.0.$n -j DROP\ndone\n",
        "#!/bin/sh\n{ echo '*filter'; for n in $(seq 1 200); do echo \"-A INPUT -s 10.0.0.$n -j DROP\"; done; echo COMMIT; } "
        "| iptables-restore\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        if subject.script is None:
            return
        up = stages(subject)["up"]
        single = [item for item in up if "-restore" not in item.invocation.program and set(item.action) & set("AIRDNXFPE")]
        if len(single) < _MANY:
            return
        counts: dict[object, int] = {}
        for item in single:
            place = command_place(item)
            counts[place] = counts.get(place, 0) + 1
        busiest = max(single, key=lambda item: counts[command_place(item)])
        here = counts[command_place(busiest)]
        of_them = f", {here} of them here" if here > 1 else ""
        message = f"{len(single)} iptables commands one by one{of_them}: one iptables-restore would load the rules at once"
        yield Diagnostic(self.code, message, command_place(busiest), self.severity, busiest.text)


CHECKS = (OneByOne,)
