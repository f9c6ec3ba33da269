from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class QueueListener(Check):
    """Packets given to a program that may not be there.

    What it does: finds `-j NFQUEUE` without `--queue-bypass`, and `-j QUEUE`.

    Why it matters: while no program listens to the queue (before it starts, after it crashes) every such packet is dropped.

    Instead: `--queue-bypass` lets them go on with the rules of the next table; without it the program becomes part of what
    must run before the network is up. Where dropping is what is wanted, ignore this code on the line.
    """

    code = "D006"
    name = "queue-listener"
    severity = "info"
    bad = ("*filter\n-A FORWARD -j NFQUEUE --queue-num 0\nCOMMIT\n",)
    good = (
        "*filter\n-A FORWARD -j NFQUEUE --queue-num 0 --queue-bypass\nCOMMIT\n",
        "*filter\n-A FORWARD -j NFLOG --nflog-group 1\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for item in subject.items:
            if item.action not in ("A", "I", "R") or item.command is None:
                continue
            spec = item.command.spec
            queued = spec.target is not None and spec.target.name == "NFQUEUE" and "queue-bypass" not in spec.target.values
            if queued or (spec.jump == "QUEUE" and not spec.goto):
                message = "these packets are dropped while no program listens to the queue"
                hint = "--queue-bypass" if queued else "-j NFQUEUE --queue-bypass"
                yield Diagnostic(self.code, message, word_place(item, spec.jump), self.severity, item.text, hint)


CHECKS = (QueueListener,)
