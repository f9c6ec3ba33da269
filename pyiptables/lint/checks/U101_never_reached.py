from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyiptables.analysis.reachability import SHADOWED
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import answers, related
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


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
        "*filter\n-A INPUT -p tcp -j DROP\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "*filter\n-A INPUT -s 10.0.0.0/9 -j ACCEPT\n-A INPUT -s 10.128.0.0/9 -j ACCEPT\n-A INPUT -s 10.0.0.0/8 -p tcp -j DROP\nCOMMIT\n",
    )
    good = (
        "*filter\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -p tcp -j DROP\nCOMMIT\n",
        "*filter\n-A INPUT -p tcp -m limit --limit 1/sec -j ACCEPT\n-A INPUT -p tcp -j DROP\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for reach, item, _ in answers(subject, SHADOWED):
            step = reach.step
            if _is_duplicate(reach.by, step.rule.text) or _is_behind_end(reach.by):
                continue
            numbers = ", ".join([str(other.number) for other in reach.by[:5]]) + (" …" if len(reach.by) > 5 else "")
            what = "rule" if len(reach.by) == 1 else "rules"
            where = step.chain.name
            message = f"no packet reaches rule {step.number} of {where}: {what} {numbers} before it take them all"
            data = {"chain": where, "number": step.number, "covered_by": [other.number for other in reach.by]}
            yield Diagnostic(
                self.code, message, item.place, self.severity, item.text,
                related=related(subject, reach.by, "covers it"), data=data,
            )  # fmt: skip


def _is_duplicate(by: Sequence[object], text: str) -> bool:
    return len(by) == 1 and by[0].rule.text == text  # type: ignore[attr-defined]


def _is_behind_end(by: Sequence[object]) -> bool:
    """Covered by one rule without conditions: U106 says that once."""
    return len(by) == 1 and not by[0].rule.text.startswith(("-s", "-d", "-i", "-o", "-p", "-m", "!", "-f"))  # type: ignore[attr-defined]


CHECKS = (NeverReached,)
