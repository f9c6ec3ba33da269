from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import word_place
from pyiptables.lint.refusals import chains_reached, guilty_word, judged_rules
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Item, Subject
from pyiptables.ruleset import Table
from pyiptables.syntax.variant import CHAINS

#: ``NFT_JUMP_STACK_SIZE``: how deep nft lets chains call each other.
_NFT_DEPTH = 16


class KernelRefuses(Check):
    """A rule that iptables passes on and the kernel refuses.

    What it does: checks what the kernel checks when a rule is added: the tables, chains and protocols that a match or
    target is for, in user chains from wherever they are called, what it demands of the options together, and (nft) how deep
    chains call each other.

    Why it matters: the error is only "Invalid argument"; with iptables-restore the whole table is lost, in a script the
    rule is missing.

    Instead: put the rule into the table and chain that the finding names.
    """

    code = "E005"
    name = "kernel-refuses"
    severity = "error"
    bad = (
        "*filter\n-A INPUT -j MASQUERADE\nCOMMIT\n",
        "*nat\n-A POSTROUTING -p tcp -j DNAT --to-destination 10.0.0.1:80\nCOMMIT\n",
        "*filter\n-A INPUT -p udp -j REJECT --reject-with tcp-reset\nCOMMIT\n",
        "*filter\n-A INPUT -m owner --uid-owner root -j DROP\nCOMMIT\n",
        "*nat\n:out - [0:0]\n-A PREROUTING -j out\n-A out -j MASQUERADE\nCOMMIT\n",
        "*filter\n-A FORWARD -j QUEUE\nCOMMIT\n",
        "*filter\n"
        + "".join([f":c{depth} - [0:0]\n" for depth in range(18)])
        + "-A INPUT -j c0\n"
        + "".join([f"-A c{depth} -j c{depth + 1}\n" for depth in range(17)])
        + "COMMIT\n",
        "#!/bin/sh\niptables -A PREROUTING -t mangle -j SNAT --to-source 192.0.2.1\n",
    )
    good = (
        "*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n",
        "*filter\n-A INPUT -p tcp -j REJECT --reject-with tcp-reset\nCOMMIT\n",
        "*filter\n-A OUTPUT -m owner --uid-owner root -j DROP\nCOMMIT\n",
        "*filter\n:own - [0:0]\n-A OUTPUT -j own\n-A own -m owner --uid-owner root -j DROP\nCOMMIT\n",
        "*mangle\n-A FORWARD -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu\nCOMMIT\n",
        "*raw\n-A PREROUTING -p tcp --dport 21 -j CT --helper ftp\nCOMMIT\n",
        "*filter\n-A OUTPUT -m cgroup --path system.slice/web.service -j ACCEPT\nCOMMIT\n",
        "*filter\n:a - [0:0]\n-A INPUT -j a\n-A a -j a\nCOMMIT\n",
        "*filter\n:a - [0:0]\n-A INPUT -j a\n-A a -j RETURN\n-A a -j a\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        variant = subject.variant.name
        for family, ruleset in subject.rulesets.items():
            for table in ruleset.tables.values():
                if table.name not in CHAINS:
                    continue
                reached = chains_reached(table, family, variant)
                if reached is None:
                    yield from self._too_deep(subject, table)
                    continue
                for item, rule, hooks, _, why in judged_rules(subject, table, family, reached, variant):
                    if why is not None:
                        word, hint = guilty_word(rule, table.name, hooks)
                        message = f"the kernel refuses this ({why})"
                        yield Diagnostic(self.code, message, word_place(item, word), self.severity, item.text, hint)

    def _too_deep(self, subject: Subject, table: Table) -> Iterator[Diagnostic]:
        """The rules of built-in chains from which more chains call each other than nft allows."""
        depths = _depths(table)
        for chain in table.chains.values():
            for rule in chain.rules if chain.policy is not None else ():
                item = subject.item_of_rule.get(id(rule))
                if item is None or rule.spec is None or rule.spec.jump not in depths:
                    continue
                depth = 1 + depths[rule.spec.jump]
                if depth >= _NFT_DEPTH:
                    yield self._deep(item, depth)

    def _deep(self, item: Item, depth: int) -> Diagnostic:
        jump = item.command.spec.jump if item.command is not None else ""
        message = f"iptables-nft refuses the table (Too many links): chains call each other {depth} deep from here, 15 at most"
        return Diagnostic(self.code, message, word_place(item, jump), self.severity, item.text, "call some of the chains side by side")


def _depths(table: Table) -> dict[str, int]:
    """How many chains are entered below each chain by the longest way; nothing when there is a circle, which is U107's."""
    from graphlib import CycleError, TopologicalSorter

    called: dict[str, list[str]] = {}
    pending = [chain.name for chain in table.chains.values() if chain.policy is not None]
    while pending:
        name = pending.pop()
        if name not in called:
            rules = table.chains[name].rules
            called[name] = [rule.spec.jump for rule in rules if rule.spec is not None and rule.spec.jump in table.chains]
            pending += called[name]
    depths: dict[str, int] = {}
    try:
        for name in TopologicalSorter(called).static_order():
            depths[name] = 1 + max([depths[each] for each in called[name]], default=-1)
    except CycleError:
        return {}
    return depths


CHECKS = (KernelRefuses,)
