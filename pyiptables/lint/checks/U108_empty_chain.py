from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.dependencies import owner_of_chain
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import maker, standing
from pyiptables.lint.places import word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject
from pyiptables.lint.unread import unread


class EmptyChain(Check):
    """A jump to a chain without rules.

    What it does: finds jumps to user-defined chains that have no rules when the file is through.

    Why it matters: the jump does nothing; perhaps the chain's rules went elsewhere. Chains that other programs fill
    are left alone.

    Instead: fill the chain, or delete the jump.
    """

    code = "U108"
    name = "empty-chain"
    severity = "info"
    bad = (
        "*filter\n:web - [0:0]\n-A INPUT -j web\nCOMMIT\n",
        "*filter\n:web - [0:0]\n-A INPUT -p tcp -g web\nCOMMIT\n",
    )
    good = (
        "*filter\n:web - [0:0]\n-A INPUT -j web\n-A web -p tcp -j ACCEPT\nCOMMIT\n",
        "*filter\n:f2b-sshd - [0:0]\n-A INPUT -p tcp -j f2b-sshd\nCOMMIT\n",
        "#!/bin/sh\niptables -N web\niptables -A INPUT -j web\niptables -A web $RULE\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        hidden = unread(subject)
        if hidden.fills:
            return
        for ruleset in standing(subject).values():
            for table in ruleset.tables.values():
                for chain in table.chains.values():
                    for rule in chain.rules:
                        jump = rule.spec.jump if rule.spec is not None and rule.spec.target is None else ""
                        goal = table.chains.get(jump)
                        item = maker(subject, rule)
                        if (
                            goal is None
                            or goal.rules
                            or goal.policy is not None
                            or item is None
                            or owner_of_chain(jump)
                            or jump in hidden.names
                        ):
                            continue
                        does = "the jump does nothing"
                        if rule.spec is not None and rule.spec.goto:
                            does = "going there is like RETURN" if chain.policy is None else "going there leaves packets to the policy"
                        message = f"chain '{jump}' has no rules: {does}"
                        yield Diagnostic(self.code, message, word_place(item, jump), self.severity, item.text)


CHECKS = (EmptyChain,)
