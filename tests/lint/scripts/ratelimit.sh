#!/bin/bash
# Limits per service: port, rate, burst.
limit_service() {
    local port="$1" rate="$2" burst="$3"
    local name="limit-$port"
    iptables -A INPUT -p tcp --dport "$port" -m conntrack --ctstate NEW \
        -m hashlimit --hashlimit-name "$name" --hashlimit-mode srcip \
        --hashlimit-upto "$rate" --hashlimit-burst "$burst" -j ACCEPT
    iptables -A INPUT -p tcp --dport "$port" -m conntrack --ctstate NEW \
        -m limit --limit 2/min -j LOG --log-prefix "over $name: " --log-level 4
    iptables -A INPUT -p tcp --dport "$port" -m conntrack --ctstate NEW -j DROP
}

{
    read -r # the head of the table
    while IFS=$'\t ' read -r port rate burst _; do
        [[ -z $port || $port == \#* ]] && continue
        limit_service "$port" "$rate" "${burst:-5}"
    done
} <<'EOT'
port rate burst
22   4/minute 3
# web
80   50/second 100
443  50/second
EOT
