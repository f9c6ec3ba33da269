"""Programs whose output follows from what the script gives them: ``cat``, ``seq``, ``grep``, ``sed`` … and
``xargs``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from pyiptables.lint.shell.feeding import at, emit, run_input, sysctl, tee, xargs
from pyiptables.lint.shell.patterns import TooHard, compiled
from pyiptables.lint.shell.reading import OtherCommand, Word
from pyiptables.lint.shell.redirection import file_lines
from pyiptables.lint.shell.source import Location
from pyiptables.lint.shell.state import LIKELY, UNKNOWN, Flow, Line

if TYPE_CHECKING:
    from pyiptables.lint.shell.evaluator import Shell

__all__ = ["TEXT_PROGRAMS"]

Lines = tuple[Line, ...]
Program = Callable[["Shell", list[Word], Location], Flow | None]


class Inexact(Exception):
    """The program does something that is not followed here."""


def _input(shell: Shell, operands: list[Word]) -> Lines:
    """The lines of the files named, or of the standard input; raises Inexact."""
    if not operands:
        if shell.state.stdin is None:
            raise Inexact
        return shell.state.stdin
    found: Lines = ()
    for word in operands:
        lines = shell.state.stdin if word.text == "-" else file_lines(shell, word)
        if lines is None:
            raise Inexact
        found += lines
    return found


def _filter(run: Callable[[list[str], list[Word], Callable[[list[Word]], Lines]], Lines]) -> Program:
    """A program that turns lines into lines; what it does not follow gives unknown output."""

    def program(shell: Shell, words: list[Word], place: Location) -> Flow | None:
        name = (words[0].text or "").rpartition("/")[2]
        shell.status = UNKNOWN if name in ("grep", "egrep", "fgrep", "expr") else LIKELY
        if shell.out is None:
            if name in ("grep", "egrep", "fgrep"):
                shell.others.append(OtherCommand(name, place, tuple(words[1:])))
            return None
        numeric = name in ("seq", "expr")
        options, operands = [], []
        for word in words[1:]:
            if word.prefix.startswith("-") and word.text != "-" and not (numeric and word.prefix[1:].isdigit()):
                options.append(word.text or "")
            else:
                operands.append(word)
        try:
            emit(shell, run(options, operands, lambda files: _input(shell, files)))
        except (Inexact, TooHard):
            shell.write_unknown(place.text, f"output of {name}", place)
        return None

    return program


def _text(line: Line) -> str:
    if line.word.text is None:
        raise Inexact
    return line.word.text


def _made(text: str, line: Line | None = None) -> Line:
    return Line(Word(text, line.word.location if line is not None else None, True))


@_filter
def _cat(options: list[str], operands: list[Word], read: Callable[[list[Word]], Lines]) -> Lines:
    if options:
        raise Inexact
    return read(operands)


@_filter
def _seq(options: list[str], operands: list[Word], read: Callable[[list[Word]], Lines]) -> Lines:
    texts = [word.text or "" for word in operands]
    if options or not all(re.fullmatch(r"-?\d{1,9}", text) for text in texts):
        raise Inexact
    numbers = [int(text) for text in texts]
    if not 1 <= len(numbers) <= 3:
        raise Inexact
    first = numbers[0] if len(numbers) > 1 else 1
    step = numbers[1] if len(numbers) > 2 else 1
    last = numbers[-1]
    if step == 0 or abs(last - first) // abs(step) > 10_000:
        raise Inexact
    return tuple(_made(str(value)) for value in range(first, last + (1 if step > 0 else -1), step))


@_filter
def _grep(options: list[str], operands: list[Word], read: Callable[[list[Word]], Lines]) -> Lines:
    letters = "".join(options).replace("-", "")
    if any(option.startswith("--") for option in options) or set(letters) - set("vEFewix") or not operands:
        raise Inexact
    pattern = operands[0].text
    if pattern is None:
        raise Inexact
    expression = re.escape(pattern) if "F" in letters else _expression(pattern, "E" in letters)
    if "x" in letters:
        expression = f"(?:{expression})\\Z"
    if "w" in letters:
        expression = f"\\b(?:{expression})\\b"
    if "i" in letters:
        expression = f"(?i:{expression})"
    kept = []
    for line in read(operands[1:]):
        text = line.word.text
        if text is None:
            # A line with an unknown part may go or stay; a comment is known by its beginning.
            if line.word.prefix.startswith("#") and "#" in pattern and "v" in letters:
                continue
            kept.append(line)
            continue
        found = compiled(expression, len(text))
        hit = found.match(text) if "x" in letters else found.search(text)
        if (hit is None) == ("v" in letters):
            kept.append(line)
    return tuple(kept)


def _expression(pattern: str, extended: bool) -> str:
    """A POSIX regular expression in Python's words; raises Inexact for what has none."""
    if re.search(r"\\[1-9]|\[\.|\[=", pattern):
        raise Inexact
    for name, members in (("space", r"\s"), ("blank", r" \t"), ("digit", "0-9"), ("alnum", "A-Za-z0-9"),
                          ("alpha", "A-Za-z"), ("upper", "A-Z"), ("lower", "a-z"), ("xdigit",
                          "0-9A-Fa-f")):  # fmt: skip
        pattern = pattern.replace(f"[:{name}:]", members)
    if extended:
        return pattern
    # Basic expressions: what is special without a backslash is special with one, and the other way round.
    return re.sub(r"\\([(){}+?|])|([(){}+?|])", lambda found: found.group(1) or "\\" + found.group(2), pattern)


