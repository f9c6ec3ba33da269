"""systemd units: the commands of ``Exec…=`` (systemd.service(5), "COMMAND LINES"; systemd.syntax(7))."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from pyiptables.lint.shell.carriers import Excerpt, logical_lines, prepare
from pyiptables.lint.shell.reading import Part, Unknown, Word
from pyiptables.lint.shell.source import Location, Source, decode
from pyiptables.lint.shell.state import merged
from pyiptables.lint.shell.words import unescape_ansi

if TYPE_CHECKING:
    from pyiptables.lint.shell.evaluator import Shell
    from pyiptables.lint.shell.reader import Options

__all__ = ["systemd"]

_ORDER = {
    "execcondition": 0, "execstartpre": 1, "execstart": 2, "execstartpost": 3, "execreload": 4, "execstop": 5,
    "execstoppost": 6,
}  # fmt: skip
_KEY = re.compile(r"[ \t]*(\w+)[ \t]*=[ \t]*")
_TOKEN = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|\\.|[^\s\"'\\]+", re.S)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+)|(\$))")
_SPECIFIER = re.compile(r"%([%A-Za-z])")


class _Unit:
    """What a unit says, read line by line."""

    def __init__(self, source: Source, options: Options) -> None:
        self.source = source
        self.options = options
        self.environment: dict[str, Word] = {}
        self.commands: list[tuple[int, str, int, int, Excerpt]] = []
        name = source.file.replace("\\", "/").rpartition("/")[2]
        stem = name.rpartition(".")[0] or name
        prefix, _, instance = stem.partition("@")
        self.specifiers = {"n": name, "N": stem, "p": prefix, "P": prefix, "%": "%"}
        if instance:
            self.specifiers |= {"i": instance, "I": instance.replace("-", "/")}

    def line(self, spans: list[tuple[int, int]]) -> None:
        view = self.source.full
        found = _KEY.match(view, *spans[0])
        if not found:
            return
        key = found.group(1).lower()
        excerpt = Excerpt(self.source)
        for index, (start, end) in enumerate(spans):
            if index and view[start:end].lstrip(" \t")[:1] in ("#", ";"):
                continue
            if index:
                excerpt.take(start, start, " ")
                excerpt.pieces.append(" ")
                excerpt.size += 1
            excerpt.take(found.end() if index == 0 else start, end)
        if key == "environment":
            for word in self.words(excerpt):
                name, equals, value = word.shown.partition("=")
                if equals:
                    self.environment[name] = Word(value, word.location) if word.text is not None else word
        elif key in _ORDER:
            if not excerpt.text.strip():
                # An empty assignment takes back what came before.
                self.commands = [command for command in self.commands if command[1] != key]
            else:
                self.commands.append((_ORDER[key], key, found.start(1), spans[-1][1], excerpt))

    def words(self, excerpt: Excerpt) -> list[Word]:
        """The words of a line, unquoted, specifiers and variables filled in."""
        inner = excerpt.source()
        text = excerpt.text
        words: list[Word] = []
        at = 0
        while at < len(text):
            if text[at].isspace():
                at += 1
                continue
            begin = at
            parts: list[Part] = []
            quoted = False
            while at < len(text) and not text[at].isspace():
                token = _TOKEN.match(text, at)
                piece = token.group() if token else text[at]
                at += len(piece)
                if piece[0] in "\"'" and len(piece) > 1:
                    quoted = True
                    parts += self.filled(unescape_ansi(piece[1:-1]) if "\\" in piece else piece[1:-1])
                else:
                    parts += self.filled(unescape_ansi(piece) if piece[0] == "\\" else piece)
            place = inner.location(begin, at)
            raw = merged(parts)
            words += self.split(text[begin:at], Word(raw, place, quoted, place), quoted)
        return words

    def split(self, written: str, word: Word, quoted: bool) -> list[Word]:
        """``$NAME`` as a word of its own is split into words."""
        if not quoted and re.fullmatch(r"\$\w+", written):
            if word.text is not None:
                return [Word(text, word.location) for text in word.text.split()]
            return [Word(tuple(p if isinstance(p, str) else p.spread(True) for p in word.pieces), word.location)]
        return [word]

    def filled(self, text: str) -> list[Part]:
        parts: list[Part] = []
        at = 0
        text = _SPECIFIER.sub(lambda found: self.specifiers.get(found.group(1), found.group()), text)
        for found in _VARIABLE.finditer(text):
            parts.append(decode(text[at : found.start()]))
            at = found.end()
            name = found.group(1) or found.group(2)
            if found.group(3):
                parts.append("$")
            elif name in self.options.set_values:
                parts.append(self.options.set_values[name])
            elif name in self.environment:
                parts += self.environment[name].pieces
            else:
                parts.append(Unknown(found.group(), "not set in the unit"))
        parts.append(decode(text[at:]))
        return [part for part in parts if part != ""] or [""]

    def shells(self) -> list[Shell]:
        from pyiptables.lint.shell.reader import attempt
        from pyiptables.lint.shell.simple import dispatch

        shells = []
        for order, key, start, end, excerpt in sorted(self.commands, key=lambda command: command[0]):
            name = decode(self.source.full[start : start + len(key)])
            condition = "" if order < 4 else "systemctl reload" if order == 4 else "systemctl stop"
            for words in _separated(self.words(excerpt)):
                shell = self.options.shell(self.source)
                prepare(shell, self.source, name, condition, start, end)
                marks = re.match(r"[-@:+!|]*", words[0].text or "")
                mark = marks.group() if marks else ""
                if mark and words[0].text is not None:
                    words[0] = Word(words[0].text[len(mark) :], words[0].location)
                if "@" in mark and len(words) > 1:
                    # The second word is what the program sees as its name.
                    del words[1]
                shell.ignored = "-" in mark
                attempt(shell, partial(dispatch, shell, words, _from_to(words), False))
                shells.append(shell)
        return shells


def _from_to(words: list[Word]) -> Location:
    first, last = words[0].location, words[-1].location
    assert first is not None
    assert last is not None
    return Location(first.source, first.start, max(first.end, last.end))


def _separated(words: list[Word]) -> list[list[Word]]:
    """The commands of one line, which a lone ``;`` separates."""
    commands: list[list[Word]] = [[]]
    for word in words:
        if word.text == ";" and not word.quoted:
            commands.append([])
        else:
            commands[-1].append(word)
    return [command for command in commands if command]


def systemd(source: Source, options: Options) -> list[Shell]:
    """A shell for every command of the unit, in the order in which systemd runs them."""
    unit = _Unit(source, options)
    for spans in logical_lines(source.full):
        start, end = spans[0]
        if source.full[start:end].lstrip(" \t")[:1] not in ("#", ";", "["):
            unit.line(spans)
    return unit.shells()
