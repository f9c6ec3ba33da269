#compdef pyiptables
# zsh completion for pyiptables and, in a rehearsal shell, for the emulated iptables.
# Install: copy it as _pyiptables into a folder of $fpath

_pyiptables() {
    local -a found
    found=("${(@f)$(pyiptables complete -- "${(@)words[1,CURRENT]}" 2>/dev/null)}")
    if [[ ${found[1]} == "<file>" ]]; then
        _files
    elif (( ${#found} )) && [[ -n ${found[1]} ]]; then
        compadd -a found
    fi
}

if [[ -n ${PYIPTABLES_STATE-} ]]; then
    compdef _pyiptables iptables ip6tables iptables-save ip6tables-save iptables-restore ip6tables-restore
fi
compdef _pyiptables pyiptables
