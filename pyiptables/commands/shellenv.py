"""``eval "$(pyiptables shellenv)"``: a shell in which iptables is the emulated one."""

from __future__ import annotations

import os

import click

__all__ = ["command"]


@click.command(short_help="Print shell code that turns a shell into a rehearsal.")
@click.option("--state", metavar="DIR", help="The state to act on (default: the present one).")
@click.option("--shell", type=click.Choice(("sh", "fish")), help="Whose code to print (default: by $SHELL).")
def command(state: str | None, shell: str | None) -> None:
    """Print code for `eval "$(pyiptables shellenv)"`: iptables then acts on a state, and the prompt says so.

    `pyiptables_off` ends the rehearsal.
    """
    from pyiptables.store import default_directory
    from pyiptables.tools.shims import ShimError, write_shims

    directory = os.path.abspath(state or default_directory(os.environ))
    folder = os.path.join(directory, "bin")
    try:
        write_shims(folder, directory)
    except ShimError as error:
        raise click.ClickException(str(error)) from error
    if shell is None:
        shell = "fish" if os.environ.get("SHELL", "").endswith("fish") else "sh"
    click.echo(_fish(folder, directory) if shell == "fish" else _sh(folder, directory), nl=False)


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _sh(folder: str, directory: str) -> str:
    return (
        f"PYIPTABLES_OLD_PATH=$PATH; PYIPTABLES_OLD_PS1=${{PS1-}}; PYIPTABLES_OLD_STATE=${{PYIPTABLES_STATE-}};\n"
        f"export PYIPTABLES_STATE={_quote(directory)};\n"
        f"export PATH={_quote(folder)}:$PATH;\n"
        'PS1="(iptables) ${PS1-}";\n'
        "hash -r 2>/dev/null || :;\n"
        "pyiptables_off() { PATH=$PYIPTABLES_OLD_PATH; PS1=$PYIPTABLES_OLD_PS1; "
        'if [ -n "$PYIPTABLES_OLD_STATE" ]; then PYIPTABLES_STATE=$PYIPTABLES_OLD_STATE; '
        "else unset PYIPTABLES_STATE; fi; hash -r 2>/dev/null || :; unset -f pyiptables_off; };\n"
    )


def _fish(folder: str, directory: str) -> str:
    return (
        f"set -gx PYIPTABLES_STATE {_quote(directory)};\n"
        f"set -gx PATH {_quote(folder)} $PATH;\n"
        "functions -q fish_prompt; and not functions -q _pyiptables_prompt; "
        "and functions -c fish_prompt _pyiptables_prompt;\n"
        "function fish_prompt; echo -n '(iptables) '; _pyiptables_prompt; end;\n"
        f"function pyiptables_off; set -gx PATH (string match -v {_quote(folder)} $PATH); "
        "set -e PYIPTABLES_STATE; functions -e fish_prompt; functions -c _pyiptables_prompt fish_prompt; "
        "functions -e _pyiptables_prompt pyiptables_off; end;\n"
    )
