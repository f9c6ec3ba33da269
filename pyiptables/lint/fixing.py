"""Apply the edits of findings to a file's bytes."""

from __future__ import annotations

import os
from bisect import bisect_left, insort
from collections.abc import Sequence

from pyiptables.lint.diagnostic import Diagnostic, Edit

__all__ = ["apply_fixes", "replace_file", "unified_diff"]


def apply_fixes(data: bytes, diagnostics: Sequence[Diagnostic]) -> tuple[bytes, int]:
    """The mended bytes and how many findings were mended; of overlapping fixes the first wins."""
    taken: list[tuple[int, int, str]] = []
    count = 0
    for found in diagnostics:
        if found.fix is None:
            continue
        fresh = [key for key in dict.fromkeys(map(_key, found.fix.edits)) if not _among(taken, key)]
        if any(_collides(taken, key) for key in fresh):
            continue
        for key in fresh:
            insort(taken, key)
        count += 1
    pieces: list[bytes] = []
    at = 0
    for start, end, text in taken:
        pieces += [data[at:start], text.encode("utf-8", "surrogateescape")]
        at = end
    pieces.append(data[at:])
    return b"".join(pieces), count


def _key(edit: Edit) -> tuple[int, int, str]:
    return edit.start, edit.end, edit.text


def _among(taken: list[tuple[int, int, str]], key: tuple[int, int, str]) -> bool:
    at = bisect_left(taken, key)
    return at < len(taken) and taken[at] == key


def _collides(taken: list[tuple[int, int, str]], key: tuple[int, int, str]) -> bool:
    """Two edits of the same bytes, or two insertions at the same place; neighbours in order are all there is to ask."""
    at = bisect_left(taken, key)
    before = taken[at - 1] if at else None
    after = taken[at] if at < len(taken) else None
    return (before is not None and (before[1] > key[0] or before[:2] == key[:2])) or (
        after is not None and (after[0] < key[1] or after[:2] == key[:2])
    )


def replace_file(path: str, data: bytes) -> None:
    """Put new bytes in the place of a file's, all or nothing; its mode stays. Raises OSError."""
    path = os.path.realpath(path)
    temporary = f"{path}.pyiptables-fix"
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            os.chmod(temporary, os.stat(path).st_mode & 0o7777)
        os.replace(temporary, path)
    except OSError:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def unified_diff(file: str, old: bytes, new: bytes) -> str:
    import difflib

    before = old.decode("utf-8", "surrogateescape").splitlines(keepends=True)
    after = new.decode("utf-8", "surrogateescape").splitlines(keepends=True)
    lines = []
    for line in difflib.unified_diff(before, after, file, file):
        lines.append(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n")
    return "".join(lines)
