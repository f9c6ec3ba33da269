from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pyiptables.lint.causes import related
from pyiptables.lint.dependencies import owner_of_chain
from pyiptables.lint.diagnostic import Diagnostic, Place
from pyiptables.lint.effect import reachabilities, standing
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Item, Subject
from pyiptables.lint.unread import unread

if TYPE_CHECKING:
    from pyiptables.analysis.program import Step


class UnusedChain(Check):
    """A chain that no packet enters.

    What it does: finds user-defined chains that nothing jumps to, that only such chains jump to, or whose jumps are
    never reached.

    Why it matters: all its rules are without effect; often the jump was forgotten or its chain name mistyped.

    Instead: jump to it, or delete it. Chains that other programs fill and use are left alone.
    """

    code = "U105"
    name = "unused-chain"
    bad = (
        "*filter\n:web - [0:0]\n-A web -p tcp -j ACCEPT\nCOMMIT\n",
        "*filter\n:a - [0:0]\n:b - [0:0]\n-A a -j b\n-A b -j a\nCOMMIT\n",
        "*filter\n:web - [0:0]\n-A INPUT -j DROP\n-A INPUT -j web\n-A web -p tcp -j ACCEPT\nCOMMIT\n",
    )
    good = (
        "*filter\n:web - [0:0]\n-A INPUT -j web\n-A web -p tcp -j ACCEPT\nCOMMIT\n",
        "*filter\n:a - [0:0]\n:b - [0:0]\n-A INPUT -p tcp -g a\n-A a -j b\n-A b -j ACCEPT\nCOMMIT\n",
        "*filter\n:DOCKER-USER - [0:0]\n-A DOCKER-USER -j RETURN\nCOMMIT\n",
        "#!/bin/sh\niptables -N web\niptables -A web -p tcp -j ACCEPT\niptables -A INPUT $EXTRA -j web\n",
        "#!/bin/sh\niptables -N web\niptables -A web -p tcp -j ACCEPT\niptables -A INPUT -p tcp -j $1\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        analysed = {(family, table): reachability for family, table, reachability in reachabilities(subject)}
        hidden = unread(subject)
        if hidden.jumps:
            return
        for item in subject.items:
            if item.action not in (":", "N") or item.chain is None or owner_of_chain(item.chain) or item.chain in hidden.names:
                continue
            ruleset = standing(subject).get(item.family)
            table = None if ruleset is None else ruleset.tables.get(item.table)
            chain = None if table is None else table.chains.get(item.chain)
            if chain is None or chain.policy is not None:
                continue
            reachability = analysed.get((item.family, item.table))
            program = None if reachability is None else reachability.program.chains[item.chain]
            if reachability is None or program is None or not program.callers:
                yield self._found(item, f"nothing jumps to chain '{item.chain}' of table {item.table}")
            elif not reachability.entered(program) and not program.cyclic:
                callers = program.callers
                what = "is" if len(callers) == 1 else "are"
                places = related(subject, callers, "jumps to it")
                yield self._found(item, f"no packet enters chain '{item.chain}': {_callers(subject, callers)} {what} never reached", places)
            elif not reachability.called(program):
                yield self._found(item, f"no way of jumps leads from a built-in chain to chain '{item.chain}'")

    def _found(self, item: Item, message: str, places: tuple[tuple[Place, str], ...] = ()) -> Diagnostic:
        return Diagnostic(self.code, message, item.place, self.severity, item.text, related=places)


def _callers(subject: Subject, callers: Sequence[Step]) -> str:
    names = [f"rule {step.number} of {step.chain.name}" for step in callers[:5]]
    return f"{'its only jump, ' if len(callers) == 1 else ''}{' and '.join(names)}{' …' if len(callers) > 5 else ''}"


CHECKS = (UnusedChain,)
