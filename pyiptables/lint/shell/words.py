"""Words before expansion: splitting a command into words, and a word into its literal and its expanding
pieces.

The grammar gives the statements; what is inside a command is scanned here from its bytes, because a tree of
words loses blanks between its nodes and takes bare digits, braces and patterns for things of their own.
"""

from __future__ import annotations

import re

from pyiptables.lint.shell.scanning import (
    ansi_end,
    arithmetic_end,
    backtick_end,
    brace_end,
    bracket_end,
    dollar_end,
    double_end,
    paren_end,
    single_end,
)
from pyiptables.lint.shell.source import decode
from pyiptables.lint.shell.tree import RawWord

__all__ = ["Arith", "Command", "Lit", "Param", "Piece", "pieces_of", "unescape_backticks", "word_end"]


class Lit:
    __slots__ = ("quoted", "text")

    def __init__(self, text: str, quoted: bool) -> None:
        self.text = text
        self.quoted = quoted


class Param:
    """``$name`` or ``${name…}``; ``argument`` is the span behind the operator, ``index`` the text of a
    subscript."""

    __slots__ = ("argument", "end", "index", "inner", "mark", "name", "op", "quoted", "start")

    def __init__(self, start: int, end: int, name: str, quoted: bool) -> None:
        self.start = start
        self.end = end
        self.name = name
        self.quoted = quoted
        #: ``#`` for a length, ``!`` for an indirection.
        self.mark = ""
        self.index: tuple[int, int] | None = None
        self.op = ""
        self.argument: tuple[int, int] = (end, end)
        self.inner: tuple[Piece, ...] | None = None


class Command:
    """``$(…)``, a pair of backquotes, or ``<(…)``: the span of the commands in it."""

    __slots__ = ("end", "inner", "kind", "quoted", "start")

    def __init__(self, start: int, end: int, inner: tuple[int, int], kind: str, quoted: bool) -> None:
        self.start = start
        self.end = end
        self.inner = inner
        self.kind = kind
        self.quoted = quoted


class Arith:
    """``$((…))``: the span of the expression."""

    __slots__ = ("end", "inner", "quoted", "start")

    def __init__(self, start: int, end: int, inner: tuple[int, int], quoted: bool) -> None:
        self.start = start
        self.end = end
        self.inner = inner
        self.quoted = quoted


Piece = Lit | Param | Command | Arith

_PLAIN_RUN = re.compile(r"[^\s\\'\"`$<>|&;()]+")
_PLAIN_IN_DOUBLE = re.compile(r'[^"\\$`]+')
_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*|[0-9]|[@*#?$!-]")
_BRACED = re.compile(r"([!#]?)([A-Za-z_][A-Za-z_0-9]*|[0-9]+|[@*?$!#-])")
_OPERATOR = re.compile(r":[-=?+]|##|%%|//|/#|/%|\^\^|,,|[-=?+#%/^,:@]")
_ESCAPES = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "v": "\v",
}
_ANSI = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|u([0-9a-fA-F]{1,4})|c(.)|(.))", re.S)


def word_end(view: str, at: int, end: int, pattern: bool = False) -> int:
    """The offset behind the word at ``at``; ``pattern`` lets parentheses of extended patterns be part of
    it."""
    while at < end:
        run = _PLAIN_RUN.match(view, at, end)
        if run:
            at = run.end()
            continue
        char = view[at]
        if char == "\\":
            at += 2
            continue
        if char == "'":
            close = single_end(view, at + 1)
        elif char == '"':
            close = double_end(view, at + 1)
        elif char == "`":
            close = backtick_end(view, at + 1)
        elif char == "$":
            close = ansi_end(view, at + 2) if view.startswith("$'", at) else dollar_end(view, at)
        elif char in "<>" and view.startswith("(", at + 1):
            close = paren_end(view, at + 2)
        elif char == "(" and (pattern or view[at - 1] in "?*+@!"):
            close = paren_end(view, at + 1)
        else:
            return at
        if close < 0 or close > end:
            return end
        at = close
    return min(at, end)


def unescape_ansi(text: str) -> str:
    r"""The text of ``$'…'``: backslash escapes of C, bash manual 3.1.2.4."""

    def one(found: re.Match[str]) -> str:
        hexadecimal, octal, code, control, plain = found.groups()
        if hexadecimal:
            return chr(int(hexadecimal, 16))
        if octal:
            return chr(int(octal, 8) & 255)
        if code:
            return chr(int(code, 16)).encode("utf-8", "surrogatepass").decode("latin-1")
        if control:
            return chr(ord(control) & 31)
        return _ESCAPES.get(plain, plain if plain in "\\'\"?" else "\\" + plain)

    return _ANSI.sub(one, text)


def pieces_of(view: str, word: RawWord) -> tuple[Piece, ...]:
    """The pieces of a word, scanned once."""
    if word.pieces is None:
        word.pieces = tuple(scan(view, word.start, word.end, False))
    return word.pieces


