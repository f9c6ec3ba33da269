"""Simple commands: assignments, then a function, a builtin, a wrapper, a program of the family, or another
program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from typing import TYPE_CHECKING

from pyiptables.lint.shell.builtins import BUILTINS, declare
from pyiptables.lint.shell.commands import assign_at
from pyiptables.lint.shell.programs import family_program, guess_program, looks_like_rules
from pyiptables.lint.shell.reading import Guard, Invocation, OtherCommand, Text, TextLine, Unknown, Word
from pyiptables.lint.shell.redirection import file_lines, redirected
from pyiptables.lint.shell.source import Location
from pyiptables.lint.shell.state import LIKELY, SUCCESS, UNKNOWN, Flow, Line, State, Status, Variable, merged, too_long
from pyiptables.lint.shell.text_programs import TEXT_PROGRAMS
from pyiptables.lint.shell.tree import Assign, Simple
from pyiptables.lint.shell.words import Command, pieces_of
from pyiptables.lint.shell.wrapped import Inner
from pyiptables.lint.shell.wrappers import unwrap

if TYPE_CHECKING:
    from pyiptables.lint.shell.evaluator import Shell

__all__ = ["dispatch", "run_simple"]

_DECLARING = {"declare", "export", "local", "readonly", "typeset"}
#: Programs that fail only if something is wrong.
_RELIABLE = {
    "addgroup", "adduser", "apk", "apt", "apt-get", "cd", "chmod", "chown", "conntrack", "cp", "date", "dirname", "dnf", "groupadd",
    "hash", "install", "ip", "ipset", "ln", "logger", "make", "mkdir", "mktemp", "modprobe", "mv", "pip", "rm", "service", "sleep",
    "sync", "sysctl", "systemctl", "tar", "tc", "touch", "useradd", "wait", "yum",
}  # fmt: skip
#: Builtins that are programs as well, for ``xargs``, ``sudo`` and whoever writes their path.
_ALSO_PROGRAMS = {"[", "echo", "false", "printf", "pwd", "sleep", "test", "true"}
_CHECKING = {"-C", "--check", "-S", "--list-rules", "-L", "--list"}


def run_simple(shell: Shell, node: Simple) -> Flow | None:
    if node.redirects:
        with redirected(shell, node.redirects):
            return _run(shell, node)
    return _run(shell, node)


def _run(shell: Shell, node: Simple) -> Flow | None:
    place = shell.place(node)
    if not node.words:
        shell.status = SUCCESS
        for assign in node.assigns:
            run_assign(shell, assign)
        return None
    if node.words[0].literal in _DECLARING:
        name = node.words[0].literal or ""
        values: list[Assign | Word] = []
        for raw in node.words[1:]:
            declared = assign_at(shell.source.view, raw.start, raw.end)
            if declared is not None:
                values.append(declared)
            else:
                values += shell.expander.fields(raw)
        declare(shell, name, values, run_assign)
        return None
    words = [word.settled for word in shell.expander.all_fields(node.words)]
    if not words:
        for assign in node.assigns:
            run_assign(shell, assign)
        return None
    saved: dict[str, Variable | None] = {}
    for assign in node.assigns:
        saved[assign.name] = shell.state.variables.get(assign.name)
        run_assign(shell, assign)
    flow = dispatch(shell, words, place)
    for name, variable in saved.items():
        if variable is None:
            shell.state.variables.pop(name, None)
        else:
            shell.state.variables[name] = variable
    return flow


def run_assign(shell: Shell, assign: Assign) -> None:
    """``name=value`` and its forms."""
    expander, state = shell.expander, shell.state
    place = shell.source.location(assign.start, assign.end)
    old = state.variables.get(assign.name)
    if assign.array is not None:
        items = dict(old.items or {}) if old is not None and assign.append else {}
        named = old is not None and old.named
        if old is not None and assign.append and old.items is None and old.value is not None:
            items[0] = old.value
        number = max((key for key in items if isinstance(key, int)), default=-1) + 1
        for raw in assign.array:
            if shell.source.view.startswith("[", raw.start):
                keyed = assign_at("x" + shell.source.view[raw.start : raw.end], 0, raw.end - raw.start + 1)
                if keyed is not None and keyed.index is not None and keyed.value is not None:
                    key = expander.span((raw.start + 1, raw.start + keyed.index.end - 1))
                    value = expander.span((raw.start + keyed.value.start - 1, raw.end), False)
                    text = (key.text or "").strip("\"'")
                    if named or not text.isdigit():
                        items[text] = value
                        named = True
                    else:
                        items[int(text)] = value
                        number = int(text) + 1
                    continue
            for word in expander.fields(raw):
                items[number] = word
                number += 1
        # A list that grows in a loop is copied each time.
        shell.count_items(len(items))
        variable = Variable(None, items, named)
        state.variables[assign.name] = variable
        shown = Word(" ".join(word.shown for word in items.values()), place)
        shell.note_assignment(assign.name, shown, place)
        return
    value = expander.scalar(assign.value)
    if assign.value is not None and assign.value.literal is None:
        if any(isinstance(piece, Command) for piece in pieces_of(shell.source.view, assign.value)):
            # Its status is that of the last command in it.
            if shell.status.code is None:
                shell.status = LIKELY if value.text is not None else Status(None, 0, shell.status.check)
    index = None
    if assign.index is not None:
        word = expander.span((assign.index.start, assign.index.end))
        index = word.text if word.text is not None else "-"
    if assign.append:
        before = expander.element(assign.name, index or "0") if index else expander.variable(assign.name)
        unset = assign.name not in state.variables
        if not unset:
            value = Word((*before.pieces, *value.pieces) if before.text is None or value.text is None
                         else before.text + value.text, place)  # fmt: skip
        if too_long(value.pieces, shell.limits.text):
            value = Word((Unknown(f"${assign.name}", "too long"),), place)
    shell.assign(assign.name, value, index, place)


def dispatch(shell: Shell, words: list[Word], place: Location, functions: bool = True) -> Flow | None:
    """Run a command given as words."""
    first = words[0]
    name = first.text
    if name is None:
        return _unknown_name(shell, words, place)
    if functions:
        function = shell.state.functions.get(name)
        if function is not None:
            return shell.call(function, words[1:], place)
        alias = shell.aliases.get(name)
        if alias is not None and alias.split()[:1] != [name]:
            return dispatch(shell, [*(Word(part, first.location) for part in alias.split()), *words[1:]], place)
        builtin = BUILTINS.get(name)
        if builtin is not None:
            return builtin(shell, words, place)
    program = family_program(name)
    if program:
        invoke(shell, program, words, place)
        return None
    return _program(shell, name, words, place)


def _program(shell: Shell, name: str, words: list[Word], place: Location) -> Flow | None:
    base = name.rpartition("/")[2]
    inner = unwrap(base, words)
    if inner is not None:
        if not inner.words:
            shell.status = SUCCESS
            return None
        shell.commands += 1
        with _inside(shell, inner, Guard(base, "later", place)):
            if inner.script is not None:
                return shell.run_text([inner.script], "eval", place, tuple(inner.words))
            return dispatch(shell, inner.words, place, inner.functions)
    program = BUILTINS[base] if base in _ALSO_PROGRAMS else find if base == "find" else TEXT_PROGRAMS.get(base)
    if program is None or base in _AWKS:
        _look_within(shell, base, words[1:], place)
    if program is not None:
        return program(shell, words, place)
    shell.others.append(OtherCommand(base, place, tuple(words[1:])))
    shell.write_unknown(place.text, f"output of {base}", place)
    shell.status = LIKELY if base in _RELIABLE else UNKNOWN
    return None


@contextmanager
def _inside(shell: Shell, inner: Inner, later: Guard) -> Iterator[None]:
    """Where and when the command in a wrapper runs."""
    netns, guards, state = shell.netns, shell.guards, shell.state
    shell.netns = inner.netns or netns
    if inner.later:
        shell.guards = (*guards, later)
    if inner.remote:
        shell.state = State(())
        shell.state.stdin = state.stdin
    try:
        yield
    finally:
        shell.netns, shell.guards, shell.state = netns, guards, state if inner.remote else shell.state


_AWKS = ("awk", "gawk", "mawk")
#: Programs with a language of their own, which may call others.
_LANGUAGES = re.compile(r"(?:python|perl|ruby|php|lua|node|expect|tclsh)[\d.]*|[gm]?awk|ansible|salt|parallel")
_CALL = re.compile(r"(?:^|[^\w-])ip6?tables(?:-legacy|-nft)?(?:-restore\b|(?: -[wt]\b(?: \w+)?)* -[ADIRPFNXE]\b)")


def _look_within(shell: Shell, base: str, arguments: list[Word], place: Location) -> None:
    """iptables in the arguments of a program of which it is not known what it does with them."""
    for at, word in enumerate(arguments):
        if word.text is None:
            continue
        if family_program(word.text) and looks_like_rules(arguments[at + 1 :]):
            shell.unresolve(place, base, "what it does with the iptables command in its arguments")
            before, shell.guards = shell.guards, (*shell.guards, Guard(base, "wrapped", place))
            dispatch(shell, [_unfilled(one) for one in takewhile(lambda one: one.text != ":::", arguments[at:])], place, False)
            shell.guards = before
            return
        if _LANGUAGES.fullmatch(base) and _CALL.search(word.text):
            shell.unresolve(place, base, "the iptables commands in its text are not read")
            return


def _unfilled(word: Word) -> Word:
    """An argument with a mark for what is put there when it runs."""
    if word.text is None or "{}" not in word.text:
        return word
    head, _, tail = word.text.partition("{}")
    return Word(merged(part for part in (head, Unknown("{}", "filled in when it runs"), tail) if part), word.location)


def find(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    """The commands of ``-exec`` and its like run for each file that is found, if there is one."""
    at = 1
    while at < len(words):
        if words[at].text in ("-exec", "-execdir", "-ok", "-okdir"):
            command = list(takewhile(lambda one: one.text not in (";", "+"), words[at + 1 :]))
            if command:
                guards, shell.guards = shell.guards, (*shell.guards, Guard("find", "found", place))
                dispatch(shell, [_unfilled(word) for word in command], place, False)
                shell.guards = guards
            at += len(command)
        at += 1
    shell.others.append(OtherCommand("find", place, tuple(words[1:])))
    shell.write_unknown(place.text, "output of find", place)
    shell.status = LIKELY
    return None


def _unknown_name(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    """A command whose name is not known as a whole: by its known end, its candidates, its variable, its
    arguments."""
    first, rest = words[0], words[1:]
    ending = first.suffix
    if "/" in ending:
        return dispatch(shell, [Word(ending.rpartition("/")[2], first.location), *rest], place, False)
    unknown = first.unknown
    assert unknown is not None
    if len(first.pieces) == 1 and unknown.candidates:
        programs = {family_program((text.split() or [""])[0]) for text in unknown.candidates}
        if "" not in programs or (len(programs) > 1 and looks_like_rules(rest)):
            programs.discard("")
            invoke(shell, min(programs), words, place, len(programs) == 1)
            return None
    if unknown.many and rest and len(first.pieces) == 1:
        name = rest[0].text
        if name is not None and (family_program(name) or unwrap(name, rest) or name in shell.state.functions):
            # `$SUDO iptables …`: the variable is empty or a wrapper.
            return dispatch(shell, rest, place)
    program = guess_program(first.shown)
    if program or looks_like_rules(rest):
        invoke(shell, program or "iptables", words, place, False)
        return None
    shell.unresolve(place, first.shown, f"name of the command: {unknown.reason}")
    shell.write_unknown(place.text, "output of a command that is not known", place)
    shell.status = UNKNOWN
    return None


def invoke(shell: Shell, program: str, words: list[Word], place: Location, certain: bool = True) -> None:
    """Record a call of a program of the family."""
    arguments = tuple(words[1:])
    texts = {word.text for word in arguments}
    stdin: Text | None = None
    stdin_file: Word | None = None
    reads = program.endswith(("-restore", "-restore-translate")) or (program == "ipset" and "restore" in texts)
    if reads:
        stdin_file = _operand(arguments) or shell.stdin_file
        lines = file_lines(shell, stdin_file) if stdin_file is not None else shell.state.stdin
        if lines is not None:
            stdin = _text(lines)
    known = all(word.text is not None for word in arguments)
    shell.invocations.append(
        Invocation(
            program, arguments, words[0], place, stdin, stdin_file, shell.stdout_file, shell.stack,
            shell.bindings,
            shell.guards, shell.check, shell.ignored, shell.netns,
            certain and known and (not reads or (stdin is not None and stdin.text is not None)),
        )
    )  # fmt: skip
    listing = bool(texts & _CHECKING)
    if shell.out is not None and (listing or program.endswith(("-save", "-translate")) or program == "ipset"):
        shell.write_unknown(place.text, f"output of {program}", place)
    shell.status = Status(None, None, place) if listing else LIKELY


def _operand(arguments: tuple[Word, ...]) -> Word | None:
    """The file that iptables-restore is given as an argument."""
    skip = False
    for index, word in enumerate(arguments):
        if skip:
            skip = False
            continue
        text = word.text
        if text is None or not text.startswith("-"):
            return None if word.many else word
        if text in ("-T", "--table", "-M", "--modprobe", "-W", "--wait-interval"):
            skip = True
        elif text in ("-w", "--wait") and index + 1 < len(arguments):
            skip = (arguments[index + 1].text or "").isdigit()
    return None


def _text(lines: tuple[Line, ...]) -> Text:
    return Text(tuple(TextLine(line.word, line.word.location) for line in lines))
