"""Fixes that put other words in the place of some words of a command, in rule files and in scripts."""

from __future__ import annotations

import re

from pyiptables.lint.diagnostic import Edit, Fix
from pyiptables.lint.places import command_place
from pyiptables.lint.subject import Item, Subject

__all__ = ["reworded"]


def reworded(subject: Subject, item: Item, title: str, changes: tuple[tuple[str, str], ...]) -> Fix | None:
    """Replace each text by another one; None unless each stands exactly once, as whole words, where the command is written.

    A command that a wrapper function or a loop puts together is left alone.
    """
    start, end = item.start, item.end
    if item.invocation is not None and "-restore" not in item.invocation.program:
        location = item.invocation.location
        if location.file != subject.file or command_place(item) != item.place:
            return None
        start, end = location.start, location.end
    if not end or end <= start:
        return None
    raw = subject.data[start:end]
    edits = []
    for old, new in changes:
        pattern = rb"[ \t]+".join([re.escape(word.encode()) for word in old.split()])
        found = list(re.finditer(rb"(?<![^\s])" + pattern + rb"(?![^\s])", raw))
        if len(found) != 1:
            return None
        edits.append(Edit(start + found[0].start(), start + found[0].end(), new))
    return Fix(title, tuple(edits))