@_filter
def _sed(options: list[str], operands: list[Word], read: Callable[[list[Word]], Lines]) -> Lines:
    if set(options) - {"-e", "-E", "-r"} or not operands or operands[0].text is None:
        raise Inexact
    scripts = [operands[0].text]
    if options.count("-e") > 1:
        raise Inexact
    lines = read(operands[1:])
    extended = "-E" in options or "-r" in options
    for script in re.split(r"\s*;\s*", scripts[0].strip()):
        lines = _edited(script, lines, extended)
    return lines


def _edited(script: str, lines: Lines, extended: bool) -> Lines:
    deletes = re.fullmatch(r"/((?:[^/\\]|\\.)*)/\s*d", script)
    if deletes:
        expression = _expression(deletes.group(1), extended)
        return tuple(line for line in lines if not compiled(expression, len(_text(line))).search(_text(line)))
    found = re.fullmatch(r"s(.)((?:(?!\1)[^\\]|\\.)*)\1((?:(?!\1)[^\\]|\\.)*)\1(g?)", script, re.S)
    if not found:
        raise Inexact
    mark, pattern, new, everywhere = found.groups()
    expression = _expression(pattern.replace("\\" + mark, mark), extended)
    replacement = re.sub(r"\\([1-9&/])|(\\)|(&)", _replacement, new.replace("\\" + mark, mark))
    edited = []
    for line in lines:
        text = _text(line)
        try:
            result = compiled(expression, len(text)).sub(replacement, text, count=0 if everywhere else 1)
        except (re.error, IndexError):
            raise Inexact from None
        edited.append(line if result == text else _made(result, line))
    return tuple(edited)


def _replacement(found: re.Match[str]) -> str:
    escaped, backslash, whole = found.groups()
    if whole:
        return r"\g<0>"
    if backslash:
        return r"\\"
    return rf"\g<{escaped}>" if escaped.isdigit() else escaped


_SETS = {
    "[:upper:]": "A-Z",
    "[:lower:]": "a-z",
    "[:digit:]": "0-9",
    "[:space:]": " \t\n\r\f\v",
    "[:blank:]": " \t",
}


def _characters(text: str) -> str:
    for name, members in _SETS.items():
        text = text.replace(name, members)
    text = text.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r")
    return re.sub(
        r"(.)-(.)",
        lambda found: "".join(map(chr, range(ord(found[1]), min(ord(found[2]), ord(found[1]) + 255) + 1))),
        text,
    )


@_filter
def _tr(options: list[str], operands: list[Word], read: Callable[[list[Word]], Lines]) -> Lines:
    sets = [_characters(word.text or "") for word in operands]
    lines = read([])
    text = "".join(_text(line) + "\n" for line in lines)
    if options == ["-d"] and len(sets) == 1:
        text = "".join(char for char in text if char not in sets[0])
    elif options in (["-s"], ["--squeeze-repeats"]) and len(sets) == 1:
        text = re.sub(rf"([{re.escape(sets[0])}])\1+", r"\1", text) if sets[0] else text
    elif not options and len(sets) == 2 and sets[1]:
        padded = sets[1].ljust(len(sets[0]), sets[1][-1])
        text = text.translate({ord(old): padded[at] for at, old in reversed(list(enumerate(sets[0])))})
    else:
        raise Inexact
    rows = text.split("\n")
    return tuple(_made(row, lines[0]) for row in (rows[:-1] if not rows[-1] else rows))


