#!/bin/bash
set -euo pipefail
for family in iptables ip6tables; do
    "$family" -w -P INPUT ACCEPT
    "$family" -w -P FORWARD ACCEPT
    "$family" -w -F INPUT
    "$family" -w -F FORWARD
    "$family" -w -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    "$family" -w -A INPUT -m conntrack --ctstate INVALID -j DROP
    "$family" -w -A INPUT -i lo -j ACCEPT
    "$family" -w -A INPUT -p tcp --dport 22 -j ACCEPT
    "$family" -w -A INPUT -p tcp -m multiport --dports 80,443 -j ACCEPT
done
iptables -w -A INPUT -p icmp --icmp-type echo-request -j ACCEPT
ip6tables -w -A INPUT -p icmpv6 -j ACCEPT
for family in iptables ip6tables; do
    "$family" -w -P INPUT DROP
    "$family" -w -P FORWARD DROP
done
