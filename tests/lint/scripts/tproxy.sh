#!/bin/sh
set -eu
MARK=0x1/0x1
PORT=15001
ip rule add fwmark 1 lookup 100
ip route add local 0.0.0.0/0 dev lo table 100
iptables -t mangle -N DIVERT
iptables -t mangle -A DIVERT -j MARK --set-xmark $MARK
iptables -t mangle -A DIVERT -j ACCEPT
iptables -t mangle -A PREROUTING -p tcp -m socket --transparent -j DIVERT
for dport in 80 443; do
    iptables -t mangle -A PREROUTING -p tcp --dport $dport \
        ! -d 127.0.0.0/8 \
        -j TPROXY --tproxy-mark $MARK --on-port $PORT
done
