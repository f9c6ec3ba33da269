#!/bin/bash
# Marks by class; the classes are numbered by their place in the list.
CLASSES="ssh:22 dns:53/udp voip:5060:5061/udp web:80,443"
mark=10
iptables -t mangle -F POSTROUTING
for class in $CLASSES; do
    name=${class%%:*}
    spec=${class#*:}
    proto=tcp
    [[ $spec == */* ]] && { proto=${spec#*/}; spec=${spec%/*}; }
    iptables -t mangle -A POSTROUTING -p $proto -m multiport --dports $spec -m comment --comment "$name" \
        -j MARK --set-mark $mark
    ((mark += 10))
done
iptables -t mangle -A POSTROUTING -m mark ! --mark 0 -j CONNMARK --save-mark
