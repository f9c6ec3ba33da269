#!/bin/bash
# Drops what no honest host sends, early in mangle and raw.
IPT=iptables
flags() { $IPT -t mangle -A PREROUTING -p tcp --tcp-flags "$1" "$2" -j DROP; }
for pair in "FIN,SYN FIN,SYN" "SYN,RST SYN,RST" "FIN,RST FIN,RST" "ALL NONE" "ALL ALL"; do
    flags $pair
done
for net in 224.0.0.0/3 169.254.0.0/16 172.16.0.0/12 192.0.2.0/24 0.0.0.0/8 240.0.0.0/5; do
    $IPT -t mangle -A PREROUTING -s $net -j DROP
done
$IPT -t mangle -A PREROUTING -s 127.0.0.0/8 ! -i lo -j DROP
$IPT -t mangle -A PREROUTING -f -j DROP
$IPT -A INPUT -p tcp -m connlimit --connlimit-above 80 -j REJECT --reject-with tcp-reset
$IPT -t raw -A PREROUTING -p tcp -m tcp --syn -j CT --notrack
$IPT -A INPUT -p tcp -m tcp -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460
$IPT -A INPUT -m conntrack --ctstate INVALID -j DROP
