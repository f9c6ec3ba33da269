from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pyiptables.lint.dependencies import owner_of_chain
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.hints import hint_for_chain
from pyiptables.lint.places import word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Item, Subject
from pyiptables.syntax.arguments import VERDICTS
from pyiptables.syntax.variant import CHAINS

__all__ = ["UnknownChain", "mistyped"]


class UnknownChain(Check):
    """A chain or target that does not exist.

    What it does: finds rules in, and jumps to, chains that no earlier line of the file creates, that are not built into
    the table, and that are no target either. In scripts, where another program may have made the chain, only names that
    are like a known one (`ACEPT`, `input`, `PREROUTING` in table filter).

    Why it matters: iptables refuses the rule; with iptables-restore the whole table is lost.

    Instead: create the chain first (`:NAME - [0:0]`, `iptables -N NAME`), or correct its name. Chains that another
    program creates (Docker, fail2ban …) are reported by D003 in scripts.
    """

    code = "E004"
    name = "unknown-chain"
    severity = "error"
    bad = (
        "*filter\n-A INPUT -j web\nCOMMIT\n",
        "*filter\n-A INPT -j ACCEPT\nCOMMIT\n",
        "*filter\n:web - [0:0]\n-A web -g wob\nCOMMIT\n",
        "*nat\n-A FORWARD -j ACCEPT\nCOMMIT\n",
        "#!/bin/sh\niptables -A INPUT -p tcp --dport 22 -j ACEPT\n",
        "#!/bin/sh\niptables -A PREROUTING -p tcp --dport 22 -j ACCEPT\n",
    )
    good = (
        "*filter\n:web - [0:0]\n-A INPUT -j web\n-A web -j ACCEPT\nCOMMIT\n",
        "*filter\n-N web\n-A INPUT -j web\nCOMMIT\n",
        "#!/bin/sh\niptables -A INPUT -j DOCKER-USER\n",
        "*filter\n:ufw-before-input - [0:0]\n-A ufw-before-input -j ufw-logging-deny\nCOMMIT\n",
        "#!/bin/sh\niptables -N LOGACCEPT\niptables -A INPUT -j LOGACCEPT\n",
        "#!/bin/sh\niptables -A INPUT -j block\n",
        "#!/bin/sh\niptables -D FW_FORWARD -j FW_BLOCK\n",
        "#!/bin/sh\niptables -A INPUT -j REJECT --reject-with tcp-reset -p tcp\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        known: dict[tuple[int, str], set[str]] = {}
        made: set[str] = set()
        if subject.script is not None:
            made = {item.chain for item in subject.items if item.action in (":", "N") and item.chain}
            made |= {item.command.newname for item in subject.items if item.command is not None and item.command.newname}
        for item in subject.items:
            if item.table not in CHAINS:
                continue
            chains = known.setdefault((item.family, item.table), set(CHAINS[item.table]) | made)
            if item.action in (":", "N") and item.chain:
                chains.add(item.chain)
            elif item.action == "E" and item.command is not None and item.command.newname:
                chains.discard(item.chain or "")
                chains.add(item.command.newname)
            elif item.action == "X" and item.chain and item.chain not in made:
                chains.discard(item.chain)
            if item.error is None:
                yield from self._names(item, chains, _may_be_there(item))

    def _names(self, item: Item, chains: set[str], script: bool) -> Iterator[Diagnostic]:
        if item.command is None or item.action not in ("A", "I", "R", "D", "C", "F"):
            return
        spec = item.command.spec
        wanted = []
        if item.chain:
            wanted.append((item.chain, False))
        is_name = spec.target is None and (spec.goto or spec.jump not in VERDICTS)
        if spec.jump and is_name:
            wanted.append((spec.jump, True))
        for name, jump in wanted:
            if name in chains or "$" in name or "`" in name or (script and not mistyped(name, item, chains, jump)):
                continue
            owner = owner_of_chain(name)
            if owner is not None and any(owner_of_chain(chain) == owner for chain in chains):
                continue  # a part of that program's own files, which it loads with --noflush
            hint = hint_for_chain(name, item.table, item.family, chains, jump, spec.goto) or "create it before its first use"
            what = "target or chain" if jump and not spec.goto else "chain"
            message = f"{what} '{name}' does not exist in table {item.table}"
            yield Diagnostic(self.code, message, word_place(item, name), self.severity, item.text, hint)


def _may_be_there(item: Item) -> bool:
    """Can a chain that the file does not make be there all the same? Not where iptables-restore begins anew."""
    invocation = item.invocation
    if invocation is None:
        return False
    return "-restore" not in invocation.program or any(text in ("-n", "--noflush") for text in invocation.texts)


def mistyped(name: str, item: Item, chains: Iterable[str], jump: bool) -> bool:
    """Is a name that a script does not make surely meant to be another one?"""
    hint = hint_for_chain(name, item.table, item.family, chains, jump)
    if not hint.startswith("did you mean"):
        return bool(hint) and name.isupper()
    # A chain of somebody else's may well be called like one of this script's.
    meant = hint[len("did you mean ") :].partition("?")[0]
    if meant in re.split("[_-]", name):
        return False
    return meant in VERDICTS or meant in CHAINS.get(item.table, ()) or (meant.isupper() and name.isupper() and len(meant) > 3)


CHECKS = (UnknownChain,)
