#!/bin/sh
# Bans like fail2ban does, from a table of jails.
ACTION=${1:-start}
lockingopt="-w"
blocktype='REJECT --reject-with icmp-port-unreachable'
iptables="iptables $lockingopt"

jail_start() {
    name=$1; port=$2; protocol=${3:-tcp}
    $iptables -N f2b-$name || true
    $iptables -A f2b-$name -j RETURN
    $iptables -I INPUT -p $protocol -m multiport --dports $port -j f2b-$name
}
ban() { $iptables -I "f2b-$1" 1 -s "$2" -j $blocktype; }

while IFS='|' read -r jail ports proto; do
    [ -z "$jail" ] && continue
    case $jail in \#*) continue ;; esac
    jail_start "$jail" "$ports" $proto
done <<'TABLE'
# jail | ports
sshd|22,2222|tcp

recidive|0:65535|tcp
dns|53|udp
TABLE

echo "192.0.2.1 192.0.2.2" | xargs -n1 $iptables -I f2b-sshd 1 -j DROP -s
printf '%s\n' 198.51.100.1 198.51.100.2 | while read -r ip; do ban sshd "$ip"; done
for ip in $(cat /var/lib/bans); do
    ban recidive "$ip"
done
