"""What a rule may match and what it certainly matches, as unions of products of interval sets.

A *product* maps field levels to interval sets; levels that are absent are unrestricted, so ``{}`` is
everything. A :class:`Region` carries two unions of products: ``upper`` is a superset of the packets that
match (what may match), ``lower`` a subset (what certainly matches). They are the same object when the region
is exact. A proof that a rule is never reached removes the *lower* regions of earlier rules from the *upper*
region of the rule; so it stays true whatever the unknown parts do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pyiptables.analysis.intervals import Intervals, complement, intersect

__all__ = ["Product", "Products", "Region", "conjoin", "items_of", "meets"]

Product = dict[int, Intervals]
Products = tuple[Product, ...]

#: A union that would need more products than this is widened (upper) or dropped (lower).
LIMIT: Final = 256


class Region:
    """An immutable set of packets, known from above and from below; combine with ``&``, ``|``, ``~``."""

    __slots__ = ("lower", "tops", "upper")

    def __init__(self, upper: Products, lower: Products, tops: list[int]) -> None:
        self.upper = upper
        self.lower = lower
        #: The largest value of each level; shared with the space, used to complement.
        self.tops = tops

    @property
    def exact(self) -> bool:
        return self.upper is self.lower

    def __and__(self, other: Region) -> Region:
        upper = _cross(self.upper, other.upper)
        if self.exact and other.exact:
            if upper is not None:
                return Region(upper, upper, self.tops)
            lower = None
        else:
            lower = _cross(self.lower, other.lower)
        if upper is None:
            upper = self.upper if len(self.upper) <= len(other.upper) else other.upper
        return Region(upper, lower or (), self.tops)

    def __or__(self, other: Region) -> Region:
        upper = _unite(self.upper, other.upper)
        if self.exact and other.exact:
            if len(upper) <= LIMIT:
                return Region(upper, upper, self.tops)
            return Region(({},), upper[:LIMIT], self.tops)
        lower = _unite(self.lower, other.lower)[:LIMIT]
        return Region(upper if len(upper) <= LIMIT else ({},), lower, self.tops)

    def __invert__(self) -> Region:
        upper = _complement(self.lower, self.tops)
        if self.exact and upper is not None:
            return Region(upper, upper, self.tops)
        lower = None if self.exact else _complement(self.upper, self.tops)
        return Region(({},) if upper is None else upper, lower or (), self.tops)

    def __repr__(self) -> str:
        return f"Region({self.upper!r})" if self.exact else f"Region({self.upper!r}, lower={self.lower!r})"


def conjoin(left: Product, right: Product) -> Product | None:
    """The product of two products, None when it is empty."""
    if not left:
        return right
    result = left.copy()
    for level, values in right.items():
        mine = result.get(level)
        if mine is not None:
            values = intersect(mine, values)
            if not values:
                return None
        result[level] = values
    return result


def meets(left: Product, right: Product) -> bool:
    """Have two products a packet in common?"""
    for level, values in right.items():
        mine = left.get(level)
        if mine is not None and not intersect(mine, values):
            return False
    return True


def items_of(product: Product) -> tuple[tuple[int, Intervals], ...]:
    """A product in the form diagrams take: pairs in ascending order of levels."""
    return tuple(sorted(product.items()))


def _cross(left: Products, right: Products) -> Products | None:
    if len(left) == len(right) == 1:
        product = conjoin(left[0], right[0])
        return () if product is None else (product,)
    if right == ({},):
        return left
    if left == ({},):
        return right
    if len(left) * len(right) > LIMIT:
        return None
    result = []
    for one in left:
        for other in right:
            both = conjoin(one, other)
            if both is not None:
                result.append(both)
    return tuple(result)


def _unite(left: Products, right: Products) -> Products:
    result = list(left)
    for product in right:
        if product not in result:
            result.append(product)
    return ({},) if {} in result else tuple(result)


def _complement(products: Iterable[Product], tops: list[int]) -> Products | None:
    """Everything outside a union: the intersection of the complements, each a union over its fields."""
    result: Products = ({},)
    for product in products:
        outside = []
        for level, values in product.items():
            rest = complement(values, tops[level])
            if rest:
                outside.append({level: rest})
        crossed = _cross(result, tuple(outside))
        if crossed is None:
            return None
        result = crossed
    return result
