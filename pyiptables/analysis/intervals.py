"""Sets of integers as sorted, disjoint, non-adjacent closed intervals: ``(low, high, low, high, …)``.

The flat tuple is canonical: two sets are equal exactly when their tuples are. Every set lies in ``0 … top``
of its field; the empty set is ``()``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

__all__ = ["Intervals", "complement", "contains", "intersect", "masked", "normal", "subset", "union"]

Intervals = tuple[int, ...]


def normal(ranges: Iterable[tuple[int, int]]) -> Intervals:
    """The set that (possibly overlapping, unordered) ranges cover; a range whose low exceeds its high is
    empty.
    """
    result: list[int] = []
    for low, high in sorted(ranges):
        if low > high:
            continue
        if result and low <= result[-1] + 1:
            result[-1] = max(result[-1], high)
        else:
            result += (low, high)
    return tuple(result)


def complement(values: Intervals, top: int) -> Intervals:
    result: list[int] = []
    start = 0
    for i in range(0, len(values), 2):
        if values[i] > start:
            result += (start, values[i] - 1)
        start = values[i + 1] + 1
    if start <= top:
        result += (start, top)
    return tuple(result)


def intersect(left: Intervals, right: Intervals) -> Intervals:
    if left == right:
        return left
    if len(left) == len(right) == 2:
        low = left[0] if left[0] > right[0] else right[0]
        high = left[1] if left[1] < right[1] else right[1]
        return (low, high) if low <= high else ()
    result: list[int] = []
    i = j = 0
    while i < len(left) and j < len(right):
        low = left[i] if left[i] > right[j] else right[j]
        if left[i + 1] < right[j + 1]:
            high = left[i + 1]
            i += 2
        else:
            high = right[j + 1]
            j += 2
        if low <= high:
            result += (low, high)
    return tuple(result)


def union(left: Intervals, right: Intervals) -> Intervals:
    if left == right:
        return left
    pairs = [(left[i], left[i + 1]) for i in range(0, len(left), 2)]
    pairs += [(right[i], right[i + 1]) for i in range(0, len(right), 2)]
    return normal(pairs)


def contains(values: Intervals, value: int) -> bool:
    # An odd insertion point lies inside an interval; an even one may still be the high end of the one before.
    position = bisect_right(values, value)
    return position & 1 == 1 or (position > 0 and values[position - 1] == value)


def subset(inner: Intervals, outer: Intervals) -> bool:
    return intersect(inner, outer) == inner


def masked(value: int, mask: int, top: int, limit: int = 1024) -> Intervals | None:
    """``{x : x & mask == value}`` in ``0 … top`` (top + 1 a power of two); None beyond ``limit`` intervals.

    A mask with ``k`` zero bits above its lowest one bit gives ``2**k`` intervals.
    """
    mask &= top
    if value & ~mask:
        return ()
    if not mask:
        return (0, top)
    low_ones = (mask & -mask) - 1  # the free bits below the lowest masked one: the length of each interval
    free = top & ~mask & ~low_ones
    if free == 0:
        return (value, value | low_ones)
    if 1 << free.bit_count() > limit:
        return None
    ranges = []
    bits = 0
    while True:
        ranges.append((value | bits, value | bits | low_ones))
        bits = (bits - free) & free  # the next subset of the free bits, ascending
        if not bits:
            return normal(ranges)
