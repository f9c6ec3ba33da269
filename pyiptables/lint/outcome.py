"""What a script or rule file leaves behind, line by line, and where each line comes from: the material of ``plan``."""

from __future__ import annotations

from typing import NamedTuple

from pyiptables.lint.places import command_place
from pyiptables.lint.subject import HostName, Perhaps, Subject
from pyiptables.ruleset import Rule

__all__ = ["Line", "arguments_seen", "elsewhere", "lines"]


class Line(NamedTuple):
    """A line of the save form. ``perhaps``: a branch or a word that is not known decides whether it is there."""

    text: str
    file: str = ""
    line: int = 0
    perhaps: bool = False


def lines(subject: Subject, family: int) -> list[Line]:
    """The ruleset of a family. A rule with words that only the run would tell stands as the script has it."""
    out: list[Line] = []
    for table in subject.rulesets[family].tables.values():
        out.append(Line(f"*{table.name}"))
        out += [Line(f":{chain.name} {chain.policy or '-'} [0:0]") for chain in table.chains.values()]
        for chain in table.chains.values():
            out += [_line(subject, chain.name, rule) for rule in chain.rules]
        out.append(Line("COMMIT"))
    return out


def _line(subject: Subject, chain: str, rule: Rule) -> Line:
    text = f"-A {chain} {rule.text}".rstrip()
    perhaps = rule.spec is not None and any(isinstance(match, Perhaps | HostName) for match in rule.spec.matches)
    item = subject.item_of_rule.get(id(rule))
    if item is None:
        return Line(text, perhaps=perhaps)
    if item.action in ("A", "I") and (item.obscure or item.host_names):
        text = item.text
    place = command_place(item)
    return Line(text, place.file, place.line, perhaps)


def elsewhere(subject: Subject) -> dict[str, int]:
    """How many commands act elsewhere, by the names of the namespaces, containers and machines."""
    found: dict[str, int] = {}
    for item in subject.items:
        if item.invocation is not None and item.invocation.netns:
            found[item.invocation.netns] = found.get(item.invocation.netns, 0) + 1
    return found


def arguments_seen(subject: Subject) -> list[str]:
    """The words that a script compares its first argument with, if that is not known: ``start``, ``stop`` …"""
    found: dict[str, None] = {}
    for item in subject.items:
        for guard in item.invocation.guard if item.invocation is not None else ():
            if guard.condition.strip('"{}$') == "1" or guard.condition.startswith('"${1'):
                found.update(dict.fromkeys(word for word in guard.branch.split("|") if word.isalnum()))
    return list(found)
