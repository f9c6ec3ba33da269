#!/bin/bash
# Ports of a cluster node, by role.
ROLE="${1:-worker}"
declare -a CONTROL=(6443 2379:2380 10250 10257 10259)
declare -a WORKER=(10250 30000:32767)
CIDR=10.244.0.0/16

case "$ROLE" in
    control) PORTS=("${CONTROL[@]}") ;;
    worker)  PORTS=("${WORKER[@]}") ;;
    both)    PORTS=("${CONTROL[@]}" "${WORKER[@]}") ;;
    *)       echo "usage: $0 control|worker|both" >&2; exit 64 ;;
esac

iptables -N NODE-IN 2>/dev/null || iptables -F NODE-IN
for range in "${PORTS[@]}"; do
    iptables -A NODE-IN -p tcp -m tcp --dport "$range" -m comment --comment "k8s ${range/:/-}" -j ACCEPT
done
iptables -A NODE-IN -s "$CIDR" -j ACCEPT
iptables -A NODE-IN -p udp --dport 8472 -j ACCEPT
iptables -A NODE-IN -j RETURN
iptables -C INPUT -j NODE-IN &>/dev/null || iptables -I INPUT -j NODE-IN
