from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.dependencies import owner_of_chain
from pyiptables.lint.diagnostic import Diagnostic, Edit, Fix
from pyiptables.lint.effect import maker, standing
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject

#: Programs that end their chains so.
_WRITERS = ("Docker", "fail2ban")


class ReturnAtEnd(Check):
    """RETURN as the last rule of a chain.

    What it does: finds `-j RETURN` at the end of a chain.

    Why it matters: the end of the chain returns anyway (of a built-in one, to the policy); the rule only counts packets.

    Instead: delete it, unless its counters are wanted. `--fix` does that in rule files. Chains of Docker and
    fail2ban, which write it, are left alone.
    """

    code = "U109"
    name = "return-at-end"
    severity = "info"
    bad = ("*filter\n:web - [0:0]\n-A INPUT -j web\n-A web -p tcp -j ACCEPT\n-A web -j RETURN\nCOMMIT\n",)
    good = (
        "*filter\n:web - [0:0]\n-A INPUT -j web\n-A web -p tcp -j RETURN\n-A web -j DROP\nCOMMIT\n",
        "*filter\n:DOCKER-USER - [0:0]\n-A FORWARD -j DOCKER-USER\n-A DOCKER-USER -j RETURN\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for ruleset in standing(subject).values():
            for table in ruleset.tables.values():
                for chain in table.chains.values():
                    if not chain.rules or owner_of_chain(chain.name) in _WRITERS:
                        continue
                    spec = chain.rules[-1].spec
                    item = maker(subject, chain.rules[-1])
                    if spec is None or spec.jump != "RETURN" or item is None:
                        continue
                    fix = None
                    if subject.script is None and item.end and len(item.rules) == 1:
                        fix = Fix("delete the RETURN", (Edit(item.start, item.end + 1, ""),))
                    what = "returns anyway" if chain.policy is None else "leaves packets to the policy anyway"
                    message = f"the end of chain '{chain.name}' {what}"
                    yield Diagnostic(self.code, message, item.place, self.severity, item.text, fix=fix)


CHECKS = (ReturnAtEnd,)
