"""Patterns of ``case`` and ``${x#…}`` as regular expressions, and brace expansion."""

from __future__ import annotations

import re
import warnings

from pyiptables.lint.shell.words import Lit, Piece

__all__ = ["TooHard", "TooManyWords", "braces", "compiled", "has_glob", "matches", "regex_of"]

_CLASSES = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z", "space": r"\s",
    "blank": r" \t", "xdigit": "0-9A-Fa-f", "punct": r"!-/:-@\[-`{-~",
}  # fmt: skip
_EXTENDED = {"?": "?", "*": "*", "+": "+", "@": ""}


def has_glob(text: str) -> bool:
    return "*" in text or "?" in text or ("[" in text and "]" in text)


def regex_of(pattern: list[tuple[str, bool]], shortest: bool = False) -> str:
    """The regular expression of a pattern, given as (text, quoted) pieces; quoted text stands for itself."""
    return "".join(re.escape(text) if quoted else _translate(text, shortest) for text, quoted in pattern)


def _translate(text: str, shortest: bool, depth: int = 0) -> str:
    out: list[str] = []
    at, size = 0, len(text)
    while at < size:
        char = text[at]
        if char in "?*+@!" and text.startswith("(", at + 1) and depth < 20:
            close = _group_end(text, at + 2)
            if close > 0:
                body = "|".join(_translate(part, shortest, depth + 1) for part in _split(text[at + 2 : close - 1]))
                out.append(f"(?:(?!(?:{body})$).*)" if char == "!" else f"(?:{body}){_EXTENDED[char]}")
                at = close
                continue
        if char == "*":
            while text.startswith("*", at + 1):
                at += 1
            out.append(".*?" if shortest else ".*")
        elif char == "?":
            out.append(".")
        elif char == "\\" and at + 1 < size:
            at += 1
            out.append(re.escape(text[at]))
        elif char == "[" and (found := re.compile(r"\[[!^]?\]?(?:\[:\w+:\]|[^\]])*\]").match(text, at)):
            out.append(_bracket(found.group()))
            at = found.end() - 1
        else:
            out.append(re.escape(char))
        at += 1
    return "".join(out)


def _bracket(text: str) -> str:
    inner = text[1:-1]
    negated = inner[:1] in ("!", "^")
    inner = re.sub(r"([\\\[\]&~|])", r"\\\1", re.sub(r"\[:(\w+):\]", "\0\\1\0", inner[negated:]))
    inner = re.sub(r"\0(\w+)\0", lambda found: _CLASSES.get(found.group(1), ""), inner)
    return f"[{'^' if negated else ''}{inner}]"


def _group_end(text: str, at: int) -> int:
    level = 0
    for here in range(at, len(text)):
        if text[here] == "(":
            level += 1
        elif text[here] == ")":
            if level == 0:
                return here + 1
            level -= 1
    return -1


def _split(text: str) -> list[str]:
    parts, level, begin = [], 0, 0
    for here, char in enumerate(text):
        level += (char == "(") - (char == ")")
        if char == "|" and level == 0:
            parts.append(text[begin:here])
            begin = here + 1
    return [*parts, text[begin:]]


Atom = str | Piece
_RANGE = re.compile(r"(-?\d{1,18}|[A-Za-z])\.\.(-?\d{1,18}|[A-Za-z])(?:\.\.(-?\d{1,18}))?\Z")


class TooManyWords(Exception):
    """A brace expansion that would give more words than the limit allows."""


def braces(pieces: tuple[Piece, ...], most: int) -> list[tuple[Piece, ...]]:
    """Brace expansion (bash manual 3.5.1): the pieces of every word that the word stands for."""
    atoms: list[Atom] = []
    for piece in pieces:
        if isinstance(piece, Lit) and not piece.quoted:
            atoms += piece.text
        else:
            atoms.append(piece)
    if _count(atoms, 0) > most:
        raise TooManyWords
    return [_joined(word) for word in _expand(atoms, 0)]


def _joined(atoms: list[Atom]) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    run: list[str] = []
    for atom in atoms:
        if isinstance(atom, str):
            run.append(atom)
            continue
        if run:
            pieces.append(Lit("".join(run), False))
            run = []
        pieces.append(atom)
    if run:
        pieces.append(Lit("".join(run), False))
    return tuple(pieces)


