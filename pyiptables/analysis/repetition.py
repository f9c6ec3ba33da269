"""Rules that an earlier rule of their chain says already, in the same words or in others.

Two rules say the same when their regions are equal and they do the same to the packets: ``--dport 80`` and
``-m multiport --dports 80`` do. Doing it once more changes nothing when there is no match with a memory, no target
whose second turn acts on what the first one left, and when nothing between the two changes what they test.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

from pyiptables.analysis.program import CONTINUE, JUMP, ChainProgram, Program, Step

__all__ = ["relapses", "repetitions"]

#: Fields of packets, as targets name them in ``changes()``.
_Fields = frozenset[str]


def repetitions(program: Program) -> Iterator[tuple[Step, Step]]:
    """Each rule that repeats an earlier one of its chain, with the first of its kind."""
    below = _Below(program)
    for chain in program.chains.values():
        seen: dict[Any, Step] = {}
        changes = _Changes(below)
        for step in chain.steps:
            if step.region.exact and step.region.upper:
                first = seen.setdefault(_meaning(step), step)
                if first is not step and _is_idle(program, below, changes, first, step):
                    yield step, first
            changes.add(step)


def relapses(program: Program, idle: Container[Step]) -> Iterator[tuple[Step, Step]]:
    """Each rule in the very words of an earlier one of its chain that is no idle repetition, since it counts, limits,
    lists or changes packets once more; not when something between the two changes what they test. ``idle``: what
    :func:`repetitions` gives.
    """
    below = _Below(program)
    for chain in program.chains.values():
        seen: dict[str, Step] = {}
        changes = _Changes(below)
        for step in chain.steps:
            first = seen.setdefault(step.rule.text, step)
            if first is not step and step not in idle and step.region.upper and _asks_the_same(program, changes, first, step):
                yield step, first
            changes.add(step)


def _meaning(step: Step) -> Any:
    if len(step.region.upper) == 1:
        region: Any = frozenset(step.region.upper[0].items())
    else:
        region = frozenset([frozenset(product.items()) for product in step.region.upper])
    return region, step.kind, step.goal, step.label


def _is_idle(program: Program, below: _Below, changes: _Changes, first: Step, again: Step) -> bool:
    """Is the second of two rules that mean the same without effect?"""
    if again.kind == CONTINUE and not _is_idempotent(again):
        return False
    if again.kind == JUMP and not below.pure(again):
        return False
    if again.changes and not changes.since(first).isdisjoint(again.changes):
        return False
    return _asks_the_same(program, changes, first, again)


def _asks_the_same(program: Program, changes: _Changes, first: Step, again: Step) -> bool:
    """Do packets come to the second rule with all that it tests as it was at the first one?"""
    if not program.changed:
        return True
    changed = changes.since(first).union(again.changes or ())
    tested = {level for product in again.region.upper for level in product}
    return all(tested.isdisjoint(program.space.levels_changed(name)) for name in changed)


def _is_idempotent(step: Step) -> bool:
    """``x & ~clear ^ flip`` twice is the same as once when it flips only what it cleared."""
    for how in (step.changes or {}).values():
        if how is None:
            return step.idempotent
        clear, flip = how
        if flip & ~clear:
            return False
    return True


class _Below:
    """What happens in the chains that a jump enters, and in those that they enter."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._chains: dict[str, list[ChainProgram]] = {}
        self._fields: dict[str, _Fields] = {}

    def chains(self, goal: ChainProgram) -> list[ChainProgram]:
        found = self._chains.get(goal.name)
        if found is None:
            found = [goal]
            names = {goal.name}
            for chain in found:
                for step in chain.steps:
                    if step.goal is not None and step.goal.name not in names:
                        names.add(step.goal.name)
                        found.append(step.goal)
            self._chains[goal.name] = found
        return found

    def fields(self, goal: ChainProgram) -> _Fields:
        """What targets there may change."""
        found = self._fields.get(goal.name)
        if found is None:
            steps = [step for chain in self.chains(goal) for step in chain.steps]
            found = self._fields[goal.name] = frozenset([name for step in steps if step.changes for name in step.changes])
        return found

    def pure(self, step: Step) -> bool:
        """Does a second walk through the chain go like the first?"""
        assert step.goal is not None
        if step.goal.cyclic or self.fields(step.goal):
            return False
        return all(other.region.exact for chain in self.chains(step.goal) for other in chain.steps)


class _Changes:
    """What targets of a chain's rules so far may change."""

    def __init__(self, below: _Below) -> None:
        self._below = below
        #: By field the last rule that may change it, and the last one that means something else: number and meaning (None:
        #: not its own target does it).
        self._last: dict[str, tuple[tuple[int, Any], tuple[int, Any]]] = {}

    def add(self, step: Step) -> None:
        """Go on behind a rule."""
        if step.changes:
            meaning = _meaning(step)
            for name in step.changes:
                self._note(name, step.number, meaning)
        if step.goal is not None:
            for name in self._below.fields(step.goal):
                self._note(name, step.number, None)

    def _note(self, name: str, number: int, meaning: Any) -> None:
        last, other = self._last.get(name, ((0, None), (0, None)))
        self._last[name] = (number, meaning), other if last[1] == meaning else last

    def since(self, first: Step) -> set[str]:
        """What rules behind one may change, others like it aside."""
        meaning = _meaning(first)
        return {name for name, (last, other) in self._last.items() if (other if last[1] == meaning else last)[0] > first.number}
