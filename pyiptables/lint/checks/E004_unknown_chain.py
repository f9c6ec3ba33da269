from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.hints import near, word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Item, Subject
from pyiptables.syntax.command import VERDICTS
from pyiptables.syntax.variant import CHAINS


class UnknownChain(Check):
    """A chain that nobody made.

    What it does: finds rules in, and jumps to, chains that no earlier line of the file creates and that are not
    built into the table.

    Why it matters: iptables refuses the rule; with iptables-restore the whole table is lost.

    Instead: create the chain first (`:NAME - [0:0]`, `iptables -N NAME`), or correct its name. Chains that another
    program creates (Docker, fail2ban …) are reported by D004 in scripts.
    """

    code = "E004"
    name = "unknown-chain"
    severity = "error"
    bad = (
        "*filter\n-A INPUT -j web\nCOMMIT\n",
        "*filter\n-A INPT -j ACCEPT\nCOMMIT\n",
        "*filter\n:web - [0:0]\n-A web -g wob\nCOMMIT\n",
        "*nat\n-A FORWARD -j ACCEPT\nCOMMIT\n",
    )
    good = (
        "*filter\n:web - [0:0]\n-A INPUT -j web\n-A web -j ACCEPT\nCOMMIT\n",
        "*filter\n-N web\n-A INPUT -j web\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        if subject.script is not None:
            return
        known: dict[str, set[str]] = {}
        for item in subject.items:
            if item.table not in CHAINS:
                continue
            chains = known.setdefault(item.table, set(CHAINS[item.table]))
            if item.action in (":", "N") and item.chain:
                chains.add(item.chain)
            elif item.action == "E" and item.command is not None and item.command.newname:
                chains.discard(item.chain or "")
                chains.add(item.command.newname)
            elif item.action == "X" and item.chain:
                chains.discard(item.chain)
            if item.error is None:
                yield from self._names(item, chains)

    def _names(self, item: Item, chains: set[str]) -> Iterator[Diagnostic]:
        if item.command is None or item.action not in ("A", "I", "R", "D", "C", "F"):
            return
        if item.chain and item.chain not in chains:
            yield self._finding(item, item.chain, chains)
        spec = item.command.spec
        if spec.target is None and spec.jump and spec.jump not in chains and (spec.goto or spec.jump not in VERDICTS):
            yield self._finding(item, spec.jump, chains)

    def _finding(self, item: Item, name: str, chains: set[str]) -> Diagnostic:
        meant = near(name, [*chains, *VERDICTS])
        hint = f"did you mean {meant}?" if meant else "create it before its first use"
        message = f"chain '{name}' does not exist in table {item.table}"
        return Diagnostic(self.code, message, word_place(item, name), self.severity, item.text, hint)


CHECKS = (UnknownChain,)
