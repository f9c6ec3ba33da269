"""Concrete packets walked through a table: the cheap proof that a rule is alive.

A packet is a list of values by level. The steps it meets in a chain come from bit vectors; what happens then
is ``ipt_do_table``'s rule. An uncertain step (``limit``) counts as met and the walk follows both ways. The
walk ends early where a target makes a tested field unknown: what was met until then is still met.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

from pyiptables.analysis.intervals import Intervals, contains
from pyiptables.analysis.program import CONTINUE, GOTO, JUMP, RETURN, VERDICT, ChainProgram, Program, Step
from pyiptables.analysis.region import Product, conjoin

__all__ = ["LENGTH", "Sampler", "Walker"]

#: Steps that one walk may meet; uncertain jumps could otherwise double the way again and again.
LENGTH: Final = 20_000
#: From so many steps on a walk does not go through a chain again: a chain that calls another one twice, which calls yet
#: another one twice, makes most of the long ones.
LONG: Final = 500
#: Ways from the hooks to a chain that are tried.
WAYS: Final = 6


class _Stop(Exception):
    """The packet has left the table, or is no longer known."""


class Walker:
    """Walks packets through one table's chains."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._tops = program.space.tops
        #: The last walk went deeper into chains than Python's stack holds.
        self.is_lost = False
        self._without: Step | None = None
        #: By chain, of the long walk that is under way: whether the packet comes back (None: it does not), the last rule met.
        self._seen: dict[str, tuple[bool | None, Step | None]] = {}

    def met(self, root: ChainProgram, point: list[int], without: Step | None = None) -> list[Step]:
        """The steps that a packet entering at a built-in chain meets, in order, as if ``without`` was not
        there.
        """
        self._without = without
        self._seen.clear()
        steps: list[Step] = []
        self.is_lost = False
        try:
            self._enter(root, point, steps)
        except _Stop:
            pass
        except RecursionError:
            self.is_lost = True
        return steps

    def decider(self, root: ChainProgram, point: list[int]) -> Step | None:
        """The rule that decides the packet; None for the policy, or when that is uncertain."""
        self._without = None
        self._seen.clear()
        steps: list[Step] = []
        try:
            self._enter(root, point, steps)
        except RecursionError:
            return None
        except _Stop:
            if steps[-1].kind == VERDICT and all(step.region.exact for step in steps):
                return steps[-1]
        return None

    def _enter(self, chain: ChainProgram, point: list[int], met: list[Step]) -> bool:
        """Walk a chain; does the packet come back to the caller for certain (False: perhaps)?"""
        index, owners = chain.index(self._tops)
        steps = chain.steps
        last = -1
        certain = True
        after = 0
        again = True
        while again:
            again = False
            for entry in index.matching(point, after):
                at = owners[entry]
                if at == last:
                    continue
                last = at
                step = steps[at]
                if step is self._without:
                    continue
                met.append(step)
                kind = step.kind
                if kind == CONTINUE and not step.changes:
                    continue
                if len(met) > LENGTH or chain.cyclic:
                    raise _Stop
                sure = step.region.exact or _inside(step.region.lower, point)
                if kind == VERDICT:
                    if sure:
                        raise _Stop
                elif kind == RETURN:
                    if sure:
                        return certain
                    certain = False
                elif kind == CONTINUE:
                    if not sure:
                        raise _Stop
                    if self._change(step, point):
                        after = bisect_right(owners, at, entry)
                        again = True  # what matches from here on must be looked up anew
                        break
                else:
                    goal = step.goal
                    assert goal is not None
                    enter = self._enter if len(met) < LONG or self.program.changed else self._enter_once
                    if sure:
                        before = point.copy() if self.program.changed else point
                        back = enter(goal, point, met)
                        if kind == GOTO:
                            return certain and back
                        certain = certain and back
                        if point != before:
                            after = bisect_right(owners, at, entry)
                            again = True
                            break
                    else:
                        certain = False
                        try:
                            enter(goal, point.copy(), met)
                        except _Stop:
                            if len(met) > LENGTH:
                                raise
        return certain

    def _enter_once(self, chain: ChainProgram, point: list[int], met: list[Step]) -> bool:
        """Walk a chain, if it was walked before by way of what is known: the packet, which nothing changes, fares alike."""
        if chain.name not in self._seen:
            start = len(met)
            back: bool | None = None
            try:
                back = self._enter(chain, point, met)
                return back
            finally:
                self._seen[chain.name] = back, met[-1] if len(met) > start else None
        back, last = self._seen[chain.name]
        if last is not None:
            met.append(last)
        if back is None:
            raise _Stop
        return back

    def _change(self, step: Step, point: list[int]) -> bool:
        """Let a target act; does any tested field differ? Ends the walk if one becomes unknown."""
        space = self.program.space
        tested = self.program.changed
        different = False
        for field, how in (step.changes or {}).items():
            affected = [level for level in space.levels_changed(field) if level in tested]
            if not affected:
                continue
            if how is None:
                raise _Stop
            clear, flip = how
            bits = {space.level(f"{field}:{bit}"): bit for bit in range(32)}
            for level in affected:
                bit = bits.get(level)
                if bit is None:
                    raise _Stop
                value = (0 if clear >> bit & 1 else point[level]) ^ (flip >> bit & 1)
                different = different or value != point[level]
                point[level] = value
        return different


