"""Findings for people: one line each (concise) or with the source around them (full)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyiptables.lint.diagnostic import Diagnostic, Place

if TYPE_CHECKING:
    from rich.console import Console

    from pyiptables.lint.engine import FileReport

__all__ = ["concise", "full", "statistics", "unknown"]

_COLOURS = {"error": "bold red", "warning": "yellow", "info": "cyan"}


def concise(diagnostics: Sequence[Diagnostic]) -> str:
    """``file:line:column: CODE message`` lines."""
    lines = []
    for found in diagnostics:
        place = found.place
        mark = " [*]" if found.fix else ""
        lines.append(f"{_printable(place.file)}:{place.line}:{place.column}: {found.code}{mark} {_printable(found.message)}\n")
    return "".join(lines)


def full(reports: Sequence[FileReport], console: Console) -> None:
    """Each finding with its source line, a marker, related places and the hint."""
    from rich.text import Text

    for report in reports:
        for found in report.diagnostics:
            place = found.place
            lines = report.subject.lines_of(place.file) if report.subject is not None else []
            colour = _COLOURS[found.severity]
            head = Text(f"{found.code} ", style=colour)
            if found.fix:
                head.append("[*] ", style="cyan")
            head.append(found.message, style="bold")
            console.print(head, soft_wrap=not console.is_terminal, highlight=False)
            width = len(str(place.line + 1))
            console.print(Text(f"{' ' * width}--> {place.file}:{place.line}:{place.column}", style="blue"), soft_wrap=True)
            if place.line <= len(lines):
                _excerpt(console, lines, found, width, colour)
            for other, what in found.related:
                text = lines[other.line - 1].strip() if other.file == place.file and other.line <= len(lines) else ""
                line = Text(f"{' ' * width} = ", style="blue")
                line.append(f"{what}: ", style="bold")
                line.append(f"{other.file}:{other.line}  {_printable(text)}")
                console.print(line, soft_wrap=True, highlight=False)
            if found.hint:
                line = Text(f"{' ' * width} = ", style="blue")
                line.append("help: ", style="bold")
                line.append(found.hint)
                console.print(line, soft_wrap=True, highlight=False)
            console.print()


def _excerpt(console: Console, lines: list[str], found: Diagnostic, width: int, colour: str) -> None:
    from rich.text import Text

    place = found.place
    text = _printable(lines[place.line - 1].rstrip("\r"))
    end = place.end_column if place.end_line in (0, place.line) and place.end_column else len(text) + 1
    start = min(place.column, len(text) + 1)
    bar = Text(f"{' ' * width} |", style="blue")
    console.print(bar)
    line = Text(f"{place.line:>{width}} | ", style="blue")
    line.append(text, style="default")
    console.print(line, soft_wrap=True, highlight=False)
    marker = Text(f"{' ' * width} | ", style="blue")
    marker.append(" " * (start - 1) + "^" * max(1, min(end, len(text) + 1) - start), style=colour)
    console.print(marker, soft_wrap=True)


def _printable(text: str) -> str:
    """Tabs as blanks, control characters and broken bytes as their pictures."""
    out = []
    for char in text.replace("\t", " "):
        out.append(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}")
    return "".join(out)


def unknown(values: Sequence[tuple[Place, str, str]]) -> str:
    """What only a run would tell, one line each."""
    lines = []
    for place, what, why in values:
        text = _printable(f"{' '.join(what.split())} ({why})")
        lines.append(f"{_printable(place.file)}:{place.line}:{place.column}: not known: {text}\n")
    return "".join(lines)


def statistics(diagnostics: Sequence[Diagnostic]) -> str:
    """How often each code was found."""
    from pyiptables.lint.registry import find

    counts = Counter(found.code for found in diagnostics)
    lines = []
    for code, number in counts.most_common():
        check = find(code)
        lines.append(f"{number:6}  {code}  {check.name if check else ''}\n")
    return "".join(lines)
