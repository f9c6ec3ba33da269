"""What the shell knows at a point of the script: variables, parameters, functions, files that the script
wrote.

Where a condition cannot be decided, each branch starts from a copy, and what comes after from the join of
their ends: a variable that differs becomes unknown with the few values it can have as candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyiptables.lint.shell.reading import NOT_SET, Part, Unknown, Word
from pyiptables.lint.shell.source import Location, Source
from pyiptables.lint.shell.tree import Node

__all__ = ["Line", "Output", "ShellFunction", "State", "Variable", "join"]

#: More candidates than this tell a reader nothing.
_MOST_CANDIDATES = 8


#: What ends the course of a script: (``exit``|``return``|``break``|``continue``, status or number of loops).
Flow = tuple[str, int]


class TooMuch(Exception):
    """The script asks for more work than the limits allow."""


class Status:
    """An exit status: ``code`` if it is known, ``likely`` if nothing goes wrong; ``check`` is the iptables
    check that it comes from, ``inverted`` if behind a ``!``."""

    __slots__ = ("check", "code", "inverted", "likely")

    def __init__(
        self,
        code: int | None,
        likely: int | None = None,
        check: Location | None = None,
        inverted: bool = False,
    ) -> None:
        self.code = code
        self.likely = likely if code is None else code
        self.check = check
        self.inverted = inverted


SUCCESS = Status(0)
FAILURE = Status(1)
UNKNOWN = Status(None)
LIKELY = Status(None, 0)


class Variable:
    """A value, never changed in place. ``items`` makes it an array; the keys are ints, or strings if
    ``named``."""

    __slots__ = ("items", "named", "value")

    def __init__(self, value: Word | None, items: dict[int | str, Word] | None = None, named: bool = False) -> None:
        self.value = value
        self.items = items
        self.named = named


class ShellFunction:
    __slots__ = ("body", "end", "name", "source", "start")

    def __init__(self, name: str, source: Source, body: Node, start: int, end: int) -> None:
        self.name = name
        self.source = source
        self.body = body
        self.start = start
        self.end = end


class Line:
    """A line of text. ``open``: what is unknown in it may hold further lines. ``cut``: no line end follows."""

    __slots__ = ("cut", "open", "word")

    def __init__(self, word: Word, is_open: bool = False, cut: bool = False) -> None:
        self.word = word
        self.open = is_open
        self.cut = cut


class Output:
    """Text that a command writes: known pieces and unknown ones, each with the place that it comes from.

    What one way or another of a condition writes is all there, as lines that may come; unless it is ``one_way``: then it is
    one text, not known where the ways differ.
    """

    __slots__ = ("chunks", "ended", "one_way", "size")

    def __init__(self, one_way: bool = False) -> None:
        self.chunks: list[Word] = []
        self.size = 0
        self.one_way = one_way
        #: What was written on ways that have ended before the others, by how (``return`` …).
        self.ended: list[tuple[str, list[Word]]] = []

    def write(self, word: Word) -> None:
        self.chunks.append(word)
        self.size += len(word.text) if word.text is not None else 1

    def take_back(self, start: int) -> list[Word]:
        """What was written since there were so many chunks, which is not written then."""
        taken = self.chunks[start:]
        del self.chunks[start:]
        return taken

    def write_either(self, ways: Sequence[list[Word]]) -> None:
        """Write what one of some ways writes."""
        texts = [Word(merged(part for chunk in way for part in chunk.pieces)) for way in ways]
        if all(text.raw == texts[0].raw for text in texts):
            self.chunks += ways[0]
            return
        either = texts[0]
        for text in texts[1:]:
            either = _either_word("$(…)", either, text)
        if any(text.text == "" for text in texts):
            # Perhaps no word at all.
            either = Word((Unknown("$(…)", "differs between branches", True),))
        self.chunks.append(either)

    def parts(self) -> tuple[Part, ...]:
        """All of it, known neighbours merged."""
        return merged(part for chunk in self.chunks for part in chunk.pieces)

    def lines(self) -> list[Line]:
        """It as lines; a last one without line end counts too."""
        lines: list[Line] = []
        parts: list[Part] = []
        first: Word | None = None
        is_open = False
        for chunk in self.chunks:
            whole = chunk.text is None and len(chunk.pieces) == 1
            for part in chunk.pieces:
                if isinstance(part, Unknown):
                    first = first or chunk
                    is_open = is_open or whole
                    parts.append(part)
                    continue
                rows = part.split("\n")
                for row in rows[:-1]:
                    lone = not parts and chunk.text is not None and len(rows) == 2 and not rows[1]
                    parts.append(row)
                    home = first or chunk
                    origin = home.origin if lone and home is chunk else None
                    lines.append(Line(Word(merged(parts), home.location, True, origin), is_open))
                    parts, first, is_open = [], None, False
                if rows[-1]:
                    parts.append(rows[-1])
                    first = first or chunk
        if parts and first is not None:
            lines.append(Line(Word(merged(parts), first.location, True), is_open, isinstance(parts[-1], str)))
        return lines


def merged(parts: Iterable[Part]) -> tuple[Part, ...]:
    result: list[Part] = []
    for part in parts:
        if isinstance(part, str) and result and isinstance(result[-1], str):
            result[-1] += part
        else:
            result.append(part)
    return tuple(result)


def too_long(parts: Sequence[Part], most: int) -> bool:
    """Whether a text is longer than a reading follows, or of more parts than any script has."""
    return len(parts) > 1000 or sum(len(part) for part in parts if isinstance(part, str)) > most


class State:
    """All of it. ``arguments`` are the positional parameters; one that is ``many`` hides how many there
    are."""

    __slots__ = ("arguments", "files", "functions", "stdin", "traps", "variables")

    def __init__(self, arguments: tuple[Word, ...]) -> None:
        self.variables: dict[str, Variable] = {}
        self.arguments = arguments
        self.functions: dict[str, ShellFunction] = {}
        #: What the script wrote to files, by the parts of their names.
        self.files: dict[tuple[Part, ...], tuple[Word, ...] | None] = {}
        #: The lines left to read; None: a terminal, or a file that is not known.
        self.stdin: tuple[Line, ...] | None = None
        self.traps: dict[str, tuple[Word, Location]] = {}

    def copy(self) -> State:
        twin = State(self.arguments)
        twin.variables = self.variables.copy()
        twin.functions = self.functions.copy()
        twin.files = self.files.copy()
        twin.stdin = self.stdin
        twin.traps = self.traps.copy()
        return twin


def join(states: list[State]) -> State:
    """What holds after any of them; the first one is changed and returned."""
    first = states[0]
    for other in states[1:]:
        for name, variable in other.variables.items():
            mine = first.variables.get(name)
            if mine is None:
                # Set on one way only: elsewhere it is not set at all, as in ${x:-value}.
                first.variables[name] = variable
            elif mine is not variable:
                first.variables[name] = _either(name, mine, variable)
        for key, function in other.functions.items():
            first.functions.setdefault(key, function)
        for path, text in other.files.items():
            if first.files.get(path, text) != text:
                text = None
            first.files[path] = text
        if first.arguments != other.arguments:
            first.arguments = _either_list(first.arguments, other.arguments, "$@")
        if first.stdin is not other.stdin:
            first.stdin = None
        first.traps.update(other.traps)
    return first


def _either(name: str, one: Variable, two: Variable) -> Variable:
    if one.items is not None and two.items is not None:
        if one.named:
            items = dict(one.items)
            for key, word in two.items.items():
                items[key] = _either_word(f"${{{name}[{key}]}}", items[key], word) if key in items else word
            return Variable(None, items, True)
        listed = _either_list(tuple(one.items.values()), tuple(two.items.values()), f"${{{name}[@]}}")
        return Variable(None, dict(enumerate(listed)))
    if one.value is None or two.value is None:
        # Declared without value on one way.
        if one.items is None and two.items is None:
            return one if two.value is None else two
        return Variable(Word((Unknown(f"${name}", "differs between branches"),)))
    return Variable(_either_word(f"${name}", one.value, two.value))


def _either_word(shown: str, one: Word, two: Word) -> Word:
    if one is two or (one.text is not None and one.text == two.text):
        return one
    if one.raw == two.raw:
        return one
    unset = [word for word in (one, two) if word.unknown is not None and word.unknown.reason == NOT_SET]
    if len(unset) == 1 and len(unset[0].pieces) == 1:
        return two if unset[0] is one else one
    candidates: list[str] = []
    for word in (one, two):
        unknown = word.unknown
        texts: tuple[str, ...] = (word.text,) if word.text is not None else ()
        if unknown is not None and len(word.pieces) == 1:
            texts = unknown.candidates
        if not texts:
            candidates = []
            break
        candidates += [text for text in texts if text not in candidates]
    if len(candidates) > _MOST_CANDIDATES:
        candidates = []
    return Word((Unknown(shown, "differs between branches", False, tuple(candidates)),), one.location)


def _either_list(one: tuple[Word, ...], two: tuple[Word, ...], shown: str) -> tuple[Word, ...]:
    """Their common beginning, then those that only one of them has, or an unknown number of words."""
    same = 0
    while same < min(len(one), len(two)) and one[same].raw == two[same].raw:
        same += 1
    if same == len(one) == len(two):
        return one
    candidates: tuple[str, ...] = ()
    rest = one[same:] + two[same:]
    texts = tuple(dict.fromkeys(word.text for word in rest if word.text is not None))
    if len(texts) <= _MOST_CANDIDATES and all(word.text is not None for word in rest):
        candidates = texts
    return (*one[:same], Word((Unknown(shown, "differs between branches", True, candidates),)))