def scan(view: str, at: int, end: int, in_double: bool, heredoc: bool = False) -> list[Piece]:
    """The pieces of the span; ``in_double``: it stands in double quotes (``heredoc``: where these mean
    nothing)."""
    pieces: list[Piece] = []
    plain = re.compile(r"[^\\$`]+") if heredoc else _PLAIN_IN_DOUBLE if in_double else re.compile(r"[^\\'\"`$<>]+")
    while at < end:
        run = plain.match(view, at, end)
        if run:
            _literal(pieces, run.group(), in_double)
            at = run.end()
            continue
        char = view[at]
        if char == "\\":
            at = _backslash(pieces, view, at, end, in_double, heredoc)
        elif char == "'" and not in_double:
            close = single_end(view, at + 1)
            close = close if 0 < close <= end else end + 1
            _literal(pieces, view[at + 1 : close - 1], True)
            at = close
        elif char == '"' and not heredoc:
            close = double_end(view, at + 1)
            close = close if 0 < close <= end else end + 1
            if in_double:
                # A string inside ${x:-"…"} that is itself quoted.
                pieces += scan(view, at + 1, close - 1, True)
            else:
                inner = scan(view, at + 1, close - 1, True)
                pieces += inner or [Lit("", True)]
            at = close
        elif char == "`":
            close = backtick_end(view, at + 1)
            close = close if 0 < close <= end else end + 1
            pieces.append(Command(at, min(close, end), (at + 1, close - 1), "`", in_double))
            at = close
        elif char == "$":
            at = _dollar(pieces, view, at, end, in_double)
        elif char in "<>" and view.startswith("(", at + 1) and not in_double:
            close = paren_end(view, at + 2)
            close = close if 0 < close <= end else end + 1
            pieces.append(Command(at, min(close, end), (at + 2, close - 1), char, False))
            at = close
        else:
            _literal(pieces, char, in_double)
            at += 1
    return pieces


def _literal(pieces: list[Piece], text: str, quoted: bool) -> None:
    text = decode(text)
    last = pieces[-1] if pieces else None
    if isinstance(last, Lit) and last.quoted == quoted:
        pieces[-1] = Lit(last.text + text, quoted)
    else:
        pieces.append(Lit(text, quoted))


def _backslash(pieces: list[Piece], view: str, at: int, end: int, in_double: bool, heredoc: bool) -> int:
    following = view[at + 1 : at + 2] if at + 1 < end else ""
    if following == "\n":
        return at + 2
    if not following:
        _literal(pieces, "\\", True)
        return at + 1
    if in_double and following not in ("$`\\" if heredoc else '$`"\\'):
        _literal(pieces, "\\" + following, True)
    else:
        _literal(pieces, following, True)
    return at + 2


def _dollar(pieces: list[Piece], view: str, at: int, end: int, in_double: bool) -> int:
    following = view[at + 1 : at + 2] if at + 1 < end else ""
    if following == "'" and not in_double:
        close = ansi_end(view, at + 2)
        close = close if 0 < close <= end else end + 1
        _literal(pieces, unescape_ansi(view[at + 2 : close - 1]), True)
        return close
    if following == '"' and not in_double:
        return at + 1
    if following == "(":
        if view.startswith("((", at + 1):
            close = arithmetic_end(view, at + 3)
            if 0 < close <= end:
                pieces.append(Arith(at, close, (at + 3, close - 2), in_double))
                return close
        close = paren_end(view, at + 2)
        close = close if 0 < close <= end else end + 1
        pieces.append(Command(at, min(close, end), (at + 2, close - 1), "$", in_double))
        return close
    if following == "{":
        close = brace_end(view, at + 2)
        close = close if 0 < close <= end else end + 1
        pieces.append(_braced(view, at, close, in_double))
        return close
    if following == "[":
        close = bracket_end(view, at + 2)
        if 0 < close <= end:
            pieces.append(Arith(at, close, (at + 2, close - 1), in_double))
            return close
    found = _NAME.match(view, at + 1, end)
    if not found:
        _literal(pieces, "$", in_double)
        return at + 1
    pieces.append(Param(at, found.end(), found.group(), in_double))
    return found.end()


def _braced(view: str, at: int, close: int, in_double: bool) -> Param:
    stop = close - 1
    found = _BRACED.match(view, at + 2, stop)
    if found and found.group(1) and found.end() < stop and view[found.end()] not in "[:#%/@*-=?+}^,":
        found = None
    if not found:
        # `${#}`, `${!}`; or nothing that a shell understands.
        single = view[at + 2 : stop]
        return Param(at, close, single if single in ("#", "!") else "\0", in_double)
    param = Param(at, close, found.group(2), in_double)
    param.mark = found.group(1)
    here = found.end()
    if view.startswith("[", here):
        depth, index_end = 0, here
        while index_end < stop:
            depth += (view[index_end] == "[") - (view[index_end] == "]")
            if depth == 0:
                break
            index_end += 1
        param.index = (here + 1, index_end)
        here = index_end + 1
    if here < stop:
        operator = _OPERATOR.match(view, here, stop)
        if operator:
            param.op = operator.group()
            param.argument = (operator.end(), stop)
        else:
            param.op = "?!"
    return param


def unescape_backticks(text: str) -> str:
    r"""The commands between backquotes, where a backslash protects ``$``, backquote and itself (XCU
    2.6.3)."""
    return re.sub(r"\\([$`\\])", r"\1", text)
