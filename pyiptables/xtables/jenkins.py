"""Jenkins' hash as the kernel uses it (``include/linux/jhash.h``; Bob Jenkins, lookup3, public domain)."""

from __future__ import annotations

__all__ = ["jhash_words", "reciprocal_scale"]

_M = 0xFFFFFFFF


def _rot(value: int, bits: int) -> int:
    return (value << bits | value >> 32 - bits) & _M


def jhash_words(words: list[int], seed: int) -> int:
    """``jhash2``: the hash of 32-bit words."""
    a = b = c = (0xDEADBEEF + (len(words) << 2) + seed) & _M
    at, left = 0, len(words)
    while left > 3:
        a, b, c = (a + words[at]) & _M, (b + words[at + 1]) & _M, (c + words[at + 2]) & _M
        a = ((a - c) & _M) ^ _rot(c, 4)
        c = (c + b) & _M
        b = ((b - a) & _M) ^ _rot(a, 6)
        a = (a + c) & _M
        c = ((c - b) & _M) ^ _rot(b, 8)
        b = (b + a) & _M
        a = ((a - c) & _M) ^ _rot(c, 16)
        c = (c + b) & _M
        b = ((b - a) & _M) ^ _rot(a, 19)
        a = (a + c) & _M
        c = ((c - b) & _M) ^ _rot(b, 4)
        b = (b + a) & _M
        at, left = at + 3, left - 3
    if left == 0:
        return c
    if left == 3:
        c = (c + words[at + 2]) & _M
    if left >= 2:
        b = (b + words[at + 1]) & _M
    a = (a + words[at]) & _M
    for first, second, bits in (
        ("c", "b", 14), ("a", "c", 11), ("b", "a", 25), ("c", "b", 16), ("a", "c", 4), ("b", "a", 14), ("c", "b", 24),
    ):  # fmt: skip
        values = {"a": a, "b": b, "c": c}
        mixed = ((values[first] ^ values[second]) - _rot(values[second], bits)) & _M
        a, b, c = (mixed if name == first else values[name] for name in "abc")
    return c


def reciprocal_scale(value: int, count: int) -> int:
    """A 32-bit number spread over ``count`` places."""
    return value * count >> 32
