"""What the analysis says about a file's rules, kept for all checks that ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pyiptables.lint.subject import Item, Subject

if TYPE_CHECKING:
    from pyiptables.analysis.program import Step
    from pyiptables.analysis.reachability import Reach, Reachability
    from pyiptables.lint.diagnostic import Place

__all__ = ["answers", "item_of", "reachabilities", "related"]


def reachabilities(subject: Subject) -> list[tuple[int, str, Reachability]]:
    """(family, table, answers) of every table that has rules."""
    if "reachability" not in subject.cache:
        from pyiptables.analysis.program import compile_table
        from pyiptables.analysis.reachability import Reachability
        from pyiptables.analysis.space import Space

        found = []
        for family, ruleset in subject.rulesets.items():
            for name, table in ruleset.tables.items():
                if any(chain.rules for chain in table.chains.values()):
                    found.append((family, name, Reachability(compile_table(ruleset, name, Space(family)))))
        subject.cache["reachability"] = found
    answered: list[tuple[int, str, Reachability]] = subject.cache["reachability"]
    return answered


def answers(subject: Subject, *statuses: str) -> Iterator[tuple[Reach, Item, Reachability]]:
    """The rules with one of these statuses, with the items they came from."""
    for _, _, reachability in reachabilities(subject):
        for reach in reachability:
            if reach.status in statuses:
                item = item_of(subject, reach.step)
                if item is not None:
                    yield reach, item, reachability


def item_of(subject: Subject, step: Step) -> Item | None:
    return subject.item_of_rule.get(id(step.rule))


def related(subject: Subject, steps: list[Step], what: str, limit: int = 5) -> tuple[tuple[Place, str], ...]:
    """Places of other rules, at most ``limit``."""
    places = []
    for step in steps[:limit]:
        item = item_of(subject, step)
        if item is not None:
            places.append((item.place, f"{what} (rule {step.number} of {step.chain.name})"))
    return tuple(places)
