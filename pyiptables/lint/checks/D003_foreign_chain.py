from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.checks.E004_unknown_chain import mistyped
from pyiptables.lint.dependencies import needs, owner_of_chain
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject
from pyiptables.syntax.variant import CHAINS


class ForeignChain(Check):
    """A script that uses a chain it does not make.

    What it does: names chains that a script adds to or jumps to without creating them, each at its first use.

    Why it matters: the command fails unless another program (Docker, fail2ban …) made the chain before, and that
    program may flush it again at any time.

    Instead: create the chain with `-N`, or start the script after the program that owns it.
    """

    code = "D003"
    name = "foreign-chain"
    severity = "info"
    bad = (
        "#!/bin/sh\niptables -I DOCKER-USER -s 192.0.2.0/24 -j DROP\n",
        "#!/bin/sh\niptables -A INPUT -j blocklist\n",
    )
    good = (
        "#!/bin/sh\niptables -N web\niptables -A web -p tcp --dport 80 -j ACCEPT\n",
        "*filter\n:DOCKER-USER - [0:0]\n-A FORWARD -j DOCKER-USER\nCOMMIT\n",
        "#!/bin/sh\niptables -N next\niptables -E next web\niptables -A web -p tcp --dport 80 -j ACCEPT\n",
        "#!/bin/sh\niptables -D INPUT -j old 2>/dev/null\niptables -F old 2>/dev/null\niptables -X old 2>/dev/null\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        if subject.script is None:
            return
        told: set[tuple[str, str]] = set()
        for need in needs(subject):
            key = (need.item.table, need.name)
            # To clear away what may be there needs nobody to have made it.
            if need.kind != "chain" or key in told or need.item.action in ("D", "F", "X", "C"):
                continue
            told.add(key)
            if mistyped(need.name, need.item, CHAINS.get(need.item.table, ()), need.name != need.item.chain):
                continue
            owner = owner_of_chain(need.name)
            by = f", which {owner} makes," if owner else ""
            message = f"chain '{need.name}'{by} must exist before this command"
            yield Diagnostic(self.code, message, word_place(need.item, need.word), self.severity, need.item.text)


CHECKS = (ForeignChain,)
