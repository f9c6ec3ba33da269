#!/bin/bash
# forward-port.sh [-p proto] [-i iface] PORT HOST[:PORT]
usage() { echo "usage: ${0##*/} [-p proto] [-i iface] PORT HOST[:PORT]"; exit 2; }
proto=tcp iface=eth0
while getopts "p:i:h" opt; do
  case $opt in
    p) proto=$OPTARG ;;
    i) iface=$OPTARG ;;
    *) usage ;;
  esac
done
shift $((OPTIND - 1))
[ $# -eq 2 ] || usage
port=$1 target=$2
host=${target%:*}
dport=${target##*:}
[ "$dport" = "$target" ] && dport=$port

iptables -t nat -A PREROUTING -i "$iface" -p "$proto" --dport "$port" -j DNAT --to-destination "$host:$dport"
iptables -A FORWARD -i "$iface" -p "$proto" -d "$host" --dport "$dport" -m conntrack --ctstate NEW -j ACCEPT
iptables -t nat -A POSTROUTING -p "$proto" -d "$host" --dport "$dport" -j MASQUERADE
