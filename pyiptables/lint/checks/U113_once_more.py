from __future__ import annotations

from collections.abc import Iterator

from pyiptables.analysis.program import Step
from pyiptables.analysis.repetition import relapses
from pyiptables.lint.causes import named, own_name, related
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import item_of, reachabilities, repeated
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Perhaps, Subject


class OnceMore(Check):
    """The same rule twice in a chain, where twice is not once.

    What it does: finds rules in the words of an earlier rule of the chain that limit, list, count or change packets, or
    jump to a chain that does: the second one acts once more (otherwise it would be U104).

    Why it matters: two limits of 5 a second let 10 through, a TTL goes down by two, an address is listed twice. Nearly
    always the rule was added again by mistake.

    Instead: delete one of them, unless twice is meant.
    """

    code = "U113"
    name = "once-more"
    severity = "info"
    bad = (
        "*filter\n-A INPUT -m limit --limit 5/sec -j ACCEPT\n-A INPUT -p udp -j DROP\n-A INPUT -m limit --limit 5/sec -j ACCEPT\nCOMMIT\n",
        "*mangle\n-A FORWARD -p tcp -j TTL --ttl-dec 1\n-A FORWARD -p tcp -j TTL --ttl-dec 1\nCOMMIT\n",
        "*filter\n:few - [0:0]\n-A INPUT -j few\n-A INPUT -j few\n-A few -m limit --limit 1/sec -j ACCEPT\nCOMMIT\n",
    )
    good = (
        "*filter\n-A INPUT -m limit --limit 5/sec -j ACCEPT\n-A INPUT -m limit --limit 6/sec -j ACCEPT\nCOMMIT\n",
        "*filter\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n",
        "*mangle\n-A INPUT -m mark --mark 1 -j ACCEPT\n-A INPUT -p tcp -j MARK --set-mark 1\n-A INPUT -m mark --mark 1 -j ACCEPT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for _, _, reachability in reachabilities(subject):
            for step, first in relapses(reachability.program, repeated(subject)):
                item = item_of(subject, step)
                if item is None or _is_unsure(step) or _is_unsure(first):
                    continue
                message = f"{own_name(step, item)} does once more what {named(subject, [first], step)} did"
                yield Diagnostic(
                    self.code, message, item.place, self.severity, item.text, related=related(subject, [first], "the first"),
                )  # fmt: skip


def _is_unsure(step: Step) -> bool:
    spec = step.rule.spec
    return spec is None or any(isinstance(match, Perhaps) for match in spec.matches)


CHECKS = (OnceMore,)
