# escape=\
FROM alpine:3.20 AS base
ARG PROXY_PORT=3128
ENV LAN="172.18.0.0/16" \
    RULES=/etc/iptables/rules-save
RUN apk add --no-cache iptables ip6tables \
 && iptables -t nat -A PREROUTING -s ${LAN} -p tcp --dport 80 -j REDIRECT --to-ports $PROXY_PORT \
 && iptables -t nat -A POSTROUTING ! -d $LAN -j MASQUERADE \
 && iptables-save > $RULES
COPY <<EOT /etc/sysctl.d/10-gateway.conf
net.ipv4.ip_forward=1
EOT
HEALTHCHECK CMD iptables -t nat -C POSTROUTING ! -d 172.18.0.0/16 -j MASQUERADE || exit 1
ENTRYPOINT ["/sbin/iptables-restore", "/etc/iptables/rules-save"]
