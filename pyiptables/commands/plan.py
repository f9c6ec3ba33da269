"""``pyiptables plan``: the ruleset that a script would leave, without running it."""

from __future__ import annotations

import difflib
import json
import os
import shlex
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pyiptables.lint.subject import Subject
    from pyiptables.ruleset import Ruleset

__all__ = ["command"]


@click.command(short_help="Show the ruleset that a script would leave, without running it.")
@click.argument("script", metavar="SCRIPT")
@click.option("--set", "set_values", multiple=True, metavar="NAME=VALUE", help="A variable that the script finds set.")
@click.option("--args", "script_args", metavar="'WORDS'", help="Arguments the script is called with.")
@click.option("-4", "family", flag_value=4, type=int, help="IPv4 only.")
@click.option("-6", "family", flag_value=6, type=int, help="IPv6 only.")
@click.option("--diff", "as_diff", is_flag=True, help="Show the difference to the state.")
@click.option("--apply", "apply_it", is_flag=True, help="Put the result into the state.")
@click.option("--state", metavar="DIR", help="The state for --diff and --apply.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(script: str, family: int | None, as_diff: bool, apply_it: bool, state: str | None, as_json: bool, **options: Any) -> None:
    """Read SCRIPT, never run it, and show what it would leave on a machine without rules, with the line each rule comes from.

    Rules that are there only perhaps (a branch, a word that is not known) are marked with ?.
    """
    from pyiptables.lint.engine import LintError

    try:
        subject = _read(script, options)
    except LintError as error:
        click.echo(f"pyiptables plan: {error}", err=True)
        sys.exit(2)
    families = [each for each in sorted(subject.rulesets) if family in (None, each) and subject.rulesets[each].tables]
    if as_json:
        click.echo(json.dumps(_document(subject, families), indent=2))
    elif as_diff:
        _diff(subject, families, state)
    else:
        _show(subject, families)
    for place, what, why in _unresolved(subject):
        click.echo(f"{place}: not known: {what} ({why})", err=True)
    refused = [item for item in subject.items if item.error is not None]
    for item in refused:
        assert item.error is not None
        click.echo(f"{item.place.file}:{item.place.line}: refused: {' '.join(item.error.text.split())}", err=True)
    if apply_it:
        _apply(subject, families, state)


def _read(script: str, options: dict[str, Any]) -> Subject:
    from pyiptables.lint.engine import LintError
    from pyiptables.lint.kinds import kind_of
    from pyiptables.lint.script import read_script
    from pyiptables.lint.settings import Settings
    from pyiptables.lint.subject import Subject, read_save_file

    values = dict(pair.partition("=")[::2] for pair in options["set_values"])
    args = None if options["script_args"] is None else shlex.split(options["script_args"])
    try:
        with click.open_file(script, "rb") as stream:
            data = stream.read()
    except OSError as error:
        raise LintError(f"{script}: {error.strerror}") from error
    kind, number = kind_of(script, data)
    subject = Subject(script, data, Settings(), number)
    if kind == "save":
        read_save_file(subject)
    else:
        read_script(subject, kind, set_values=values, args=args)
    return subject


def _unresolved(subject: Subject) -> list[tuple[str, str, str]]:
    found = {(f"{place.file}:{place.line}:{place.column}", what, why): None for place, what, why in subject.unresolved}
    return list(found)


def _lines(ruleset: Ruleset) -> list[tuple[str, str, bool]]:
    """(line of the save form, where it comes from, only perhaps)."""
    from pyiptables.lint.subject import Perhaps

    out: list[tuple[str, str, bool]] = []
    for table in ruleset.tables.values():
        out.append((f"*{table.name}", "", False))
        out += [(f":{chain.name} {chain.policy or '-'} [0:0]", "", False) for chain in table.chains.values()]
        for chain in table.chains.values():
            for rule in chain.rules:
                perhaps = rule.spec is not None and any(isinstance(match, Perhaps) for match in rule.spec.matches)
                where = f"line {rule.source[1]}" if rule.source is not None else ""
                out.append((f"-A {chain.name} {rule.text}".rstrip(), where, perhaps))
        out.append(("COMMIT", "", False))
    return out


def _show(subject: Subject, families: list[int]) -> None:
    for family in families:
        if len(families) > 1:
            click.secho(f"# IPv{family}", bold=True)
        lines = _lines(subject.rulesets[family])
        width = min(max((len(text) for text, _, _ in lines), default=0), 90)
        for text, where, perhaps in lines:
            mark = "? " if perhaps else "  "
            note = click.style(f"  # {where}", dim=True) if where else ""
            click.echo(f"{mark}{text.ljust(width) if note else text}{note}")


def _save_text(subject: Subject, family: int) -> str:
    return "".join([f"{text}\n" for text, _, perhaps in _lines(subject.rulesets[family]) if not perhaps])


def _state_text(family: int, directory: str) -> str:
    from pyiptables.tools.run import run

    done = run(["iptables-save" if family == 4 else "ip6tables-save"], state=directory)
    return "".join([line + "\n" for line in done.stdout.splitlines() if not line.startswith("#")])


def _directory(state: str | None) -> str:
    from pyiptables.store import default_directory

    return state or default_directory(os.environ)


def _diff(subject: Subject, families: list[int], state: str | None) -> None:
    for family in families:
        before = _without_counters(_state_text(family, _directory(state)))
        after = _without_counters(_save_text(subject, family))
        for line in difflib.unified_diff(before, after, f"state (IPv{family})", subject.file, lineterm=""):
            colour = {"+": "green", "-": "red"}.get(line[:1])
            click.secho(line, fg=colour)


def _without_counters(text: str) -> list[str]:
    return [line.partition(" [")[0] if line.startswith(":") else line for line in text.splitlines()]


def _apply(subject: Subject, families: list[int], state: str | None) -> None:
    from pyiptables.tools.run import run

    for family in families:
        program = "iptables-restore" if family == 4 else "ip6tables-restore"
        done = run([program], state=_directory(state), stdin=_save_text(subject, family))
        if done.returncode:
            raise click.ClickException(done.stderr.strip())
        click.echo(f"IPv{family}: now in {_directory(state)}", err=True)


def _document(subject: Subject, families: list[int]) -> dict[str, Any]:
    return {
        "schema": "pyiptables.plan/1",
        "file": subject.file,
        "rulesets": {
            f"ipv{family}": [{"text": text, "from": where, "perhaps": perhaps} for text, where, perhaps in _lines(subject.rulesets[family])]
            for family in families
        },
        "unresolved": [{"place": place, "what": what, "why": why} for place, what, why in _unresolved(subject)],
        "refused": [
            {"line": item.place.line, "text": item.text, "error": " ".join(item.error.text.split())}
            for item in subject.items if item.error is not None
        ],
    }  # fmt: skip
