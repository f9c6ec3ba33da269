"""Here-documents, taken out of a text before the grammar sees it.

The body of a here-document belongs to the redirection ``<<``, but stands behind the rest of its line; a
grammar that hangs it into the tree has to bend what follows on that line (pipes, ``&&``, a second
here-document) around it. So the bodies are found first, blanked out, and ``<<WORD`` becomes a plain
redirection of the same length; every offset stays.
"""

from __future__ import annotations

import re

from pyiptables.lint.shell.scanning import ansi_end, arithmetic_end, backtick_end, dollar_end, single_end
from pyiptables.lint.shell.source import Heredoc

__all__ = ["mask_heredocs"]

_QUIET = re.compile(r"[^'\"\\$`#<\n()]+")
_DELIMITER = re.compile(r"[ \t]*((?:[^\s'\"\\;&|<>()$`]|\\.|'[^'\n]*'|\"[^\"\n]*\"|\$(?=\w))+)")
_UNQUOTED = re.compile(r"\\(.)|'([^']*)'|\"([^\"]*)\"", re.S)


class _Masking:
    def __init__(self, view: str, found: dict[int, Heredoc]) -> None:
        self.view = view
        self.found = found
        self.edits: list[tuple[int, int, str]] = []
        self.waiting: list[tuple[int, str, bool, bool]] = []

    def take_bodies(self, at: int) -> int:
        """The waiting bodies begin at ``at``; returns the offset behind the last one."""
        view = self.view
        for mark, word, expands, tabs in self.waiting:
            start = at
            end = size = len(view)
            joined = False
            while at < size:
                newline = view.find("\n", at)
                stop = newline if newline >= 0 else size
                line = view[at:stop].rstrip(" ") if word.rstrip(" ") == word else view[at:stop]
                if not joined and (line.lstrip("\t") if tabs else line) == word:
                    end = at
                    at = min(size, stop + 1)
                    break
                # A backslash before its end makes the next line a part of this one.
                joined = expands and (len(line) - len(line.rstrip("\\"))) % 2 == 1
                at = stop + 1 if newline >= 0 else size
            self.found[mark] = Heredoc(start, min(end, size), expands, tabs)
            self.edits.append((start, at, re.sub(r"[^\n]", " ", view[start:at])))
        self.waiting.clear()
        return at

    def mark(self, at: int) -> int:
        """A ``<<`` stands at ``at``; remember the here-document, return the offset behind its word."""
        view = self.view
        tabs = view.startswith("<<-", at)
        found = _DELIMITER.match(view, at + 2 + tabs)
        if not found:
            return at + 2
        word = found.group(1)
        plain = _UNQUOTED.sub(lambda part: part.group(1) or part.group(2) or part.group(3) or "", word)
        self.waiting.append((at, plain, plain == word, tabs))
        self.edits.append((at, found.end(), "<" + "H" * (found.end() - at - 1)))
        return found.end()

    def commands(self, at: int, closing: str, depth: int) -> int:
        """Scan commands from ``at`` to the closing parenthesis, or to the end of the text."""
        view, size, level = self.view, len(self.view), 0
        while at < size:
            run = _QUIET.match(view, at)
            if run:
                at = run.end()
                continue
            char = view[at]
            if char == "\n":
                at = self.take_bodies(at + 1) if self.waiting else at + 1
            elif char == "<":
                if view.startswith("<<<", at):
                    at += 3
                else:
                    at = self.mark(at) if view.startswith("<<", at) else at + 1
            elif char == "'":
                at = single_end(view, at + 1)
            elif char == '"':
                at = self.double(at + 1, depth)
            elif char == "\\":
                at += 2
            elif char == "`":
                at = backtick_end(view, at + 1)
            elif char == "#":
                at = self.comment(at)
            elif char == "$":
                at = self.dollar(at, depth)
            elif char == "(":
                end = arithmetic_end(view, at + 2) if view.startswith("((", at) else -1
                level += end < 0
                at = end if end >= 0 else at + 1
            else:
                if closing and level == 0:
                    return at + 1
                level = max(0, level - 1)
                at += 1
            if at < 0:
                return size
        return size

    def comment(self, at: int) -> int:
        if at and self.view[at - 1] not in " \t\n;&|(":
            return at + 1
        newline = self.view.find("\n", at)
        return newline if newline >= 0 else len(self.view)

    def dollar(self, at: int, depth: int) -> int:
        view = self.view
        if view.startswith("$'", at):
            return ansi_end(view, at + 2)
        if view.startswith("$(", at) and depth < 50:
            if view.startswith("$((", at):
                end = arithmetic_end(view, at + 3)
                if end >= 0:
                    return end
            return self.commands(at + 2, ")", depth + 1)
        return dollar_end(view, at)

    def double(self, at: int, depth: int) -> int:
        view, size = self.view, len(self.view)
        while at < size:
            char = view[at]
            if char == '"':
                return at + 1
            if char == "\\":
                at += 2
            elif char == "$":
                at = self.dollar(at, depth)
            elif char == "`":
                at = backtick_end(view, at + 1)
            else:
                at += 1
            if at < 0:
                return -1
        return -1


def mask_heredocs(view: str, found: dict[int, Heredoc]) -> str:
    """Enter the here-documents of ``view`` into ``found``; returns the view without their bodies."""
    masking = _Masking(view, found)
    masking.commands(0, "", 0)
    masking.take_bodies(len(view))
    if not masking.edits:
        return view
    pieces, at = [], 0
    for start, end, text in sorted(masking.edits):
        if start < at:
            continue
        pieces += [view[at:start], text]
        at = end
    pieces.append(view[at:])
    return "".join(pieces)
