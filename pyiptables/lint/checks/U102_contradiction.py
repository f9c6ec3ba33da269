from __future__ import annotations

from collections.abc import Iterator

from pyiptables.analysis.reachability import CONTRADICTION
from pyiptables.lint.causes import own_name
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import answers
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class Contradiction(Check):
    """A rule whose conditions exclude each other.

    What it does: finds rules that match no packet at all: two matches that cannot hold together, an address that is
    inverted away, a port of a protocol that has none.

    Why it matters: the rule looks like protection or permission and is neither.

    Instead: correct the condition that was meant otherwise, or delete the rule.
    """

    code = "U102"
    name = "contradiction"
    bad = (
        "*filter\n-A INPUT -p tcp -m mark --mark 1 -m mark --mark 2 -j ACCEPT\nCOMMIT\n",
        "*filter\n-A INPUT ! -i + -j DROP\nCOMMIT\n",
        "*filter\n-A INPUT -s 10.0.0.0/8 -m iprange --src-range 192.168.0.1-192.168.0.9 -j DROP\nCOMMIT\n",
        "*filter\n-A INPUT -m set --match-set a src -m set ! --match-set a src -j DROP\nCOMMIT\n",
    )
    good = (
        "*filter\n-A INPUT -p tcp -m mark --mark 1 -m mark ! --mark 2 -j ACCEPT\nCOMMIT\n",
        "*filter\n-A OUTPUT -m owner --uid-owner alice -m owner ! --uid-owner 1000 -j ACCEPT\nCOMMIT\n",
        "*filter\n-A INPUT -s 10.0.0.0/8 -m iprange --src-range 10.1.0.1-10.1.0.9 -j DROP\nCOMMIT\n",
        "*filter\n-A INPUT -m recent --name x --set -m mark --mark 1 -m mark --mark 2 -j ACCEPT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        from pyiptables.analysis.contradiction import conflict
        from pyiptables.syntax.rule import typed

        for reach, item, reachability in answers(subject, CONTRADICTION):
            space = reachability.program.space
            reasons = [f"'{text}'" for text in conflict(space, typed(reach.step.rule, space.family))]
            if len(reasons) == 1:
                cause = f"{reasons[0]} matches nothing"
            else:
                cause = f"{', '.join(reasons[:-1])} and {reasons[-1]} exclude each other"
            yield Diagnostic(self.code, f"no packet can match {own_name(reach.step, item)}: {cause}", item.place, self.severity, item.text)


CHECKS = (Contradiction,)
