#!/bin/bash
# Three namespaces in a row; the middle one filters.
NAMES=(left mid right)
for ns in "${NAMES[@]}"; do
    ip netns add "$ns"
    ip -n "$ns" link set lo up
done
in_mid() { sudo ip netns exec mid "$@"; }
in_mid sysctl -qw net.ipv4.ip_forward=1
in_mid iptables -P FORWARD DROP
in_mid iptables -A FORWARD -i v-left -o v-right -p icmp -j ACCEPT
in_mid iptables -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
for side in left right; do
    ip netns exec $side iptables -A INPUT -i "v-$side" -j ACCEPT
done
