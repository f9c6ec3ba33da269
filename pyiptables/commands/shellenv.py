"""``eval "$(pyiptables shellenv)"``: a shell in which iptables is the emulated one."""

from __future__ import annotations

import os

import click

__all__ = ["command"]

_SHELLS = ("sh", "bash", "zsh", "fish")


@click.command(short_help="Print shell code that turns a shell into a rehearsal.")
@click.option("--state", metavar="DIR", help="The state to act on (default: the present one).")
@click.option("--shell", type=click.Choice(_SHELLS), help="Whose code to print (default: that of the calling shell).")
def command(state: str | None, shell: str | None) -> None:
    """Print code for `eval "$(pyiptables shellenv)"`: iptables then acts on a state, and the prompt says so.

    `pyiptables_off` ends the rehearsal. In fish: `pyiptables shellenv | source`.
    """
    from pyiptables.commands._failure import Failure
    from pyiptables.store import default_directory
    from pyiptables.tools.shims import ShimError, quoted, write_shims

    directory = os.path.abspath(state or default_directory(os.environ))
    folder = os.path.join(directory, "bin")
    if os.pathsep in folder:
        raise Failure(f"{folder}: a folder with {os.pathsep!r} in its name cannot be on the PATH")
    try:
        write_shims(folder, directory, ourselves=True)
    except ShimError as error:
        raise Failure(str(error)) from error
    shell = shell or _calling_shell()
    text = (_FISH if shell == "fish" else _SH).replace("FOLDER", quoted(folder)).replace("DIRECTORY", quoted(directory))
    click.echo(text + _completion(shell), nl=False)


def _calling_shell() -> str:
    """The name of the process that reads the output, where systems tell; else of the user's shell."""
    try:
        with open(f"/proc/{os.getppid()}/comm", encoding="utf-8") as file:
            name = file.read().strip()
    except OSError:
        name = ""
    found = name if name in _SHELLS else os.path.basename(os.environ.get("SHELL", ""))
    return found if found in _SHELLS else "sh"


def _completion(shell: str) -> str:
    from pyiptables.commands.completion import SHELLS, script
    from pyiptables.tools.shims import quoted

    if shell not in SHELLS:
        return ""
    if shell == "fish":
        return f"status is-interactive; and eval {_fish_quoted(script(shell))};\n"
    return f"case $- in *i*) eval {quoted(script(shell))} ;; esac;\n"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


# Prompts may be set anew before each command line; the hook of the shell puts the mark back.
_SH = r"""if command -v pyiptables_off >/dev/null 2>&1; then pyiptables_off; fi;
PYIPTABLES_OLD_STATE=${PYIPTABLES_STATE-};
export PYIPTABLES_STATE=DIRECTORY;
export PATH=FOLDER:"$PATH";
_pyiptables_mark() { case ${PS1-} in "(iptables) "*) ;; *) PS1="(iptables) ${PS1-}" ;; esac; };
_pyiptables_mark;
if [ -n "${BASH_VERSION-}" ]; then
    PROMPT_COMMAND="${PROMPT_COMMAND:+$PROMPT_COMMAND; }_pyiptables_mark";
elif [ -n "${ZSH_VERSION-}" ]; then
    eval 'precmd_functions+=(_pyiptables_mark)';
fi;
hash -r 2>/dev/null || :;
pyiptables_off() {
    if [ -n "${BASH_VERSION-}" ]; then
        PROMPT_COMMAND=${PROMPT_COMMAND%_pyiptables_mark}; PROMPT_COMMAND=${PROMPT_COMMAND%"; "};
    elif [ -n "${ZSH_VERSION-}" ]; then
        eval 'precmd_functions=(${precmd_functions:#_pyiptables_mark})';
    fi;
    PS1=${PS1#"(iptables) "};
    case ":$PATH:" in
        *:FOLDER:*) PATH=":$PATH:"; PATH=${PATH%%:FOLDER:*}:${PATH#*:FOLDER:}; PATH=${PATH#:}; PATH=${PATH%:} ;;
    esac;
    if [ -n "$PYIPTABLES_OLD_STATE" ]; then PYIPTABLES_STATE=$PYIPTABLES_OLD_STATE; else unset PYIPTABLES_STATE; fi;
    unset PYIPTABLES_OLD_STATE;
    hash -r 2>/dev/null || :;
    unset -f _pyiptables_mark pyiptables_off;
};
"""

_FISH = r"""functions -q pyiptables_off; and pyiptables_off;
set -g PYIPTABLES_OLD_STATE $PYIPTABLES_STATE;
set -gx PYIPTABLES_STATE DIRECTORY;
set -gx PATH FOLDER $PATH;
functions -q fish_prompt; or function fish_prompt; echo -n '> '; end;
functions -c fish_prompt _pyiptables_prompt;
function fish_prompt; echo -n '(iptables) '; _pyiptables_prompt; end;
function pyiptables_off
    set -gx PATH (string match -v -- FOLDER $PATH);
    if test -n "$PYIPTABLES_OLD_STATE"; set -gx PYIPTABLES_STATE $PYIPTABLES_OLD_STATE; else; set -e PYIPTABLES_STATE; end;
    set -e PYIPTABLES_OLD_STATE;
    functions -e fish_prompt; functions -c _pyiptables_prompt fish_prompt; functions -e _pyiptables_prompt pyiptables_off;
end;
"""
