"""Runs a script under a real shell whose PATH holds recording shims in the place of the iptables family.

The folder of the shims is all of the PATH: beside them only programs that turn text into text (``cat``, ``grep`` …).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pyiptables.lint.shell import Invocation, Unknown, Word

__all__ = ["Call", "Shims", "agrees", "calls_of"]

_FAMILY = ("iptables", "ip6tables", "iptables-restore", "ip6tables-restore", "ipset")
_TEXT = (
    "cat",
    "seq",
    "grep",
    "sed",
    "tr",
    "cut",
    "sort",
    "uniq",
    "head",
    "tail",
    "basename",
    "dirname",
    "expr",
    "tee",
    "xargs",
    "env",
    "echo",
    "printf",
)
# A record is the program and its arguments, each ended by US, then what it read if it is a restore, then RS.
_RECORD = """#!/bin/sh
{
    printf '%s\\037' "${0##*/}" "$@"
    case "${0##*/}" in *-restore) printf '\\036'; [ -t 0 ] || /bin/cat ;; *) printf '\\036' ;; esac
    printf '\\035'
} >> "$SHIM_LOG"
case " $* " in *" -C "*) exit "${SHIM_CHECK:-1}" ;; esac
exit 0
"""
_PASS = {"which": 'command -v "$1"', "sudo": 'exec "$@"', "ip": 'case "$1 $2" in "netns exec") shift 3; exec "$@" ;; esac'}


@dataclass(frozen=True)
class Call:
    """One call of a program of the family; ``stdin`` only of a restore."""

    program: str
    argv: tuple[str, ...]
    stdin: str | None = None


class Shims:
    """A folder of shims, and what scripts called in it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "bin"
        self.path.mkdir()
        self.work = folder / "work"
        self.work.mkdir()
        self.log = folder / "log"
        texts = dict.fromkeys(_FAMILY, _RECORD) | {name: f"#!/bin/sh\n{body}\n" for name, body in _PASS.items()}
        for name, text in texts.items():
            shim = self.path / name
            shim.write_text(text)
            shim.chmod(0o755)
        for name in _TEXT:
            found = shutil.which(name)
            if found:
                (self.path / name).symlink_to(found)

    def run(self, script: str, shell: str, args: tuple[str, ...] = (), check: int = 1) -> tuple[list[Call], str]:
        """The calls of a script in their order, and what the shell complained about."""
        self.log.write_bytes(b"")
        file = self.work.parent / "script"
        file.write_bytes(script.encode("utf-8", "surrogateescape"))
        shutil.rmtree(self.work)
        self.work.mkdir()
        process = subprocess.Popen(
            [shutil.which(shell) or shell, str(file), *args],
            cwd=self.work,
            env={"PATH": str(self.path), "SHIM_LOG": str(self.log), "SHIM_CHECK": str(check), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            complaints = process.communicate(timeout=5)[1]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise TimeoutError(shell) from None
        calls = []
        for record in self.log.read_bytes().decode("utf-8", "surrogateescape").split("\x1d")[:-1]:
            head, _, stdin = record.partition("\x1e")
            words = head.split("\x1f")[:-1]
            calls.append(Call(words[0], tuple(words[1:]), stdin if words[0].endswith("-restore") else None))
        return calls, complaints.decode("utf-8", "replace")


def calls_of(invocations: tuple[Invocation, ...], certain: bool = True) -> list[Call]:
    """Invocations as calls; what is not known in them shows as the script has it."""
    return [
        Call(one.program, tuple(word.shown for word in one.argv), one.stdin.text if one.stdin is not None else None)
        for one in invocations
        if one.certain or one.guarded_by_check is not None or not certain
    ]


def agrees(invocation: Invocation, call: Call) -> bool:
    """Whether a call is one that the invocation stands for, whatever its unknown words are."""
    if invocation.program != call.program:
        return False
    # A restore that is given a file as its argument reads nothing from its standard input.
    if call.stdin and invocation.stdin is not None and invocation.stdin.text not in (None, call.stdin):
        return False
    return _words_agree(list(invocation.argv), list(call.argv))


def _words_agree(words: list[Word], texts: list[str]) -> bool:
    if not words:
        return not texts
    first = words[0]
    if first.many:
        return any(_words_agree(words[1:], texts[taken:]) for taken in range(len(texts) + 1))
    return bool(texts) and _word_agrees(first, texts[0]) and _words_agree(words[1:], texts[1:])


def _word_agrees(word: Word, text: str) -> bool:
    import re

    pattern = "".join([".*" if isinstance(part, Unknown) else re.escape(part) for part in word.pieces])
    return re.fullmatch(pattern, text, re.S) is not None
