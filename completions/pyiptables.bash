# bash completion for pyiptables and the emulated iptables; written by: pyiptables completion bash

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
complete -F _pyiptables_shim iptables iptables-save iptables-restore iptables-legacy iptables-legacy-save iptables-legacy-restore iptables-nft iptables-nft-save iptables-nft-restore ip6tables ip6tables-save ip6tables-restore ip6tables-legacy ip6tables-legacy-save ip6tables-legacy-restore ip6tables-nft ip6tables-nft-save ip6tables-nft-restore