@_filter
def _cut(options: list[str], operands: list[Word], read: Callable[[list[Word]], Lines]) -> Lines:
    texts = [*options, *(word.text or "" for word in operands)]
    joined = " ".join(texts)
    found = re.search(r"-f ?(\d+)(-?)(\d*)(?= |\Z)", joined)
    delimiter = re.search(r"-d ?(.)", joined)
    if not found or set("".join(option[:2] for option in options)) - set("-fds"):
        raise Inexact
    mark = delimiter.group(1) if delimiter else "\t"
    first = int(found.group(1)) - 1
    last = int(found.group(3)) if found.group(3) else None if found.group(2) else first + 1
    result = []
    for line in read([]):
        text = _text(line)
        result.append(_made(mark.join(text.split(mark)[first:last]), line) if mark in text else line)
    return tuple(result)


@_filter
def _sort(options: list[str], operands: list[Word], read: Callable[[list[Word]], Lines]) -> Lines:
    letters = set("".join(options)) - {"-"}
    lines = list(read(operands))
    if letters - set("unr"):
        raise Inexact
    if "n" in letters:
        lines.sort(key=lambda line: (int((re.match(r"\s*(-?\d{1,18})", _text(line)) or ["", "0"])[1]), _text(line)))
    else:
        lines.sort(key=_text)
    if "r" in letters:
        lines.reverse()
    return tuple({_text(line): line for line in lines}.values()) if "u" in letters else tuple(lines)


@_filter
def _uniq(options: list[str], operands: list[Word], read: Callable[[list[Word]], Lines]) -> Lines:
    if options:
        raise Inexact
    lines = read(operands)
    return tuple(line for at, line in enumerate(lines) if at == 0 or _text(line) != _text(lines[at - 1]))


def _some(options: list[str], operands: list[Word], read: Callable[[list[Word]], Lines]) -> tuple[Lines, int]:
    texts = [*options, *(word.text or "" for word in operands)]
    found = re.fullmatch(r"-(?:n ?)?(\d{1,6})", " ".join(texts))
    if texts and not found:
        raise Inexact
    lines = read([])
    if any(line.open for line in lines):
        raise Inexact
    return lines, int(found.group(1)) if found else 10


@_filter
def _head(options: list[str], operands: list[Word], read: Callable[[list[Word]], Lines]) -> Lines:
    lines, count = _some(options, operands, read)
    return lines[:count]


@_filter
def _tail(options: list[str], operands: list[Word], read: Callable[[list[Word]], Lines]) -> Lines:
    lines, count = _some(options, operands, read)
    return lines[-count:] if count else ()


@_filter
def _basename(options: list[str], operands: list[Word], read: Callable[[list[Word]], Lines]) -> Lines:
    texts = [word.text for word in operands]
    if options or not texts or texts[0] is None:
        raise Inexact
    base = texts[0].rstrip("/").rpartition("/")[2]
    return (_made(base.removesuffix(texts[1] or "") if len(texts) > 1 else base),)


@_filter
def _dirname(options: list[str], operands: list[Word], read: Callable[[list[Word]], Lines]) -> Lines:
    text = operands[0].text if len(operands) == 1 else None
    if options or text is None:
        raise Inexact
    head, slash, _ = text.rstrip("/").rpartition("/")
    return (_made(head or ("/" if slash else ".")),)


@_filter
def _expr(options: list[str], operands: list[Word], read: Callable[[list[Word]], Lines]) -> Lines:
    texts = [word.text or "" for word in operands]
    if len(texts) != 3 or not (re.fullmatch(r"\d{1,9}", texts[0]) and re.fullmatch(r"\d{1,9}", texts[2])):
        raise Inexact
    left, right = int(texts[0]), int(texts[2])
    if texts[1] in ("/", "%") and not right:
        raise Inexact
    results = {"+": left + right, "-": left - right, "*": left * right}
    if texts[1] in ("/", "%"):
        results[texts[1]] = left // right if texts[1] == "/" else left % right
    if texts[1] not in results:
        raise Inexact
    return (_made(str(results[texts[1]])),)


TEXT_PROGRAMS: dict[str, Program] = {
    "cat": _cat, "seq": _seq, "grep": _grep, "egrep": _grep, "fgrep": _grep, "sed": _sed, "tr": _tr,
    "cut": _cut,
    "sort": _sort, "uniq": _uniq, "head": _head, "tail": _tail, "basename": _basename, "dirname": _dirname,
    "expr": _expr, "tee": tee, "xargs": xargs, "sysctl": sysctl, "sh": run_input, "bash": run_input,
    "dash": run_input, "ash": run_input, "at": at, "batch": at,
}  # fmt: skip
