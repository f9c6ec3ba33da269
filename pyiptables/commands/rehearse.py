"""``pyiptables rehearse -- sh firewall.sh``: run a script against a state and show what it did."""

from __future__ import annotations

import importlib
import os
import pickle
import signal
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pyiptables.lint.origins import Origins
    from pyiptables.tools.rehearsal import Rehearsal

__all__ = ["command"]


@click.command(short_help="Run a script against a state and show what it did.", context_settings={"allow_interspersed_args": False})
@click.option("--state", metavar="DIR", help="The state to act on (default: the present one).")
@click.option("--fresh", is_flag=True, help="Act on an empty state instead, and throw it away afterwards.")
@click.option(
    "--allow-root",
    is_flag=True,
    envvar="PYIPTABLES_ALLOW_ROOT",
    show_envvar=True,
    help="Run although this is root (the script really runs).",
)
@click.option("--no-lint", is_flag=True, help="Do not check the script.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON; what the command prints goes to standard error.")
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND [ARGS]...")
def command(state: str | None, fresh: bool, allow_root: bool, no_lint: bool, as_json: bool, words: tuple[str, ...]) -> None:
    """Run COMMAND with the emulated iptables first on its PATH, then show what changed.

    The command really runs: only its calls of iptables and ip6tables are caught, and only those without a path.
    """
    from pyiptables.commands._failure import Failure
    from pyiptables.store import default_directory
    from pyiptables.tools.rehearsal import RehearsalError, rehearse
    from pyiptables.tools.uncaught import uncaught_calls

    if hasattr(os, "geteuid") and os.geteuid() == 0 and not allow_root:
        raise click.UsageError(
            "this is root and the script would really run: use --allow-root, or PYIPTABLES_ALLOW_ROOT=1, if that is meant"
        )
    if fresh and state is not None:
        raise click.UsageError("--fresh and --state exclude each other")
    for found in uncaught_calls(words):
        place = f"{found.file}:{found.line}" if found.line else "the command"
        click.echo(f"warning: {place}: {found.text} {found.why}", err=True)
    directory = None if fresh else state or default_directory(os.environ)
    reporter = _Reporter(list(words), no_lint, as_json) if hasattr(os, "fork") else None
    try:
        # The document has standard output to itself.
        rehearsal = rehearse(list(words), directory, 2 if as_json else None)
    except RehearsalError as error:
        raise Failure(str(error) + _hint(words[0])) from error
    assert reporter is not None
    sys.exit(reporter.report(rehearsal) or bool(rehearsal.returncode))


def _hint(program: str) -> str:
    """For a script given in the place of a program."""
    try:
        with open(program, "rb") as file:
            runs = os.sep in program and os.access(program, os.X_OK) and file.read(2) == b"#!"
    except (OSError, ValueError):
        return ""
    return "" if runs else f" (a script? rehearse -- sh {program})"


class _Reporter:
    """A process of its own that reads and checks the script while it runs, and reports what happened when it has ended."""

    def __init__(self, words: list[str], no_lint: bool, as_json: bool) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        receive, send = os.pipe()
        self._process = os.fork()
        if self._process == 0:
            os.close(send)
            os._exit(_work(receive, words, no_lint, as_json))
        os.close(receive)
        self._send = open(send, "wb")  # noqa: SIM115 - closed by report, or with this process

    def report(self, rehearsal: Rehearsal) -> int:
        """Have it reported; returns the process' exit status."""
        try:
            with self._send:
                pickle.dump(rehearsal, self._send)
        except BrokenPipeError:
            # It has said why itself.
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])


def _work(receive: int, words: list[str], no_lint: bool, as_json: bool) -> int:
    # Keys pressed to stop the script are not meant for its report, and without a report it ends with the other process.
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The calls go first.
    os.nice(10)
    try:
        reading = _Reading(words, no_lint)
        if not as_json:
            # Loading it takes as long as printing does.
            importlib.import_module("rich.console")
        from pyiptables.report.rehearsal import as_document, show

        with open(receive, "rb") as pipe:
            rehearsal = pickle.load(pipe)
        signal.signal(signal.SIGINT, interrupt)
        reading.explain(rehearsal)
        if as_json:
            click.echo(as_document(rehearsal))
        else:
            show(rehearsal)
        sys.stdout.flush()
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return 1
    except OSError as error:
        click.echo(f"pyiptables rehearse: output: {error.strerror}", err=True)
        return 2
    except Exception:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


class _Reading:
    """What can be told of a command's script without running it: findings, and which lines its rules come from."""

    def __init__(self, words: list[str], no_lint: bool) -> None:
        from pyiptables.lint.engine import LintError, lint_subject, read_file, read_subject
        from pyiptables.lint.origins import Origins
        from pyiptables.lint.settings import ConfigError, Configuration, Settings
        from pyiptables.report.findings import concise
        from pyiptables.tools.uncaught import scripts

        self._origins: Origins | None = None
        self._trouble = ""
        self._lint: list[str] = []
        # Further files among the words are what the script works on.
        for script in scripts(words)[:1]:
            args = words[words.index(script) + 1 :] if script in words else words[1:]
            try:
                settings = Settings() if no_lint else Configuration(None, False, None).of(script)
                subject = read_subject(read_file(script), script, settings, {"args": args})
                self._origins = Origins(subject)
                if not no_lint:
                    self._lint = concise(lint_subject(subject).diagnostics).splitlines()
            except (ConfigError, LintError) as error:
                self._trouble = f"neither findings nor lines of rules: {error}"

    def explain(self, rehearsal: Rehearsal) -> None:
        """Add the places that rules come from, and the findings, as far as the script could be read."""
        if self._trouble:
            click.echo(self._trouble, err=True)
        rehearsal.lint += self._lint
        origins = self._origins
        if origins is None:
            return
        for call in rehearsal.calls:
            call.place = origins.of_call(call.argv)
            for rule in call.added:
                place = (origins.of_rule(*rule) if "-restore" in call.argv[0] else None) or call.place
                if place is not None:
                    call.places[rule] = place
