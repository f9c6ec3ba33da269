#!/bin/bash
# Hook of a virtual machine manager: guest name, operation.
GUEST=$1
OP=$2
GUEST_IP=192.168.122.50
declare -A PORTS=([8022]=22 [8080]=80)

change() {
    for host_port in "${!PORTS[@]}"; do
        iptables -t nat "$1" PREROUTING -p tcp --dport "$host_port" -j DNAT --to "$GUEST_IP:${PORTS[$host_port]}"
        iptables "$2" FORWARD -d $GUEST_IP/32 -p tcp -m state --state NEW --dport "${PORTS[$host_port]}" -j ACCEPT
    done
}

if [ "$GUEST" = "web" ]; then
    if [ "$OP" = "stopped" ] || [ "$OP" = "reconnect" ]; then
        change -D -D
    fi
    if [ "$OP" = "start" ] || [ "$OP" = "reconnect" ]; then
        change -A -I
    fi
fi
