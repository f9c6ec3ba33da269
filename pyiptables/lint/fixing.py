"""Apply the edits of findings to a file's bytes."""

from __future__ import annotations

from collections.abc import Sequence

from pyiptables.lint.diagnostic import Diagnostic, Edit

__all__ = ["apply_fixes", "unified_diff"]


def apply_fixes(data: bytes, diagnostics: Sequence[Diagnostic]) -> tuple[bytes, int]:
    """The mended bytes and how many findings were mended; of overlapping fixes the first wins."""
    edits: list[Edit] = []
    count = 0
    for found in diagnostics:
        if found.fix is None:
            continue
        fresh = [edit for edit in found.fix.edits if edit not in edits]
        if any(edit.start < other.end and other.start < edit.end for edit in fresh for other in edits):
            continue
        edits += fresh
        count += 1
    for edit in sorted(edits, key=lambda e: e.start, reverse=True):
        data = data[: edit.start] + edit.text.encode("utf-8", "surrogateescape") + data[edit.end :]
    return data, count


def unified_diff(file: str, old: bytes, new: bytes) -> str:
    import difflib

    before = old.decode("utf-8", "surrogateescape").splitlines(keepends=True)
    after = new.decode("utf-8", "surrogateescape").splitlines(keepends=True)
    lines = []
    for line in difflib.unified_diff(before, after, file, file):
        lines.append(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n")
    return "".join(lines)
