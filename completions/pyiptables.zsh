#compdef pyiptables iptables iptables-save iptables-restore iptables-legacy iptables-legacy-save iptables-legacy-restore iptables-nft iptables-nft-save iptables-nft-restore ip6tables ip6tables-save ip6tables-restore ip6tables-legacy ip6tables-legacy-save ip6tables-legacy-restore ip6tables-nft ip6tables-nft-save ip6tables-nft-restore
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
    compdef _pyiptables pyiptables iptables iptables-save iptables-restore iptables-legacy iptables-legacy-save iptables-legacy-restore iptables-nft iptables-nft-save iptables-nft-restore ip6tables ip6tables-save ip6tables-restore ip6tables-legacy ip6tables-legacy-save ip6tables-legacy-restore ip6tables-nft ip6tables-nft-save ip6tables-nft-restore
fi
