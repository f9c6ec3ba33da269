"""Every match and target in many spellings, and packets with unusual headers: the words that scenarios are made of.

A spelling holds choices: ``{a|b}`` is one of them, ``{!}`` now and then an inversion, ``<port>`` one of a pool that rules and
packets share, so that rules hold about as often as they do not.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from random import Random
from typing import Any

Json = dict[str, Any]

_CHOICE = re.compile(r"\{([^{}]*)\}")
_POOL = re.compile(r"<(\w+)>")

POOLS = {
    "port": ["22", "53", "80", "443", "4000", "0", "65535"],
    "ports": ["22", "53:80", ":1023", "1024:", "80", "4000", "0:65535"],
    "ttl": ["1", "2", "63", "64", "65", "255", "0"],
    "tos": ["0x00", "0x02", "0x10", "0x08", "0xb8", "0xff", "0x28"],
    "mark": ["0x0", "0x1", "0x2/0x2", "0x5", "0x0/0x1", "0xff/0xf", "0xffffffff"],
    "length": ["20", "28", "40", "44", "48", "60", "68", "0:40", "41:65535", "28:48"],
    "spi": ["0", "5", "0:10", "256", "257:300"],
}

#: A payload and a pattern meet in these.
TEXTS = ["hello", "xxHELLOxx", "a" * 30 + "hello", "hello hello", "GET / HTTP/1.1", "xxx", "heheheello", "\x00\x01hello"]

#: match → spellings; a spelling that begins with ``-p`` brings its own protocol.
MATCHES: dict[str, list[str]] = {
    "addrtype": [
        "{!}--{src|dst}-type {LOCAL|UNICAST|MULTICAST|ANYCAST|BROADCAST|UNREACHABLE|BLACKHOLE|PROHIBIT|LOCAL,UNICAST|UNSPEC}",
        "{!}--src-type {LOCAL|UNICAST} {!}--dst-type {LOCAL|UNICAST|MULTICAST}",
        "--dst-type {LOCAL|UNICAST} --limit-iface-in",
        "--src-type {LOCAL|UNICAST} --limit-iface-out",
    ],
    "bpf": [
        '--bytecode "4,48 0 0 9,21 0 1 {6|17|58},6 0 0 1,6 0 0 0"',
        '--bytecode "{1,6 0 0 1|1,6 0 0 0}"',
        '--bytecode "5,48 0 0 0,84 0 0 240,21 0 1 {64|96},6 0 0 65535,6 0 0 0"',
        '--bytecode "5,177 0 0 0,72 0 0 2,21 0 1 {80|53},6 0 0 1,6 0 0 0"',
        '--bytecode "3,128 0 0 0,{37|53} 0 0 40,6 0 0 7"',
        '--bytecode "4,32 0 0 {100|12|16},21 0 1 167772162,6 0 0 1,6 0 0 0"',
        '--bytecode "7,48 0 0 8,2 0 0 3,0 0 0 2,97 0 0 3,12 0 0 0,37 0 1 {60|70},6 0 0 1,6 0 0 0"',
    ],
    "cgroup": ["{!}--cgroup {0|5}"],
    "cluster": ["--cluster-total-nodes {2|3|8} {!}--cluster-local-node {1|2} --cluster-hash-seed {0xdeadbeef|0|7}", "--cluster-total-nodes 4 {!}--cluster-local-nodemask {0x3|0x5} --cluster-hash-seed 9"],
    "comment": ["--comment {x|\"two words\"}"],
    "connbytes": ["{!}--connbytes {0|1|2|1:2|0:1|100|:60|40:90} --connbytes-dir {original|reply|both} --connbytes-mode {packets|bytes|avgpkt}"],
    "connlabel": ["{!}--label {3|0|127}", "{!}--label {3|0|127} --set"],
    "connlimit": ["--connlimit-{above|upto} {0|1|2|5} --connlimit-mask {0|8|24|32} --connlimit-{saddr|daddr}", "--connlimit-{above|upto} {0|1}"],
    "connmark": ["{!}--mark <mark>"],
    "conntrack": [
        "{!}--ctstate {NEW|ESTABLISHED|RELATED|INVALID|UNTRACKED|SNAT|DNAT|NEW,ESTABLISHED|RELATED,SNAT|INVALID,UNTRACKED|DNAT,INVALID}",
        "{!}--ctproto {6|17|icmp|58|132|47|udplite}",
        "{!}--ctorigsrc <a>", "{!}--ctorigdst <b>", "{!}--ctreplsrc <b>", "{!}--ctrepldst <a>", "{!}--ctorigdst <fw>", "{!}--ctrepldst <fw>",
        "{!}--ctorigsrcport <ports>", "{!}--ctorigdstport <ports>", "{!}--ctreplsrcport <ports>", "{!}--ctrepldstport <ports>",
        "{!}--ctstatus {NONE|EXPECTED|SEEN_REPLY|ASSURED|CONFIRMED|SEEN_REPLY,ASSURED|CONFIRMED,EXPECTED}",
        "{!}--ctexpire {0|0:1000|100:130|20:40|1000000:|5:15|110:|400000:}", "--ctdir {ORIGINAL|REPLY}",
        "{!}--ctstate {NEW|ESTABLISHED} {!}--ctproto {6|17} --ctdir {ORIGINAL|REPLY}",
        "{!}--ctstatus {ASSURED|SEEN_REPLY} {!}--ctorigdstport <ports>", "--ctstate {NEW,INVALID} {!}--ctorigsrc <a>",
    ],
    "devgroup": ["{!}--src-group {0x0/0x1|1|0x1/0x3}", "{!}--dst-group {0x0/0x7|1}"],
    "dscp": ["{!}--dscp {0|2|0x0a|0x2e|0x3f}", "{!}--dscp-class {EF|BE|CS1|AF11|AF41}"],
    "ecn": ["{!}--ecn-ip-ect {0|1|2|3}", "-p tcp {!}--ecn-tcp-ece", "-p tcp {!}--ecn-tcp-cwr", "-p tcp {!}--ecn-ip-ect 2 {!}--ecn-tcp-cwr {!}--ecn-tcp-ece"],
    "hashlimit": [
        "--hashlimit-{upto|above} {1/hour|2/hour|20/day} --hashlimit-burst {1|2|3} --hashlimit-mode {srcip|dstip|srcport|dstport|srcip,dstport|srcip,srcport,dstip,dstport} --hashlimit-name <name>",
        "--hashlimit-upto 1/hour --hashlimit-burst 2 --hashlimit-mode srcip,dstip --hashlimit-srcmask <wide> --hashlimit-dstmask <wide> --hashlimit-name <name>",
        "--hashlimit-{upto|above} 512b/s --hashlimit-burst {512|1kb} --hashlimit-mode srcip --hashlimit-name <name>",
        "--hashlimit-upto 1/hour --hashlimit-burst 1 --hashlimit-name <name>",
        "--hashlimit-upto 1/hour --hashlimit-burst 2 --hashlimit-mode srcip --hashlimit-htable-max {1|2} --hashlimit-name <name>",
    ],
    "helper": ["{!}--helper {ftp|sip|any}"],
    "iprange": ["{!}--src-range <range>", "{!}--dst-range <range>", "{!}--src-range <range> {!}--dst-range <range>"],
    "length": ["{!}--length <length>"],
    "limit": ["--limit {1/hour|2/hour|40/day} --limit-burst {1|2|3}"],
    "mac": ["{!}--mac-source {02:00:00:00:00:0a|02:00:00:00:01:0b|02:00:00:00:00:01}"],
    "mark": ["{!}--mark <mark>"],
    "multiport": ["-p {tcp|udp|132|136|udplite} {!}--{sports|dports|ports} {<port>|<port>,<port>|53:80,<port>|0:1000|1024:65535}"],
    "owner": ["{!}--uid-owner {0|1000|1-2000}", "{!}--gid-owner {0|1000|0-0}", "{!}--socket-exists", "{!}--uid-owner 0 {!}--gid-owner 0", "{!}--socket-exists {!}--uid-owner {0|1000}", "{!}--gid-owner {0|1000} --suppl-groups"],
    "physdev": ["{!}--physdev-is-{bridged|in|out}", "{!}--physdev-in {eth0|eth+}", "! --physdev-is-in ! --physdev-is-out"],
    "pkttype": ["{!}--pkt-type {unicast|broadcast|multicast}"],
    "policy": ["--dir {in|out} --pol {none|ipsec}", "--dir in --pol ipsec --strict --proto esp"],
    "quota": ["{!}--quota {0|28|60|100|200|1000}"],
    "rateest": [],
    "recent": [
        "{!}--set --name <name> --r{source|dest}", "{!}--{rcheck|update} --name <name> --r{source|dest}", "{!}--remove --name <name> --r{source|dest}",
        "{!}--{rcheck|update} --seconds {1|100} --name <name> --r{source|dest}", "{!}--{rcheck|update} --seconds 100 --hitcount {1|2|3} --name <name> --r{source|dest}",
        "{!}--{rcheck|update} --hitcount {1|2|4} --rttl --name <name> --r{source|dest}", "{!}--{set|rcheck|update} --name <name> --mask <mask4> --r{source|dest}",
        "{!}--update --seconds 100 --reap --name <name> --r{source|dest}", "{!}--set --rttl --name <name> --rsource",
    ],
    "rpfilter": ["{|--loose }{|--validmark }{|--accept-local }{|--invert}"],
    "sctp": [
        "-p sctp {!}--{s|d}port <ports>", "-p sctp {!}--chunk-types {any|all|only} {DATA|INIT|INIT,DATA|SACK|DATA:BE|DATA:u|ABORT:T|COOKIE_ECHO,DATA|ALL|NONE}",
        "-p sctp {!}--sport <ports> {!}--chunk-types any {DATA|INIT}",
    ],
    "socket": ["{|--transparent}{| --nowildcard}{| --restore-skmark}"],
    "state": ["{!}--state {NEW|ESTABLISHED|RELATED|INVALID|UNTRACKED|RELATED,ESTABLISHED|NEW,UNTRACKED}"],
    "statistic": ["--mode nth {!}--every {1|2|3|4} --packet 0", "--mode nth {!}--every {2|3} --packet 1", "--mode random {!}--probability {0|1.0}"],
    "string": [
        "{!}--string {hello|xxH|HELLO|ello|GET|hellox} --algo {bm|kmp}", "--icase {!}--string {hello|HeLLo|get} --algo {bm|kmp}",
        "{!}--string {hello|xx|llo} --algo {bm|kmp} --from {0|20|28|29|40|48} --to {28|30|48|60|100|65535}",
        "{!}--hex-string {[6865]l|00 01|[7878]} --algo bm", "--string {he|hel} --algo kmp --to {0|28|35}",
    ],
    "tcp": [
        "-p tcp {!}--{s|d}port <ports>", "-p tcp {!}--syn", "-p tcp {!}--tcp-option {2|3|4|8|1|0}",
        "-p tcp {!}--tcp-flags {ALL|SYN,ACK|FIN,SYN,RST,ACK|PSH,URG|SYN|ACK} {NONE|SYN|ACK|SYN,ACK|RST|FIN,ACK|ALL|PSH}",
        "-p tcp {!}--sport <ports> {!}--dport <ports> {!}--syn",
    ],
    "tcpmss": ["-p tcp {!}--mss {1460|536|500:1400|0:65535|1461:}"],
    "time": ["{--datestart 2019-01-01|--datestop 2019-01-01|--datestart 2035-01-01T10:00:00|--weekdays Mon,Tue,Wed,Thu,Fri,Sat,Sun|--timestart 00:00 --timestop 23:59:59|--monthdays 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31}"],
    "tos": ["{!}--tos <tos>", "{!}--tos {0x10/0x1e|0x02/0x03|0x00/0xff|3/3}", "{!}--tos {Minimize-Delay|Normal-Service}"],
    "u32": [
        '{!}--u32 "{0>>22&0x3C@0>>16=80|6&0xFF=6|4&0x1FFF=0|8>>24=64|3&0xff=1:64|0>>28=4|6&0xff=17 && 6&0xff=17}"',
        '{!}--u32 "{0>>22&0x3c@8&0xff=0|0>>22&0x3C@12>>26&0x3C@0=0x68656c6c|40&0xff00=0x1600|100=1|0>>22&0x3C@4=1000|12&0xffffff00=0x0a000000}"',
        '{!}--u32 "{6>>8&0xff=17 && 40>>16=4000,80|40>>24=128|7&0xff=64,63|24=0xfd000000}"',
    ],
    "udp": ["-p udp {!}--{s|d}port <ports>", "-p udp {!}--sport <ports> {!}--dport <ports>"],
}  # fmt: skip
MATCHES4: dict[str, list[str]] = {
    "ah": ["-p ah {!}--ahspi <spi>"],
    "bpf": ['--bytecode "6,40 0 0 2,37 3 0 {40|60},4 0 0 5,20 0 0 5,22 0 0 0,6 0 0 1"'],
    "u32": ['{!}--u32 "{0&0xFFFF=0:60|2=0:0xffff,0x10000:0xffffffff|6&0xff=17 && 0&0xffff=28}"'],
    "esp": ["-p esp {!}--espspi <spi>"],
    "icmp": ["-p icmp {!}--icmp-type {any|0|8|3|3/1|3/3|11|11/0|5|13|14|17|port-unreachable|echo-request|0/1|30|12}"],
    "realm": ["{!}--realm {0/0xff|1|0/1}"],
    "ttl": ["--ttl-{lt|gt} <ttl>", "{!}--ttl-eq <ttl>"],
    "dccp": ["-p dccp {!}--{s|d}port <ports>", "-p dccp {!}--dccp-types {REQUEST|RESPONSE,DATA|RESET|INVALID}", "-p dccp {!}--dccp-option {1|2|32}"],
    "ipcomp": ["-p 108 {!}--ipcompspi <spi>"],
    "osf": ["-p tcp {!}--genre {Linux|Windows}"],
    "": ["{!}-f"],
}  # fmt: skip
MATCHES6: dict[str, list[str]] = {
    "ah": ["{!}--ahspi <spi>{| --ahres}{| {!}--ahlen {12|24}}"],
    "esp": ["-p esp {!}--espspi <spi>"],
    "dst": ["{!}--dst-len {8|16|24}", "--dst-opts {1|1:0|5:2|1,5}", "{!}--dst-len 8 --dst-opts {1|5}"],
    "hbh": ["{!}--hbh-len {8|16|24}", "--hbh-opts {1|1:4|5:2|0|194:4}", "{!}--hbh-len 8 --hbh-opts {5|1}"],
    "eui64": [""],
    "frag": ["{!}--fragid {0|7|0:100}{| --fraglen 8}{| --fragres}{| --fragfirst}{| --fragmore| --fraglast}"],
    "hl": ["--hl-{lt|gt} <ttl>", "{!}--hl-eq <ttl>"],
    "icmp6": ["-p ipv6-icmp {!}--icmpv6-type {128|129|1|1/4|1/0|2|3|3/0|4|4/1|133|135|136|137|echo-request|router-solicitation|packet-too-big|200}"],
    "ipv6header": ["{!}--header {none|hop|dst|route|frag|auth|esp|prot|hop,dst|hop-by-hop}{| --soft}", "--header {hop,prot|dst,prot|prot} {|--soft}"],
    "mh": ["-p 135 {!}--mh-type {brr|hoti|0:2|5|binding-update}"],
    "rt": ["{!}--rt-type {0|2|4}", "{!}--rt-segsleft {0|1|0:2}", "{!}--rt-len {8|24|40}", "--rt-type 0 --rt-0-res", "--rt-type 0 --rt-0-addrs {fd00::9|fd00::9,fd00::a} {|--rt-0-not-strict}"],
    "srh": ["{!}--srh-next-hdr-eq {6|17|58}", "{!}--srh-segs-left-{eq|gt|lt} {0|1}", "{!}--srh-tag {0|5}", "{!}--srh-{p|n|l}sid {fd00::9|fd00::/16|::/0}", "{!}--srh-hdr-len-{eq|gt|lt} {2|4}", "{!}--srh-last-entry-{eq|gt|lt} {0|1}"],
    "dccp": ["-p dccp {!}--{s|d}port <ports>", "-p dccp {!}--dccp-types {REQUEST|RESPONSE,DATA|RESET|INVALID}"],
    "ipcomp": ["-p 108 {!}--ipcompspi <spi>"],
}  # fmt: skip

#: target → spellings, by table ("" for all); none of them decides about the packet.
TARGETS: dict[str, list[str]] = {
    "": ["-j MARK --set-xmark {0x1|0x2/0xff|0x0|0xffffffff|0x1/0x3}", "-j MARK --{or|and|xor}-mark {0x1|0x4|0xff|0xfffffffe}", "-j MARK --set-mark {0x5|0x5/0xf}", "-j LOG", "",
         "-j LOG --log-prefix \"a b\" --log-level debug --log-ip-options --log-tcp-sequence", "-j NFLOG --nflog-group 5 --nflog-prefix x", "-j CONNMARK --save-mark",
         "-j AUDIT --type {accept|drop|reject}", "-j IDLETIMER --timeout 600 --label pyipt", "-j RATEEST --rateest-name pyipt --rateest-interval 250ms --rateest-ewmalog 500ms"],
    "mangle": [
        "-j CONNMARK --set-xmark {0x1|0x2/0xff|0x0}", "-j CONNMARK --{or|and|xor}-mark {0x1|0x4|0xff}", "-j CONNMARK --{save|restore}-mark{| --nfmask 0xf --ctmask 0xf0| --mask 0x3}",
        "-j DSCP --set-dscp {0|2|0x2e}", "-j DSCP --set-dscp-class {EF|CS1|AF11}", "-j TOS --set-tos {0x10|0x08/0x3f|0x02|Minimize-Delay|0xff}", "-j TOS --{or|and|xor}-tos {0x10|0xf0|0x03}",
        "-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --{set-mss {536|1200|1460|9000|1}|clamp-mss-to-pmtu}", "-p tcp -j TCPOPTSTRIP --strip-options {mss|wscale|sack-permitted|timestamp|2,3,4|mss,timestamp|8}",
        "-j CHECKSUM --checksum-fill", "-j CLASSIFY --set-class {1:2|0:0}", "-p tcp -m tcp ! --syn -j TCPMSS --set-mss 1000",
        "-j HMARK --hmark-tuple {src,dst|src,dst,sport,dport|sport,dport|ct|ct,src|src} --hmark-mod {10|1|1000} --hmark-offset {100|0} --hmark-rnd {7|0xdeadbeef}{|| --hmark-src-prefix 24}{|| --hmark-proto-mask 0xff}",
        "-p {tcp|udp} -j HMARK --hmark-tuple sport,dport --hmark-sport {80|4000} --hmark-dport-mask {0xffff|0xff} --hmark-mod 64 --hmark-offset 0 --hmark-rnd 1",
        "-j CONNMARK --{left|right}-shift-mark {1|4} --set-mark 0x10", "-j CONNMARK --save-mark --left-shift-mark 2", "-j CONNMARK --restore-mark --right-shift-mark 1",
    ],
    "raw": ["-j CT --notrack", "-j NOTRACK", "-j CT --ctevents new,destroy", "-j CT --zone {1|2|0}", "-j CT --zone-{orig|reply} {1|2}", "-j CT --zone mark", "-j CT", "-p tcp -j TCPOPTSTRIP --strip-options mss"],
    "filter": [], "nat": [], "security": [],
}  # fmt: skip
TARGETS4 = {"mangle": ["-j TTL --ttl-{set|inc|dec} {1|2|10|64|255|254}", "-p tcp -j ECN --ecn-tcp-remove"]}
TARGETS6 = {
    "mangle": [
        "-j HL --hl-{set|inc|dec} {1|2|10|64|255|254}",
        "-j {SNPT --src-pfx fd00::/64 --dst-pfx 2001:db8:1::/64}",
        "-j DNPT --src-pfx {fd00:0:0:1::/64|2001:db8:1::/48} --dst-pfx {fd00::/64|fd00:0:0:7::/64}",
    ]
}

#: What ends a packet's way, by table.
ENDS: dict[str, list[str]] = {
    "": ["-j ACCEPT", "-j ACCEPT", "-j RETURN"],
    "raw": ["-j DROP"], "mangle": ["-j DROP", "-j NFQUEUE --queue-num 3", "-j NFQUEUE --queue-num 3 --queue-bypass", "-j NFQUEUE --queue-balance 1:3 --queue-bypass"],
    "filter": ["-j DROP", "-j REJECT", "-j REJECT", "-j REJECT --reject-with {<reject>}", "-p tcp -j REJECT --reject-with tcp-reset", "-j NFQUEUE --queue-bypass", "-j NFQUEUE"],
    "nat": [], "security": ["-j DROP"],
}  # fmt: skip
REJECTS4 = ["icmp-net-unreachable", "icmp-host-unreachable", "icmp-port-unreachable", "icmp-proto-unreachable", "icmp-net-prohibited", "icmp-host-prohibited", "icmp-admin-prohibited"]  # fmt: skip
REJECTS6 = ["icmp6-no-route", "icmp6-adm-prohibited", "icmp6-addr-unreachable", "icmp6-port-unreachable", "icmp6-policy-fail", "icmp6-reject-route"]  # fmt: skip


def spell(r: Random, text: str, pools: dict[str, list[str]]) -> str:
    """One of the meanings of a spelling."""
    while True:
        new = _POOL.sub(lambda found: r.choice(pools[found[1]]), text)
        new = _CHOICE.sub(lambda found: _pick(r, found[1]), new, count=1)
        if new == text:
            return text
        text = new


def _pick(r: Random, choices: str) -> str:
    if choices == "!":
        return "! " if r.random() < 0.25 else ""
    return r.choice(choices.split("|")).replace("[", "|").replace("]", "|")


# -- packets -----------------------------------------------------------------------------------------------------------------
def crc32c(data: bytes) -> bytes:
    """The checksum of SCTP."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return (value ^ 0xFFFFFFFF).to_bytes(4, "little")


