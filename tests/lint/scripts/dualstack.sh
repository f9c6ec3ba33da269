#!/bin/bash
# One function decides by the address which family a rule is for.
allow() {
    local from=$1 proto=$2 ports=$3
    case $from in
        *:*) set -- ip6tables ;;
        *.*) set -- iptables ;;
        any) set -- iptables ip6tables; from= ;;
    esac
    for prog; do
        $prog -A INPUT ${from:+-s "$from"} -p $proto -m multiport --dports $ports -j ACCEPT
    done
}

for prog in iptables ip6tables; do
    $prog -F INPUT
    $prog -A INPUT -i lo -j ACCEPT
    $prog -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
done
allow 192.0.2.0/24 tcp 22,873
allow 2001:db8:10::/48 tcp 22
allow any tcp 80,443
allow any udp 443
ip6tables -A INPUT -p icmpv6 -j ACCEPT
iptables -P INPUT DROP && ip6tables -P INPUT DROP
