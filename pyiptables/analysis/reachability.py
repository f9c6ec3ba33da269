"""For every rule of a table: is it ever reached, by which packet, and if not, because of which other rules?

Three layers, each settling what the one before left open:

1. a packet made from the rule's region is walked from a hook; whatever rules it meets are alive, and the
   packet is the example (``walk``);
2. one earlier rule of the chain that contains the rule's region: it is shadowed, by that rule
   (``bitvector``);
3. the exact question, narrowed to the rule's region (``flow``): from the hooks, and if nothing comes from
   there, once more within the chain alone.

Only 2 and 3 say "never", and both remove no more than earlier rules certainly take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import merge
from typing import Final

from pyiptables.analysis.flow import Flow, TooLarge
from pyiptables.analysis.idd import EMPTY
from pyiptables.analysis.program import GOTO, JUMP, RETURN, VERDICT, ChainProgram, Program, Step
from pyiptables.analysis.region import Product, conjoin
from pyiptables.analysis.walk import LENGTH, Sampler, Walker

__all__ = [
    "CONTRADICTION", "OPEN", "REACHED", "SHADOWED", "UNCALLED", "UNREACHED", "Reach", "Reachability", "takes_all",
]  # fmt: skip

#: Rules met by all walks together; where chains call chains again and again, one walk may meet thousands.
_STEPS: Final = 300_000
REACHED: Final = "reached"  #: a packet gets there
SHADOWED: Final = "shadowed"  #: earlier rules of the same chain take everything
UNREACHED: Final = "unreached"  #: reachable within its chain, but nothing that enters the chain gets there
CONTRADICTION: Final = "contradiction"  #: no packet can match it
UNCALLED: Final = "uncalled"  #: in a chain that no hook leads to (not shadowed there)
OPEN: Final = "open"  #: not decided within the memory allowed

#: Packets tried before (in layer 1) and after the cover test.
_FIRST: Final = 2
_MORE: Final = 4
#: Ways round the rule that ended a walk.
_DETOURS: Final = 3
#: Explanations up to this long are made minimal.
_SHORT: Final = 16


@dataclass(slots=True, eq=False, repr=False)
class Reach:
    """The answer for one rule.

    ``by``: the rules that together keep packets away from it, in the order in which packets meet them;
    ``root`` and ``packet``: a built-in chain and the values by level of a packet that gets there (levels that
    matter only).
    """

    step: Step
    status: str
    by: list[Step] = field(default_factory=list)
    root: ChainProgram | None = None
    packet: dict[int, int] | None = None


class Reachability:
    """Answers for all rules of a program; made once, at construction."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.flow = Flow(program)
        self._walker = Walker(program)
        self._sampler = Sampler(program)
        self._found: dict[Step, Reach] = {}
        self._points: dict[Step, tuple[ChainProgram, list[int]]] = {}
        self._left = _STEPS
        self._cover_masks: dict[str, dict[int, int]] = {}
        self._first_entries: dict[str, list[int]] = {}
        for chain in program.chains.values():
            for step in chain.steps:
                self._found[step] = self._answer(step)

    # -- answers -----------------------------------------------------------------------------------------
    def __iter__(self) -> Iterator[Reach]:
        """All rules, chain by chain."""
        return iter(self._found.values())

    def of(self, chain: str, number: int) -> Reach:
        """The answer for rule ``number`` (from 1) of a chain."""
        return self._found[self.program.chains[chain].steps[number - 1]]

    def called(self, chain: ChainProgram) -> bool:
        """Does some way of jumps lead from a hook to the chain?"""
        return bool(self._sampler.ways(chain))

    def entered(self, chain: ChainProgram) -> bool:
        """May a packet get into the chain?"""
        return chain.policy is not None or any(self._found[step].status in (REACHED, OPEN) for step in chain.callers)

    def witness(self, step: Step) -> Reach:
        """The answer with its example packet filled in (from the walk that met the rule)."""
        reach = self._found[step]
        if reach.status == REACHED and reach.packet is None:
            root, point = self._points[step]
            levels = {level for product in step.region.upper for level in product}
            for _, way in self._sampler.ways(step.chain):
                levels |= way.keys()
            levels |= {self.program.space.names.index(name) for name in ("src", "dst", "proto")}
            reach.root = root
            reach.packet = {level: point[level] for level in sorted(levels)}
        return reach

    def example(self, step: Step) -> tuple[ChainProgram, list[int]] | None:
        """A built-in chain and a whole packet, all levels, whose walk from there meets the rule (if one is
        known).
        """
        return self._points.get(step)

    def trials(self, step: Step, also: Step) -> Iterator[tuple[ChainProgram, list[int]]]:
        """Packets that might come from a hook to a rule, match it, and match another one too."""
        for root, way in self._sampler.ways(step.chain):
            for part in step.region.upper[:3]:
                mine = conjoin(way, part)
                for other in also.region.upper[:3] if mine is not None else ():
                    both = conjoin(mine, other) if mine is not None else None
                    if both is not None:
                        yield root, self._sampler.point(both, 0)

    def describe(self, reach: Reach) -> dict[str, str | int | bool]:
        """A witness packet in readable form."""
        return self.program.space.describe(reach.packet or {})

    def overlapping(self, step: Step) -> Iterator[Step]:
        """Earlier rules of the chain that take some, or all, of the rule's packets, in their order."""
        index, owners = step.chain.index(self.program.space.tops)
        masks = self._masks(step.chain)
        before = self._first_entries[step.chain.name][step.number - 1]
        last = -1
        for entry in merge(*[index.meeting(product, _earlier(masks, before)) for product in step.region.upper]):
            if owners[entry] != last:
                last = owners[entry]
                yield step.chain.steps[last]

    # -- one rule ----------------------------------------------------------------------------------------
    def _answer(self, step: Step) -> Reach:
        if not step.region.upper:
            return Reach(step, CONTRADICTION)
        if step in self._points:
            return Reach(step, REACHED)
        ways = self._sampler.ways(step.chain)
        if ways and self._try(step, 0, _FIRST):
            return Reach(step, REACHED)
        covers = self._covers(step)
        if covers:
            return Reach(step, SHADOWED, covers)
        if ways and self._try(step, _FIRST, _FIRST + _MORE):
            return Reach(step, REACHED)
        try:
            return self._exact(step, bool(ways))
        except (TooLarge, RecursionError):
            return Reach(step, OPEN)

    def _try(self, step: Step, start: int, end: int) -> bool:
        """Layer 1: walk packets of the rule's region; note every rule that one of them meets."""
        for attempt in range(start, end):
            for root, way in self._sampler.ways(step.chain):
                for part in step.region.upper[:3]:
                    both = conjoin(way, part)
                    if both is None or self._left < 0:
                        continue
                    last = self._walk(root, self._sampler.point(both, attempt))
                    if step in self._points:
                        return True
                    if attempt == start > 0 and last is not None and last.kind == VERDICT:
                        for detour in self._detours(both, last):
                            self._walk(root, self._sampler.point(detour, 0))
                            if step in self._points:
                                return True
        return False

    def _walk(self, root: ChainProgram, point: list[int]) -> Step | None:
        """Note the rules that a packet meets; the last of them."""
        points = self._points
        steps = self._walker.met(root, point.copy() if self.program.changed else point)
        self._left -= LENGTH if self._walker.is_lost else len(steps)
        for met in steps:
            if met not in points:
                points[met] = (root, point)
        return steps[-1] if steps else None

    def _detours(self, product: Product, end: Step) -> Iterator[Product]:
        """Parts of a product that a RETURN takes out of the chain before the rule that ended a walk."""
        chain = end.chain
        left = _DETOURS
        for at in chain.meeting(product, self.program.space.tops, 0, end.number - 1):
            if chain.steps[at].kind == RETURN:
                for part in chain.steps[at].region.upper:
                    both = conjoin(product, part)
                    if both is not None:
                        yield both
                        left -= 1
                        if not left:
                            return

    def _covers(self, step: Step) -> list[Step]:
        """Layer 2: for each product of the region one earlier rule that contains it; [] when one has none."""
        index, owners = step.chain.index(self.program.space.tops)
        masks = self._masks(step.chain)
        before = self._first_entries[step.chain.name][step.number - 1]
        found: dict[Step, None] = {}
        for product in step.region.upper:
            entry = index.covering(product, _earlier(masks, before))
            if entry < 0:
                return []
            found[step.chain.steps[owners[entry]]] = None
        return list(found)

    def _masks(self, chain: ChainProgram) -> dict[int, int]:
        """By block: the bits of products whose packets certainly do not go on to the next rule."""
        masks = self._cover_masks.get(chain.name)
        if masks is None:
            masks = self._cover_masks[chain.name] = {}
            index, _ = chain.index(self.program.space.tops)
            firsts: list[int] = []
            changed = self.program.changed
            entry = 0
            for step in chain.steps:
                firsts.append(entry)
                takes = step.region.exact and takes_all(step)
                for product in step.region.upper:
                    if takes and changed.isdisjoint(product):
                        start = index.block_of(entry)
                        masks[start] = masks.get(start, 0) | 1 << entry - start
                    entry += 1
            self._first_entries[chain.name] = firsts
        return masks

    def _exact(self, step: Step, called: bool) -> Reach:
        """Layer 3."""
        flow = self.flow
        diagrams = flow.diagrams
        space = self.program.space
        if called:
            trail: list[Step] = []
            for part in step.region.upper:
                node = flow.arriving(step, part, trail)
                if node != EMPTY:
                    root = self._sampler.ways(step.chain)[0][0]
                    return Reach(step, REACHED, [], root, diagrams.sample(node, space.pick))
        inner: list[Step] = []
        for part in step.region.upper:
            if flow.arriving(step, part, inner, hook=False) != EMPTY:
                return Reach(step, UNREACHED, _distinct(trail)) if called else Reach(step, UNCALLED)
        return Reach(step, SHADOWED, self._shortened(step, _distinct(inner)))

    def _shortened(self, step: Step, by: list[Step]) -> list[Step]:
        """Leave out rules without which the others suffice (when the explanation is short)."""
        if len(by) < 2 or len(by) > _SHORT or self.program.changed:
            return by
        kept = by
        for candidate in by[::-1]:
            fewer = [other for other in kept if other is not candidate]
            if all(self.flow.left_over(step, part, fewer) == EMPTY for part in step.region.upper):
                kept = fewer
        return kept


def takes_all(step: Step) -> bool:
    """Do the packets that a rule matches never get to the next rule of its chain?"""
    if step.kind in (VERDICT, RETURN, GOTO):
        return True
    return step.kind == JUMP and step.goal is not None and step.goal.never_returns


def _earlier(masks: dict[int, int], before: int) -> Callable[[int, int], int]:
    def among(start: int, _mask: int) -> int:
        if before <= start:
            return 0
        return masks.get(start, 0) & (1 << before - start) - 1

    return among


def _distinct(steps: list[Step]) -> list[Step]:
    return list(dict.fromkeys(steps))
