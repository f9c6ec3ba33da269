"""Files that are not scripts, but hold shell lines: wg-quick, ifupdown; ``systemd`` and ``dockerfile``
beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from pyiptables.lint.shell.reading import Frame, Guard, ScriptReading, Unknown, Word
from pyiptables.lint.shell.source import Source, decode
from pyiptables.lint.shell.state import Flow, Variable

if TYPE_CHECKING:
    from pyiptables.lint.shell.evaluator import Shell
    from pyiptables.lint.shell.reader import Options

__all__ = ["Embedded", "Excerpt", "Lines", "read_carrier"]


class Excerpt:
    """A text cut out of a file piece by piece, that remembers where each piece was."""

    def __init__(self, outer: Source) -> None:
        self.outer = outer
        self.pieces: list[str] = []
        self.segments: list[tuple[int, int]] = []
        self.size = 0

    def take(self, start: int, end: int, text: str | None = None) -> None:
        """Add the characters ``start`` to ``end`` of the file, or ``text`` in their place."""
        text = self.outer.full[start:end] if text is None else text
        if not text:
            return
        self.segments.append((self.size, start))
        self.pieces.append(text)
        self.size += len(text)

    def take_with(self, start: int, end: int, replaced: dict[str, str]) -> None:
        """Add characters with the specifiers in ``replaced`` filled in."""
        at = start
        if replaced:
            marks = re.compile("|".join(map(re.escape, replaced)))
            for found in marks.finditer(self.outer.full, start, end):
                self.take(at, found.start())
                self.take(found.start(), found.end(), replaced[found.group()])
                at = found.end()
        self.take(at, end)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def source(self) -> Source:
        data = self.text.encode("latin-1", "replace")
        return Source(self.outer.file, data, outer=self.outer, segments=tuple(self.segments) or ((0, 0),))


class Embedded(NamedTuple):
    """A shell text in a file: under which key it stands, when it runs, and what its shell knows."""

    key: str
    excerpt: Excerpt
    start: int
    end: int
    #: "" for what runs when the thing is brought up; else the condition.
    condition: str = ""
    #: 0 for what runs first.
    order: int = 0
    variables: dict[str, Word] | None = None


class Lines:
    """The lines of a file with their offsets."""

    def __init__(self, view: str) -> None:
        self.view = view

    def __iter__(self) -> Iterator[tuple[int, int]]:
        at, size = 0, len(self.view)
        while at < size:
            newline = self.view.find("\n", at)
            stop = newline if newline >= 0 else size
            yield at, stop
            at = stop + 1


def read_carrier(data: bytes, file: str, kind: str, options: Options) -> ScriptReading | None:
    """The reading of a file with shell lines in it; None if ``kind`` is none of them."""
    if kind not in ("wg-quick", "ifupdown", "systemd", "dockerfile"):
        return None
    from pyiptables.lint.shell.dockerfile import dockerfile
    from pyiptables.lint.shell.systemd import systemd

    readers = {"wg-quick": _wg_quick, "ifupdown": _ifupdown, "systemd": systemd, "dockerfile": dockerfile}
    from pyiptables.lint.shell.reader import reading_of

    return reading_of(readers[kind](Source(file, data), options), file, kind)


def run_embedded(source: Source, options: Options, texts: list[Embedded]) -> list[Shell]:
    """Each text in a shell of its own, those that run first first."""
    from pyiptables.lint.shell.reader import attempt

    shells = []
    for embedded in sorted(texts, key=lambda one: one.order):
        shell = options.shell(source)
        prepare(shell, source, embedded.key, embedded.condition, embedded.start, embedded.end)
        for name, word in (embedded.variables or {}).items():
            if name not in options.set_values:
                shell.state.variables[name] = Variable(word)
        inner = embedded.excerpt.source()

        def run(shell: Shell = shell, inner: Source = inner) -> Flow | None:
            with shell.inside(inner):
                return shell.run(shell.parsed())

        attempt(shell, run)
        shells.append(shell)
    return shells


def prepare(shell: Shell, source: Source, key: str, condition: str, start: int, end: int) -> None:
    """Say in a shell's records where in the file its text stands, and when it runs."""
    place = source.location(start, end)
    shell.stack = (Frame("hook", key, place),)
    if condition:
        shell.guards = (Guard(condition, key, place),)


