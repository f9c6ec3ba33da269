from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import item_of, reachabilities
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class JumpLoop(Check):
    """Chains that jump to each other in a circle.

    What it does: finds circles of `-j` and `-g` between chains.

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
    good = ("*filter\n:a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n-A a -j b\n-A b -j RETURN\nCOMMIT\n",)

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for _, _, reachability in reachabilities(subject):
            program = reachability.program
            for loop in program.loops:
                last, first = loop[-1], loop[0]
                for step in program.chains[last].steps:
                    if step.goal is not None and step.goal.name == first:
                        item = item_of(subject, step)
                        if item is not None:
                            circle = " → ".join([*loop, first])
                            yield Diagnostic(self.code, f"jumps go in a circle: {circle}", item.place, self.severity, item.text)
                        break


CHECKS = (JumpLoop,)
