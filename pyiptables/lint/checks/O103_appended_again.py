from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import command_place
from pyiptables.lint.registry import Check
from pyiptables.lint.replay import second_run
from pyiptables.lint.subject import Subject


class AppendedAgain(Check):
    """A script that makes its rules a second time when it is run again.

    What it does: carries the commands out twice, one run after the other, and finds the rules that stand in their chain
    twice after that. With wg-quick, ifupdown and systemd the commands for "down" run in between.

    Why it matters: after every reload each packet is held against one more copy, and whoever deletes a rule deletes one of
    them: it stays in force.

    Instead: flush the chain first (`-F`), ask before (`-C … || -A …`), or load everything with iptables-restore.
    """

    code = "O103"
    name = "appended-again"
    bad = (
        "#!/bin/sh\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\niptables -A INPUT -p tcp --dport 80 -j ACCEPT\n",
        "#!/bin/sh\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\nif [ -f /etc/strict ]; then\n  iptables -P INPUT DROP\nfi\n",
        "#!/bin/sh\niptables -N web\niptables -F INPUT\niptables -A INPUT -j web\niptables -A web -p tcp --dport 80 -j ACCEPT\n",
        "[Interface]\nPrivateKey = x\nPostUp = iptables -A FORWARD -i wg0 -j ACCEPT\nPostDown = iptables -D FORWARD -o wg0 -j ACCEPT\n",
    )
    good = (
        "#!/bin/sh\niptables -F\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\n",
        "#!/bin/sh\niptables -C INPUT -p tcp --dport 22 -j ACCEPT || iptables -A INPUT -p tcp --dport 22 -j ACCEPT\n",
        "#!/bin/sh\niptables -D INPUT -j ACCEPT\niptables -I INPUT -j ACCEPT\n",
        "#!/bin/sh\niptables -N web 2>/dev/null || iptables -F web\niptables -A web -p tcp --dport 80 -j ACCEPT\n",
        "#!/bin/sh\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\niptables-restore < /etc/iptables/rules.v4\n",
        "[Interface]\nPrivateKey = x\nPostUp = iptables -A FORWARD -i wg0 -j ACCEPT\nPostDown = iptables -D FORWARD -i wg0 -j ACCEPT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        if subject.script is None or subject.script.kind == "dockerfile":
            return
        again = second_run(subject)
        repeated = [moment for moment in again.moments if moment.item.action in ("A", "I") and moment.certain and moment.repeated]
        if not repeated or again.replaced:
            return
        first = repeated[0].item
        places = list(dict.fromkeys(command_place(moment.item) for moment in repeated))
        message = (
            "run again, the script adds this rule a second time"
            if len(repeated) == 1
            else f"run again, the script adds its rules a second time: this and {len(repeated) - 1} more"
        )
        related = tuple([(place, "added again") for place in places[1:4]])
        hint = "flush the chain before, or ask with -C"
        yield Diagnostic(self.code, message, command_place(first), self.severity, first.text, hint, related)


CHECKS = (AppendedAgain,)
