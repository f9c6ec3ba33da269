from __future__ import annotations

from collections.abc import Iterator

from pyiptables.analysis.reachability import SHADOWED
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import answers, related
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject

_CONDITIONS = ("-s", "-d", "-i", "-o", "-p", "-m", "!", "-f")


class BehindTheEnd(Check):
    """Rules behind one that takes everything.

    What it does: finds rules that follow a rule without conditions which ends the chain (`-j DROP`, `-j RETURN`, a
    jump to a chain that never returns).

    Why it matters: they are never looked at. Typical after `-A` of a new rule to a chain that ends in DROP.

    Instead: insert them before that rule (`-I`), or delete them. The first one is reported; it speaks for the rest.
    """

    code = "U106"
    name = "behind-the-end"
    bad = ("*filter\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -j DROP\n-A INPUT -p udp -j ACCEPT\nCOMMIT\n",)
    good = ("*filter\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -p udp -j ACCEPT\n-A INPUT -j DROP\nCOMMIT\n",)

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for reach, item, _ in answers(subject, SHADOWED):
            step = reach.step
            if len(reach.by) != 1 or reach.by[0].rule.text.startswith(_CONDITIONS):
                continue
            end = reach.by[0]
            if step.rule.text == end.rule.text:
                continue
            message = f"rule {step.number} of {step.chain.name} is behind rule {end.number}, which takes everything"
            yield Diagnostic(self.code, message, item.place, self.severity, item.text, related=related(subject, [end], "ends the chain"))


CHECKS = (BehindTheEnd,)
