"""A simple command from its bytes: assignments, words and redirections."""

from __future__ import annotations

import re

from pyiptables.lint.shell.source import Source
from pyiptables.lint.shell.tree import Assign, RawWord, Redirect, Simple
from pyiptables.lint.shell.words import word_end

__all__ = ["redirect_at", "simple_commands", "words_between"]

# A word of these characters means itself; what may follow it ends it.
_LITERAL = re.compile(r"[A-Za-z0-9_./:,+@%^!=~-]+(?=[ \t\n;)&|]|\Z)")
_BLANKS = re.compile(r"(?:[ \t\r]|\\\n)+")
_REDIRECT = re.compile(r"(?:(\d+)|\{\w+\})?(<<<|<<-?|<>|<&|>&|>>|>\||&>>|&>|<(?!\()|>(?!\())[ \t]*")
_ASSIGN = re.compile(r"([A-Za-z_][A-Za-z_0-9]*)(\[)?")
_DECLARING = {"declare", "export", "local", "readonly", "typeset"}


def skip_blanks(view: str, at: int, end: int) -> int:
    found = _BLANKS.match(view, at, end)
    return found.end() if found else at


def read_word(view: str, at: int, end: int, pattern: bool = False) -> RawWord:
    """The word at ``at``; an empty one if none begins there."""
    found = _LITERAL.match(view, at, end)
    if found:
        return RawWord(at, found.end(), found.group())
    return RawWord(at, word_end(view, at, end, pattern))


def words_between(view: str, at: int, end: int) -> list[RawWord]:
    """The words of a list (of ``for``, of an array): newlines and comments between them mean nothing."""
    words: list[RawWord] = []
    while True:
        at = skip_blanks(view, at, end)
        if at >= end:
            return words
        if view[at] == "#":
            newline = view.find("\n", at, end)
            at = newline if newline >= 0 else end
            continue
        word = read_word(view, at, end)
        if view[at] == "[":
            keyed = assign_at("x" + view[at:end], 0, end - at + 1)
            if keyed is not None:
                word = RawWord(at, at + keyed.end - 1)
        if word.end == word.start:
            at += 1
            continue
        words.append(word)
        at = word.end


def redirect_at(source: Source, at: int, end: int) -> Redirect | None:
    """The redirection that begins at ``at``."""
    view = source.view
    found = _REDIRECT.match(view, at, end)
    if not found:
        return None
    number = found.group(1)
    redirect = Redirect(at, found.end(), int(number) if number and len(number) < 4 else -1, found.group(2))
    if redirect.op == "<":
        heredoc = source.heredocs.get(found.start(2))
        if heredoc is not None:
            redirect.op = "<<"
            redirect.heredoc = heredoc
            redirect.end = word_end(view, found.end(), end)
            return redirect
    redirect.target = read_word(view, found.end(), end)
    redirect.end = redirect.target.end
    return redirect


def assign_at(view: str, at: int, end: int) -> Assign | None:
    """The assignment that begins at ``at``."""
    found = _ASSIGN.match(view, at, end)
    if not found:
        return None
    here = found.end()
    index = None
    if found.group(2):
        depth = 1
        begin = here
        while here < end and depth:
            depth += (view[here] == "[") - (view[here] == "]")
            here += 1
        if depth:
            return None
        index = RawWord(begin, here - 1)
    append = view.startswith("+=", here)
    if not append and not view.startswith("=", here):
        return None
    here += 1 + append
    if here > end:
        return None
    assign = Assign(at, end, found.group(1), append)
    assign.index = index
    if view.startswith("(", here) and here < end:
        close = word_end(view, here, end, pattern=True)
        assign.array = words_between(view, here + 1, close - (view[close - 1] == ")" and close > here + 1))
        assign.end = close
    else:
        assign.value = read_word(view, here, end)
        assign.end = assign.value.end
    return assign


def simple_commands(source: Source, at: int, end: int) -> list[Simple]:
    """The commands in the span: one, unless the grammar let one run across the end of a line."""
    view = source.view
    commands: list[Simple] = []
    command: Simple | None = None
    while True:
        at = skip_blanks(view, at, end)
        if at >= end:
            break
        char = view[at]
        if char in "\n;" or (char == "&" and view[at : at + 2] != "&>") or char == "|":
            command = None
            at += 1
            continue
        if char == "#":
            newline = view.find("\n", at, end)
            at = newline if newline >= 0 else end
            continue
        if command is None:
            command = Simple(at, at)
            commands.append(command)
        at = _take(source, command, at, end)
        command.end = at
    return commands


def _take(source: Source, command: Simple, at: int, end: int) -> int:
    """Add what stands at ``at`` to the command; returns the offset behind it."""
    view = source.view
    if view[at] in "<>&0123456789{":
        redirect = redirect_at(source, at, end)
        if redirect is not None:
            command.redirects.append(redirect)
            return max(redirect.end, at + 1)
    words = command.words
    if not words:
        assign = assign_at(view, at, end)
        if assign is not None:
            command.assigns.append(assign)
            return assign.end
    elif words[0].literal in _DECLARING and view[at] != "-":
        # `local x=(a b)`: the list belongs to the word.
        assign = assign_at(view, at, end)
        if assign is not None and assign.array is not None:
            words.append(RawWord(at, assign.end))
            return assign.end
    word = read_word(view, at, end)
    if word.end == word.start:
        # A character that cannot begin a word: the grammar took it for something else.
        return at + 1
    words.append(word)
    return word.end
