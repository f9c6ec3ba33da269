"""Programs that hand on what they read: ``tee``, ``xargs``, a shell fed with commands; and ``sysctl``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from pyiptables.lint.shell.reading import Guard, HostSetting, OtherCommand, Unknown, Word
from pyiptables.lint.shell.redirection import written
from pyiptables.lint.shell.source import Location
from pyiptables.lint.shell.state import LIKELY, Flow, Line, Output, merged

if TYPE_CHECKING:
    from pyiptables.lint.shell.evaluator import Shell

__all__ = ["at", "emit", "run_input", "sysctl", "tee", "xargs"]


def emit(shell: Shell, lines: tuple[Line, ...]) -> None:
    if shell.out is None:
        return
    for line in lines:
        word = line.word
        if line.open and len(word.pieces) == 1:
            shell.out.write(word)
        else:
            shell.out.write(Word(merged((*word.pieces, "\n")), word.location, True, word.origin))
    shell.check_output()


def tee(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    shell.status = LIKELY
    output = Output()
    if shell.state.stdin is None:
        shell.write_unknown(place.text, "output of tee", place)
        return None
    appends = False
    before, shell.out = shell.out, output
    emit(shell, shell.state.stdin)
    shell.out = before
    for word in words[1:]:
        if word.prefix.startswith("-"):
            appends = appends or word.text == "-a"
        else:
            written(shell, word, output, appends)
    emit(shell, shell.state.stdin)
    return None


def xargs(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    """The command, with the words of the input behind it or in the place of a mark."""
    from pyiptables.lint.shell.simple import dispatch

    mark, each, lines_each, delimiter, at = "", 0, False, "", 1
    while at < len(words):
        text = words[at].text or ""
        if not text.startswith("-") or text == "-":
            break
        at += 1
        value = text[2:]
        if text[:2] in ("-I", "-n", "-L", "-P", "-d", "-s", "-E", "-a") and not value and at < len(words):
            value = words[at].text or ""
            at += 1
        if text[:2] in ("-I", "-i"):
            mark = value or "{}"
        elif text[:2] == "-n":
            each = int(value) if value.isdigit() else 1
        elif text[:2] == "-L":
            lines_each = True
        elif text[:2] == "-d" or text == "-0":
            delimiter = value or "\\0"
    command = words[at:] or [Word("echo")]
    shell.status = LIKELY
    lines = shell.state.stdin
    if lines is None:
        lines = (Line(Word((Unknown("xargs", "input that is not known", True),), place), True),)
    if delimiter and delimiter != "\\n":
        lines = (Line(Word((Unknown("xargs", "input that is cut elsewhere than at blanks", True),), place), True),)
    batches: list[list[Word]] = []
    for line in lines:
        found = [line.word] if mark or delimiter else _arguments(line.word)
        if mark or lines_each or not batches:
            batches.append([])
        for word in found:
            if each and len(batches[-1]) >= each:
                batches.append([])
            batches[-1].append(word)
    for batch in batches[: shell.limits.words]:
        shell.count_command()
        filled = _filled(command, mark, batch) if mark else [*command, *batch]
        flow = dispatch(shell, filled, place, functions=False)
        if flow is not None:
            return None
    return None


def _arguments(word: Word) -> list[Word]:
    """The words of a line: cut at blanks outside of quotes."""
    if word.text is None:
        return [word]
    if "\\" not in word.text:
        try:
            return [Word(text, word.location) for text in shlex.split(word.text)]
        except ValueError:
            # A quote that nothing closes.
            pass
    return [Word((Unknown(word.text, "quoted for xargs", True),), word.location)]


def _filled(command: list[Word], mark: str, batch: list[Word]) -> list[Word]:
    if not batch:
        return command
    value, filled = batch[0], []
    for word in command:
        if word.text is None or mark not in word.text:
            filled.append(word)
            continue
        parts = []
        for number, piece in enumerate(word.text.split(mark)):
            if number:
                parts += [part if isinstance(part, str) else part.spread(False) for part in value.pieces]
            parts.append(piece)
        whole = word.text == mark
        raw = merged(part for part in parts if part != "")
        filled.append(Word(raw, word.location, False, value.origin if whole else None))
    return filled


def sysctl(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    shell.status = LIKELY
    for word in words[1:]:
        if "=" in word.shown and not word.prefix.startswith("-"):
            name, _, value = word.shown.partition("=")
            parts = list(word.pieces)
            if isinstance(parts[0], str) and "=" in parts[0]:
                parts[0] = parts[0].partition("=")[2]
                value_word = Word(merged(part for part in parts if part != ""), word.location)
            else:
                value_word = Word(value, word.location)
            shell.settings.append(HostSetting(name.strip().replace("/", "."), value_word, place))
    shell.others.append(OtherCommand("sysctl", place, tuple(words[1:])))
    shell.write_unknown(place.text, "output of sysctl", place)
    return None


def run_input(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    """A shell that reads its commands from the standard input, or from a file."""
    shell.status = LIKELY
    operands = [word for word in words[1:] if not word.prefix.startswith("-")]
    arguments: tuple[Word, ...] = ()
    if operands and any(word.prefix.startswith("-") and "s" in word.prefix for word in words[1:]):
        # `bash -s ARGUMENT` reads the commands from its input all the same.
        arguments, operands = (words[0], *operands), []
    if not operands and shell.state.stdin is None and shell.stdin_file is not None:
        shell.unresolve(place, f"commands in {shell.stdin_file.shown}", "the file is not read")
    if operands or shell.state.stdin is None:
        shell.others.append(OtherCommand((words[0].text or "").rpartition("/")[2], place, tuple(words[1:])))
        shell.write_unknown(place.text, "output of a shell", place)
        return None
    lines, shell.state.stdin = shell.state.stdin, None
    return shell.run_text([line.word for line in lines], "eval", place, arguments, "\n")


def at(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    """Commands for later, from the standard input."""
    if any(word.text == "-f" for word in words[1:]):
        shell.unresolve(place, " ".join(word.shown for word in words), "the file is not read")
    guards, shell.guards = shell.guards, (*shell.guards, Guard((words[0].text or "").rpartition("/")[2], "later", place))
    flow = run_input(shell, words[:1], place)
    shell.guards = guards
    return flow
