"""Text that is read as commands in its turn: of ``eval``, ``sh -c``, a trap, a here-document fed to a
shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyiptables.lint.shell.reading import Word
from pyiptables.lint.shell.source import Location, Source, encode
from pyiptables.lint.shell.state import Variable

if TYPE_CHECKING:
    from pyiptables.lint.shell.evaluator import Shell

__all__ = ["inner_source"]


def inner_source(shell: Shell, words: list[Word], place: Location, separator: str) -> Source | None:
    """The words as one text that knows where it stands; None if it is too long.

    What is unknown in it becomes a variable of its own, so that commands around it can be read.
    """
    pieces: list[str] = []
    segments: list[tuple[int, int]] = []
    size = 0
    outer: Source | None = None
    placed = True
    for number, word in enumerate(words):
        if number:
            pieces.append(separator)
            size += len(separator)
        text = "".join(part if isinstance(part, str) else _variable(shell, part) for part in word.pieces)
        view = encode(text)
        origin = word.origin
        at = origin.source.full.find(view, origin.start, origin.end) if origin is not None and view else -1
        if origin is None or at < 0:
            # Put together or with escapes: all of it stands where the word does.
            placed = placed and not view
        elif outer is None or outer is origin.source:
            outer = origin.source
            segments.append((size, at))
        else:
            placed = False
        pieces.append(view)
        size += len(view)
    if size > shell.limits.text:
        return None
    data = "".join(pieces).encode("latin-1", "replace")
    if placed and outer is not None:
        return Source(outer.file, data, outer=outer, segments=tuple(segments))
    return Source(shell.source.file, data, outer=place.source, at=place)


def _variable(shell: Shell, part: object) -> str:
    name = f"__unknown_{len(shell.state.variables)}_{shell.commands}"
    shell.state.variables[name] = Variable(Word((part,)))  # type: ignore[arg-type]
    return f"${{{name}}}"
