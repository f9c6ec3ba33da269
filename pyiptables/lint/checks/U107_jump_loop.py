from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.causes import related
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import item_of, reachabilities
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class JumpLoop(Check):
    """Chains that jump to each other in a circle.

    What it does: finds circles of `-j` and `-g` between chains, and reports every jump that is part of one.

    Why it matters: the kernel refuses the whole table ("Too many levels of symbolic links" with legacy, "Too many
    links" with nft) as soon as the circle is reached from a built-in chain.

    Instead: break the circle; RETURN goes back to the caller.
    """

    code = "U107"
    name = "jump-loop"
    severity = "error"
    bad = (
        "*filter\n:a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n-A a -j b\n-A b -j a\nCOMMIT\n",
        "*filter\n:a - [0:0]\n-A a -j a\nCOMMIT\n",
    )
    good = (
        "*filter\n:a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n-A a -j b\n-A b -j RETURN\nCOMMIT\n",
        "*filter\n:a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n-A INPUT -j b\n-A a -j b\n-A b -j ACCEPT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for _, _, reachability in reachabilities(subject):
            for circle in reachability.program.circles():
                item = item_of(subject, circle[0])
                if item is not None:
                    names = " → ".join([step.chain.name for step in [*circle, circle[0]]])
                    yield Diagnostic(
                        self.code, f"jumps go in a circle: {names}", item.place, self.severity, item.text,
                        related=related(subject, circle[1:], "goes on"),
                    )  # fmt: skip


CHECKS = (JumpLoop,)
