from __future__ import annotations

from collections.abc import Iterator
from errno import ENOENT
from os import strerror

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Item, Subject
from pyiptables.ruleset import Rule, Table
from pyiptables.syntax.variant import CHAINS
from pyiptables.tools.kernel import check_chain_graph, check_hooks, check_rule
from pyiptables.xtables.errors import KernelRefusal
from pyiptables.xtables.names import chain_protocol_name
from pyiptables.xtables.option import Extension, Parsing


class KernelRefuses(Check):
    """A rule that iptables passes on and the kernel refuses.

    What it does: checks what the kernel checks when a rule is added: the tables, chains and protocols that a match or
    target is for, in user chains from wherever they are called, and what it demands of the options together.

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
        "#!/bin/sh\niptables -A PREROUTING -t mangle -j SNAT --to-source 192.0.2.1\n",
    )
    good = (
        "*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n",
        "*filter\n-A INPUT -p tcp -j REJECT --reject-with tcp-reset\nCOMMIT\n",
        "*filter\n-A OUTPUT -m owner --uid-owner root -j DROP\nCOMMIT\n",
        "*filter\n:own - [0:0]\n-A OUTPUT -j own\n-A own -m owner --uid-owner root -j DROP\nCOMMIT\n",
        "*mangle\n-A FORWARD -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for family, ruleset in subject.rulesets.items():
            for table in ruleset.tables.values():
                if table.name not in CHAINS:
                    continue
                try:
                    reached = check_chain_graph(table, family, subject.variant.name)
                except KernelRefusal:
                    continue  # a circle, which U107 shows
                for chain in table.chains.values():
                    hooks = frozenset((chain.name,)) if chain.policy is not None else reached[chain.name]
                    for rule in chain.rules:
                        item = subject.item_of_rule.get(id(rule))
                        if item is not None and item.rules[0] is rule and item.error is None:
                            yield from self._rule(subject, item, rule, table, hooks, chain.policy is not None)

    def _rule(self, subject: Subject, item: Item, rule: Rule, table: Table, hooks: frozenset[str], builtin: bool) -> Iterator[Diagnostic]:
        spec = rule.spec
        if spec is None or not (spec.matches or spec.target is not None):
            return
        variant = subject.variant.name
        parsing = Parsing(item.family, None, variant, table.name)
        parsing.proto, parsing.proto_inv = spec.proto, spec.proto_inv
        try:
            check_rule(spec, table.name, hooks if builtin else frozenset(), parsing)
            if not builtin:
                # nft looks at what is registered only; the options were checked when the chain had no hook yet.
                for extension in [*spec.matches, *([spec.target] if spec.target is not None else [])]:
                    check_hooks(extension, hooks, variant == "nft")
        except KernelRefusal as refusal:
            if refusal.errno == ENOENT:
                return  # an object or a module that may be there elsewhere
            guilty, hint = _guilty(item, rule, table, hooks)
            message = f"the kernel refuses this ({strerror(refusal.errno)}): {refusal.text or 'what the options say together'}"
            place = word_place(item, guilty)
            yield Diagnostic(self.code, message, place, self.severity, item.text, hint)


def _guilty(item: Item, rule: Rule, table: Table, hooks: frozenset[str]) -> tuple[str, str]:
    """The match or target that is out of place, and where it belongs."""
    spec = rule.spec
    assert spec is not None
    extensions: list[Extension] = [*spec.matches, *([spec.target] if spec.target is not None else [])]
    for extension in extensions:
        allowed = extension.hooks_allowed()
        if extension.tables is not None and table.name not in extension.tables:
            where = f"{extension.name} is for table {' or '.join(extension.tables)}"
            return extension.name, where + (f", {_list(allowed)}" if allowed else "")
        if allowed is not None and not hooks <= set(allowed):
            return extension.name, f"{extension.name} is for {_list(allowed)}" + _instead(extension.name, hooks)
    for extension in extensions:
        if extension.protocols is not None and spec.proto not in extension.protocols:
            names = " or ".join([f"-p {chain_protocol_name(number) or number}" for number in extension.protocols])
            return extension.name, f"put {names} into the rule"
    if spec.target is not None and spec.target.name == "REJECT" and "tcp-reset" in spec.target.save():
        return "tcp-reset", "--reject-with tcp-reset needs -p tcp in the rule"
    if spec.target is not None and spec.target.name == "TCPMSS":
        return "TCPMSS", "TCPMSS needs -p tcp and --syn (--tcp-flags SYN,RST SYN) in the rule"
    return (spec.target.name if spec.target is not None else spec.matches[0].name), ""


def _list(names: tuple[str, ...]) -> str:
    return f"chain {names[0]}" if len(names) == 1 else f"chains {', '.join(names[:-1])} and {names[-1]}"


def _instead(name: str, hooks: frozenset[str]) -> str:
    others = {
        ("MASQUERADE", "PREROUTING"): "; the destination is changed by DNAT",
        ("SNAT", "PREROUTING"): "; the destination is changed by DNAT",
        ("DNAT", "POSTROUTING"): "; the source is changed by SNAT",
        ("owner", "INPUT"): "; who will receive a packet is not known to it",
    }
    return next((others[name, hook] for hook in sorted(hooks) if (name, hook) in others), "")


CHECKS = (KernelRefuses,)
