#!/bin/bash
# VPN kill switch: nothing leaves but through the tunnel.
VPN_IF=tun0
declare -A SERVERS=( [de]=198.51.100.7 [nl]=203.0.113.9 )
LOCAL_NETS=(192.168.0.0/16 10.0.0.0/8)
readonly VPN_PORT=1194
DNS=( "9.9.9.9" "149.112.112.112" )

for cmd in iptables ip6tables; do
  $cmd -F
  $cmd -P OUTPUT DROP
  $cmd -A OUTPUT -o lo -j ACCEPT
  "$cmd" -A OUTPUT -o "$VPN_IF" -j ACCEPT
done
for country in "${!SERVERS[@]}"; do
  iptables -A OUTPUT -d "${SERVERS[$country]}" -p udp --dport $VPN_PORT -m comment --comment "vpn $country" -j ACCEPT
done
for ((i = 0; i < ${#LOCAL_NETS[@]}; i++)); do
  iptables -I OUTPUT $((i + 1)) -d ${LOCAL_NETS[i]} -j ACCEPT
done
for d in "${DNS[@]}"; do
  for proto in {tcp,udp}; do
    iptables -A OUTPUT -d $d -p $proto --dport 53 -j ACCEPT
  done
done
iptables -C FORWARD -j REJECT &> /dev/null || iptables -A FORWARD -j REJECT
if ! iptables -C OUTPUT -j REJECT 2>/dev/null; then
  iptables -A OUTPUT -j REJECT --reject-with icmp-port-unreachable
fi