def sctp(sport: int, dport: int, tag: int, *chunks: bytes) -> str:
    """An SCTP packet with a right checksum."""
    head = sport.to_bytes(2, "big") + dport.to_bytes(2, "big") + tag.to_bytes(4, "big")
    body = b"".join(chunk + b"\0" * (-len(chunk) % 4) for chunk in chunks)
    return (head + crc32c(head + b"\0\0\0\0" + body) + body).hex()


def chunk(kind: int, flags: int, value: bytes) -> bytes:
    return bytes([kind, flags]) + (4 + len(value)).to_bytes(2, "big") + value


def init(tag: int, kind: int = 1) -> bytes:
    return chunk(kind, 0, tag.to_bytes(4, "big") + b"\0\0\xff\xff\0\1\0\1\0\0\0\1")


def option_header(r: Random, following: int) -> str:
    """A Hop-by-Hop or Destination Options header (RFC 8200), padded."""
    options = r.choice(
        [
            "010400000000",
            "050200000100",
            "000000000000",
            "010001020000",
            "1e0400000000",
            "010200000502000001020000",
            "0104000001000502000001010000",
        ]
    )
    raw = bytes.fromhex(options)
    raw += b"\0" * (-(len(raw) + 2) % 8)
    return (bytes([following, (len(raw) + 2) // 8 - 1]) + raw).hex()


def routing_header(r: Random, following: int) -> str:
    """Routing headers: type 0 and 2 (used up or not), segment routing."""
    kind = r.choice([0, 2, 4])
    address = bytes.fromhex(r.choice(["fd00" + "00" * 13 + "09", "fd00" + "00" * 13 + "0a"]))
    count = 1 if kind == 2 else r.choice([1, 2])
    left = r.choice([0, 0, 0, 1])
    middle = bytes([count - 1, 0, 0, r.choice([0, 5])]) if kind == 4 else b"\0\0\0\0"
    return (bytes([following, 2 * count, kind, left]) + middle + address * count).hex()


def transport(r: Random, proto: int, sport: int, dport: int, ends: tuple[str, str]) -> str:
    """Raw transport headers, what stands behind IPv6 extension headers; now and then with a wrong checksum."""
    ports = sport.to_bytes(2, "big") + dport.to_bytes(2, "big")
    if proto == 6:
        raw, at = ports + b"\0\0\3\xe8\0\0\0\0\x50\x02\xff\xff\0\0\0\0", 16
    elif proto == 17:
        raw, at = ports + b"\0\x08\0\0", 6
    else:
        raw, at = bytes.fromhex("8000000000070001"), 2
    pseudo = b"".join(ip_address(end).packed for end in ends) + len(raw).to_bytes(4, "big") + proto.to_bytes(4, "big")
    value = checksum(pseudo + raw) ^ (0x5555 if r.random() < 0.1 else 0)
    return (raw[:at] + value.to_bytes(2, "big") + raw[at + 2 :]).hex()


def checksum(data: bytes) -> int:
    """The internet checksum of an even number of octets."""
    total = sum(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def other(r: Random, family: int, sport: int, dport: int, ends: tuple[str, str]) -> Json:
    """A packet of a protocol that has no fields of its own."""
    kinds = ["sctp", "sctp", "udplite", "gre", "gre", "esp", "ah", "dccp", "ipcomp", "odd", "short"]
    if family == 6:
        kinds += ["hop", "dst", "route", "hop-dst", "none", "mh", "hop", "route"]
    kind = r.choice(kinds)
    ports = sport.to_bytes(2, "big").hex() + dport.to_bytes(2, "big").hex()
    if kind == "sctp":
        chunks = r.choice([[init(7)], [chunk(0, 3, b"\0" * 12)], [chunk(0, 7, b"\0" * 12), chunk(0, 0, b"\0" * 13)], [chunk(6, 1, b"")], [chunk(10, 0, b"abcd"), chunk(0, 3, b"\0" * 12)], [chunk(4, 0, b"\0\1\0\4")], [chunk(14, 0, b"")], [b"\0\0\0\0"], []])  # fmt: skip
        return {"proto": "132", "l4": sctp(sport, dport, 0 if chunks and chunks[0][:1] == b"\1" else r.choice([0, 5]), *chunks)}
    if kind == "udplite":
        return {"proto": r.choice(["udplite", "136"]), "sport": sport, "dport": dport}
    if kind == "gre":
        return {
            "proto": "47",
            "l4": r.choice(
                [
                    "00000800",
                    "2000080000000007",
                    "3001880b00040005" + "00000000",
                    "3081880b00000009" + "00" * 8,
                    "30010800" + "00000005",
                    "0000",
                ]
            ),
        }
    if kind == "esp":
        return {"proto": "50", "l4": r.choice(["00000005", "00000100", "00000000", "0000"]) + "00000001"}
    if kind == "ah":
        return {"proto": "51", "l4": "3b04" + r.choice(["0000", "0001"]) + r.choice(["00000005", "00000100"]) + "00000001" + "00" * 12}
    if kind == "dccp":
        return {
            "proto": "33",
            "l4": ports
            + r.choice(
                [
                    "03000000" + "00" * 4 + "00000000",
                    "04000000" + "04" + "000000" + "01022003",
                    "05000000" + "0e000000" + "00000000" + "0001022004",
                    "",
                ]
            ),
        }
    if kind == "ipcomp":
        return {"proto": "108", "l4": r.choice(["3b000005", "3b000100", "3b"])}
    if kind == "odd":
        return {"proto": r.choice(["2", "89", "103", "112", "253", "115", "41", "4", "94"]), "l4": r.choice(["", "1234", "00" * 12])}
    if kind == "short":
        return {
            "proto": r.choice(["132", "33", "50", "108"] + (["51"] if family == 4 else [])),
            "l4": r.choice(["", "10", ports, ports + "0000"]),
        }
    proto = r.choice([6, 17, 58, 59])
    tail = "" if proto == 59 else transport(r, proto, sport, dport, ends)
    if kind == "hop":
        return {"proto": "0", "l4": option_header(r, proto) + tail}
    if kind == "dst":
        return {"proto": "60", "l4": option_header(r, proto) + tail}
    if kind == "route":
        return {"proto": "43", "l4": routing_header(r, proto) + tail}
    if kind == "hop-dst":
        return {"proto": "0", "l4": option_header(r, 60) + option_header(r, proto) + tail}
    if kind == "none":
        return {"proto": "59", "l4": r.choice(["", "0011"])}
    return {"proto": "135", "l4": r.choice(["3b", "3b", "06"]) + "00" + r.choice(["00", "01", "05", "10"]) + "00" * 5}
