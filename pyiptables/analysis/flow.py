"""Exact answers by diagrams: which packets may arrive at a rule, and what becomes of a set inside a chain.

Sets are pushed forward, from what may arrive to what may leave. Everything is an upper bound: an uncertain
rule (``limit``) lets all packets of its upper region in, and removes only those of its lower region. So
"nothing arrives" is a proof.

A question about one rule is narrowed to the rule's own region before the work begins; then only rules that
meet that region are looked at (bit vectors), and diagrams stay small. Levels that a target of the table
changes cannot be used to narrow, because packets arrive at the rule with other values than those they came
with.
"""

from __future__ import annotations

from typing import Final

from pyiptables.analysis.idd import EMPTY, Diagrams, Items
from pyiptables.analysis.intervals import Intervals
from pyiptables.analysis.program import CONTINUE, GOTO, JUMP, RETURN, VERDICT, ChainProgram, Program, Step
from pyiptables.analysis.region import Product, conjoin, items_of, meets

__all__ = ["Flow", "TooLarge"]

#: Diagrams beyond this many nodes are given up, and with them all questions that are left.
NODES: Final = 1_000_000
#: One question may look into this many chains (a ruleset may have exponentially many ways through it), all together
#: into so many.
CALLS: Final = 5_000
ALL_CALLS: Final = 100_000


class TooLarge(Exception):
    """The question needs more memory than it is worth; the answer stays open."""


class Flow:
    """Sets of packets on their way through the chains of one table."""

    def __init__(self, program: Program, diagrams: Diagrams | None = None) -> None:
        self.program = program
        self.space = program.space
        self.diagrams = diagrams or Diagrams(program.space.tops)
        self._through: dict[tuple[str, int], int] = {}
        #: What enters chains, by the conditions of the way down from there, for one question.
        self._entering: dict[tuple[str, frozenset[tuple[int, Intervals]]], int] = {}
        self._work = 0
        self._all_work = 0
        #: The only rules that count in the chain that a question is about.
        self._alone: frozenset[Step] | None = None

    def arriving(self, step: Step, product: Product, trail: list[Step] | None = None, hook: bool = True) -> int:
        """Packets of a product that may arrive at a step, as a diagram (EMPTY: none).

        With ``hook`` they come from the built-in chains through all callers, without they enter the step's
        chain with any headers. ``trail`` collects the earlier steps that took packets away. Raises TooLarge.
        """
        self._work = 0
        self._entering.clear()
        narrow = {level: values for level, values in product.items() if level not in self.program.changed}
        node = self._arriving(step, narrow, trail, hook)
        return self.diagrams.restrict(node, items_of(product))

    def left_over(self, step: Step, product: Product, by: list[Step]) -> int:
        """Packets of a product that would get through the step's chain to it if only ``by`` stood before it."""
        self._work = 0
        self._alone = frozenset(by)
        try:
            return self._advance(step.chain, self.diagrams.product(items_of(product)), 0, step.number - 1, product, None)[0]
        finally:
            self._alone = None

    def entering(self, chain: ChainProgram, product: Product, trail: list[Step] | None = None) -> int:
        """Packets of a product (over unchanged levels) that may enter a chain."""
        diagrams = self.diagrams
        self._all_work += 1
        if self._all_work > ALL_CALLS:
            raise TooLarge
        if chain.cyclic:
            return diagrams.product(items_of(product))
        if chain.policy is not None:
            start = conjoin(self.space.hook_region(self.program.table, chain.name).upper[0], product)
            node = EMPTY if start is None else diagrams.product(items_of(start))
        else:
            node = EMPTY
        changed = self.program.changed
        for caller in chain.callers:
            for part in caller.region.upper:
                both = conjoin(product, {level: values for level, values in part.items() if level not in changed})
                if both is not None:
                    come = self._arriving(caller, both, trail, True)
                    node = diagrams.union(node, diagrams.restrict(come, items_of(part)))
        return node

    def _arriving(self, step: Step, product: Product, trail: list[Step] | None, hook: bool) -> int:
        if hook:
            key = step.chain.name, frozenset(product.items())
            known = self._entering.get(key)
            if known is None:
                known = self._entering[key] = self.entering(step.chain, product, trail)
            node = known
        else:
            node = self.diagrams.product(items_of(product))
        return self._advance(step.chain, node, 0, step.number - 1, product, trail)[0]

    def through(self, chain: ChainProgram, node: int, product: Product) -> int:
        """What may come back from a chain that a set (inside ``product``) enters."""
        if node == EMPTY:
            return EMPTY
        if chain.never_returns:
            return EMPTY
        if chain.cyclic:
            return self.diagrams.forget(node, self.program.changed)
        key = (chain.name, node)
        known = self._through.get(key)
        if known is None:
            reach, back = self._advance(chain, node, 0, len(chain.steps), product, None)
            known = self._through[key] = self.diagrams.union(reach, back)
        return known

    def _advance(self, chain: ChainProgram, node: int, start: int, end: int, product: Product, trail: list[Step] | None) -> tuple[int, int]:
        """Push a set from step ``start`` to before step ``end`` (from 0): what gets there, what went back."""
        back = EMPTY
        diagrams = self.diagrams
        self._work += 1
        self._all_work += 1
        alone, self._alone = self._alone, None
        if len(diagrams.nodes) > NODES or self._work > CALLS or self._all_work > ALL_CALLS:
            raise TooLarge
        for at in chain.meeting(product, self.space.tops, start, end):
            if node == EMPTY:
                break
            step = chain.steps[at]
            if alone is not None and step not in alone:
                continue
            kind = step.kind
            if kind == CONTINUE and not step.changes:
                continue
            if not any([meets(product, part) for part in step.region.upper]):
                continue
            before = node
            if kind == VERDICT:
                for items in step.lower:
                    node = diagrams.subtract(node, items)
            else:
                inside = self.inside(node, step)
                if inside == EMPTY:
                    continue
                for items in step.lower:
                    node = diagrams.subtract(node, items)
                if kind == RETURN:
                    back = diagrams.union(back, inside)
                elif kind == CONTINUE:
                    node = diagrams.union(node, self.changed(inside, step))
                else:
                    assert step.goal is not None
                    out = self.through(step.goal, inside, product)
                    if kind == JUMP:
                        node = diagrams.union(node, out)
                    elif kind == GOTO:
                        back = diagrams.union(back, out)
            if trail is not None and node != before:
                trail.append(step)
        return node, back

    def inside(self, node: int, step: Step) -> int:
        """The part of a set that a step may match."""
        diagrams = self.diagrams
        result = EMPTY
        for items in step.upper:
            result = diagrams.union(result, diagrams.restrict(node, items))
        return result

    def changed(self, node: int, step: Step) -> int:
        """A set after the step's target changed its packets."""
        diagrams = self.diagrams
        space = self.space
        for field, how in (step.changes or {}).items():
            if how is None:
                node = diagrams.forget(node, space.levels_changed(field))
                continue
            clear, flip = how
            bits = [(bit, space.level(f"{field}:{bit}")) for bit in range(32)]
            known = {level: bit for bit, level in bits if level is not None}
            cleared = [level for level, bit in known.items() if clear >> bit & 1]
            node = diagrams.forget(node, cleared)
            settled: Items = tuple((level, (flip >> known[level] & 1,) * 2) for level in sorted(cleared))
            node = diagrams.restrict(node, settled)
            node = diagrams.flip(node, [level for level, bit in known.items() if flip & ~clear & (1 << bit)])
            rest = [level for level in space.levels_changed(field) if level not in known]
            node = diagrams.forget(node, rest)
        return node
