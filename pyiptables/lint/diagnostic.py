"""What a check says about a place in a file: a value that knows nothing of output formats."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Diagnostic", "Edit", "Fix", "Place", "fingerprint"]


class Place(NamedTuple):
    """A span of a file; lines and columns count from 1, ``end_column`` is the first column behind it."""

    file: str
    line: int
    column: int = 1
    end_line: int = 0
    end_column: int = 0


class Edit(NamedTuple):
    """Replace the bytes ``start`` to ``end`` of the file by ``text``."""

    start: int
    end: int
    text: str


class Fix(NamedTuple):
    """Edits that mend the finding without changing what the firewall lets through."""

    title: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding."""

    code: str
    message: str
    place: Place
    #: ``error``, ``warning`` or ``info``.
    severity: str = "warning"
    #: The rule or command it is about, as the file has it.
    rule: str = ""
    hint: str = ""
    #: Other places that belong to it, with what they are.
    related: tuple[tuple[Place, str], ...] = ()
    fix: Fix | None = None
    #: Facts for programs (the witness packet, covering rule numbers …).
    data: dict[str, object] = field(default_factory=dict, compare=False)

    def sort_key(self) -> tuple[object, ...]:
        place = self.place
        return place.file, place.line, place.column, self.code, self.message


def fingerprint(diagnostic: Diagnostic, file: str, occurrence: int = 0) -> str:
    """A name of the finding that stays when lines move: code, file (as the project calls it), rule and message, and
    which of equals it is."""
    import hashlib

    message = "".join([char for char in diagnostic.message if not char.isdigit()])
    parts = (diagnostic.code, file, diagnostic.rule, message, str(occurrence))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32]
