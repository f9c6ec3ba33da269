from __future__ import annotations

from collections.abc import Iterator

from pyiptables.analysis.program import Step
from pyiptables.analysis.reachability import SHADOWED
from pyiptables.lint.causes import does, ends_all, named, own_name, related
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import answers, item_of
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Item, Subject


class NeverReached(Check):
    """A rule that no packet gets to, because earlier rules of its chain take them all.

    What it does: computes the set of packets that come to each rule, with user chains, RETURN, goto, negations,
    port lists, states, flags and interfaces, and reports rules for which the set is empty. Matches that cannot be
    computed are counted as taking nothing, so what is reported is proven.

    Why it matters: what the rule is meant to allow is dropped, or what it is meant to drop is allowed.

    Instead: move it before the rules that are named, or delete it.
    """

    code = "U101"
    name = "never-reached"
    bad = (
        "#!/bin/sh\nfor net in 10.0.0.0/8 10.1.0.0/16; do\niptables -A INPUT -s $net -j DROP\ndone\n",
        "*filter\n-A INPUT -p tcp -j DROP\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "*filter\n-A INPUT -s 10.0.0.0/9 -j ACCEPT\n-A INPUT -s 10.128.0.0/9 -j ACCEPT\n-A INPUT -s 10.0.0.0/8 -p tcp -j DROP\nCOMMIT\n",
    )
    good = (
        "*filter\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -p tcp -j DROP\nCOMMIT\n",
        "*filter\n-A INPUT -p tcp -m limit --limit 1/sec -j ACCEPT\n-A INPUT -p tcp -j DROP\nCOMMIT\n",
        "#!/bin/sh\nup() {\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\n}\nup\n[ -f /etc/twice ] && up\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for reach, item, _ in answers(subject, SHADOWED):
            step = reach.step
            if ends_all(reach.by) or _is_run_again(subject, step, item, reach.by):
                continue
            together = " together" if len(reach.by) > 1 else ""
            cause = f"{named(subject, reach.by, step)} before it{together} {does(reach.by, 'all its packets')}"
            message = f"{own_name(step, item)} is never reached: {cause}"
            data = {"chain": step.chain.name, "number": step.number, "covered_by": [other.number for other in reach.by]}
            yield Diagnostic(
                self.code, message, item.place, self.severity, item.text,
                related=related(subject, reach.by, "covers it"), data=data,
            )  # fmt: skip


def _is_run_again(subject: Subject, step: Step, item: Item, by: list[Step]) -> bool:
    """Is it what the same line has said before: a function that is called twice, perhaps?"""
    makers = [item_of(subject, other) for other in by if other.rule.text == step.rule.text]
    return len(makers) == len(by) and all(maker is not None and maker.place == item.place for maker in makers)


CHECKS = (NeverReached,)
