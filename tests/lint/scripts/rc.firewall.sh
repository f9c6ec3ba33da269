#!/bin/sh
#
# rc.firewall - host firewall in the style of the late nineties
#
PATH=/usr/sbin:/usr/bin:/sbin:/bin
IPTABLES=/sbin/iptables
EXTIF="eth0"
INTIF="eth1"
INTNET="192.168.1.0/24"
UNIVERSE="0.0.0.0/0"
ALLOWED_TCP="22 25 80 443"
ALLOWED_UDP="53 123"

echo "Enabling forwarding..."
echo "1" > /proc/sys/net/ipv4/ip_forward
for f in /proc/sys/net/ipv4/conf/*/rp_filter; do
    echo 1 > $f
done
/sbin/modprobe ip_conntrack_ftp

$IPTABLES -P INPUT DROP
$IPTABLES -F INPUT
$IPTABLES -P OUTPUT ACCEPT
$IPTABLES -F OUTPUT
$IPTABLES -P FORWARD DROP
$IPTABLES -F FORWARD
$IPTABLES -t nat -F

if [ -n "`$IPTABLES -L | grep drop-and-log-it`" ]; then
    $IPTABLES -F drop-and-log-it
fi
$IPTABLES -X
$IPTABLES -N drop-and-log-it
$IPTABLES -A drop-and-log-it -j LOG --log-level info \
    --log-prefix "DROP "
$IPTABLES -A drop-and-log-it -j DROP

$IPTABLES -A INPUT -i lo -s $UNIVERSE -d $UNIVERSE -j ACCEPT
$IPTABLES -A INPUT -i $INTIF -s $INTNET -d $UNIVERSE -j ACCEPT
$IPTABLES -A INPUT -i $EXTIF -s $INTNET -d $UNIVERSE -j drop-and-log-it
$IPTABLES -A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT

for port in $ALLOWED_TCP; do
    $IPTABLES -A INPUT -i $EXTIF -p tcp --dport $port -m state --state NEW -j ACCEPT
done
for port in $ALLOWED_UDP
do
    $IPTABLES -A INPUT -i $EXTIF -p udp --dport $port -j ACCEPT
done

$IPTABLES -A INPUT -s $UNIVERSE -d $UNIVERSE -j drop-and-log-it
$IPTABLES -A FORWARD -i $EXTIF -o $INTIF -m state --state ESTABLISHED,RELATED -j ACCEPT
$IPTABLES -A FORWARD -i $INTIF -o $EXTIF -j ACCEPT
$IPTABLES -t nat -A POSTROUTING -o $EXTIF -j MASQUERADE
echo -e "Done.\n"
