"""``read`` and ``mapfile``: lines of what the script gives them, or values that are not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyiptables.lint.shell.reading import Part, Unknown, Word
from pyiptables.lint.shell.source import Location
from pyiptables.lint.shell.state import FAILURE, SUCCESS, UNKNOWN, Flow, Line, Variable, merged

if TYPE_CHECKING:
    from pyiptables.lint.shell.evaluator import Shell

__all__ = ["mapfile", "read"]

_VALUED = "dinNptu"


def _options(words: list[Word], valued: str) -> tuple[dict[str, Word], list[Word]]:
    """Options by letter, and the operands."""
    found: dict[str, Word] = {}
    at = 1
    while at < len(words):
        text = words[at].text
        if text is None or len(text) < 2 or text[0] != "-":
            break
        at += 1
        if text == "--":
            break
        for index, letter in enumerate(text[1:], 2):
            if letter in valued:
                if index < len(text):
                    found[letter] = Word(text[index:])
                elif at < len(words):
                    found[letter] = words[at]
                    at += 1
                break
            found[letter] = Word("")
    return found, words[at:]


def read(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    options, operands = _options(words, _VALUED + "a")
    names = [word.text or "_" for word in operands] or ["REPLY"]
    array = options["a"].text if "a" in options else None
    lines = shell.state.stdin
    if "u" in options and options["u"].text != "0":
        lines = None
    if lines is None:
        shell.status = UNKNOWN
        _unknown(shell, [array] if array else names, array is not None)
        return None
    if not lines:
        shell.status = FAILURE
        for name in names:
            shell.assign(name, Word(""))
        return None
    line, rest = lines[0], lines[1:]
    # What ends without a line end is read, but the status says that it was the last.
    shell.status = FAILURE if line.cut else SUCCESS
    if "d" in options and options["d"].text in ("", "\0"):
        # `read -d ''` takes all that is left, and ends at the end of the input.
        whole: list[Part] = []
        for each in lines:
            whole += [*each.word.pieces, "\n"]
        line, rest = Line(Word(merged(whole), line.word.location)), ()
        shell.status = FAILURE
    elif "r" not in options:
        line, rest = _continued(line, rest)
        if line.cut:
            shell.status = FAILURE
    shell.state.stdin = rest
    if line.open and len(line.word.pieces) == 1:
        _unknown(shell, [array] if array else names, array is not None)
        return None
    if array:
        fields = _fields(line.word, shell.expander.ifs(), 0)
        shell.assign_list(array, fields)
        return None
    fields = [line.word] if not operands else _fields(line.word, shell.expander.ifs(), len(names))
    for number, name in enumerate(names):
        shell.assign(name, fields[number] if number < len(fields) else Word(""))
    return None


def _unknown(shell: Shell, names: list[str], many: bool) -> None:
    for name in names:
        unknown = Unknown(f"${name}", "read when it runs", many)
        if many:
            shell.state.variables[name] = Variable(None, {0: Word((unknown,))})
        else:
            shell.state.variables[name] = Variable(Word((unknown,)))


def _continued(line: Line, rest: tuple[Line, ...]) -> tuple[Line, tuple[Line, ...]]:
    """Without ``-r`` a backslash protects the next character, and at the end joins the next line."""
    text, cut = line.word.text, line.cut
    if text is None or "\\" not in text:
        return line, rest
    plain, at = [], 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
            if at == len(text) and not cut:
                following = rest[0] if rest else None
                if following is None or following.word.text is None:
                    cut = cut or following is None
                    break
                text, cut, rest = text + following.word.text, following.cut, rest[1:]
                continue
        plain.append(text[at : at + 1])
        at += 1
    return Line(Word("".join(plain), line.word.location), False, cut), rest


def _fields(word: Word, ifs: str, most: int) -> list[Word]:
    """At most ``most`` fields (0: any number), the last one with all that is left (XCU `read`)."""
    blank = "".join(char for char in ifs if char in " \t\n")
    fields: list[Word] = []
    parts: list[Part] = []

    def end() -> None:
        fields.append(Word(merged(parts), word.location, False))
        parts.clear()

    pieces = list(word.pieces)
    while pieces:
        part = pieces.pop(0)
        if isinstance(part, Unknown):
            parts.append(part.spread(False))
            continue
        if not parts:
            part = part.lstrip(blank) if blank else part
        if most and len(fields) == most - 1:
            part = part if pieces else _without_end(part, ifs, blank)
            parts += [part, *(rest if isinstance(rest, str) else rest.spread(False) for rest in pieces)]
            break
        cut = next((at for at, char in enumerate(part) if char in ifs), -1)
        if cut < 0:
            if part:
                parts.append(part)
            continue
        if cut:
            parts.append(part[:cut])
        separator = part[cut]
        end()
        rest = part[cut + 1 :]
        if separator in blank:
            # Blanks around another separator belong to it.
            rest = rest.lstrip(blank)
            if rest[:1] in ifs and rest[:1] and rest[0] not in blank:
                rest = rest[1:]
        pieces.insert(0, rest)
    if parts:
        if blank and isinstance(parts[-1], str):
            parts[-1] = parts[-1].rstrip(blank)
        if parts != [""]:
            end()
    return fields


def _without_end(text: str, ifs: str, blank: str) -> str:
    """The last field without the separator behind it, if it has no other."""
    cut = next((at for at, char in enumerate(text) if char in ifs), -1)
    if cut < 0:
        return text
    behind = text[cut:].lstrip(blank) if blank else text[cut:]
    if behind[:1] and behind[0] in ifs:
        behind = behind[1:].lstrip(blank) if blank else behind[1:]
    return text if behind else text[:cut]


def mapfile(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    options, operands = _options(words, "dnOsuCc")
    name = (operands[0].text if operands else None) or "MAPFILE"
    lines = shell.state.stdin
    shell.status = SUCCESS
    if lines is None or any(line.open for line in lines):
        _unknown(shell, [name], True)
        return None
    items = [
        line.word if "t" in options else Word(merged((*line.word.pieces, "\n")), line.word.location) for line in lines[: shell.limits.words]
    ]
    shell.assign_list(name, items)
    return None
