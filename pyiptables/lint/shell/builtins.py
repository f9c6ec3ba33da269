"""Commands that the shell itself knows. Each takes the shell, the words and the place, and sets the
status."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from pyiptables.lint.shell.arithmetic import NotKnown
from pyiptables.lint.shell.conditions import simple_test
from pyiptables.lint.shell.input import mapfile, read
from pyiptables.lint.shell.output import echo, printf
from pyiptables.lint.shell.programs import family_program
from pyiptables.lint.shell.reading import POSITIONAL, Unknown, Word
from pyiptables.lint.shell.source import Location
from pyiptables.lint.shell.state import FAILURE, LIKELY, SUCCESS, UNKNOWN, Flow, Status, Variable
from pyiptables.lint.shell.tree import Assign

if TYPE_CHECKING:
    from pyiptables.lint.shell.evaluator import Shell

__all__ = ["BUILTINS", "declare"]

Builtin = Callable[["Shell", list[Word], Location], Flow | None]


def declare(shell: Shell, name: str, values: list[Assign | Word], run_assign: Callable[[Shell, Assign], None]) -> None:
    """``local``, ``export``, ``readonly``, ``declare``, ``typeset``."""
    flags = "".join(value.text or "" for value in values if isinstance(value, Word) and value.prefix.startswith("-"))
    local = name == "local" or (name in ("declare", "typeset") and "g" not in flags)
    shell.status = SUCCESS
    for value in values:
        variable = value.name if isinstance(value, Assign) else value.text
        if variable is None or not re.match(r"[A-Za-z_]\w*\Z", variable):
            continue
        if local and shell.locals:
            shell.locals[-1].setdefault(variable, shell.state.variables.get(variable))
            if isinstance(value, Word):
                shell.state.variables[variable] = Variable(None)
        if "A" in flags or "a" in flags:
            shell.expander.declare(variable, "A" in flags)
        if isinstance(value, Assign):
            run_assign(shell, value)
            if "i" in flags:
                _integer(shell, variable)
        elif name in ("declare", "typeset") and not local and variable not in shell.state.variables:
            shell.state.variables[variable] = Variable(None)


def _integer(shell: Shell, name: str) -> None:
    try:
        shell.assign(name, Word(str(shell.expander.compute(shell.expander.variable(name)))))
    except NotKnown:
        return


def _true(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    shell.status = SUCCESS
    return None


def _false(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    shell.status = FAILURE
    return None


def _quiet(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    shell.status = LIKELY
    return None


def _number(words: list[Word], default: int) -> int:
    text = words[1].text if len(words) > 1 else None
    return int(text) if text and text.isdecimal() and len(text) < 6 else default


def _exit(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    return "exit", _number(words, 0)


def _return(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    if len(words) > 1 and words[1].text is None:
        shell.status = UNKNOWN
        return "return", -1
    return "return", _number(words, -1)


def _break(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    return words[0].text or "break", max(1, _number(words, 1))


def _shift(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    arguments = shell.state.arguments
    count = _number(words, 1)
    shell.status = SUCCESS
    if any(word.many for word in arguments[:count]):
        # How many words the unknown ones are is not known, so not which ones go.
        hidden = next(index for index, word in enumerate(arguments) if word.many)
        shell.state.arguments = arguments[hidden:]
    elif count <= len(arguments):
        shell.state.arguments = arguments[count:]
    else:
        shell.status = FAILURE
    return None


def _set(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    shell.status = SUCCESS
    rest = words[1:]
    letters = {"e": "errexit", "u": "nounset", "x": "xtrace", "n": "noexec", "f": "noglob"}
    while rest:
        text = rest[0].text
        if text == "--":
            shell.state.arguments = tuple(rest[1:])
            return None
        if text is None or text[:1] not in ("-", "+") or len(text) < 2:
            break
        if text[1] == "o":
            if len(rest) > 1 and rest[1].text is not None:
                (shell.options.add if text[0] == "-" else shell.options.discard)(rest[1].text)
            rest = rest[2:]
            continue
        for letter in text[1:]:
            if letter in letters:
                (shell.options.add if text[0] == "-" else shell.options.discard)(letters[letter])
            elif letter == "o" and len(rest) > 1:
                shell.options.add(rest[1].text or "")
                rest = rest[1:]
        rest = rest[1:]
    if rest:
        shell.state.arguments = tuple(rest)
    return None


def _unset(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    shell.status = SUCCESS
    functions = any(word.text == "-f" for word in words)
    for word in words[1:]:
        name = word.text
        if name is None or name.startswith("-"):
            continue
        if functions:
            shell.state.functions.pop(name, None)
            continue
        base, _, index = name.partition("[")
        variable = shell.state.variables.get(base)
        if index and variable is not None and variable.items is not None:
            items = {key: value for key, value in variable.items.items() if str(key) != index.rstrip("]")}
            shell.state.variables[base] = Variable(None, items, variable.named)
        else:
            shell.state.variables[base] = Variable(None)
    return None


def _test(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    rest = words[1:]
    if words[0].text == "[" and rest and rest[-1].text == "]":
        rest = rest[:-1]
    verdict = simple_test(shell, rest)
    shell.status = UNKNOWN if verdict is None else SUCCESS if verdict else FAILURE
    return None


def _let(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    shell.status = SUCCESS
    for word in words[1:]:
        try:
            shell.status = SUCCESS if shell.expander.compute(word) else FAILURE
        except NotKnown:
            shell.status = UNKNOWN
            name = re.match(r"\w+", word.prefix)
            if name:
                shell.assign(name.group(), Word((Unknown(f"${name.group()}", "arithmetic on what is not known"),)))
    return None


def _eval(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    return shell.run_text(words[1:], "eval", place)


def _source(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    if len(words) < 2:
        shell.status = FAILURE
        return None
    return shell.run_file(words[1], words[2:], place)


def _exec(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    if len(words) == 1:
        shell.status = SUCCESS
        return None
    from pyiptables.lint.shell.simple import dispatch
    from pyiptables.lint.shell.wrappers import unwrap

    inner = unwrap("exec", words)
    flow = dispatch(shell, inner.words, place, functions=False) if inner is not None and inner.words else None
    # Another program takes the shell's place; its trap goes with it.
    shell.state.traps.pop("EXIT", None)
    return flow or ("exit", 0)


def _command(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    if len(words) > 1 and words[1].text in ("-v", "-V"):
        return _which(shell, words[1:], place)
    rest = words[1:]
    while rest and rest[0].text in ("-p", "--"):
        rest = rest[1:]
    if not rest:
        shell.status = SUCCESS
        return None
    from pyiptables.lint.shell.simple import dispatch

    name = rest[0].text or ""
    builtin = BUILTINS.get(name)
    return builtin(shell, rest, place) if builtin is not None else dispatch(shell, rest, place, functions=False)


def _which(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    """``which``, ``type -p``, ``command -v``: a program of the family is taken to be there."""
    shell.status = LIKELY
    for word in words[1:]:
        name = word.text
        if name is not None and name.startswith("-"):
            continue
        if name is not None and (family_program(name) or name in shell.state.functions or name in BUILTINS):
            shell.write(name + "\n", place)
        else:
            shell.status = UNKNOWN
            shell.write_unknown(word.shown, "path of a program", place)
    return None


def _trap(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    shell.status = SUCCESS
    rest = words[1:]
    if rest and rest[0].text == "--":
        rest = rest[1:]
    if len(rest) < 2 or (rest[0].prefix.startswith("-")):
        for word in rest[1:]:
            shell.state.traps.pop(word.text or "", None)
        return None
    for word in rest[1:]:
        signal = (word.text or word.shown).upper().removeprefix("SIG")
        shell.state.traps["EXIT" if signal == "0" else signal] = (rest[0], place)
    return None


def _getopts(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    shell.status = UNKNOWN
    if len(words) > 2 and words[2].text:
        shell.assign(words[2].text, Word((Unknown(f"${words[2].text}", POSITIONAL),)))
    for name in ("OPTARG", "OPTIND"):
        shell.assign(name, Word((Unknown(f"${name}", POSITIONAL),)))
    return None


def _alias(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    shell.status = SUCCESS
    for word in words[1:]:
        name, equals, text = (word.text or "").partition("=")
        if equals:
            shell.aliases[name] = text
    return None


def _pwd(shell: Shell, words: list[Word], place: Location) -> Flow | None:
    shell.status = Status(0)
    shell.write_unknown("$PWD", "directory in which it runs", place)
    return None


BUILTINS: dict[str, Builtin] = {
    ":": _true, "true": _true, "false": _false, "exit": _exit, "return": _return, "break": _break,
    "continue": _break, "shift": _shift, "set": _set, "unset": _unset, "test": _test, "[": _test, "let": _let,
    "eval": _eval, ".": _source, "source": _source, "exec": _exec, "command": _command, "type": _which,
    "which": _which, "hash": _quiet, "trap": _trap, "getopts": _getopts, "alias": _alias, "read": read,
    "mapfile": mapfile, "readarray": mapfile, "echo": echo, "printf": printf, "cd": _quiet, "pushd": _quiet,
    "popd": _quiet, "pwd": _pwd, "umask": _quiet, "ulimit": _quiet, "wait": _quiet, "shopt": _quiet,
    "sleep": _quiet,
    "unalias": _quiet, "times": _quiet, "disown": _quiet,
}  # fmt: skip
