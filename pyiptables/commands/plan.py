"""``pyiptables plan``: the ruleset that a script would leave, without running it."""

from __future__ import annotations

import difflib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from pyiptables.lint.diagnostic import Place
    from pyiptables.lint.outcome import Line
    from pyiptables.lint.subject import Subject
    from pyiptables.ruleset import Ruleset

__all__ = ["command"]

#: Where no terminal says how wide it is.
_WIDEST = 106


@click.command(short_help="Show the ruleset that a script would leave, without running it.")
@click.argument("script", metavar="SCRIPT|-")
@click.option("--set", "set_values", multiple=True, metavar="NAME=VALUE", help="A variable that the script finds set.")
@click.option("--args", "script_args", metavar="'WORDS'", help="Arguments the script is called with.")
@click.option("-4", "only4", is_flag=True, help="IPv4 only.")
@click.option("-6", "only6", is_flag=True, help="IPv6 only.")
@click.option("--on-state", is_flag=True, help="Begin with the rules of the state, not with none.")
@click.option("--diff", "as_diff", is_flag=True, help="Show the difference to the state.")
@click.option("--apply", "apply_it", is_flag=True, help="Put the result into the state.")
@click.option("--state", metavar="DIR", help="The state of --on-state, --diff and --apply.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(script: str, as_diff: bool, apply_it: bool, state: str | None, as_json: bool, **options: Any) -> None:
    """Read SCRIPT, never run it, and show what it would leave on a machine without rules, with the line each rule comes from.

    Rules that are there only perhaps (a branch, a word that is not known) are marked with ?; --apply and --diff leave
    them out. Exit status: 0, or 2 for a script that cannot be read.
    """
    directory = _directory(state)
    subject = _read(script, options, directory if options["on_state"] else None)
    asked = [family for family in (4, 6) if options[f"only{family}"]] or [4, 6]
    families = [family for family in asked if family in subject.rulesets and subject.rulesets[family].tables]
    if as_json:
        click.echo(json.dumps(_document(subject, families), indent=2))
    elif as_diff:
        _diff(subject, families, directory)
    else:
        _show(subject, families)
    if not families and not as_json:
        click.echo(f"{subject.file}: leaves no table{'' if len(asked) > 1 else f' of IPv{asked[0]}'}", err=True)
    _notes(subject, options)
    if apply_it:
        _apply(subject, families, directory)


def _refuse(text: str) -> NoReturn:
    click.echo(f"pyiptables plan: {text}", err=True)
    sys.exit(2)


def _read(script: str, options: dict[str, Any], directory: str | None) -> Subject:
    import shlex

    from pyiptables.lint.engine import LintError, read_file, read_subject
    from pyiptables.lint.settings import Settings

    reading: dict[str, Any] = {"set_values": {}}
    for pair in options["set_values"]:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise click.UsageError(f"--set wants NAME=VALUE, not {pair!r}")
        reading["set_values"][name] = value
    try:
        if options["script_args"] is not None:
            reading["args"] = shlex.split(options["script_args"])
    except ValueError as error:
        raise click.UsageError(f"--args: {error}") from error
    try:
        data = sys.stdin.buffer.read() if script == "-" else read_file(script)
        before = {family: _of_state(family, directory) for family in (4, 6)} if directory is not None else None
        return read_subject(data, script, Settings(), reading, before)
    except LintError as error:
        _refuse(str(error))


def _of_state(family: int, directory: str) -> Ruleset:
    from pyiptables.lint.settings import Settings
    from pyiptables.lint.subject import Subject, read_save_file

    subject = Subject("state", _state_text(family, directory).encode("utf-8", "surrogateescape"), Settings(), family)
    read_save_file(subject)
    for table in subject.rulesets[family].tables.values():
        for chain in table.chains.values():
            for rule in chain.rules:
                rule.source = None
    return subject.rulesets[family]


def _notes(subject: Subject, options: dict[str, Any]) -> None:
    """On standard error: what could not be known, what was refused, and what is not shown."""
    from pyiptables.lint.outcome import arguments_seen, elsewhere

    for place, what, why in _unresolved(subject):
        click.echo(f"{place}: not known: {what} ({why})", err=True)
    for item in subject.items:
        if item.error is not None:
            click.echo(f"{item.place.file}:{item.place.line}: refused: {' '.join(item.error.text.split())}", err=True)
    for name, count in elsewhere(subject).items():
        what = "1 command that acts" if count == 1 else f"{count} commands that act"
        click.echo(f"{subject.file}: not shown: {what} elsewhere ({name})", err=True)
    words = arguments_seen(subject) if options["script_args"] is None else []
    if words:
        click.echo(f"{subject.file}: what it does depends on its argument: --args {words[0]}" + (
            f" (or {', '.join(words[1:])})" if words[1:] else ""), err=True)  # fmt: skip


def _unresolved(subject: Subject) -> list[tuple[str, str, str]]:
    found = {
        (f"{place.file}:{place.line}:{place.column}", " ".join(what.split()), why): None
        for place, what, why in (*subject.unresolved, *_host_names(subject))
    }  # fmt: skip
    return list(found)


def _host_names(subject: Subject) -> Iterator[tuple[Place, str, str]]:
    for item in subject.items:
        for name in item.host_names:
            yield item.place, name, "a host name, looked up when the rule is added"


def _show(subject: Subject, families: list[int]) -> None:
    from pyiptables.lint.outcome import lines

    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDEST
    for family in families:
        if len(families) > 1:
            click.secho(f"# IPv{family}", bold=True)
        found = [(line, _note(line, subject)) for line in lines(subject, family)]
        # Lines too long for their note to fit behind them do not push those of the others out of sight.
        width = max([len(line.text) for line, note in found if note and len(line.text) + len(note) + 2 <= columns], default=0)
        for line, note in found:
            text = f"{line.text:<{width}}{click.style(note, dim=True)}" if note else line.text
            click.echo(f"{'?' if line.perhaps else ' '} {text}")


def _note(line: Line, subject: Subject) -> str:
    if not line.line:
        return ""
    return f"  # line {line.line}" if line.file == subject.file else f"  # {line.file}:{line.line}"


def _save_text(subject: Subject, family: int) -> str:
    from pyiptables.lint.outcome import lines

    return "".join([f"{line.text}\n" for line in lines(subject, family) if not line.perhaps])


def _state_text(family: int, directory: str) -> str:
    from pyiptables.tools.run import run

    done = run(["iptables-save" if family == 4 else "ip6tables-save"], state=directory)
    if done.returncode:
        _refuse(done.stderr.strip().removeprefix("pyiptables: "))
    return "".join([line + "\n" for line in done.stdout.splitlines() if not line.startswith("#")])


def _directory(state: str | None) -> str:
    from pyiptables.store import default_directory

    return state or default_directory(os.environ)


def _diff(subject: Subject, families: list[int], directory: str) -> None:
    for family in families:
        before = _without_counters(_state_text(family, directory))
        after = _without_counters(_save_text(subject, family))
        for line in difflib.unified_diff(before, after, f"state (IPv{family})", subject.file, lineterm=""):
            colour = {"+": "green", "-": "red"}.get(line[:1])
            click.secho(line, fg=colour)


def _without_counters(text: str) -> list[str]:
    return [line.partition(" [")[0] if line.startswith(":") else line for line in text.splitlines()]


def _apply(subject: Subject, families: list[int], directory: str) -> None:
    from pyiptables.lint.outcome import lines
    from pyiptables.tools.run import run

    for family in families:
        program = "iptables-restore" if family == 4 else "ip6tables-restore"
        done = run([program], state=directory, stdin=_save_text(subject, family))
        if done.returncode:
            _refuse(done.stderr.strip().removeprefix("pyiptables: "))
        left_out = sum(line.perhaps for line in lines(subject, family))
        more = f", without {left_out} that are there only perhaps" if left_out else ""
        click.echo(f"IPv{family}: now in {directory}{more}", err=True)


def _document(subject: Subject, families: list[int]) -> dict[str, Any]:
    from pyiptables.lint.outcome import lines

    return {
        "schema": "pyiptables.plan/1",
        "file": subject.file,
        "rulesets": {
            f"ipv{family}": [
                {"text": line.text, "file": line.file, "line": line.line, "perhaps": line.perhaps} for line in lines(subject, family)
            ]
            for family in families
        },
        "unresolved": [{"place": place, "what": what, "why": why} for place, what, why in _unresolved(subject)],
        "refused": [
            {"file": item.place.file, "line": item.place.line, "text": item.text, "error": " ".join(item.error.text.split())}
            for item in subject.items if item.error is not None
        ],
    }  # fmt: skip
