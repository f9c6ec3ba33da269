#!/usr/bin/env bash
# Container entry point: redirect all outgoing TCP through a local proxy.
set -euo pipefail

PROXY_PORT=${PROXY_PORT:-15001}
PROXY_UID="${PROXY_UID:-1337}"
: "${INBOUND_PORTS:=80,8080}"
EXCLUDE=${EXCLUDE_CIDRS:-"10.0.0.0/8 172.16.0.0/12"}

_v() { echo "+ $*" >&2; "$@"; }

ipt4() { _v iptables -w 5 "$@"; }

cleanup() {
    ipt4 -t nat -D OUTPUT -p tcp -j PROXY_OUT 2>/dev/null || true
    ipt4 -t nat -F PROXY_OUT 2>/dev/null || :
    ipt4 -t nat -X PROXY_OUT 2>/dev/null || :
}
trap cleanup EXIT

if [[ "${DISABLE:-}" == "yes" ]]; then
    exec "$@"
fi

ipt4 -t nat -N PROXY_OUT
ipt4 -t nat -A PROXY_OUT -m owner --uid-owner "$PROXY_UID" -j RETURN
for cidr in $EXCLUDE; do
    ipt4 -t nat -A PROXY_OUT -d "${cidr}" -j RETURN
done
ipt4 -t nat -A PROXY_OUT -p tcp -j REDIRECT --to-ports "$PROXY_PORT"
ipt4 -t nat -A OUTPUT -p tcp -j PROXY_OUT

IFS=',' read -ra ports <<< "$INBOUND_PORTS"
for p in "${ports[@]}"; do
    ipt4 -t nat -A PREROUTING -p tcp --dport "$p" -j REDIRECT --to-ports $((PROXY_PORT + 5))
done
exec /usr/local/bin/envoy "$@"