def _inside(products: tuple[Product, ...], point: list[int]) -> bool:
    return any(all(contains(values, point[level]) for level, values in product.items()) for product in products)


class Sampler:
    """Makes packets of a rule's region that come a known way from a hook.

    Fields that neither the rule nor the way restricts get a *quiet* value: one that few other rules ask for,
    rules with few conditions weighing more.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.space = program.space
        self._ways: dict[str, list[tuple[ChainProgram, Product]]] = {}
        self._collect_ways()
        self._favourites = [program.space.pick(level, 0, top) for level, top in enumerate(program.space.tops)]
        self.quiet = self._quiet_point()
        self._state = 0x2545F491

    def ways(self, chain: ChainProgram) -> list[tuple[ChainProgram, Product]]:
        """Built-in chains with the product of all conditions on the way from there."""
        return self._ways.get(chain.name, [])

    def point(self, product: Product, attempt: int) -> list[int]:
        """A packet of a product: good-looking values first, then the ends of intervals, then any."""
        point = self.quiet.copy()
        space = self.space
        if attempt == 0:
            for level, values in product.items():
                low, high = values[0], values[1]
                if low == high and len(values) == 2:
                    point[level] = low
                elif not contains(values, point[level]):
                    favourite = self._favourites[level]
                    point[level] = favourite if contains(values, favourite) else space.pick(level, low, high)
        elif attempt == 1:
            for level, values in product.items():
                point[level] = values[-1]
        elif attempt == 2:
            for level, values in product.items():
                point[level] = values[0]
        else:
            for level, values in product.items():
                point[level] = self._random(values)
        return point

    def _random(self, values: Intervals) -> int:
        """A repeatable choice (xorshift): the same ruleset always gives the same witnesses."""
        state = self._state
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        self._state = state
        at = state % (len(values) // 2) * 2
        low = values[at]
        width = values[at + 1] - low + 1
        return low + (state * 0x9E3779B97F4A7C15F39CC0605CEDC835 >> 7) % width

    def _collect_ways(self) -> None:
        pending: list[ChainProgram] = []
        for root in self.program.roots:
            product = self.space.hook_region(self.program.table, root.name).upper[0]
            self._ways[root.name] = [(root, product)]
            pending.append(root)
        while pending:
            chain = pending.pop()
            mine = self._ways[chain.name]
            for step in chain.steps:
                if step.goal is None or step.goal.policy is not None:
                    continue
                theirs = self._ways.setdefault(step.goal.name, [])
                fresh = False
                for root, way in mine:
                    for part in step.region.upper:
                        both = conjoin(way, part)
                        if both is None or (root, both) in theirs:
                            continue
                        if len(theirs) >= WAYS:
                            break
                        theirs.append((root, both))
                        fresh = True
                if fresh:
                    pending.append(step.goal)

    def _quiet_point(self) -> list[int]:
        weights: dict[int, dict[Intervals, float]] = {}
        for step in self.program.steps():
            if step.kind == CONTINUE or (step.kind in (JUMP, GOTO) and not _ends(step)):
                continue
            for product in step.region.lower:
                weight = 4.0 ** -len(product)
                for level, values in product.items():
                    sums = weights.get(level)
                    if sums is None:
                        sums = weights[level] = {}
                    sums[values] = sums.get(values, 0.0) + weight
        space = self.space
        point = self._favourites.copy()
        for level, sums in weights.items():
            changes = {0: 0.0}
            for values, weight in sums.items():
                for i in range(0, len(values), 2):
                    changes[values[i]] = changes.get(values[i], 0.0) + weight
                    after = values[i + 1] + 1
                    changes[after] = changes.get(after, 0.0) - weight
            top = space.tops[level]
            favourite = point[level]
            total = 0.0
            best = -1.0
            starts = sorted(changes)
            for i, start in enumerate(starts):
                if start > top:
                    break
                total += changes[start]
                end = starts[i + 1] - 1 if i + 1 < len(starts) else top
                # A millionth of rounding error must not beat the value that reads best.
                if best < 0 or total < best - 1e-6 or (total < best + 1e-6 and start <= favourite <= end):
                    best = total
                    point[level] = favourite if start <= favourite <= end else space.pick(level, start, min(end, top))
        return point


def _ends(step: Step) -> bool:
    return step.kind == GOTO or (step.goal is not None and step.goal.never_returns)
