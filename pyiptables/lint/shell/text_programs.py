"""Programs whose output follows from what the script gives them: ``cat``, ``seq``, ``grep``, ``sed`` … and
``xargs``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from pyiptables.lint.shell.feeding import at, emit, run_input, sysctl, tee, xargs
from pyiptables.lint.shell.fields import printer
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
        known = all(word.text is not None for word in words[1:])
        for word in words[1:]:
            if word.prefix.startswith("-") and word.text != "-" and not (numeric and word.prefix[1:].isdigit()):
                options.append(word.text or "")
            else:
                operands.append(word)
        try:
            if not known and (name not in _READING or "" in options):
                raise Inexact
            emit(shell, run(options, operands, lambda files: _input(shell, files)))
        except (Inexact, TooHard):
            shell.write_unknown(place.text, f"output of {name}", place)
        return None

    return program


#: Programs whose operands are files, or which look themselves whether a word is known.
_READING = ("cat", "grep", "egrep", "fgrep", "sed", "sort", "uniq", "basename", "dirname")


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
    between = None
    if options:
        # `-s,`, or `-s` with the separator as the next word.
        if len(options) > 1 or not options[0].startswith("-s"):
            raise Inexact
        between = options[0][2:] or texts.pop(0)
    if not all(re.fullmatch(r"-?\d{1,9}", text) for text in texts):
        raise Inexact
    numbers = [int(text) for text in texts]
    if not 1 <= len(numbers) <= 3:
        raise Inexact
    first = numbers[0] if len(numbers) > 1 else 1
    step = numbers[1] if len(numbers) > 2 else 1
    last = numbers[-1]
    if step == 0 or abs(last - first) // abs(step) > 10_000:
        raise Inexact
    values = [str(value) for value in range(first, last + (1 if step > 0 else -1), step)]
    return tuple(_made(text) for text in (values if between is None else [between.join(values)] if values else []))


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
    plain = re.sub(r"\[\^?\]?(?:\[:\w+:\]|[^\]\\])*\]", "x", pattern)
    # Letters that mean something else to Python, sets with a backslash, and signs that are plain where they stand.
    if re.search(r"\\[1-9A-Zab-rt-vx-z<>`']|\[|[*+?}][*+?]", plain.replace("\\[", "")):
        raise Inexact
    if not extended and re.search(r"(?<!^)(?<![(|\\])\^|(?<!\\)\$(?!$|\\[)|])|^\^?\*", plain):
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
    count = max(1, options.count("-e"))
    scripts = [word.text for word in operands[:count]]
    if set(options) - {"-e", "-E", "-r"} or len(scripts) < count:
        raise Inexact
    lines = read(operands[count:])
    extended = "-E" in options or "-r" in options
    for text in scripts:
        if text is None:
            raise Inexact
        for script in re.split(r"\s*;\s*", text.strip()):
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
    # The longest of several ways counts, Python takes the first; and it finds the empty text where sed does not.
    if "|" in re.sub(r"\\\\|\\\|", "", expression) or (everywhere and compiled(expression, 0).search("")):
        raise Inexact
    if re.search(r"\\[A-Za-z]", new):
        raise Inexact
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
    if options in (["-cd"], ["-dc"], ["-d", "-c"], ["-c", "-d"]) and len(sets) == 1:
        text = "".join(char for char in text if char in sets[0])
    elif options == ["-d"] and len(sets) == 1:
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


#: No field of a line comes after this one.
_LAST = 1 << 20


@_filter
def _cut(options: list[str], operands: list[Word], read: Callable[[list[Word]], Lines]) -> Lines:
    values = [word.text or "" for word in operands]
    given: dict[str, str] = {}
    for option in options:
        letter = option[:2]
        if letter not in ("-d", "-f", "-c", "-b", "-s") or (letter == "-s" and option != "-s"):
            raise Inexact
        given[letter] = option[2:] or (values.pop(0) if letter != "-s" and values else "")
    lists = [letter for letter in ("-f", "-c", "-b") if letter in given]
    mark = given.get("-d", "\t")
    if values or len(lists) != 1 or len(mark) != 1:
        raise Inexact
    ranges = []
    for part in given[lists[0]].split(","):
        bounds = re.fullmatch(r"(\d{1,6})?(-?)(\d{1,6})?", part)
        if not bounds or not (bounds[1] or bounds[3]):
            raise Inexact
        first = int(bounds[1] or 1)
        ranges.append((first, int(bounds[3]) if bounds[3] else _LAST if bounds[2] else first))
    lines = read([])
    if lists[0] != "-f":
        return tuple(_made("".join(_chosen(list(_ascii(line)), ranges)), line) for line in lines)
    return tuple(
        _made(mark.join(_chosen(text.split(mark), ranges)), line) if mark in text else line
        for line, text in ((line, _text(line)) for line in lines)
        if mark in text or "-s" not in given
    )


def _chosen(parts: list[str], ranges: list[tuple[int, int]]) -> list[str]:
    return [part for at, part in enumerate(parts, 1) if any([low <= at <= high for low, high in ranges])]


def _ascii(line: Line) -> str:
    text = _text(line)
    if not text.isascii():
        raise Inexact
    return text


@_filter
def _awk(options: list[str], operands: list[Word], read: Callable[[list[Word]], Lines]) -> Lines:
    texts = [word.text or "" for word in operands]
    separator = ""
    if options:
        if len(options) > 1 or not options[0].startswith("-F"):
            raise Inexact
        separator = options[0][2:] or (texts.pop(0) if texts else "")
    found = printer(texts[0], separator) if len(texts) == 1 else None
    if found is None:
        raise Inexact
    printed = [(line, found.line(number, _text(line))) for number, line in enumerate(read([]), 1)]
    return tuple(_made(text, line) for line, text in printed if text is not None)


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
    if options or not texts or None in texts or texts[0] is None:
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
    "cat": _cat, "seq": _seq, "grep": _grep, "egrep": _grep, "fgrep": _grep, "sed": _sed, "tr": _tr, "cut": _cut, "awk": _awk,
    "gawk": _awk, "mawk": _awk, "sort": _sort, "uniq": _uniq, "head": _head, "tail": _tail, "basename": _basename,
    "dirname": _dirname, "expr": _expr, "tee": tee, "xargs": xargs, "sysctl": sysctl, "sh": run_input, "bash": run_input,
    "dash": run_input, "ash": run_input, "at": at, "batch": at,
}  # fmt: skip
