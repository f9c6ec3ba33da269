"""What a state gained between two versions of its file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

__all__ = ["new_rules"]


def new_rules(before: bytes, after: bytes) -> Iterator[tuple[str, str]]:
    """(table, line) of the rule lines of a state that were not there before; a line that only moved is not new."""
    before, after = _without_trailer(before), _without_trailer(after)
    if before == after:
        return
    # Only the stretch that differs is looked at, in whole lines.
    start = after.rfind(b"\n", 0, _common(before, after)) + 1
    end = after.find(b"\n", len(after) - _common(before[start:][::-1], after[start:][::-1]))
    rest = 0 if end < 0 else len(after) - end
    if _table(before, len(before) - rest) != _table(after, len(after) - rest):
        # The lines behind it are the same, but of another table.
        end = after.find(b"\n*", len(after) - rest)
        rest = 0 if end < 0 else len(after) - end
    table = _table(after, start)
    gone = Counter(_rules(before[start : len(before) - rest], table))
    for rule in _rules(after[start : len(after) - rest], table):
        if gone[rule]:
            gone[rule] -= 1
        else:
            yield rule


def _table(data: bytes, place: int) -> str:
    """The table that a place of a state is in."""
    heading = (b"\n" + data[:place]).rfind(b"\n*")
    return data[heading + 1 : data.find(b"\n", heading)].decode() if heading >= 0 else ""


def _rules(data: bytes, table: str) -> Iterator[tuple[str, str]]:
    """The rule lines of a stretch without their counters, each with its table; ``table`` is that of the first."""
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        if line[:1] == "*":
            table = line[1:]
        rule = line.partition("] ")[2] if line[:1] == "[" else line
        if rule[:3] == "-A ":
            yield table, rule


def _without_trailer(data: bytes) -> bytes:
    """A state without the line in which it says when it was written."""
    return data[: data.rfind(b"\n# pyiptables: state ") + 1] or data


def _common(one: bytes, other: bytes) -> int:
    """How many bytes two texts have in common at their start."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
