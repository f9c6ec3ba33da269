from __future__ import annotations

from collections.abc import Iterator

from pyiptables.analysis.reachability import SHADOWED
from pyiptables.lint.causes import does, ends_all, named, own_name, related
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import answers
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class BehindTheEnd(Check):
    """Rules behind one that takes everything.

    What it does: finds rules that follow a rule without conditions which ends the chain (`-j DROP`, `-j RETURN`, a
    jump to a chain that never returns).

    Why it matters: they are never looked at. Typical after `-A` of a new rule to a chain that ends in DROP.

    Instead: insert them before that rule (`-I`), or delete them.
    """

    code = "U106"
    name = "behind-the-end"
    bad = ("*filter\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -j DROP\n-A INPUT -p udp -j ACCEPT\nCOMMIT\n",)
    good = ("*filter\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -p udp -j ACCEPT\n-A INPUT -j DROP\nCOMMIT\n",)

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for reach, item, _ in answers(subject, SHADOWED):
            if not ends_all(reach.by):
                continue
            cause = f"{named(subject, reach.by, reach.step)} before it {does(reach.by, 'everything')}"
            message = f"{own_name(reach.step, item)} is never reached: {cause}"
            yield Diagnostic(
                self.code, message, item.place, self.severity, item.text, related=related(subject, reach.by, "ends the chain"),
            )  # fmt: skip


CHECKS = (BehindTheEnd,)
