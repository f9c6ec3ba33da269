"""Redirections: where a command reads from and writes to, as far as the script says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyiptables.lint.shell.reading import HostSetting, Word
from pyiptables.lint.shell.scanning import paren_end
from pyiptables.lint.shell.state import Line, Output, merged
from pyiptables.lint.shell.tree import Redirect
from pyiptables.lint.shell.words import Command, pieces_of

if TYPE_CHECKING:
    from pyiptables.lint.shell.evaluator import Shell

__all__ = ["file_lines", "redirected", "written"]

_SYSCTL = "/proc/sys/"


@contextmanager
def redirected(shell: Shell, redirects: list[Redirect]) -> Iterator[None]:
    """Run something with redirections; what it writes to files is kept for later readers of these."""
    stdin, out = shell.state.stdin, shell.out
    stdin_file, stdout_file = shell.stdin_file, shell.stdout_file
    files: list[tuple[Word, Output, bool]] = []
    for redirect in redirects:
        op = redirect.op
        if op in ("<", "<<", "<<<", "<>", "<&"):
            if redirect.fd in (-1, 0):
                _read(shell, redirect)
        elif redirect.fd in (-1, 1) and redirect.target is not None:
            target = shell.expander.scalar(redirect.target)
            if op == ">&" and target.text is not None and (target.text.isdigit() or target.text == "-"):
                shell.out = None if target.text == "2" or shell.out is out else shell.out
                continue
            shell.out = Output()
            shell.stdout_file = target
            files.append((target, shell.out, op in (">>", "&>>")))
    try:
        yield
    finally:
        shell.state.stdin, shell.out = stdin, out
        shell.stdin_file, shell.stdout_file = stdin_file, stdout_file
        for target, output, appends in files:
            written(shell, target, output, appends)


def _read(shell: Shell, redirect: Redirect) -> None:
    if redirect.heredoc is not None:
        shell.stdin_file = None
        shell.state.stdin = tuple(shell.expander.heredoc(redirect.heredoc).lines())
        return
    if redirect.target is None:
        return
    if redirect.op == "<<<":
        word = shell.expander.scalar(redirect.target)
        output = Output()
        output.write(Word(merged((*word.pieces, "\n")), word.location, True))
        shell.stdin_file = None
        shell.state.stdin = tuple(output.lines())
        return
    if redirect.op == "<&":
        shell.state.stdin = None
        return
    view = shell.source.view
    if view.startswith("<(", redirect.target.start) and paren_end(view, redirect.target.start + 2) > 0:
        for piece in pieces_of(view, redirect.target):
            if isinstance(piece, Command):
                captured = shell.captured(piece)
                shell.state.stdin = tuple(captured.lines()) if captured is not None else None
                return
    target = shell.expander.scalar(redirect.target)
    shell.stdin_file = target
    shell.state.stdin = file_lines(shell, target)


def file_lines(shell: Shell, name: Word) -> tuple[Line, ...] | None:
    """What a file holds that the script itself has written; None for any other file."""
    if name.text == "/dev/null":
        return ()
    chunks = shell.state.files.get(name.pieces)
    if chunks is None:
        return None
    output = Output()
    output.chunks = list(chunks)
    return tuple(output.lines())


def written(shell: Shell, name: Word, output: Output, appends: bool) -> None:
    """A command has written to a file."""
    if name.shown.startswith(_SYSCTL):
        parts = list(output.parts())
        if parts and isinstance(parts[-1], str):
            parts[-1] = parts[-1].rstrip("\n")
        setting = name.shown[len(_SYSCTL) :].replace("/", ".")
        place = name.location or shell.source.location(0, 0)
        value = Word(tuple(parts), output.chunks[0].location if output.chunks else None)
        shell.settings.append(HostSetting(setting, value, place))
        return
    if name.text is not None and name.text.startswith("/dev/"):
        return
    files = shell.state.files
    chunks = tuple(output.chunks)
    if appends:
        before = files.get(name.pieces)
        if before is None:
            # What the file held before is not known.
            return
        chunks = before + chunks
    if len(chunks) <= shell.limits.words:
        files[name.pieces] = chunks
