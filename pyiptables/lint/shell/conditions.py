"""``test``, ``[`` and ``[[``: true, false, or None where that is not known."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pyiptables.lint.shell.arithmetic import NotKnown, number
from pyiptables.lint.shell.patterns import TooHard, compiled, matches
from pyiptables.lint.shell.reading import NOT_SET, Word
from pyiptables.lint.shell.tree import RawWord
from pyiptables.lint.shell.words import pieces_of

if TYPE_CHECKING:
    from pyiptables.lint.shell.evaluator import Shell

__all__ = ["conditional", "simple_test"]

_NUMERIC: dict[str, Callable[[int, int], bool]] = {
    "-eq": int.__eq__, "-ne": int.__ne__, "-lt": int.__lt__, "-le": int.__le__, "-gt": int.__gt__,
    "-ge": int.__ge__,
}  # fmt: skip
_TEXTUAL = {"=", "==", "!=", "<", ">"}
_ON_FILES = set("abcdefghkprstuwxGLNOS")
_COMPARING_FILES = {"-nt", "-ot", "-ef"}


def _and(one: bool | None, two: bool | None) -> bool | None:
    if one is False or two is False:
        return False
    return True if one and two else None


def _or(one: bool | None, two: bool | None) -> bool | None:
    if one or two:
        return True
    return False if one is False and two is False else None


def _not(one: bool | None) -> bool | None:
    return None if one is None else not one


def _empty(word: Word) -> bool | None:
    if word.text is not None:
        return not word.text
    return False if any(isinstance(part, str) and part for part in word.pieces) else None


def _unary(shell: Shell, op: str, word: Word) -> bool | None:
    if op == "-z":
        return _empty(word)
    if op == "-n":
        return _not(_empty(word))
    if op == "-v":
        name = word.text
        return None if name is None or name not in shell.state.variables else shell.expander.is_set(name)
    if op in ("-e", "-f", "-s", "-r", "-w") and shell.state.files.get(word.pieces):
        return True
    return None


def _same_text(one: Word, two: Word) -> bool | None:
    if one.text is not None and two.text is not None:
        return one.text == two.text
    for this, that in ((one, two), (two, one)):
        text = that.text
        if text is not None:
            if not text.startswith(this.prefix) or not text.endswith(this.suffix):
                return False
            unknown = this.unknown
            if unknown is not None and len(this.pieces) == 1 and unknown.candidates and text not in unknown.candidates:
                return False
    return None


def _binary(one: Word, op: str, two: Word) -> bool | None:
    if op in ("=", "=="):
        return _same_text(one, two)
    if op == "!=":
        return _not(_same_text(one, two))
    if one.text is None or two.text is None:
        return None
    if op in ("<", ">"):
        return one.text < two.text if op == "<" else one.text > two.text
    if op in _NUMERIC:
        try:
            return _NUMERIC[op](number(one.text.strip()), number(two.text.strip()))
        except NotKnown:
            return None
    return None


def simple_test(shell: Shell, words: list[Word]) -> bool | None:
    """``[ words ]`` (without the brackets), by number of words as POSIX wants it."""
    count = len(words)
    if any(word.many for word in words):
        return _with_unset(shell, words)
    if count == 0:
        return False
    if count == 1:
        return _not(_empty(words[0]))
    first = words[0].text
    op = words[1].text or ""
    if count == 3 and (op in _TEXTUAL or op in _NUMERIC or op in _COMPARING_FILES):
        return _binary(words[0], op, words[2])
    if count == 3 and op in ("-a", "-o"):
        join = _and if op == "-a" else _or
        return join(_not(_empty(words[0])), _not(_empty(words[2])))
    if first == "!" and count in (2, 3, 4):
        return _not(simple_test(shell, words[1:]))
    if count == 2:
        return _unary(shell, first or "", words[1])
    if count == 3:
        if first == "(" and words[2].text == ")":
            return simple_test(shell, words[1:2])
        return None
    for op, join in (("-o", _or), ("-a", _and)):
        for index in range(1, count - 1):
            if words[index].text == op:
                return join(simple_test(shell, words[:index]), simple_test(shell, words[index + 1 :]))
    return None


def _with_unset(shell: Shell, words: list[Word]) -> bool | None:
    """A test with an unquoted expansion that may be any number of words; as a rule it is one."""
    if any(word.unknown is not None and word.unknown.reason != NOT_SET and word.unknown.many for word in words):
        if len(words) != 3:
            return None
    single = []
    for word in words:
        parts = tuple(part if isinstance(part, str) else part.spread(False) for part in word.pieces)
        single.append(Word(parts, word.location))
    return simple_test(shell, single)


class _Conditional:
    """``[[ … ]]`` (bash manual 3.2.5.2)."""

    def __init__(self, shell: Shell, tokens: list[RawWord]) -> None:
        self.shell = shell
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    def peek(self) -> str | None:
        return self.tokens[self.at].literal if self.at < len(self.tokens) else ""

    def either(self) -> bool | None:
        self.depth += 1
        if self.depth > 50:
            self.at = len(self.tokens)
            return None
        value = self.both()
        while self.peek() == "||":
            self.at += 1
            value = _or(value, self.both())
        self.depth -= 1
        return value

    def both(self) -> bool | None:
        value = self.one()
        while self.peek() == "&&":
            self.at += 1
            value = _and(value, self.one())
        return value

    def one(self) -> bool | None:
        negated = False
        while self.peek() == "!":
            self.at += 1
            negated = not negated
        if self.peek() == "(":
            self.at += 1
            value = self.either()
            if self.peek() == ")":
                self.at += 1
        else:
            value = self.primary()
        return _not(value) if negated else value

    def primary(self) -> bool | None:
        rest = self.tokens[self.at :]
        if not rest:
            return None
        expand = self.shell.expander.scalar
        following = rest[1].literal if len(rest) > 1 else None
        op = rest[0].literal or ""
        known = following in _TEXTUAL or following == "=~" or following in _NUMERIC or following in _COMPARING_FILES
        if len(rest) > 2 and known and following is not None:
            self.at += 3
            left = expand(rest[0])
            if following in ("=", "==", "!="):
                value = self.pattern(left, rest[2])
                return _not(value) if following == "!=" else value
            if following == "=~":
                return self.expression(left, rest[2])
            return self.numbers(left, following, expand(rest[2]))
        if len(op) == 2 and op[0] == "-" and len(rest) > 1 and following not in ("&&", "||", ")"):
            self.at += 2
            return _unary(self.shell, op, expand(rest[1]))
        self.at += 1
        return _not(_empty(expand(rest[0])))

    def numbers(self, left: Word, op: str, right: Word) -> bool | None:
        if op in _NUMERIC:
            try:
                return _NUMERIC[op](self.shell.expander.compute(left), self.shell.expander.compute(right))
            except NotKnown:
                return None
        return _binary(left, op, right)

    def pattern(self, left: Word, raw: RawWord) -> bool | None:
        try:
            pattern = self.shell.expander.pattern(pieces_of(self.shell.source.view, raw))
        except NotKnown:
            return None
        if left.text is not None:
            return matches(pattern, left.text)
        return None if pattern == ".*" or matches(pattern, left.prefix, True) else False

    def expression(self, left: Word, raw: RawWord) -> bool | None:
        word = self.shell.expander.scalar(raw)
        if left.text is None or word.text is None:
            return None
        # The pieces of the word have lost their quotes; a backslash is what most expressions use them for.
        text = word.text if not word.quoted else self.shell.source.view[raw.start : raw.end]
        if word.quoted and ("$" in text or '"' in text or "'" in text):
            text = word.text
        try:
            expression = compiled(text.replace("[[:space:]]", r"\s").replace("[[:digit:]]", r"\d"), len(left.text))
        except TooHard:
            return None
        found = expression.search(left.text)
        if found:
            groups = [Word(group or "") for group in (found.group(), *found.groups())]
            self.shell.assign_list("BASH_REMATCH", groups)
        return found is not None


def conditional(shell: Shell, tokens: list[RawWord]) -> bool | None:
    """The verdict of ``[[ tokens ]]``."""
    return _Conditional(shell, tokens).either()
