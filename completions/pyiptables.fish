# fish completion for pyiptables and the emulated iptables; written by: pyiptables completion fish

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
for program in iptables iptables-save iptables-restore iptables-legacy iptables-legacy-save iptables-legacy-restore iptables-nft iptables-nft-save iptables-nft-restore ip6tables ip6tables-save ip6tables-restore ip6tables-legacy ip6tables-legacy-save ip6tables-legacy-restore ip6tables-nft ip6tables-nft-save ip6tables-nft-restore
    complete -c $program -n __pyiptables_shim -f -a '(__pyiptables_complete)'
end
