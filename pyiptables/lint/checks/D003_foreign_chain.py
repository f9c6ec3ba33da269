from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.dependencies import dependencies_of, owner_of_chain
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class ForeignChain(Check):
    """A script that uses a chain it does not make.

    What it does: names chains that a script adds to or jumps to without creating them.

    Why it matters: the command fails unless another program (Docker, fail2ban …) made the chain before, and that
    program may flush it again at any time.

    Instead: create the chain with `-N`, or start the script after the program that owns it.
    """

    code = "D003"
    name = "foreign-chain"
    severity = "info"
    bad = ("#!/bin/sh\niptables -I DOCKER-USER -s 192.0.2.0/24 -j DROP\n",)
    good = ("#!/bin/sh\niptables -N web\niptables -A web -p tcp --dport 80 -j ACCEPT\n",)

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        if subject.script is None:
            return
        for kind, name, lines in dependencies_of(subject):
            if kind == "chain":
                owner = owner_of_chain(name)
                by = f", which {owner} makes" if owner else ""
                message = f"chain '{name}'{by} must exist before this command"
                yield Diagnostic(self.code, message, subject.line_place(lines[0]), self.severity, name)


CHECKS = (ForeignChain,)
