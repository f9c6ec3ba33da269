# fish completion for pyiptables and, in a rehearsal shell, for the emulated iptables.
# Install: copy it to ~/.config/fish/completions/pyiptables.fish

function __pyiptables_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l found (pyiptables complete -- $words 2>/dev/null)
    if test "$found[1]" = "<file>"
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $found
    end
end

complete -c pyiptables -f -a '(__pyiptables_complete)'
if set -q PYIPTABLES_STATE
    for program in iptables ip6tables iptables-save ip6tables-save iptables-restore ip6tables-restore
        complete -c $program -f -a '(__pyiptables_complete)'
    end
end
