"""What commands that could not be read whole may have done with chains: nothing can be said about those then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pyiptables.lint.subject import Subject

__all__ = ["Unread", "unread"]

_ADDS = ("-A", "-I", "--append", "--insert")
_JUMPS = ("-j", "-g", "--jump", "--goto")


class Unread(NamedTuple):
    """``names``: every word of these commands; the others: whether a chain that they fill, or jump to, is not known."""

    names: frozenset[str]
    fills: bool
    jumps: bool


def unread(subject: Subject) -> Unread:
    """The commands of a file that were refused, or have words that only a run would tell in the wrong places."""
    known: Unread | None = subject.cache.get("unread")
    if known is None:
        names: set[str] = set()
        fills = jumps = False
        for words in _commands(subject):
            names.update(words)
            chain, goal = _behind(words, _ADDS), _behind(words, _JUMPS)
            bare = any("$" in word or "`" in word for word in words)
            fills = fills or _is_open(chain, bare)
            jumps = jumps or _is_open(goal, bare)
        jumps = jumps or any(_is_open(rule.spec.jump, False) for item in subject.items if item.obscure for rule in item.rules if rule.spec)
        known = subject.cache["unread"] = Unread(frozenset(names), fills, jumps)
    return known


def _commands(subject: Subject) -> Iterator[list[str]]:
    for item in subject.items:
        if item.error is not None or item.command is None:
            yield item.text.split()
    # Lines for iptables-restore with a word that is not known.
    for _, what, _ in subject.unresolved:
        if what.startswith(("-A ", "-I ", "[", ":")):
            yield what.split()


def _behind(words: list[str], options: tuple[str, ...]) -> str:
    return next((after for word, after in zip(words, words[1:], strict=False) if word in options), "")


def _is_open(word: str, bare: bool) -> bool:
    """Is a chain's name not known, or hidden in words that are not?"""
    return any(sign in word for sign in ("$", "`", "{}")) if word else bare