def _expand(atoms: list[Atom], depth: int) -> list[list[Atom]]:
    begin, end, choices = _first(atoms, depth)
    if not choices:
        return [atoms]
    middles = [middle for choice in choices for middle in _expand(choice, depth + 1)]
    tails = _expand(atoms[end:], depth + 1)
    return [atoms[:begin] + middle + tail for middle in middles for tail in tails]


def _count(atoms: list[Atom], depth: int) -> int:
    """How many words :func:`_expand` gives."""
    _, end, choices = _first(atoms, depth)
    return sum([_count(choice, depth + 1) for choice in choices]) * _count(atoms[end:], depth + 1) if choices else 1


def _first(atoms: list[Atom], depth: int) -> tuple[int, int, list[list[Atom]]]:
    """Where the first braces with alternatives begin and end, and the alternatives."""
    if depth <= 20:
        for begin, atom in enumerate(atoms):
            alternatives = _alternatives(atoms, begin) if atom == "{" else None
            if alternatives is not None:
                return begin, *alternatives
    return 0, 0, []


def _alternatives(atoms: list[Atom], begin: int) -> tuple[int, list[list[Atom]]] | None:
    """The offset behind the brace at ``begin`` and its alternatives; None if it stands for itself."""
    level, last = 0, begin + 1
    choices: list[list[Atom]] = []
    for here in range(begin + 1, len(atoms)):
        atom = atoms[here]
        if atom == "{":
            level += 1
        elif atom == "}":
            if level:
                level -= 1
                continue
            inner = atoms[last:here]
            if choices:
                return here + 1, [*choices, inner]
            if all(isinstance(one, str) for one in inner):
                words = _range("".join(one for one in inner if isinstance(one, str)))
                if words is not None:
                    return here + 1, words
            return None
        elif atom == "," and level == 0:
            choices.append(atoms[last:here])
            last = here + 1
    return None


def _range(text: str) -> list[list[Atom]] | None:
    found = _RANGE.match(text)
    if not found:
        return None
    first, last, step = found.groups()
    numeric = first.lstrip("-").isdigit()
    if numeric != last.lstrip("-").isdigit():
        return None
    low, high = (int(first), int(last)) if numeric else (ord(first), ord(last))
    stride = abs(int(step)) if step else 1
    stride = stride or 1
    if abs(high - low) // stride > 100_000:
        raise TooManyWords
    values = range(low, high + 1, stride) if low <= high else range(low, high - 1, -stride)
    if not numeric:
        return [[chr(value)] for value in values]
    padded = any(re.match(r"-?0\d", end) for end in (first, last))
    width = max(len(first), len(last)) if padded else 0
    return [list(f"{value:0{width}d}" if width else str(value)) for value in values]


class TooHard(Exception):
    """A pattern that would take very long on its text, or that is none."""


def compiled(pattern: str, size: int) -> re.Pattern[str]:
    """The expression for texts of a size, unless it may backtrack for long; raises TooHard."""
    loose = pattern.count("*") + pattern.count("+")
    if size > 8 and (loose > 12 or (loose > 3 and size > 400) or (loose > 1 and size > 20_000)):
        raise TooHard
    if re.search(r"\)[*+]", pattern) and size > 24:
        raise TooHard
    try:
        with warnings.catch_warnings():
            # What a set may mean in some later Python is no business of the script's author.
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(pattern, re.S)
    except (re.error, OverflowError, RecursionError):
        raise TooHard from None


def matches(pattern: str, text: str, beginning: bool = False) -> bool | None:
    """Whether a whole text matches; with ``beginning``, whether one that begins so might (None: not
    known)."""
    if beginning:
        plain = re.match(r"(?:\\[^A-Za-z0-9]|[A-Za-z0-9_/:,@%=~-])*", pattern)
        fixed = plain.group().replace("\\", "") if plain else ""
        return fixed.startswith(text) or text.startswith(fixed)
    try:
        return compiled(pattern, len(text)).fullmatch(text) is not None
    except TooHard:
        return None
