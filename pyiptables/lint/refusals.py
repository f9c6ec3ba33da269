"""What the kernel, or a variant of iptables on its way there, has against a rule whose command line is fine."""

from __future__ import annotations

from errno import EINVAL, ENOENT
from os import strerror
from typing import TYPE_CHECKING

from pyiptables.tools.kernel import check_chain_graph, check_hooks, check_rule
from pyiptables.xtables.errors import KernelRefusal
from pyiptables.xtables.names import chain_protocol_name
from pyiptables.xtables.option import Extension, Parsing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyiptables.lint.subject import Item, Subject
    from pyiptables.ruleset import Rule, RuleSpec, Table
    from pyiptables.syntax.command import Command

__all__ = ["Refused", "chains_reached", "guilty_word", "judged_rules", "refused"]


class Refused:
    """Why a rule is refused: the kernel's word for it (``errno``) and ours, '' when only the options together are known."""

    __slots__ = ("errno", "why")

    def __init__(self, errno: int, why: str) -> None:
        self.errno = errno
        self.why = why

    def __str__(self) -> str:
        return f"{strerror(self.errno)}: {self.why or 'its options do not go together'}"


def chains_reached(table: Table, family: int, variant: str) -> dict[str, frozenset[str]] | None:
    """From which hooks each chain is entered; None where the jumps themselves are refused (a circle, or too deep)."""
    try:
        return check_chain_graph(table, family, variant)
    except KernelRefusal:
        return None


def refused(spec: RuleSpec, family: int, table: str, hooks: frozenset[str], builtin: bool, variant: str) -> Refused | None:
    """What is against a rule in a chain entered from these hooks; None when nothing is.

    Objects that only the host has (accounting objects, helpers) are taken to be there.
    """
    if variant == "nft":
        if spec.jump == "QUEUE" and spec.target is None and not spec.goto:
            return Refused(ENOENT, "iptables-nft has no target QUEUE")
        if (spec.src_inv and not spec.src_mask) or (spec.dst_inv and not spec.dst_mask):
            return Refused(EINVAL, "no address is left to match")
    if not (spec.matches or spec.target is not None):
        return None
    parsing = Parsing(family, None, variant, table)
    parsing.proto, parsing.proto_inv = spec.proto, spec.proto_inv
    parsing.elsewhere = True
    try:
        check_rule(spec, table, hooks if builtin else frozenset(), parsing)
        if not builtin:
            # nft looks at what is registered only; the options were checked when the chain had no hook yet.
            for extension in _extensions(spec):
                check_hooks(extension, hooks, variant == "nft")
    except KernelRefusal as refusal:
        return None if refusal.errno == ENOENT else Refused(refusal.errno, refusal.text)
    return None


def _extensions(spec: RuleSpec) -> list[Extension]:
    return [*spec.matches, *([spec.target] if spec.target is not None else [])]


def judged_rules(
    subject: Subject, table: Table, family: int, reached: dict[str, frozenset[str]], variant: str
) -> Iterator[tuple[Item, Rule, frozenset[str], bool, Refused | None]]:
    """Each rule once where it is written, with the hooks its chain is entered from, whether the chain is built in, and what
    is against it there."""
    # Nothing is ever against the addresses and ports in which the lines with one command differ.
    judgements: dict[tuple[Command | None, frozenset[str], bool], Refused | None] = {}
    for chain in table.chains.values():
        builtin = chain.policy is not None
        hooks = frozenset((chain.name,)) if builtin else reached[chain.name]
        for rule in chain.rules:
            item = subject.item_of_rule.get(id(rule))
            if item is None or item.rules[0] is not rule or item.error is not None or rule.spec is None:
                continue
            key = item.command, hooks, builtin
            if key not in judgements:
                judgements[key] = refused(rule.spec, family, table.name, hooks, builtin, variant)
            yield item, rule, hooks, builtin, judgements[key]


def guilty_word(rule: Rule, table: str, hooks: frozenset[str]) -> tuple[str, str]:
    """The match or target of a refused rule that is out of place, and where it belongs ('' when that is not known)."""
    spec = rule.spec
    assert spec is not None
    if spec.jump == "QUEUE" and spec.target is None:
        return "QUEUE", "-j NFQUEUE --queue-num 0"
    if (spec.src_inv and not spec.src_mask) or (spec.dst_inv and not spec.dst_mask):
        return "!", "such a rule matches nothing: delete it, or name the address"
    extensions = _extensions(spec)
    for extension in extensions:
        allowed = extension.hooks_allowed()
        if extension.tables is not None and table not in extension.tables:
            where = f"{extension.name} is for table {' or '.join(extension.tables)}"
            return extension.name, where + (f", {_list(allowed)}" if allowed else "")
        if allowed is not None and not hooks <= set(allowed):
            return extension.name, f"{extension.name} is for {_list(allowed)}" + _instead(extension.name, hooks)
    for extension in extensions:
        if extension.protocols is not None and spec.proto not in extension.protocols:
            names = " or ".join([f"-p {chain_protocol_name(number) or number}" for number in extension.protocols])
            return extension.name, f"put {names} into the rule"
    target = spec.target
    if target is not None and target.name == "REJECT" and "tcp-reset" in target.save():
        return "tcp-reset", "--reject-with tcp-reset needs -p tcp in the rule"
    if target is not None and target.name == "TCPMSS":
        return "TCPMSS", "TCPMSS needs --syn (--tcp-flags SYN,RST SYN) in the rule"
    if target is not None and target.name == "TRACE":
        return "TRACE", "TRACE belongs into table raw"
    return (target.name if target is not None else spec.matches[0].name if spec.matches else ""), ""


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
