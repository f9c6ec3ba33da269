"""Which of many products contain a packet: one Python integer of bits per elementary interval of each field.

Per level the ends of all interval sets cut ``0 … top`` into elementary intervals; for each of them an integer
has bit *i* when product *i* admits it (products that do not restrict the level have their bit everywhere). A
packet's products are the AND over the levels of the integers found by bisection, the first of them the lowest
bit. A packet costs some bisections whatever the number of products.

Entries are kept in blocks, so that memory grows linearly: a block of *n* products needs at most ``2n``
integers of ``n`` bits per level.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

from pyiptables.analysis.intervals import Intervals
from pyiptables.analysis.region import Product

__all__ = ["BLOCK", "Index"]

BLOCK = 8192

#: level, upper bounds of its elementary intervals, the integer of each, products with more than one interval
#: there.
_Row = tuple[int, list[int], list[int], int]


class Index:
    """Products numbered 0 … in the order given."""

    __slots__ = ("_block", "blocks", "count", "rows", "tops")

    def __init__(self, products: Sequence[Product], tops: list[int], block: int = BLOCK) -> None:
        self.count = len(products)
        self.tops = tops
        self._block = block
        #: (number of the first product, mask of all, rows) of each block.
        self.blocks: list[tuple[int, int, list[_Row]]] = []
        for start in range(0, len(products), block):
            part = products[start : start + block]
            self.blocks.append((start, (1 << len(part)) - 1, _rows(part, tops)))
        #: The rows of the first block: all there are, mostly.
        self.rows = self.blocks[0][2] if self.blocks else []

    def matching(self, point: Sequence[int], first: int = 0) -> Iterator[int]:
        """The numbers of the products, from ``first`` on, that contain a packet (values by level), ascending."""
        for start, mask, rows in self.blocks:
            if first > start:
                mask = mask >> first - start << first - start
            for level, bounds, bits, _ in rows:
                mask &= bits[bisect_left(bounds, point[level])]
                if not mask:
                    break
            while mask:
                low = mask & -mask
                yield start + low.bit_length() - 1
                mask ^= low

    def block_of(self, number: int) -> int:
        """The first product of the block that a product is in."""
        return number - number % self._block

    def first(self, point: Sequence[int]) -> int:
        """The number of the first product that contains a packet, -1 when none does."""
        for start, mask, rows in self.blocks:
            for level, bounds, bits, _ in rows:
                mask &= bits[bisect_left(bounds, point[level])]
                if not mask:
                    break
            else:
                return start + (mask & -mask).bit_length() - 1
        return -1

    def covering(self, product: Product, among: Callable[[int, int], int]) -> int:
        """The first product that contains all of ``product``, -1 when none does.

        ``among(start, mask)`` narrows the candidates of the block that begins at ``start``.
        """
        for start, mask, rows in self.blocks:
            mask = among(start, mask)
            for level, bounds, bits, split in rows:
                if not mask:
                    break
                values = product.get(level)
                if values is None:
                    values = (0, self.tops[level])
                mask = _all_of(values, bounds, bits, mask, split)
            if mask:
                return start + (mask & -mask).bit_length() - 1
        return -1

    def meeting(self, product: Product, among: Callable[[int, int], int]) -> Iterator[int]:
        """The products that have a packet in common with ``product``, ascending."""
        for start, mask, rows in self.blocks:
            mask = among(start, mask)
            for level, bounds, bits, _ in rows:
                if not mask:
                    break
                values = product.get(level)
                if values is not None:
                    mask = _any_of(values, bounds, bits, mask)
            while mask:
                low = mask & -mask
                yield start + low.bit_length() - 1
                mask ^= low


def _all_of(values: Intervals, bounds: list[int], bits: list[int], mask: int, split: int) -> int:
    """Of ``mask`` the products that admit all values.

    A product with one interval at this level admits everything between two values that it admits; only for
    the others (``split``) the elementary intervals between must be looked at.
    """
    for i in range(0, len(values), 2):
        at = bisect_left(bounds, values[i])
        high = values[i + 1]
        mask &= bits[at]
        if bounds[at] >= high or not mask:
            continue
        last = bisect_left(bounds, high, at)
        mask &= bits[last]
        doubtful = mask & split
        while doubtful and at < last:
            at += 1
            doubtful &= bits[at]
        mask = mask & ~split | doubtful
    return mask


def _any_of(values: Intervals, bounds: list[int], bits: list[int], mask: int) -> int:
    found = 0
    for i in range(0, len(values), 2):
        at = bisect_left(bounds, values[i])
        high = values[i + 1]
        found |= bits[at]
        while bounds[at] < high:
            at += 1
            found |= bits[at]
    return mask & found


def _rows(products: Sequence[Product], tops: list[int]) -> list[_Row]:
    # Few products have values of their own at every level.
    alike: dict[int, dict[Intervals, int]] = {}
    for number, product in enumerate(products):
        bit = 1 << number
        for level, values in product.items():
            sharing = alike.get(level)
            if sharing is None:
                sharing = alike[level] = {}
            sharing[values] = sharing.get(values, 0) | bit
    everyone = (1 << len(products)) - 1
    rows = []
    for level in sorted(alike):
        toggles = {0: 0}
        bound = split = 0
        for values, sharers in alike[level].items():
            bound |= sharers
            if len(values) > 2:
                split |= sharers
            for i in range(0, len(values), 2):
                low = values[i]
                after = values[i + 1] + 1
                toggles[low] = toggles.get(low, 0) ^ sharers
                toggles[after] = toggles.get(after, 0) ^ sharers
        top = tops[level]
        bounds = []
        bits = []
        current = everyone & ~bound
        starts = sorted(toggles)
        for i, start in enumerate(starts):
            if start > top:
                break
            current ^= toggles[start]
            bounds.append(starts[i + 1] - 1 if i + 1 < len(starts) and starts[i + 1] <= top else top)
            bits.append(current)
        rows.append((level, bounds, bits, split))
    # The level that leaves fewest products on average first: most packets then stop early.
    rows.sort(key=lambda row: sum(map(int.bit_count, row[2][:64])) / min(len(row[2]), 64))
    return rows
