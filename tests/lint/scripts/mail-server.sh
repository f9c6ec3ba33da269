#!/bin/ksh
# In the words of another shell.
typeset IPT=/usr/sbin/iptables
typeset -i n=0
set -A PORTS 25 465 587 143 993
function open_port {
    typeset p=$1
    $IPT -A INPUT -p tcp --dport $p -m conntrack --ctstate NEW -j ACCEPT
    (( n += 1 ))
}
for p in 25 465 587 143 993; do
    open_port $p
done
$IPT -A OUTPUT -p tcp --dport 25 -m owner ! --uid-owner postfix -j REJECT
print "opened $n ports"
