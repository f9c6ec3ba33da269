#!/bin/bash
LAN=10.20.0.0/16
SSH_PORT=2222
cat > /tmp/rules.v4 <<EOF
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -s $LAN -p tcp -m tcp --dport ${SSH_PORT} -j ACCEPT
COMMIT
EOF
iptables-restore --test /tmp/rules.v4 && iptables-restore < /tmp/rules.v4

ip6tables-restore <<'RULES'
*filter
:INPUT DROP [0:0]
-A INPUT -p ipv6-icmp -j ACCEPT
-A INPUT -m comment --comment "not $expanded" -j DROP
COMMIT
RULES

{
    echo '*nat'
    for port in 80 443; do
        echo "-A PREROUTING -p tcp -m tcp --dport $port -j DNAT --to-destination 10.20.0.10:$((port + 8000))"
    done
    printf '%s\n' COMMIT
} | iptables-restore -n

iptables-restore --noflush <<< "*raw
-A PREROUTING -i ${IFACE:-eth0} -j NOTRACK
COMMIT"
iptables-restore < /etc/iptables/extra.rules
