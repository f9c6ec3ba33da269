from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class UnusedChain(Check):
    """A chain that nothing jumps to.

    What it does: finds user-defined chains that no rule of the table reaches from a built-in chain.

    Why it matters: all its rules are without effect; often the jump was forgotten or its chain name mistyped.

    Instead: jump to it, or delete it. Chains that other programs fill and use are left alone.
    """

    code = "U105"
    name = "unused-chain"
    bad = ("*filter\n:web - [0:0]\n-A web -p tcp -j ACCEPT\nCOMMIT\n",)
    good = ("*filter\n:web - [0:0]\n-A INPUT -j web\n-A web -p tcp -j ACCEPT\nCOMMIT\n",)

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        from pyiptables.lint.dependencies import owner_of_chain

        for ruleset in subject.rulesets.values():
            for table in ruleset.tables.values():
                called = {rule.spec.jump for chain in table.chains.values() for rule in chain.rules if rule.spec is not None}
                for chain in table.chains.values():
                    if chain.policy is not None or chain.name in called or owner_of_chain(chain.name):
                        continue
                    for item in subject.items:
                        if item.action in (":", "N") and item.chain == chain.name and item.table == table.name:
                            message = f"nothing jumps to chain '{chain.name}' of table {table.name}"
                            yield Diagnostic(self.code, message, item.place, self.severity, item.text)
                            break


CHECKS = (UnusedChain,)
