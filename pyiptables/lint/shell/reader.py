"""From bytes to a :class:`ScriptReading`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from pyiptables.lint.shell.evaluator import Shell, SourceReader
from pyiptables.lint.shell.reading import (
    POSITIONAL,
    Frame,
    FunctionDefinition,
    Guard,
    Invocation,
    Limits,
    ScriptReading,
    Unknown,
    Word,
)
from pyiptables.lint.shell.source import Source
from pyiptables.lint.shell.state import Flow, ShellFunction, TooMuch, Variable

__all__ = ["Options", "read", "read_script"]


class Options:
    """What the caller knows: values of variables, arguments of the script, files beside it, limits."""

    def __init__(
        self,
        set_values: Mapping[str, str] | None = None,
        args: Sequence[str] | None = None,
        source: SourceReader | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.set_values = set_values or {}
        self.args = args
        self.source = source
        self.limits = limits or Limits()

    def shell(self, source: Source) -> Shell:
        """A shell that starts with what is known."""
        if self.args is None:
            arguments: tuple[Word, ...] = (Word((Unknown("$@", POSITIONAL, True),)),)
        else:
            arguments = tuple(Word(text, None, True) for text in self.args)
        shell = Shell(source, arguments, self.limits, self.source)
        for name, value in self.set_values.items():
            shell.state.variables[name] = Variable(Word(value, None, True))
        return shell


def read_script(
    data: bytes,
    file: str = "<script>",
    *,
    set_values: Mapping[str, str] | None = None,
    args: Sequence[str] | None = None,
    source: SourceReader | None = None,
    limits: Limits | None = None,
) -> ScriptReading:
    """Read a sh or bash script.

    ``set_values`` presets variables, ``args`` the positional parameters (None: not known). ``source`` is
    asked for a file that the script sources, by the name in the script (without a directory that is not
    known) and the name of the file that names it; it answers with a name and the bytes. Raises :class:`ShellReaderMissing` if the
    grammar is not installed, nothing else.
    """
    options = Options(set_values, args, source, limits)
    text = Source(file, data)
    shell = options.shell(text)
    first = data[:200].split(b"\n", 1)[0]
    if first.startswith(b"#!"):
        words = first.split()
        shell.escapes = words[0].endswith((b"/sh", b"/dash"))
        for word in words[1:]:
            if word.startswith(b"-") and b"e" in word:
                shell.options.add("errexit")
    run_source(shell, text)
    return reading_of([shell], file, "shell")


def run_source(shell: Shell, text: Source) -> None:
    """Walk a whole text, its traps, and the functions that nothing calls."""
    attempt(shell, lambda: shell.run(shell.parsed()))
    _run_traps(shell)
    _run_uncalled(shell)


def attempt(shell: Shell, run: Callable[[], Flow | None]) -> None:
    """Run something; what the limits cut off is noted."""
    try:
        run()
    except TooMuch as problem:
        shell.unresolve(shell.source.location(0, 0), "script", f"not read to its end: {problem}")
    except RecursionError:
        shell.unresolve(shell.source.location(0, 0), "script", "not read to its end: nested too deeply")


def _run_traps(shell: Shell) -> None:
    for signal, (word, place) in list(shell.state.traps.items()):
        if word.text == "":
            continue
        before = shell.guards
        if signal != "EXIT":
            shell.guards = (Guard(f"trap {signal}", "trap", place),)
        shell.stack = ()
        attempt(shell, partial(shell.run_text, [word], "trap", place))
        shell.guards = before


def _run_uncalled(shell: Shell) -> None:
    """Functions that no line calls (a library, a name in ``"$1"``): once each, with arguments that are not
    known.

    The last first: what one of them calls was defined before it, and need not be looked at alone.
    """
    found: list[list[Invocation]] = []
    before = shell.invocations
    alone: list[ShellFunction] = []
    for place, function in reversed(list(shell.defined.items())):
        if function in shell.called:
            continue
        shell.invocations = []
        shell.guards = (Guard(f"call of {function.name}", "uncalled", place),)
        shell.stack = (Frame("uncalled", function.name, place),)
        arguments = [Word((Unknown("$@", POSITIONAL, True),), place)]
        attempt(shell, partial(shell.call, function, arguments, place))
        alone.append(function)
        found.append(shell.invocations)
    shell.called.difference_update(alone)
    shell.invocations = before + [one for part in reversed(found) for one in part]
    shell.guards, shell.stack = (), ()


def reading_of(shells: Sequence[Shell], file: str, kind: str) -> ScriptReading:
    """What shells have recorded, as one reading."""
    return ScriptReading(
        file,
        kind,
        tuple(record for shell in shells for record in shell.invocations),
        tuple(record for shell in shells for record in shell.unresolved.values()),
        tuple(dict.fromkeys(record for shell in shells for record in shell.errors)),
        tuple(record for shell in shells for record in shell.assignments.values()),
        tuple(record for shell in shells for record in shell.others),
        tuple(record for shell in shells for record in shell.settings),
        tuple(
            FunctionDefinition(function.name, place, function in shell.called)
            for shell in shells
            for place, function in shell.defined.items()
        ),
        frozenset(option for shell in shells for option in shell.options),
    )


def read(
    data: bytes,
    file: str,
    kind: str = "",
    *,
    set_values: Mapping[str, str] | None = None,
    args: Sequence[str] | None = None,
    source: SourceReader | None = None,
    limits: Limits | None = None,
) -> ScriptReading:
    """Read a file of one of the :data:`KINDS` (found out by name and content if not given); see
    :func:`read_script`."""
    from pyiptables.lint.shell.carriers import read_carrier
    from pyiptables.lint.shell.detect import detect

    kind = kind or detect(file, data)
    options = Options(set_values, args, source, limits)
    reading = read_carrier(data, file, kind, options)
    if reading is None:
        return read_script(data, file, set_values=set_values, args=args, source=source, limits=limits)
    return reading
