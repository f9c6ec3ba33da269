"""Ranges of SPIs and other 32-bit numbers as the esp, ah, ipcomp, frag and rt matches save and list them."""

from __future__ import annotations

from pyiptables.xtables.numbers import UINT32

__all__ = ["EVERY", "range_of", "save_range", "show_range"]

EVERY = (0, UINT32)


def range_of(value: tuple[int, ...]) -> tuple[int, int]:
    """A range option's value as (low, high)."""
    return value[0], value[-1]


def save_range(option: str, value: tuple[int, int], inverted: bool) -> str:
    """`` --espspi 1:2``; nothing for the whole range."""
    low, high = value
    if value == EVERY and not inverted:
        return ""
    return f"{' !' if inverted else ''} --{option} {low if low == high else f'{low}:{high}'}"


def show_range(word: str, value: tuple[int, int], inverted: bool) -> str:
    """``spi:1``, ``spis:1:2``."""
    low, high = value
    if value == EVERY and not inverted:
        return ""
    mark = "!" if inverted else ""
    return f"{word}:{mark}{low}" if low == high else f"{word}s:{mark}{low}:{high}"
