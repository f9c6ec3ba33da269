"""Interval decision diagrams: canonical sets of packets as integers.

A node tests one level: ``(level, bounds, children)`` where child ``i`` holds for values up to and including
``bounds[i]`` (the last bound is the level's top). Nodes are hash-consed and neighbouring equal children
merged, so two sets are equal exactly when their integers are. 0 is the empty set, 1 everything.

The operations that carry an analysis take one operand as a *product* (interval sets per level, ascending) and
splice edges in place: :meth:`Diagrams.subtract`, :meth:`Diagrams.restrict`, :meth:`Diagrams.meets`. That is
several times cheaper than building a diagram of the product first, and ``subtract(reach, rule) == reach`` is
the test whether a rule meets what reaches it. Set operations on two diagrams are memoised for the life of the
object.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Final

from pyiptables.analysis.intervals import Intervals

__all__ = ["EMPTY", "FULL", "Diagrams", "Items"]

EMPTY: Final = 0
FULL: Final = 1

#: A product in ascending order of levels.
Items = tuple[tuple[int, Intervals], ...]
_Node = tuple[int, tuple[int, ...], tuple[int, ...]]
#: The level of the two ends: below every real one.
_END: Final = 1 << 30


class Diagrams:
    """A store of diagrams over levels with the given tops (the list may grow while it is in use)."""

    def __init__(self, tops: list[int]) -> None:
        self.tops = tops
        self.nodes: list[_Node] = [(_END, (), ()), (_END, (), ())]
        self._unique: dict[_Node, int] = {}
        self._memo: dict[tuple[int, int, int], int] = {}

    # -- products ----------------------------------------------------------------------------------------
    def product(self, items: Items) -> int:
        """The diagram of a product."""
        return self.restrict(FULL, items)

    def restrict(self, node: int, items: Items) -> int:
        """The part of a set inside a product."""
        return self._splice(node, items, 0, len(items), {}, True)

    def subtract(self, node: int, items: Items) -> int:
        """The part of a set outside a product."""
        return self._splice(node, items, 0, len(items), {}, False)

    def _splice(self, node: int, items: Items, at: int, count: int, memo: dict[tuple[int, int], int], keep: bool) -> int:
        """Inside the product: the set itself (``keep``) or nothing; outside: the other of the two."""
        if node == EMPTY:
            return EMPTY
        if at == count:
            return node if keep else EMPTY
        key = (node, at)
        known = memo.get(key)
        if known is not None:
            return known
        level, bounds, children = self.nodes[node]
        wanted, values = items[at]
        if level < wanted:
            done: dict[int, int] = {}
            fresh = []
            for child in children:
                new = done.get(child)
                if new is None:
                    new = done[child] = self._splice(child, items, at, count, memo, keep)
                fresh.append(new)
            result = self._node(level, bounds, fresh)
        else:
            if level > wanted:
                bounds, children = (self.tops[wanted],), (node,)
            result = self._cut(wanted, bounds, children, values, items, at + 1, count, memo, keep)
        memo[key] = result
        return result

    def _cut(
        self,
        level: int,
        bounds: tuple[int, ...],
        children: tuple[int, ...],
        values: Intervals,
        items: Items,
        at: int,
        count: int,
        memo: dict[tuple[int, int], int],
        keep: bool,
    ) -> int:
        """Edges inside ``values`` go on with the rest of the product, edges outside are kept or emptied."""
        new_bounds: list[int] = []
        new_children: list[int] = []
        edge = 0
        splice = self._splice
        for i in range(0, len(values), 2):
            low = values[i]
            high = values[i + 1]
            if low:
                # Whole edges that end before the interval, then the part of the edge in which it begins.
                first = bisect_left(bounds, low, edge)
                if keep:
                    if not new_bounds or new_bounds[-1] < low - 1:
                        new_bounds.append(low - 1)
                        new_children.append(EMPTY)
                else:
                    new_bounds += bounds[edge:first]
                    new_children += children[edge:first]
                    if not new_bounds or new_bounds[-1] < low - 1:
                        new_bounds.append(low - 1)
                        new_children.append(children[first])
                edge = first
            while True:
                bound = bounds[edge]
                new_children.append(splice(children[edge], items, at, count, memo, keep))
                if bound >= high:
                    new_bounds.append(high)
                    if bound == high:
                        edge += 1
                    break
                new_bounds.append(bound)
                edge += 1
        if edge < len(bounds):
            if keep:
                new_bounds.append(bounds[-1])
                new_children.append(EMPTY)
            else:
                new_bounds += bounds[edge:]
                new_children += children[edge:]
        return self._node(level, new_bounds, new_children)

    # -- two diagrams ------------------------------------------------------------------------------------
    def union(self, left: int, right: int) -> int:
        if right in (left, EMPTY):
            return left
        if left == EMPTY:
            return right
        if FULL in (left, right):
            return FULL
        if left > right:
            left, right = right, left
        return self._apply(0, left, right, self.union)

    def intersect(self, left: int, right: int) -> int:
        if right in (left, FULL):
            return left
        if left == FULL:
            return right
        if EMPTY in (left, right):
            return EMPTY
        if left > right:
            left, right = right, left
        return self._apply(1, left, right, self.intersect)

    def difference(self, left: int, right: int) -> int:
        if left in (right, EMPTY) or right == FULL:
            return EMPTY
        if right == EMPTY:
            return left
        return self._apply(2, left, right, self.difference)

    def complement(self, node: int) -> int:
        return self.difference(FULL, node)

    def _apply(self, operation: int, left: int, right: int, combine: Callable[[int, int], int]) -> int:
        key = (operation, left, right)
        known = self._memo.get(key)
        if known is not None:
            return known
        level, bounds, children = self.nodes[left]
        other_level, other_bounds, other_children = self.nodes[right]
        if level < other_level:
            result = self._node(level, bounds, [combine(child, right) for child in children])
        elif level > other_level:
            result = self._node(other_level, other_bounds, [combine(left, child) for child in other_children])
        else:
            new_bounds = []
            new_children = []
            i = j = 0
            while i < len(bounds):
                new_children.append(combine(children[i], other_children[j]))
                if bounds[i] < other_bounds[j]:
                    new_bounds.append(bounds[i])
                    i += 1
                elif bounds[i] > other_bounds[j]:
                    new_bounds.append(other_bounds[j])
                    j += 1
                else:
                    new_bounds.append(bounds[i])
                    i += 1
                    j += 1
            result = self._node(level, new_bounds, new_children)
        self._memo[key] = result
        return result

    # -- change of packets -------------------------------------------------------------------------------
    def forget(self, node: int, levels: Iterable[int]) -> int:
        """The packets that agree with one of the set except perhaps at the levels (existential
        quantification).
        """
        chosen = frozenset(levels)
        return self._forget(node, chosen, max(chosen), {}) if chosen else node

    def _forget(self, node: int, levels: frozenset[int], deepest: int, memo: dict[int, int]) -> int:
        level, bounds, children = self.nodes[node]
        if level > deepest:
            return node
        known = memo.get(node)
        if known is not None:
            return known
        fresh = [self._forget(child, levels, deepest, memo) for child in children]
        if level in levels:
            result = EMPTY
            for child in set(fresh):
                result = self.union(result, child)
        else:
            result = self._node(level, bounds, fresh)
        memo[node] = result
        return result

    def flip(self, node: int, levels: Iterable[int]) -> int:
        """The set after the values 0 and 1 of two-valued levels changed places."""
        chosen = frozenset(levels)
        return self._flip(node, chosen, max(chosen), {}) if chosen else node

    def _flip(self, node: int, levels: frozenset[int], deepest: int, memo: dict[int, int]) -> int:
        level, bounds, children = self.nodes[node]
        if level > deepest:
            return node
        known = memo.get(node)
        if known is not None:
            return known
        fresh = [self._flip(child, levels, deepest, memo) for child in children]
        if level in levels:
            fresh.reverse()
        result = memo[node] = self._node(level, bounds, fresh)
        return result

    # -- looking -----------------------------------------------------------------------------------------
    def contains(self, node: int, point: dict[int, int]) -> bool:
        """Is a packet in the set? Levels that the point lacks count as 0."""
        while node > FULL:
            level, bounds, children = self.nodes[node]
            node = children[bisect_left(bounds, point.get(level, 0))]
        return node == FULL

    def sample(self, node: int, pick: Callable[[int, int, int], int], wish: dict[int, int] | None = None) -> dict[int, int]:
        """A packet of a set that is not empty, naming only the levels that matter.

        At each level the value of ``wish`` is taken where it lies in the set, else ``pick(level, low, high)``
        of an edge that does not lead to the empty set, the favourite value deciding which.
        """
        point: dict[int, int] = {}
        while node != FULL:
            level, bounds, children = self.nodes[node]
            value = wish.get(level, -1) if wish else -1
            if value < 0:
                value = pick(level, 0, self.tops[level])
            edge = bisect_left(bounds, value)
            if children[edge] == EMPTY:
                edge = next(i for i, child in enumerate(children) if child != EMPTY)
                value = pick(level, bounds[edge - 1] + 1 if edge else 0, bounds[edge])
            point[level] = value
            node = children[edge]
        return point

    def levels(self, node: int) -> set[int]:
        """The levels that a set depends on."""
        found: set[int] = set()
        seen = {EMPTY, FULL}
        stack = [node]
        while stack:
            top = stack.pop()
            if top not in seen:
                seen.add(top)
                found.add(self.nodes[top][0])
                stack += self.nodes[top][2]
        return found

    def _node(self, level: int, bounds: Iterable[int], children: Iterable[int]) -> int:
        new_bounds: list[int] = []
        new_children: list[int] = []
        last = -1
        for bound, child in zip(bounds, children, strict=True):
            if child == last:
                new_bounds[-1] = bound
            else:
                new_bounds.append(bound)
                new_children.append(child)
                last = child
        if len(new_children) == 1:
            return last
        key = (level, tuple(new_bounds), tuple(new_children))
        node = self._unique.get(key)
        if node is None:
            node = self._unique[key] = len(self.nodes)
            self.nodes.append(key)
        return node
