"""What a rehearsal will not see: calls in scripts that do not reach the shims on the PATH."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Uncaught", "scripts", "uncaught_calls"]

_SCRIPT_SIZE = 1 << 20


@dataclass(frozen=True)
class Uncaught:
    """A line of a script (line 0, no file: the command itself) whose calls do not reach the shims, and why."""

    file: str
    line: int
    text: str
    why: str


_BY_PATH = re.compile(r"(?:^|[\s;&|({$=`\"'])(/[\w./-]*/(?:xtables-\w+-multi|ip6?tables(?:-\w+)*))(?![\w/-]|\.\w)")
_OWN_PATH = re.compile(r"(?:^|[\s;&|({])(?:export\s+)?(PATH=(?![\"']?\$\{?PATH\b)\S+)")
_CLEAN_PATH = re.compile(
    r"\b((?:sudo|doas|pkexec|su|runuser|env\s+-i|command\s+-p|ssh|chroot|nsenter|docker|podman)\b[^;&|#]*\bip6?tables\b)"
)
_OTHER_USERS = ("sudo", "doas", "pkexec", "su", "runuser")
_SOURCED = re.compile(r"(?m)(?:^|[;&|{]|\b(?:then|do|else))\s*(?:\.|source|sh|bash|dash|exec)\s+[\"']?([\w./+-]+)")
_REASONS = (
    (_BY_PATH, "is called by its path: that call is NOT caught"),
    (_OWN_PATH, "puts other folders first: where they hold iptables, calls are NOT caught"),
    (_CLEAN_PATH, "may run with another PATH: its calls may NOT be caught"),
)


def scripts(words: Sequence[str]) -> list[str]:
    """The text files among the words of a command; the first may be a program on the PATH."""
    found = []
    for word in [shutil.which(words[0]) or words[0], *words[1:]] if words else []:
        try:
            if os.path.isfile(word):
                with open(word, "rb") as file:
                    if b"\0" not in file.read(1024):
                        found.append(word)
        except (OSError, ValueError):
            continue
    return found


def uncaught_calls(words: Sequence[str]) -> Iterator[Uncaught]:
    """What no shim can catch in a command, in the scripts among its words, and in files that these source by a plain name."""
    if os.path.basename(words[0]) in _OTHER_USERS:
        yield Uncaught("", 0, words[0], "may run the command with another PATH: its calls may NOT be caught")
    yield from _in_text(" ".join(words), "")
    waiting = scripts(words)
    seen = set()
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        with open(name, "rb") as file:
            text = file.read(_SCRIPT_SIZE).decode("utf-8", "replace")
        yield from _in_text(text, name)
        waiting += scripts(["", *_SOURCED.findall(text)])


def _in_text(text: str, name: str) -> Iterator[Uncaught]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        for pattern, why in _REASONS:
            for found in pattern.finditer(line):
                yield Uncaught(name, number if name else 0, found[1], why)
