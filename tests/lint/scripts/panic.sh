#!/bin/sh
# Everything open, whatever was there.
for f in '' 6; do
  ipt="ip${f}tables"
  for t in filter nat mangle raw; do
    $ipt -t $t -F; $ipt -t $t -X; $ipt -t $t -Z
  done
  for c in INPUT FORWARD OUTPUT; do $ipt -P $c ACCEPT; done
done
# and once more, by restore
printf '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n' | tee /run/panic.rules | iptables-restore
