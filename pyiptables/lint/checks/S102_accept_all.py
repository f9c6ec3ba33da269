from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class AcceptAll(Check):
    """A rule that accepts everything.

    What it does: finds `-j ACCEPT` without any condition in INPUT or FORWARD of the filter table.

    Why it matters: nothing behind it counts, and a policy of DROP is without effect.

    Instead: say what is to be accepted.
    """

    code = "S102"
    name = "accept-all"
    bad = ("*filter\n:INPUT DROP [0:0]\n-A INPUT -j ACCEPT\nCOMMIT\n",)
    good = ("*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n",)

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for ruleset in subject.rulesets.values():
            table = ruleset.tables.get("filter")
            for name in ("INPUT", "FORWARD"):
                chain = table.chains.get(name) if table else None
                for rule in chain.rules if chain else ():
                    item = subject.item_of_rule.get(id(rule))
                    bare = rule.text == "-j ACCEPT" or (
                        rule.text.startswith("-m comment --comment ") and rule.spec is not None
                        and rule.spec.jump == "ACCEPT" and len(rule.spec.matches) == 1
                        and rule.spec.matches[0].name == "comment"
                    )  # fmt: skip
                    if bare and item is not None:
                        yield Diagnostic(self.code, f"accepts every packet in {name}", item.place, self.severity, item.text)


CHECKS = (AcceptAll,)