_HOOKS = {"preup": 0, "postup": 1, "predown": 2, "postdown": 3}


def _wg_quick(source: Source, options: Options) -> list[Shell]:
    """wg-quick(8): ``PreUp``, ``PostUp``, ``PreDown``, ``PostDown`` of ``[Interface]``; ``%i`` is the
    interface."""
    name = re.sub(r"\.conf\Z", "", source.file.replace("\\", "/").rpartition("/")[2])
    texts = []
    for start, stop in Lines(source.full):
        # wg-quick cuts a line at its first `#`, quoted or not.
        comment = source.full.find("#", start, stop)
        end = comment if comment >= 0 else stop
        found = re.compile(r"\s*(\w+)\s*=\s*").match(source.full, start, end)
        if not found or found.group(1).lower() not in _HOOKS:
            continue
        order = _HOOKS[found.group(1).lower()]
        excerpt = Excerpt(source)
        excerpt.take_with(found.end(), end, {"%i": name})
        condition = "wg-quick down" if order > 1 else ""
        texts.append(Embedded(found.group(1), excerpt, found.start(1), end, condition, order))
    return run_embedded(source, options, texts)


_PHASES = {"pre-up": 0, "up": 1, "post-up": 1, "down": 2, "pre-down": 2, "post-down": 3}


def logical_lines(view: str) -> Iterator[list[tuple[int, int]]]:
    """Lines joined at a backslash before their end, each a list of spans."""
    spans: list[tuple[int, int]] = []
    for start, stop in Lines(view):
        end = stop
        while end > start and view[end - 1] == " ":
            end -= 1
        # A carriage return was made a blank: only then may blanks follow the backslash.
        continued = end > start and view[end - 1] == "\\" and end in (stop, stop - 1)
        spans.append((start, end - 1 if continued else stop))
        if not continued:
            yield spans
            spans = []
    if spans:
        yield spans


def _ifupdown(source: Source, options: Options) -> list[Shell]:
    """interfaces(5): the command lines of ``iface`` stanzas; the shell has ``$IFACE`` and its like."""
    texts: list[Embedded] = []
    variables: dict[str, Word] = {}
    view = source.full
    for spans in logical_lines(view):
        first, last = spans[0][0], spans[-1][1]
        found = re.compile(r"\s*([\w-]+)[ \t]+").match(view, first, spans[0][1])
        if not found:
            continue
        key = found.group(1)
        if key in ("iface", "mapping", "auto") or key.startswith("allow-"):
            words = decode(view[found.end() : last]).split()
            if key == "iface" and words:
                interface = words[0]
                known = Word(interface) if not set("*?[") & set(interface) else Word((Unknown("$IFACE", "name of the interface"),))
                variables = {"IFACE": known, "LOGICAL": Word(interface)}
                if len(words) > 2:
                    variables |= {"ADDRFAM": Word(words[1]), "METHOD": Word(words[2])}
            continue
        if key not in _PHASES:
            variables = variables | {f"IF_{key.replace('-', '_').upper()}": Word(decode(view[found.end() : last]).strip())}
            continue
        excerpt = Excerpt(source)
        for index, (start, end) in enumerate(spans):
            excerpt.take(found.end() if index == 0 else start, end)
        order = _PHASES[key]
        mode = {"MODE": Word("stop" if order > 1 else "start"), "PHASE": Word(key)}
        condition = f"ifdown {variables['IFACE'].shown}" if order > 1 and "IFACE" in variables else ""
        texts.append(Embedded(key, excerpt, found.start(1), last, condition, int(order > 1), variables | mode))
    return run_embedded(source, options, texts)
