from __future__ import annotations

from collections.abc import Iterator

from pyiptables.analysis.reachability import UNREACHED
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import answers, related
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class NothingArrives(Check):
    """A rule of a user chain for packets that never enter the chain.

    What it does: follows every packet from the built-in chains through all jumps; reports rules that would match some
    packet, but none of those that come into the chain.

    Why it matters: the rule has no effect where the chain is called from now.

    Instead: widen the jump to the chain, move the rule, or delete it.
    """

    code = "U103"
    name = "nothing-arrives"
    bad = ("*filter\n:web - [0:0]\n-A INPUT -p tcp -j web\n-A web -p udp -j ACCEPT\nCOMMIT\n",)
    good = ("*filter\n:web - [0:0]\n-A INPUT -j web\n-A web -p udp -j ACCEPT\nCOMMIT\n",)

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for reach, item, _ in answers(subject, UNREACHED):
            step = reach.step
            message = f"no packet that enters {step.chain.name} matches rule {step.number}"
            others = [other for other in reach.by if other.chain is not step.chain]
            yield Diagnostic(
                self.code, message, item.place, self.severity, item.text,
                related=related(subject, others or reach.by, "decides before"),
            )  # fmt: skip


CHECKS = (NothingArrives,)
