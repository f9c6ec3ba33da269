# bash completion for pyiptables and, in a rehearsal shell, for the emulated iptables.
# Install: source this file, or copy it to ~/.local/share/bash-completion/completions/pyiptables

_pyiptables() {
    local IFS=$'\n' line
    COMPREPLY=()
    local words=("${COMP_WORDS[@]:0:COMP_CWORD+1}")
    while read -r line; do
        if [[ $line == "<file>" ]]; then
            compopt -o default 2>/dev/null
            COMPREPLY=()
            return
        fi
        COMPREPLY+=("$line")
    done < <(pyiptables complete -- "${words[@]}" 2>/dev/null)
}
complete -F _pyiptables pyiptables

# Only where iptables is the emulated one: the real one may have a completion of its own.
if [[ -n ${PYIPTABLES_STATE-} ]]; then
    complete -F _pyiptables iptables ip6tables iptables-save ip6tables-save iptables-restore ip6tables-restore
fi
