"""``# pyiptables: ignore[U101] reason``: findings that the file itself excuses.

On the line of the finding or on a comment line right above it; ``ignore-file[...]`` anywhere for the whole file;
without brackets every code is meant. Suppressions that excuse nothing are findings themselves (L001).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Suppression", "find_suppressions"]

_PATTERN = re.compile(r"#\s*pyiptables:\s*(ignore-file|ignore)\b(?:\[([A-Za-z0-9, ]*)\])?[ \t]*([^\n]*)")


@dataclass(eq=False, repr=False)
class Suppression:
    """One direction: the lines it covers (None: the file), its codes (empty: all), and how often it was needed."""

    line: int
    column: int
    lines: tuple[int, ...] | None
    codes: tuple[str, ...]
    reason: str
    used: int = 0

    def covers(self, code: str, line: int) -> bool:
        in_place = self.lines is None or line in self.lines
        return in_place and (not self.codes or any(code.startswith(prefix) for prefix in self.codes))


def find_suppressions(lines: list[str]) -> list[Suppression]:
    found = []
    for number, line in enumerate(lines, 1):
        if "pyiptables:" not in line:
            continue
        match = _PATTERN.search(line)
        if match is None:
            continue
        codes = tuple([code.strip().upper() for code in (match[2] or "").split(",") if code.strip()])
        covered: tuple[int, ...] | None
        if match[1] == "ignore-file":
            covered = None
        elif line.lstrip().startswith("#"):
            below = number + 1
            while below <= len(lines) and lines[below - 1].lstrip().startswith("#"):
                below += 1
            covered = (number, below)
        else:
            covered = (number,)
        found.append(Suppression(number, match.start() + 1, covered, codes, match[3].strip()))
    return found
