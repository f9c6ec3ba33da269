#!/usr/bin/env bash
# Only the office may reach published containers; everything else goes through DOCKER-USER.
EXT_IF=$(ip route show default | awk '{print $5; exit}')
ALLOWED="203.0.113.0/24 198.51.100.17"
CHAIN=DOCKER-USER

iptables -n -L $CHAIN >/dev/null 2>&1 || iptables -N $CHAIN
iptables -F $CHAIN
iptables -A $CHAIN -i "$EXT_IF" -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN
for ip in $ALLOWED; do
  iptables -A $CHAIN -i "$EXT_IF" -s "$ip" -j RETURN
done
iptables -A $CHAIN -i "$EXT_IF" -p tcp -m conntrack --ctorigdstport 443 --ctdir ORIGINAL -j RETURN
iptables -A $CHAIN -i "$EXT_IF" -j DROP
iptables -A $CHAIN -j RETURN
