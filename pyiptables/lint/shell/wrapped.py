"""A command that is given to another program as its arguments."""

from __future__ import annotations

from typing import NamedTuple

from pyiptables.lint.shell.reading import Word

__all__ = ["Inner", "behind_options"]


class Inner(NamedTuple):
    """The command inside: its words, or the text that a shell is to read (then the words are its ``$0``,
    ``$1`` …)."""

    words: list[Word]
    #: Where it runs: a network namespace, a container, another machine; "" for here.
    netns: str = ""
    script: Word | None = None
    functions: bool = False
    #: A shell of its own on another machine, which knows nothing of this one's variables.
    remote: bool = False
    #: It runs when the script is long through.
    later: bool = False


def behind_options(words: list[Word], valued: str, operands: int = 0) -> list[Word]:
    """The words behind a program's own options and operands."""
    takes = set(valued.split())
    at = 1
    while at < len(words):
        text = words[at].prefix
        if text == "--":
            at += 1
            break
        if not text.startswith("-") or text == "-":
            break
        # The last letter of a cluster may take a value: `-nu root`.
        valued_here = text in takes or (text[1] != "-" and f"-{text[-1]}" in takes and text[1:].isalpha())
        at += 2 if valued_here and words[at].text is not None else 1
    return words[at + operands :]
