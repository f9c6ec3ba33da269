#!/bin/bash
# Blocks countries from downloaded zone files, through an ipset.
COUNTRIES=(cn ru kp)
ZONES=/var/lib/zones
URL="https://example.org/zones"
SET=geoblock

ipset create -exist $SET hash:net family inet maxelem 131072
for cc in "${COUNTRIES[@]}"; do
    curl -fsS "$URL/$cc.zone" -o "$ZONES/$cc.zone" || continue
    while read -r net; do
        [[ $net =~ ^[0-9./]+$ ]] && ipset add -exist $SET "$net"
    done < "$ZONES/$cc.zone"
done
iptables -t raw -C PREROUTING -m set --match-set $SET src -j DROP 2>/dev/null \
  || iptables -t raw -I PREROUTING -m set --match-set $SET src -j DROP
