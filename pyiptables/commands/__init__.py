"""Our own subcommands, one module each, loaded when called: parse options, call one function, report."""

from __future__ import annotations

import codecs
from errno import ENOENT, EPIPE
from io import TextIOWrapper
from typing import NoReturn

import click

__all__ = ["SUBCOMMANDS", "group", "main"]

#: Subcommand → one line for the overview (the module of the same name is loaded only when it is called).
SUBCOMMANDS = {
    "completion": "Print the completion code of a shell.",
    "lint": "Check rule files and firewall scripts.",
    "plan": "Show the ruleset that a script would leave, without running it.",
    "rehearse": "Run a script against a state and show what it did.",
    "reset": "Empty the state.",
    "shellenv": "Print shell code that turns a shell into a rehearsal.",
    "shims": "Put programs named iptables … into a folder.",
    "demo": "Restore, list and trace an example ruleset.",
    "snapshot": "Write down what this host is like, for trace --host.",
    "trace": "Push packets through the rules and show the path, step by step.",
}

#: Signs of our reports, for terminals whose encoding lacks them.
_PLAINLY = {"→": "->", "⇒": "=>", "…": "...", "·": "-"}

_EMULATED = "iptables, ip6tables, iptables-save, ip6tables-save, iptables-restore, ip6tables-restore (and each with -legacy or -nft)"


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SUBCOMMANDS:
            return None
        module = __import__(f"pyiptables.commands.{cmd_name}", fromlist=["command"])
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, SUBCOMMANDS[name]) for name in self.list_commands(ctx)])
        with formatter.section("Emulated programs"):
            formatter.write_text(_EMULATED)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            near = get_close_matches(args[0], [*SUBCOMMANDS, "iptables", "ip6tables"], 1)
            if near:
                raise click.UsageError(f"no such command {args[0]!r}, did you mean {near[0]!r}?", ctx) from error
            raise


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.option("--state", metavar="DIR", help="State directory (default: $PYIPTABLES_STATE or ~/.local/state/pyiptables).")
@click.option("--version", is_flag=True, help="Show the version.")
@click.option("--verbose", is_flag=True, help="With --version: versions of Python and of the packages used, and the state.")
@click.pass_context
def group(ctx: click.Context, state: str | None, version: bool, verbose: bool) -> None:
    """iptables without a kernel, without root: emulate, trace and check firewalls before they are live."""
    import os

    if version:
        from pyiptables.commands._version import version_text

        click.echo(version_text(verbose))
        ctx.exit()
    if state:
        os.environ["PYIPTABLES_STATE"] = state
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
        ctx.exit()


def _one_line(error: click.UsageError, argv: list[str]) -> str:
    """What is wrong with a command line, the likely meaning, and where to read on."""
    if error.ctx is not None:
        path = error.ctx.command_path
    else:
        path = " ".join(["pyiptables", *[word for word in argv if word in SUBCOMMANDS][:1]])
    meant = getattr(error, "possibilities", None)
    text = error.message if meant else " ".join(error.format_message().split())
    text = text[:1].lower() + text[1:].rstrip(".")
    return f"{path}: {text}{f', did you mean {meant[0]!r}?' if meant else ''} (see {path} --help)"


def _plainly(error: UnicodeError) -> tuple[str | bytes, int]:
    """Error handler of output: signs of reports in letters, anything else as ``backslashreplace`` writes it."""
    if isinstance(error, UnicodeEncodeError):
        error.end = error.start + 1
        sign = error.object[error.start]
        if sign in _PLAINLY:
            return _PLAINLY[sign], error.end
    return codecs.backslashreplace_errors(error)


def main(argv: list[str] | None = None) -> NoReturn:
    """Run a subcommand; exits with 0, 1 (findings, unexpected verdict) or 2 (usage, unreadable input, unwritable output)."""
    import os
    import sys

    codecs.register_error("plainly", _plainly)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # Closed by the caller (`>&-`).
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # Rules and file names may hold what the terminal's encoding has not, or bytes that are no text.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="plainly")
    try:
        try:
            sys.exit(group.main(args=argv, prog_name="pyiptables", standalone_mode=False))
        finally:
            sys.stdout.flush()
    except click.UsageError as error:
        click.echo(_one_line(error, sys.argv[1:] if argv is None else argv), err=True)
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            sys.exit(130)
        # A question that was not answered: what comes next begins a line.
        click.echo(err=True)
        sys.exit(1)
    except OSError as error:
        # What was not written must not be tried again while the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if error.errno != EPIPE:
            # Without a name it is the folder that this runs in, removed meanwhile, or what was to be printed.
            place = error.filename or ("the present folder" if error.errno == ENOENT else "output")
            click.echo(f"pyiptables: {os.fspath(place)}: {error.strerror}", err=True)
        sys.exit(2)
