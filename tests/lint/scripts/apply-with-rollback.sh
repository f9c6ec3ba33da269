#!/bin/sh
# Applies new rules and takes them back unless somebody confirms.
NEW=${1:-/etc/iptables/rules.new}
OLD=$(mktemp)
iptables-save > "$OLD"

rollback() {
    echo "taking the rules back"
    iptables-restore < "$OLD"
    rm -f "$OLD"
}
trap rollback INT TERM

if ! iptables-restore --test < "$NEW"; then
    echo "the new rules cannot be read" >&2
    exit 1
fi
iptables-restore < "$NEW"
printf 'Keep them? [y/N] '
read -r answer
case $answer in
    y|Y|yes) rm -f "$OLD" ;;
    *) rollback ;;
esac
