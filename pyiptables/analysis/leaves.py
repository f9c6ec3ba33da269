"""Interval decision diagrams with more than two ends: functions from packets to labels.

A leaf is a node without children; what it stands for is the caller's. Functions are canonical as sets are:
two rulesets decide alike exactly when their functions are the same integer of one store.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from math import inf

from pyiptables.analysis.idd import EMPTY, FULL, Diagrams, Items

__all__ = ["Functions"]

_LEAF_LEVEL = 1 << 30
_Edges = tuple[tuple[int, ...], tuple[int, ...]]


class Functions(Diagrams):
    """Diagrams whose ends are labels; sets (ends EMPTY and FULL) live in the same store."""

    def __init__(self, tops: list[int], work: float = inf) -> None:
        super().__init__(tops)
        self.labels: dict[int, str] = {}
        self._leaves: dict[str, int] = {}
        self._substituted: dict[tuple[int, int, int], int] = {}
        #: How many edges ``select`` may still go through before its caller should give up.
        self.left = work

    def leaf(self, label: str) -> int:
        """The function that is ``label`` everywhere."""
        node = self._leaves.get(label)
        if node is None:
            node = self._leaves[label] = len(self.nodes)
            self.nodes.append((_LEAF_LEVEL, (), ()))
            self.labels[node] = label
        return node

    def select(self, items: Items, inside: int, outside: int) -> int:
        """``inside`` for the packets of a product, ``outside`` for all others."""
        return self._select(items, 0, inside, outside, {})

    def _select(self, items: Items, at: int, inside: int, outside: int, memo: dict[tuple[int, int, int], int]) -> int:
        if inside == outside or at == len(items):
            return inside
        key = (at, inside, outside)
        known = memo.get(key)
        if known is not None:
            return known
        wanted, values = items[at]
        level = min(self.nodes[inside][0], self.nodes[outside][0], wanted)
        if level < wanted and self.nodes[inside][0] > level:
            _, limits_, parts = self.nodes[outside]
            done: dict[int, int] = {}
            for part in parts:
                if part not in done:
                    done[part] = self._select(items, at, inside, part, memo)
            result = memo[key] = self._node(level, limits_, [done[part] for part in parts])
            self.left -= len(parts)
            return result
        one, other = self._edges(inside, level), self._edges(outside, level)
        limits = {*one[0], *other[0]}
        if level == wanted:
            for i in range(0, len(values), 2):
                if values[i]:
                    limits.add(values[i] - 1)
                limits.add(values[i + 1])
        bounds = sorted(limits)
        self.left -= len(bounds)
        children = []
        i = j = k = 0
        for bound in bounds:
            while one[0][i] < bound:
                i += 1
            while other[0][j] < bound:
                j += 1
            if level < wanted:
                children.append(self._select(items, at, one[1][i], other[1][j], memo))
                continue
            while k < len(values) and values[k + 1] < bound:
                k += 2
            if k < len(values) and values[k] <= bound:
                children.append(self._select(items, at + 1, one[1][i], other[1][j], memo))
            else:
                children.append(other[1][j])
        result = memo[key] = self._node(level, bounds, children)
        return result

    def _edges(self, node: int, level: int) -> _Edges:
        own, bounds, children = self.nodes[node]
        return (bounds, children) if own == level else ((self.tops[level],), (node,))

    def substitute(self, node: int, leaf: int, other: int) -> int:
        """The function ``node`` where it is not ``leaf``, and ``other`` there."""
        if node == leaf:
            return other
        if other == leaf or self.nodes[node][0] == _LEAF_LEVEL:
            return node
        key = (leaf, node, other)
        known = self._substituted.get(key)
        if known is not None:
            return known
        level = min(self.nodes[node][0], self.nodes[other][0])
        one, two = self._edges(node, level), self._edges(other, level)
        bounds = sorted({*one[0], *two[0]})
        children = []
        i = j = 0
        for bound in bounds:
            while one[0][i] < bound:
                i += 1
            while two[0][j] < bound:
                j += 1
            children.append(self.substitute(one[1][i], leaf, two[1][j]))
        result = self._substituted[key] = self._node(level, bounds, children)
        return result

    def confine(self, node: int, items: Items) -> int:
        """A smaller function that agrees with ``node`` on a product; what it is outside is left to chance."""
        return self._confine(node, items, 0, {})

    def _confine(self, node: int, items: Items, at: int, memo: dict[tuple[int, int], int]) -> int:
        level, bounds, children = self.nodes[node]
        while at < len(items) and items[at][0] < level:
            at += 1
        if at == len(items):
            return node
        key = (node, at)
        known = memo.get(key)
        if known is not None:
            return known
        wanted, values = items[at]
        if level < wanted:
            done: dict[int, int] = {}
            for child in children:
                if child not in done:
                    done[child] = self._confine(child, items, at, memo)
            result = self._node(level, bounds, [done[child] for child in children])
        else:
            new_bounds: list[int] = []
            new_children: list[int] = []
            for i in range(0, len(values), 2):
                edge = bisect_left(bounds, values[i])
                while True:
                    if not new_bounds or new_bounds[-1] < bounds[edge]:
                        new_bounds.append(bounds[edge])
                        new_children.append(self._confine(children[edge], items, at + 1, memo))
                    if bounds[edge] >= values[i + 1]:
                        break
                    edge += 1
            new_bounds[-1] = bounds[-1]
            result = self._node(level, new_bounds, new_children)
        memo[key] = result
        return result

    def where(self, node: int, leaf: int) -> int:
        """The set of packets for which a function is ``leaf``."""
        return self._where(node, leaf, {})

    def _where(self, node: int, leaf: int, memo: dict[int, int]) -> int:
        if node == leaf:
            return FULL
        level, bounds, children = self.nodes[node]
        if level == _LEAF_LEVEL:
            return EMPTY
        known = memo.get(node)
        if known is None:
            known = memo[node] = self._node(level, bounds, [self._where(child, leaf, memo) for child in children])
        return known

    def ends(self, node: int) -> list[int]:
        """The leaves that a function takes somewhere, in order of their making."""
        seen: set[int] = set()
        stack = [node]
        while stack:
            top = stack.pop()
            if top not in seen:
                seen.add(top)
                stack += self.nodes[top][2]
        return sorted(leaf for leaf in seen if self.nodes[leaf][0] == _LEAF_LEVEL)

    def fix(self, node: int, settled: dict[int, int]) -> int:
        """The function when the given levels have the given values."""
        return self._fix(node, settled, max(settled), {}) if settled else node

    def _fix(self, node: int, settled: dict[int, int], deepest: int, memo: dict[int, int]) -> int:
        level, bounds, children = self.nodes[node]
        if level > deepest:
            return node
        known = memo.get(node)
        if known is None:
            value = settled.get(level)
            if value is None:
                fresh: Iterable[int] = [self._fix(child, settled, deepest, memo) for child in children]
                known = self._node(level, bounds, fresh)
            else:
                at = next(i for i, bound in enumerate(bounds) if value <= bound)
                known = self._fix(children[at], settled, deepest, memo)
            memo[node] = known
        return known

    def rename(self, node: int, levels: dict[int, int]) -> int:
        """The function that reads each level of ``levels`` from another one, deeper, free till then, with the
        same top.
        """
        return self._rename(node, levels, max(levels), {}) if levels else node

    def _rename(self, node: int, levels: dict[int, int], deepest: int, memo: dict[int, int]) -> int:
        level, bounds, children = self.nodes[node]
        if level > deepest:
            return node
        known = memo.get(node)
        if known is None:
            fresh = [self._rename(child, levels, deepest, memo) for child in children]
            to = levels.get(level)
            if to is None:
                known = self._node(level, bounds, fresh)
            else:
                # The new level lies below others that the children test: select, do not stack.
                known = fresh[-1]
                low = 0
                for bound, child in zip(bounds[:-1], fresh[:-1], strict=True):
                    known = self.select(((to, (low, bound)),), child, known)
                    low = bound + 1
            memo[node] = known
        return known
