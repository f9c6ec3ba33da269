"""Dockerfiles: the commands of ``RUN``, ``ENTRYPOINT``, ``CMD`` and ``HEALTHCHECK``, in both forms.

https://docs.docker.com/reference/dockerfile/ – comment lines and empty lines inside a continued instruction
are left out, a here-document of ``RUN`` is a script, and the exec form is a JSON array.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pyiptables.lint.shell.carriers import Embedded, Excerpt, Lines, prepare, run_embedded
from pyiptables.lint.shell.commands import skip_blanks
from pyiptables.lint.shell.reading import Unknown, Word
from pyiptables.lint.shell.source import Source, decode
from pyiptables.lint.shell.words import scan

if TYPE_CHECKING:
    from pyiptables.lint.shell.evaluator import Shell
    from pyiptables.lint.shell.reader import Options

__all__ = ["dockerfile"]

_WORD = re.compile(r"[ \t]*(?:ONBUILD[ \t]+)?([A-Za-z]+)(?:[ \t]+|\Z|(?=\n))", re.I)
_FLAGS = re.compile(r"(?:--[\w-]+(?:=(?:\"[^\"\n]*\"|\S*))?[ \t]+)+")
_HEREDOC = re.compile(r"<<(-?)[ \t]*(['\"]?)([A-Za-z_]\w*)\2")
_COMMANDS = {"RUN", "ENTRYPOINT", "CMD", "HEALTHCHECK"}
_SHELLS = re.compile(r"\s*(?:(?:/usr)?/bin/)?(?:ba|da|a)?sh(?:\s+-\w+)*\s*\Z")


class _Dockerfile:
    def __init__(self, source: Source, options: Options) -> None:
        self.source = source
        self.options = options
        self.variables: dict[str, Word] = {}
        self.shells: list[Shell] = []
        directive = re.match(r"#[ \t]*escape[ \t]*=[ \t]*(.)", source.full)
        self.escape = directive.group(1) if directive else "\\"

    def instructions(self) -> None:
        view = self.source.full
        spans: list[tuple[int, int]] = []
        skip_to = 0
        for start, stop in Lines(view):
            if start < skip_to:
                continue
            text = view[start:stop]
            bare = text.strip()
            if bare.startswith("#") or (spans and not bare):
                continue
            if not bare:
                continue
            continued = text.rstrip().endswith(self.escape)
            spans.append((start, stop))
            if continued:
                continue
            skip_to = self.instruction(spans, stop)
            spans = []
        if spans:
            self.instruction(spans, spans[-1][1])

    def instruction(self, spans: list[tuple[int, int]], stop: int) -> int:
        """Read one instruction; returns the offset at which the next one may begin."""
        view = self.source.full
        found = _WORD.match(view, *spans[0])
        if not found:
            return stop
        word = found.group(1).upper()
        begins, at = spans[0][0], found.end()
        if word in ("ENV", "ARG"):
            self.assign(spans, at)
        if word not in _COMMANDS:
            return self.behind_heredocs(spans, stop)[1] if word in ("COPY", "ADD") else stop
        at, spans = self.behind_flags(at, spans)
        if word == "HEALTHCHECK":
            command = re.compile(r"[ \t]*CMD[ \t]+", re.I).match(view, at, spans[0][1])
            if not command:
                return stop
            at = command.end()
        excerpt = Excerpt(self.source)
        for index, (start, end) in enumerate(spans):
            last = index == len(spans) - 1
            begin = at if index == 0 else start
            if not last and self.escape != "\\":
                cut = view.rindex(self.escape, begin, end)
                excerpt.take(begin, cut)
            else:
                excerpt.take(begin, min(len(view), end if last else end + 1))
        if excerpt.text.lstrip().startswith("["):
            if self.exec_form(word, begins, stop, excerpt):
                return stop
        bodies, behind = self.behind_heredocs(spans, stop) if word == "RUN" else ([], stop)
        if bodies:
            self.heredoc_run(word, excerpt, bodies, begins, behind)
        else:
            self.run(word, excerpt, begins, stop)
        return behind

    def behind_flags(self, at: int, spans: list[tuple[int, int]]) -> tuple[int, list[tuple[int, int]]]:
        """Where the command itself begins, and the lines from there on: ``--mount=…`` may stand on lines of its own."""
        view = self.source.full
        while True:
            flags = _FLAGS.match(view, at, spans[0][1])
            at = flags.end() if flags else at
            if not flags or len(spans) < 2 or view[at : spans[0][1]].strip() != self.escape:
                return at, spans
            spans = spans[1:]
            at = skip_blanks(view, *spans[0])

    def behind_heredocs(self, spans: list[tuple[int, int]], stop: int) -> tuple[list[tuple[int, int]], int]:
        """The bodies of the here-documents of an instruction, and the offset behind the last one."""
        view = self.source.full
        bodies: list[tuple[int, int]] = []
        at = stop + 1
        for found in _HEREDOC.finditer(view, spans[0][0], stop):
            end = re.compile(("^[ \t]*" if found.group(1) else "^") + found.group(3) + "[ ]*$", re.M).search(view, at)
            if not end:
                return [], stop
            bodies.append((at, end.start()))
            at = end.end() + 1
        return bodies, at if bodies else stop

    def heredoc_run(self, word: str, excerpt: Excerpt, bodies: list[tuple[int, int]], start: int, behind: int) -> None:
        before = excerpt.text.partition("<<")[0]
        if before.strip() and not _SHELLS.match(before):
            # The here-document is the input of a command: all of it is shell.
            whole = Excerpt(self.source)
            whole.take(excerpt.segments[0][1], min(behind, len(self.source.full)))
            self.run(word, whole, start, behind)
            return
        for begin, end in bodies:
            body = Excerpt(self.source)
            body.take(begin, end)
            self.run(word, body, start, behind)

    def run(self, word: str, excerpt: Excerpt, start: int, end: int) -> None:
        end = min(end, len(self.source.full))
        embedded = Embedded(word, excerpt, start, end, "", 0, dict(self.variables))
        self.shells += run_embedded(self.source, self.options, [embedded])

    def exec_form(self, word: str, start: int, end: int, excerpt: Excerpt) -> bool:
        """``["program", "argument"]``; False if it is no JSON array of strings, which makes it a shell
        command."""
        text = re.sub(re.escape(self.escape) + r"[ \t]*\n", " ", excerpt.text)
        try:
            values = json.loads(decode(text))
        except (ValueError, RecursionError):
            return False
        if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
            return False
        from pyiptables.lint.shell.reader import attempt
        from pyiptables.lint.shell.simple import dispatch

        inner = excerpt.source()
        places = [found.span() for found in re.finditer(r'"(?:[^"\\]|\\.)*"', excerpt.text, re.S)]
        words = []
        for value, span in zip(values, places, strict=False):
            place = inner.location(*span)
            words.append(Word(value, place, True, place))
        shell = self.options.shell(self.source)
        prepare(shell, self.source, word, "", start, end)
        if words:
            place = inner.location(places[0][0], places[min(len(places), len(words)) - 1][1])
            attempt(shell, lambda: dispatch(shell, words, place, False))
        self.shells.append(shell)
        return True

    def assign(self, spans: list[tuple[int, int]], at: int) -> None:
        """``ENV a=b c="d e"``, ``ENV a b c``, ``ARG a=b``."""
        text = " ".join(self.source.full[at if index == 0 else start : end].rstrip(self.escape + " \t")
                        for index, (start, end) in enumerate(spans))  # fmt: skip
        pairs = re.findall(r"([A-Za-z_]\w*)=((?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|\\.|[^\s\"'])*)", text)
        if not pairs:
            old = re.match(r"([A-Za-z_]\w*)[ \t]+(.*)", text, re.S)
            pairs = [(old.group(1), old.group(2))] if old else []
        shell = self.options.shell(self.source)
        from pyiptables.lint.shell.state import Variable

        for name, word in self.variables.items():
            shell.state.variables[name] = Variable(word)
        for name, value in pairs:
            inner = Source(self.source.file, value.encode("latin-1"), outer=self.source, segments=((0, at),))
            with shell.inside(inner):
                word = shell.expander.joined(scan(inner.full, 0, len(inner.full), False))
            unknown = word.unknown
            if unknown is not None:
                word = Word((Unknown(f"${name}", unknown.reason),))
            self.variables[name] = word


def dockerfile(source: Source, options: Options) -> list[Shell]:
    """A shell for every command of the file, in its order."""
    reader = _Dockerfile(source, options)
    reader.instructions()
    return reader.shells
