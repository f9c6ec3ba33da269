"""``pyiptables completion``: the code that makes a shell ask ``pyiptables complete`` for the next word."""

from __future__ import annotations

import click

__all__ = ["SHELLS", "command", "script"]

#: Shell → file of ``completions/`` that holds the same code.
SHELLS = {"bash": "pyiptables.bash", "zsh": "pyiptables.zsh", "fish": "pyiptables.fish"}


@click.command(short_help="Print the completion code of a shell.")
@click.argument("shell", type=click.Choice(tuple(SHELLS)))
def command(shell: str) -> None:
    """Print code for `eval "$(pyiptables completion bash)"` (fish: `pyiptables completion fish | source`).

    It completes pyiptables, and iptables and its relatives where they are the emulated ones.
    """
    click.echo(script(shell), nl=False)


def script(shell: str) -> str:
    """The code for ``bash``, ``zsh`` or ``fish``."""
    from pyiptables.tools.shims import SHIM_NAMES

    return {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}[shell].replace("PROGRAMS", " ".join(SHIM_NAMES))


# What may come next is asked of pyiptables itself, one word a line with its meaning behind a tabulator. The real iptables
# may have a completion of its own, so each shell looks first whether the program of that name is one of ours.

_BASH = r"""# bash completion for pyiptables and the emulated iptables; written by: pyiptables completion bash

_pyiptables() {
    COMPREPLY=()
    local word meaning
    while IFS=$'\t' read -r word meaning; do
        if [[ $word == "<file>" ]]; then
            # Nothing offered, bash offers names of files.
            compopt -o default 2>/dev/null || COMPREPLY=($(compgen -f -- "$2"))
            return
        fi
        COMPREPLY+=("$word")
    done < <(pyiptables complete -- "${COMP_WORDS[0]##*/}" "${COMP_WORDS[@]:1:COMP_CWORD-1}" "$2" 2>/dev/null)
}

_pyiptables_shim() {
    if grep -qs pyiptables -- "$(type -P "$1")"; then
        _pyiptables "$@"
    else
        # The real one: whatever else completes it takes over.
        complete -r -- "${1##*/}" 2>/dev/null
        return 124
    fi
}

complete -F _pyiptables pyiptables
complete -F _pyiptables_shim PROGRAMS
"""

_ZSH = r"""#compdef pyiptables PROGRAMS
# zsh completion for pyiptables and the emulated iptables; written by: pyiptables completion zsh

_pyiptables_words() {
    local -a found asked
    local word meaning files
    asked=("${words[1]:t}" "${(@)words[2,CURRENT]}")
    while IFS=$'\t' read -r word meaning; do
        if [[ $word == "<file>" ]]; then
            files=1
        elif [[ -n $word ]]; then
            found+=("${word//:/\\:}${meaning:+:$meaning}")
        fi
    done < <(pyiptables complete -- "${asked[@]}" 2>/dev/null)
    compset -P '--*='
    if [[ -n $files ]]; then
        _files
    elif (( ${#found} )); then
        _describe -V word found
    fi
}

_pyiptables() {
    if [[ ${words[1]:t} == pyiptables ]] || grep -qs pyiptables -- "${commands[${words[1]:t}]}" "${words[1]}"; then
        _pyiptables_words
    elif (( ${+functions[_iptables]} )); then
        _iptables "$@"
    else
        _default
    fi
}

if [[ ${funcstack[1]} == _pyiptables ]]; then
    _pyiptables "$@"
elif (( ${+functions[compdef]} )); then
    compdef _pyiptables pyiptables PROGRAMS
fi
"""

_FISH = r"""# fish completion for pyiptables and the emulated iptables; written by: pyiptables completion fish

function __pyiptables_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set words[1] (string replace -r '.*/' '' -- $words[1])
    set -l found (pyiptables complete -- $words "$current" 2>/dev/null)
    # fish replaces the whole of --option=value.
    set -l option (string match -r -- '^--[^=]*=' "$current")
    if string match -q '<file>*' -- "$found[1]"
        set found (__fish_complete_path (string replace -- "$option" '' "$current"))
    end
    for line in $found
        printf '%s%s\n' "$option" $line
    end
end

function __pyiptables_shim
    set -l program (commandline -opc)[1]
    grep -qs pyiptables -- (command -s $program)
end

complete -c pyiptables -f -a '(__pyiptables_complete)'
for program in PROGRAMS
    complete -c $program -n __pyiptables_shim -f -a '(__pyiptables_complete)'
end
"""
