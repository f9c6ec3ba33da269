from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.hints import near
from pyiptables.lint.places import word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject
from pyiptables.syntax.variant import CHAINS


class BadPolicy(Check):
    """A policy that cannot be.

    What it does: finds `-P` with another policy than ACCEPT or DROP, and policies of chains that are not built into the
    table.

    Why it matters: iptables refuses it and the chain keeps the policy it had, ACCEPT as a rule.

    Instead: `-P INPUT DROP`; to reject, end the chain with a rule `-j REJECT`.
    """

    code = "E006"
    name = "bad-policy"
    severity = "error"
    bad = (
        "#!/bin/sh\niptables -P INPUT REJECT\n",
        "#!/bin/sh\niptables -N web\niptables -P web DROP\n",
        "*filter\n-P INPUT DENY\nCOMMIT\n",
        "#!/bin/sh\niptables -P PREROUTING DROP\n",
    )
    good = (
        "#!/bin/sh\niptables -P INPUT DROP\n",
        "*filter\n:INPUT DROP [0:0]\n:web - [0:0]\n-P FORWARD DROP\nCOMMIT\n",
        "#!/bin/sh\niptables -t mangle -P PREROUTING ACCEPT\n",
        "#!/bin/sh\niptables -P INPUT $POLICY\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for item in subject.items:
            command = item.command
            if item.action != "P" or command is None or item.error is not None or not item.chain:
                continue
            if item.invocation is not None and not item.invocation.resolved:
                continue
            chains = CHAINS.get(item.table, ())
            if item.chain not in chains:
                tables = [name for name, known in CHAINS.items() if item.chain in known]
                meant = near(item.chain, chains)
                hint = f"did you mean {meant}?" if meant else "only built-in chains have a policy: end this one with a rule -j DROP"
                if tables:
                    hint = f"{item.chain} is a chain of {' and '.join(tables)}"
                message = f"Bad built-in chain name: {item.chain} has no policy in table {item.table}"
                yield Diagnostic(self.code, message, word_place(item, item.chain), self.severity, item.text, hint)
            elif command.policy not in ("ACCEPT", "DROP"):
                policy = command.policy or ""
                meant = near(policy, ("ACCEPT", "DROP"))
                hint = f"did you mean {meant}?" if meant else "policies are ACCEPT and DROP; to reject, end the chain with -j REJECT"
                message = f"Bad policy name: {policy}"
                yield Diagnostic(self.code, message, word_place(item, policy), self.severity, item.text, hint)


CHECKS = (BadPolicy,)
