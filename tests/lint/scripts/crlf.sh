#!/bin/sh
IPT="/sbin/iptables"
$IPT -A INPUT -p tcp \
     --dport 22 -j ACCEPT
$IPT -A INPUT -j DROP
