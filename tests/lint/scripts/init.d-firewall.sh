#!/bin/sh
### BEGIN INIT INFO
# Provides:          firewall
### END INIT INFO
. /lib/lsb/init-functions
[ -f /etc/default/firewall ] && . /etc/default/firewall
IPT=$(which iptables)
IP6T=$(command -v ip6tables)
BLACKLIST=/etc/firewall/blacklist

both() {
    $IPT "$@"
    $IP6T "$@"
}

start() {
    both -P INPUT DROP
    both -A INPUT -i lo -j ACCEPT
    both -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    open_port tcp 22
    open_port udp 1194
    grep -v '^#' $BLACKLIST | while read ip; do
        $IPT -I INPUT -s "$ip" -j DROP
    done
}

open_port() {
    proto=$1
    port=${2:?port}
    both -A INPUT -p "$proto" --dport "$port" -j ACCEPT
}

stop() {
    both -P INPUT ACCEPT
    both -F
    both -X
}

case "$1" in
  start)
    log_daemon_msg "Starting firewall"
    start
    ;;
  stop)
    stop
    ;;
  restart|force-reload)
    stop
    start
    ;;
  status)
    $IPT -nvL --line-numbers
    exit $?
    ;;
  *)
    echo "Usage: $0 {start|stop|restart|status}"
    exit 1
    ;;
esac
exit 0
