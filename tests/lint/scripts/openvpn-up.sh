#!/bin/sh
# up script of a tunnel: the daemon sets dev, ifconfig_local and friends.
[ "$script_type" = "up" ] || exit 0
: "${dev:?no device}"
NET="${route_network_1:-10.8.0.0}/${route_netmask_1:-255.255.255.0}"

iptables -I INPUT 1 -i "$dev" -m comment --comment "vpn $dev" -j ACCEPT
iptables -I FORWARD 1 -i "$dev" -j ACCEPT
iptables -I FORWARD 2 -o "$dev" -m state --state RELATED,ESTABLISHED -j ACCEPT
iptables -t nat -C POSTROUTING -s 10.8.0.0/24 -o eth0 -j MASQUERADE 2>/dev/null ||
    iptables -t nat -A POSTROUTING -s 10.8.0.0/24 -o eth0 -j MASQUERADE
logger -t openvpn "rules for $NET are in place"
exit 0
