#!/bin/sh
# Home router: one uplink, two inner networks, a few forwarded ports.
set -e
WAN=${WAN:-eth0}
LAN=br-lan
GUEST=br-guest
LAN_NET=192.168.10.0/24
GUEST_NET=192.168.20.0/24

ipt() { iptables -w 3 "$@"; }

ipt -t nat -F
ipt -F FORWARD
ipt -P FORWARD DROP

for net in $LAN_NET $GUEST_NET; do
    ipt -t nat -A POSTROUTING -s "$net" -o "$WAN" -j MASQUERADE
done

ipt -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
ipt -A FORWARD -i $LAN -o $WAN -j ACCEPT
ipt -A FORWARD -i $GUEST -o $WAN -p tcp -m multiport --dports 80,443 -j ACCEPT
ipt -A FORWARD -i $GUEST -o $WAN -p udp --dport 53 -j ACCEPT
ipt -A FORWARD -i $GUEST -o $LAN -j REJECT --reject-with icmp-admin-prohibited

# outside port | inside host | inside port
while read -r outside host inside; do
    [ -n "$outside" ] || continue
    ipt -t nat -A PREROUTING -i "$WAN" -p tcp --dport "$outside" -j DNAT --to-destination "$host:${inside:-$outside}"
    ipt -A FORWARD -i "$WAN" -d "$host" -p tcp --dport "${inside:-$outside}" -j ACCEPT
done <<LIST
8443 192.168.10.5 443
2222 192.168.10.6 22
25565 192.168.10.7
LIST

ipt -t mangle -A FORWARD -o $WAN -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
echo 1 > /proc/sys/net/ipv4/ip_forward
