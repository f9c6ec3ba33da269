#!/bin/bash
set -u
DEBUG=0
[ "$DEBUG" -eq 1 ] && set -x
SCRIPT_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$SCRIPT_DIR/gateway.conf"

fw() {
    local table=$1 chain=$2
    shift 2
    sudo ip netns exec "$NS" iptables -t "$table" -A "$chain" "$@" || { echo "failed: $*"; exit 1; }
}

while [ $# -gt 0 ]; do
    case "$1" in
        -n|--dry-run) DRY=1 ;;
        -h) usage; exit ;;
        *) break ;;
    esac
    shift
done

fw filter FORWARD -i "$LAN_IF" -o "$WAN_IF" -j ACCEPT
for mapping in "${FORWARDS[@]}"; do
    ext=${mapping%%:*}
    dest=${mapping#*:}
    fw nat PREROUTING -i $WAN_IF -p tcp --dport "$ext" -j DNAT --to-destination "$dest"
done
[[ $MASQ == yes ]] && fw nat POSTROUTING -o $WAN_IF -j MASQUERADE
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
eval "iptables -A INPUT -i $LAN_IF -j ACCEPT"
n=1
while (( n <= 3 )); do
    iptables -t mangle -A PREROUTING -i "wan$n" -j MARK --set-mark 0x${n}0
    ((n++))
done
iptables -A INPUT -j LOG --log-prefix "${HOSTNAME%%.*}: " &
wait
