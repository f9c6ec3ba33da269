"""``pyiptables rehearse -- sh firewall.sh``: run a script against a state and show what it did."""

from __future__ import annotations

import os
import sys

import click

__all__ = ["command"]


@click.command(short_help="Run a script against a state and show what it did.", context_settings={"ignore_unknown_options": True})
@click.option("--state", metavar="DIR", help="The state to act on (default: a fresh one, thrown away afterwards).")
@click.option(
    "--allow-root",
    is_flag=True,
    envvar="PYIPTABLES_ALLOW_ROOT",
    show_envvar=True,
    help="Run although this is root (the script really runs).",
)
@click.option("--no-lint", is_flag=True, help="Do not check the script.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND [ARGS]...")
def command(state: str | None, allow_root: bool, no_lint: bool, as_json: bool, words: tuple[str, ...]) -> None:
    """Run COMMAND with the emulated iptables first on its PATH, then show what changed.

    The command really runs: only its calls of iptables and ip6tables are caught, and only those without a path.
    """
    from pyiptables.report.rehearsal import as_document, show
    from pyiptables.tools.rehearsal import RehearsalError, absolute_calls, rehearse

    if hasattr(os, "geteuid") and os.geteuid() == 0 and not allow_root:
        raise click.UsageError(
            "this is root and the script would really run: use --allow-root, or PYIPTABLES_ALLOW_ROOT=1, if that is meant"
        )
    for file, line, text in absolute_calls(words):
        click.echo(f"warning: {file}:{line}: {text} is called by its path and will NOT be caught", err=True)
    try:
        rehearsal = rehearse(list(words), state)
    except RehearsalError as error:
        raise click.ClickException(str(error)) from error
    if not no_lint:
        rehearsal.lint = _findings(words)
    if as_json:
        click.echo(as_document(rehearsal))
    else:
        show(rehearsal)
    if rehearsal.returncode:
        sys.exit(1)


def _findings(words: tuple[str, ...]) -> list[str]:
    """Findings of the checks in the script, if one of the words is one."""
    from pyiptables.lint.engine import LintError, lint_file
    from pyiptables.lint.settings import Settings
    from pyiptables.report.findings import concise

    lines: list[str] = []
    for word in words:
        if (os.path.isfile(word) and not os.access(word, os.X_OK)) or word.endswith(".sh"):
            try:
                lines += concise(lint_file(word, Settings()).diagnostics).splitlines()
            except (LintError, ImportError):
                continue
    return lines
