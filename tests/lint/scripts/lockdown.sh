#!/bin/bash
# Hardening of a bare server: both families from one table of services.
set -euo pipefail

readonly IPT4=/usr/sbin/iptables
readonly IPT6=/usr/sbin/ip6tables
SERVICES=(
    "tcp:22:10.0.0.0/8,192.168.0.0/16"
    "tcp:80:any"
    "tcp:443:any"
    "udp:123:10.0.0.1"
)

log() { printf '[%s] %s\n' "$(date +%F)" "$*"; }

base() {
    local ipt=$1
    "$ipt" -w -P INPUT DROP
    "$ipt" -w -P FORWARD DROP
    "$ipt" -w -P OUTPUT ACCEPT
    for chain in INPUT FORWARD OUTPUT; do
        "$ipt" -w -F "$chain"
    done
    "$ipt" -w -A INPUT -i lo -j ACCEPT
    "$ipt" -w -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
    "$ipt" -w -A INPUT -m conntrack --ctstate INVALID -j DROP
}

services() {
    local entry proto port sources
    for entry in "${SERVICES[@]}"; do
        IFS=: read -r proto port sources <<< "$entry"
        if [[ $sources == any ]]; then
            for ipt in $IPT4 $IPT6; do
                $ipt -w -A INPUT -p "$proto" --dport "$port" -m conntrack --ctstate NEW -j ACCEPT
            done
        else
            for src in ${sources//,/ }; do
                $IPT4 -w -A INPUT -s "$src" -p "$proto" --dport "$port" -m conntrack --ctstate NEW -j ACCEPT
            done
        fi
    done
}

log "lockdown begins"
base $IPT4
base $IPT6
services
$IPT4 -w -A INPUT -p icmp --icmp-type echo-request -m limit --limit 5/s -j ACCEPT
$IPT6 -w -A INPUT -p ipv6-icmp -j ACCEPT
log "done"
