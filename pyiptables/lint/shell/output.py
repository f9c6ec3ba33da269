"""``echo`` and ``printf``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyiptables.lint.shell.arithmetic import NotKnown, number
from pyiptables.lint.shell.reading import Part, Unknown, Word
from pyiptables.lint.shell.source import Location
from pyiptables.lint.shell.state import SUCCESS, Flow, merged
from pyiptables.lint.shell.words import unescape_ansi

if TYPE_CHECKING:
    from pyiptables.lint.shell.evaluator import Shell

__all__ = ["echo", "printf"]

_CONVERSION = re.compile(r"%(%|([-#+ 0]*)(\d+|\*)?(?:\.(\d+|\*))?([diouxXsbqc]|\(.*?\)T|[eEfgG]))")


def echo(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    shell.status = SUCCESS
    if shell.out is None:
        return None
    rest, newline, escapes = words[1:], True, shell.escapes
    while rest and rest[0].text is not None and re.fullmatch(r"-[neE]+", rest[0].text):
        newline = newline and "n" not in rest[0].text
        escapes = (escapes or "e" in rest[0].text) and not rest[0].text.endswith("E")
        rest = rest[1:]
    parts: list[Part] = []
    for index, word in enumerate(rest):
        if index:
            parts.append(" ")
        parts += [unescape_ansi(part) if escapes and isinstance(part, str) and "\\" in part else part
                  for part in word.pieces]  # fmt: skip
    if newline:
        parts.append("\n")
    origin = rest[0].origin if len(rest) == 1 else None
    write(shell, parts, rest[0].location if len(rest) == 1 else place, origin)
    return None


def write(shell: Shell, parts: list[Part], place: Location | None, origin: Location | None = None) -> None:
    raw = merged(parts)
    if raw and shell.out is not None:
        # The place of a lone literal argument is that of each of its lines.
        shell.out.write(Word(raw, place, True, origin if len(raw) == 1 else None))
        shell.check_output()


def printf(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    shell.status = SUCCESS
    rest = words[1:]
    target = None
    if len(rest) > 2 and rest[0].text == "-v":
        target, rest = rest[1].text, rest[2:]
    if rest and rest[0].text == "--":
        rest = rest[1:]
    if not rest or (shell.out is None and target is None):
        return None
    form = rest[0].text
    if form is None:
        parts: list[Part] = [Unknown(place.text, "format that is not known", True)]
    else:
        parts = _formatted(unescape_ansi(form.replace("\\c", "")), rest[1:], shell.limits.words)
    if target is not None:
        shell.assign(target, Word(merged(parts), place))
        return None
    if form is not None and unescape_ansi(form) == "%s\n" and len(rest) > 1:
        # A line for each argument, which stands where that does.
        for word in rest[1:]:
            write(shell, [*word.pieces, "\n"], word.origin or word.location or place, word.origin)
        return None
    write(shell, parts, place)
    return None


def _formatted(form: str, arguments: list[Word], most: int) -> list[Part]:
    """The format, used again as long as there are arguments."""
    parts: list[Part] = []
    at = 0
    for _ in range(most):
        begin = at
        position = 0
        for found in _CONVERSION.finditer(form):
            parts.append(form[position : found.start()])
            position = found.end()
            if found.group(1) == "%":
                parts.append("%")
                continue
            for star in (found.group(3), found.group(4)):
                at += star == "*"
            word = arguments[at] if at < len(arguments) else None
            at += 1
            parts += _converted(found, word)
        parts.append(form[position:])
        if at >= len(arguments) or at == begin:
            break
    return parts


def _converted(found: re.Match[str], word: Word | None) -> list[Part]:
    flags, width, precision, kind = found.group(2), found.group(3), found.group(4), found.group(5)
    if word is None:
        text = "" if kind in "sbqc" else "0"
    elif word.text is None:
        return list(word.pieces)
    else:
        text = word.text
    if kind == "b":
        text = unescape_ansi(text)
    elif kind == "c":
        text = text[:1]
    elif kind in "diouxX":
        try:
            value = number(text.strip() or "0")
        except NotKnown:
            value = 0
        text = format(abs(value), {"o": "o", "x": "x", "X": "X"}.get(kind, "d"))
        sign = "-" if value < 0 else "+" if "+" in flags else ""
        if "0" in flags and "-" not in flags and width and width.isdigit():
            text = text.rjust(min(int(width), 1000) - len(sign), "0")
        text = sign + text
    elif kind not in "sq":
        return [Unknown(found.group(), "conversion that is not followed")]
    if kind in "sb" and precision and precision.isdigit():
        text = text[: int(precision)]
    if width and width.isdigit():
        size = min(int(width), 1000)
        text = text.ljust(size) if "-" in flags else text.rjust(size)
    return [text]
