#!/bin/sh
# Knock 7000, 8000, 9000 within ten seconds, then ssh is open for thirty.
IPT="iptables -w"
KNOCKS="7000 8000 9000"
n=0
$IPT -N KNOCKING
$IPT -N PASSED
for port in $KNOCKS; do
    n=$((n + 1))
    $IPT -N GATE$n
    $IPT -A GATE$n -p tcp --dport $port -m recent --name AUTH$n --set -j DROP
    if [ $n -gt 1 ]; then
        $IPT -I GATE$n 1 -m recent --name AUTH$((n - 1)) --remove
    fi
done
$IPT -A GATE1 -j DROP
$IPT -A PASSED -m recent --name AUTH3 --remove
$IPT -A PASSED -p tcp --dport 22 -j ACCEPT
$IPT -A PASSED -j GATE1
$IPT -A KNOCKING -m recent --rcheck --seconds 30 --name AUTH3 -j PASSED
$IPT -A KNOCKING -m recent --rcheck --seconds 10 --name AUTH2 -j GATE3
$IPT -A KNOCKING -m recent --rcheck --seconds 10 --name AUTH1 -j GATE2
$IPT -A KNOCKING -j GATE1
$IPT -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
$IPT -A INPUT -j KNOCKING
