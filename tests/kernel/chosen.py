"""Scenarios that each show one thing, for the recorded vectors."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_TCP = {"src": "10.0.0.2", "dst": "10.0.1.2", "proto": "tcp", "sport": 4000, "dport": 80}
_A: Json = {"from": "a", **_TCP}
_B: Json = {"from": "b", "src": "10.0.1.2", "dst": "10.0.0.2", "proto": "tcp", "sport": 80, "dport": 4000}
_OPEN = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n"
_SYN, _IGNORED = {**_A, "seq": 1000}, {**_B, "flags": "ACK", "seq": 5001, "ack": 1021}
_RESET = {**_A, "flags": "RST", "seq": 1021}
_BAD = {**_B, "flags": "SYN,ACK", "seq": 5000, "ack": 900000}
_SYNACK = {**_B, "flags": "SYN,ACK", "seq": 5000, "ack": 1001}
_ACK = {**_A, "flags": "ACK", "seq": 1001, "ack": 5001}

_FLOWS: dict[str, list[Json]] = {
    "challenge ACK, its RST, then FIN": [_SYN, _IGNORED, _RESET, {**_A, "flags": "FIN,ACK", "seq": 1021, "ack": 5001}],
    "challenge ACK, a wrong RST": [_SYN, _IGNORED, {**_A, "flags": "RST", "seq": 1050}],
    "reopened after RST": [_SYN, _IGNORED, _RESET, {**_A, "seq": 9000}],
    "more than the window": [_SYN, _BAD, _IGNORED, _RESET, {**_A, "flags": "ACK", "seq": 60000, "ack": 5001}],
    "far more than the window": [_SYN, _BAD, _IGNORED, _RESET, {**_A, "flags": "ACK", "seq": 80000, "ack": 5001}],
    "SYN again with another sequence": [_SYN, {**_A, "seq": 77000}, {**_B, "flags": "SYN,ACK", "seq": 5000, "ack": 77001}],
    "SYN in an open connection": [_SYN, _SYNACK, _ACK, {**_A, "seq": 99000}, {**_B, "flags": "SYN,ACK", "seq": 1, "ack": 99001}],
    "RST inside and outside the window": [_SYN, _SYNACK, _ACK, {**_B, "flags": "RST", "seq": 5000}, {**_B, "flags": "RST", "seq": 5001}],
    "simultaneous open": [_SYN, {**_B, "seq": 5000}, {**_A, "flags": "SYN,ACK", "seq": 1000, "ack": 5001}, _SYNACK],
    "picked up in the middle": [{**_A, "flags": "ACK", "seq": 7, "ack": 9}, {**_B, "flags": "ACK", "seq": 9, "ack": 7}, {**_A, "flags": "ACK", "seq": 99999, "ack": 9}],
    "closed both ways, reopened": [
        _SYN, _SYNACK, _ACK, {**_A, "flags": "FIN,ACK", "seq": 1001, "ack": 5001},
        {**_B, "flags": "FIN,ACK", "seq": 5001, "ack": 1002}, {**_A, "flags": "ACK", "seq": 1002, "ack": 5002},
        {**_A, "seq": 50000}, {**_B, "flags": "SYN,ACK", "seq": 60000, "ack": 50001},
    ],
}  # fmt: skip

_OUT = "*mangle\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
_REMARKED = _OUT.replace("COMMIT", "-A OUTPUT -j MARK --set-xmark 0x8/0xffffffff\nCOMMIT", 1)
_WAYS = {
    4: ["default via 10.0.1.2 dev eth1", "default via 10.0.0.3 dev eth0 table 100"],
    6: ["default via fd00:0:0:1::2 dev eth1", "default via fd00::3 dev eth0 table 100"],
}
_FAR = {4: ("198.51.100.9", "10.0.1.1", "icmp"), 6: ("2001:db8:b::9", "fd00:0:0:1::1", "icmpv6")}


def _answered(family: int, tos: int) -> list[Json]:
    """Packets from afar that the host answers: an echo request, and requests to closed ports."""
    far, here, icmp = _FAR[family]
    return [
        {"from": "b", "src": far, "dst": here, "tos": tos, **what}
        for what in ({"proto": icmp}, {"proto": "udp", "sport": 1, "dport": 2}, {"proto": "tcp", "sport": 1, "dport": 2})
    ]


def _made(family: int) -> list[Json]:
    far, here, _ = _FAR[family]
    return [{"from": "fw", "src": here, "dst": far, "proto": "udp", "sport": 1, "dport": 2, "uid": uid} for uid in (0, 1000, 2000)]


_HOOKS = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
_EVERY = {hook: f":{hook} ACCEPT [0:0]\n" for hook in _HOOKS}
_PAIRS = {4: ("10.0.0.2", "10.0.1.2", "10.0.0.1"), 6: ("fd00::2", "fd00:0:0:1::2", "fd00::1")}


def _copied(family: int, hook: str, gateway: str) -> Json:
    """A copy of what is forwarded, delivered and sent."""
    near, far, here = _PAIRS[family]
    udp: Json = {"proto": "udp", "sport": 4000, "dport": 80}
    return {
        "name": f"copies in {hook} to {gateway}", "family": family, "counters": True,
        "rules": f"*mangle\n{''.join(_EVERY.values())}-A {hook} -p udp -j TEE --gateway {gateway}\nCOMMIT\n"
        f"*filter\n{_EVERY['INPUT']}{_EVERY['FORWARD']}{_EVERY['OUTPUT']}COMMIT\n",
        "host": {"rules": ["tos 0x10 table 100"], "routes": _WAYS[family]},
        "packets": [
            {"from": "a", "src": near, "dst": far, "ttl": 9, "tos": 16, **udp}, {"from": "a", "src": near, "dst": here, "ttl": 0, **udp},
            {"from": "fw", "src": here, "dst": near, **udp},
        ],
    }  # fmt: skip


def _shaken(family: int, hook: str, state: str) -> Json:
    """Handshakes in the place of a server: SYNs with and without options, and what else a client may send."""
    near, far, here = _PAIRS[family]
    to = {"INPUT": here, "FORWARD": far}[hook]
    every = "020405b40402080a000000010000000001030307"
    sent: list[Json] = [
        {}, {"flags": "ACK", "seq": 1001, "ack": 5}, {"flags": "SYN,ACK"}, {"flags": "RST"}, {"mss": 1300}, {"tcp_options": every},
        {"tcp_options": every[8:12] + "0101"}, {"flags": "SYN,ECE,CWR", "tcp_options": every}, {"bad_checksum": True}, {"tcp_options": every, "ttl": 2, "tos": 16},
    ]  # fmt: skip
    untrack = "-A PREROUTING -p tcp -m tcp --dport 80 --syn -j CT --notrack\n" if state == "UNTRACKED" else ""
    return {
        "name": f"handshakes in {hook} with {state}, IPv{family}", "family": family, "counters": True,
        "host": {"sysctl": {"net.netfilter.nf_conntrack_tcp_loose": 0}},
        "rules": f"*raw\n{_EVERY['PREROUTING']}{_EVERY['OUTPUT']}{untrack}COMMIT\n*filter\n{_EVERY['INPUT']}{_EVERY['FORWARD']}{_EVERY['OUTPUT']}"
        f"-A {hook} -p tcp -m tcp --dport 80 -m conntrack --ctstate INVALID,{state} -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460 --ecn\n"
        f"-A {hook} -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n",
        "packets": [{"from": "a", "src": near, "dst": to, "proto": "tcp", "sport": 4000, "dport": 80, **what} for what in sent],
    }  # fmt: skip


_RULES = {
    "suppressed by length": ["not fwmark 51820 table 100", "table main suppress_prefixlength 0"],
    "suppressed by group": ["pref 9 table 100 suppress_ifgroup 0"],
    "that jump": ["pref 9 goto 20 ipproto udp", "pref 10 table 100", "pref 20 nop", "pref 21 goto 30"],
    "for users": ["not uidrange 0-999 table 100"],
    "that no packet here meets": ["pref 9 l3mdev", "pref 10 tun_id 7 table 100"],
}
_UDP: Json = {"from": "a", "src": "10.0.0.2", "dst": "203.0.113.1", "proto": "udp", "sport": 4000, "dport": 53}
_NAT = "*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n"
_RANGES = {
    4: ("10.0.1.50-10.0.1.60", "203.0.113.16-203.0.113.31", "198.51.0.2-203.0.1.9"),
    6: ("fd00:0:0:1::50-fd00:0:0:1::60", "2001:db8:b::fff0-2001:db9::3", "2001:db8:b::-2001:db8:b:ffff:ffff:ffff:ffff:ffff"),
}


def _spread(family: int, chain: str, addresses: str) -> Json:
    """Connections of several clients and servers, translated to one address of a range each."""
    target = "SNAT --to-source" if chain == "POSTROUTING" else "DNAT --to-destination"
    near, far, _ = _PAIRS[family]
    udp: Json = {"proto": "udp", "sport": 4000, "dport": 80}
    ends = [(f"{near[:-1]}{number}", f"{far[:-1]}{number % 3 + 2}") for number in (2, 3, 5, 9)]
    return {
        "name": f"addresses of {addresses} in {chain}", "family": family, "counters": True,
        "rules": f"*raw\n{_EVERY['PREROUTING']}-A PREROUTING -p icmp{'' if family == 4 else 'v6'} -j CT --zone 3\nCOMMIT\n"
        f"{_NAT}-A {chain} -m statistic --mode nth --every 2 --packet 0 -j {target} {addresses} --persistent\n-A {chain} -j {target} {addresses}\nCOMMIT\n",
        "packets": [
            *({"from": "a", "src": src, "dst": dst, **udp} for src, dst in ends), {"reply_to": 1},
            *({"from": "a", "src": src, "dst": dst, "proto": "icmp" if family == 4 else "icmpv6", "icmp_id": 7} for src, dst in ends),
        ],
    }  # fmt: skip


def _counted_connections(chain: str, guard: str, packets: list[Json]) -> Json:
    table = "raw" if chain == "PREROUTING" else "filter"
    rules = [
        f"-A {chain} {guard}-m connlimit --connlimit-above {limit} --connlimit-mask 0 --connlimit-saddr -j LOG\n" for limit in range(4)
    ]
    return {
        "name": f"connections counted in {chain} {guard}", "family": 4, "counters": True, "delay_ms": 12, "host": {"stack_replies": False},
        "rules": f"*{table}\n{_EVERY[chain]}{''.join(rules)}COMMIT\n", "packets": packets,
    }  # fmt: skip


def _conversation(port: int) -> list[Json]:
    """A TCP connection that is opened, used and reset."""
    there, back = {**_A, "sport": port}, {**_B, "dport": port}
    return [
        {**there, "seq": 1000}, {**back, "flags": "SYN,ACK", "seq": 1, "ack": 1001}, {**there, "flags": "ACK", "seq": 1001, "ack": 2},
        {**there, "flags": "PSH,ACK", "seq": 1001, "ack": 2, "payload_len": 3}, {**there, "flags": "RST", "seq": 1004},
    ]  # fmt: skip


_ONE, _OTHER = _conversation(4001), _conversation(4002)
_AROUND: Json = {"from": "fw", "src": "10.0.0.1", "dst": "10.0.1.1", "proto": "tcp", "sport": 4001, "dport": 22}
_AROUND_BACK: Json = {**_AROUND, "src": "10.0.1.1", "dst": "10.0.0.1", "sport": 22, "dport": 4001, "flags": "SYN,ACK"}
_CLOSINGS: list[list[Json]] = [
    [_UDP, *_ONE, _ONE[4], _UDP, _OTHER[0]],
    [*_ONE[:3], *_OTHER[:3], _ONE[3], _OTHER[3], _UDP, _OTHER[3], _ONE[4], _ONE[4]],
    [_UDP, *_ONE[:2], *_OTHER[:2], _ONE[1], _ONE[4], _ONE[4], _OTHER[1], _OTHER[4]],
    [_AROUND, _AROUND_BACK, {**_AROUND, "flags": "ACK", "seq": 1}, {**_AROUND, "flags": "RST", "seq": 1}],
    [_AROUND, _AROUND_BACK, {**_AROUND, "flags": "RST", "seq": 1}],
]


def _fragments4(dst: str, ident: int, **more: Any) -> list[Json]:
    """Fragments of UDP and of another protocol, and one that lies across two."""
    udp = {"from": "a", "src": "10.0.0.2", "dst": dst, "proto": "udp", "sport": 5, "dport": 6, "id": ident, **more}
    other = {"from": "a", "src": "10.0.0.2", "dst": dst, "proto": "253", "id": ident, **more}
    return [
        {**udp, "payload": "x" * 16, "more_fragments": True}, {**udp, "payload": "y" * 20, "frag_offset": 3},
        {**other, "l4": "aa" * 24, "more_fragments": True}, {**other, "l4": "bb" * 40, "frag_offset": 3},
        {**other, "l4": "cc" * 24, "frag_offset": 1},
    ]  # fmt: skip


def _fragment6(offset: int, more: bool, ident: int, body: str, headers: tuple[str, str] = ("44", "")) -> Json:
    frame = f"11{0:02x}{offset << 3 | more:04x}{ident:08x}"
    return {"from": "a", "src": "fd00::2", "proto": headers[0], "l4": headers[1] + frame + body}


_WHOLE6 = "0005000600201fff" + "61" * 24
_BEFORE6 = ("60", "2c00010400000000")
_ECHO: Json = {"from": "a", "src": "10.0.0.2", "dst": "10.0.1.2", "proto": "icmp"}

CASES: list[Json] = [
    *({"name": name, "family": 4, "rules": _OPEN, "counters": True, "packets": flow} for name, flow in _FLOWS.items()),
    {
        "name": "goto, return, policy", "family": 4, "counters": True,
        "rules": "*filter\n:FORWARD DROP [0:0]\n:one - [0:0]\n:two - [0:0]\n-A FORWARD -j one\n-A FORWARD -p icmp -g two\n"
        "-A one -g two\n-A one -j DROP\n-A two -p udp -j RETURN\n-A two -m comment --comment x -j RETURN\nCOMMIT\n",
        "packets": [_ECHO, _SYN],
    },
    {
        "name": "DNAT to the host itself and hairpin", "family": 4, "counters": True,
        "rules": "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n"
        "-A PREROUTING -d 203.0.113.1 -p udp -m udp --dport 53 -j DNAT --to-destination 10.0.0.3:5353\n"
        "-A PREROUTING -d 203.0.113.1 -p tcp -j REDIRECT --to-ports 22\n"
        "-A POSTROUTING -s 10.0.0.0/24 -d 10.0.0.0/24 -j MASQUERADE\nCOMMIT\n",
        "packets": [_UDP, {"reply_to": 0}, {"related_to": 0, "type": 3, "code": 3}, {**_A, "dst": "203.0.113.1"}],
    },
    {
        "name": "groups by lo", "family": 4, "counters": True, "rules": _OUT,
        "host": {"routes": ["default via 10.0.1.2 dev eth1", "224.0.0.0/4 dev lo"]},
        "packets": [
            *({"from": "fw", "src": src, "dst": dst, "proto": "udp", "sport": 4000, "dport": 53}
              for src in ("127.0.0.1", "10.0.0.1", "224.0.0.251") for dst in ("224.0.0.1", "224.0.0.251")),
            {"from": "fw", "src": "224.0.0.251", "dst": "127.0.0.1", "proto": "tcp", "sport": 4000, "dport": 53},
        ],
    },
    {
        "name": "errors about protocols of which only addresses are known", "family": 4, "counters": True, "rules": _OPEN,
        "packets": [
            *({"from": "a", "src": "10.0.0.2", "dst": "10.0.1.2", "proto": proto} for proto in ("sctp", "esp", "89")),
            *({"related_to": number, "type": 3, "code": 1} for number in range(3)),
        ],
    },
    {
        "name": "policy routing by mark in OUTPUT", "family": 4, "counters": True,
        "host": {"rules": ["fwmark 1 table 100"], "routes": ["default via 10.0.1.2 dev eth1", "default via 10.0.0.3 dev eth0 table 100"]},
        "rules": "*mangle\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -p udp -j MARK --set-xmark 0x1/0xffffffff\nCOMMIT\n"
        "*filter\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n",
        "packets": [{"from": "fw", "src": "10.0.1.1", "dst": "198.51.100.4", "proto": "udp", "sport": 1, "dport": 2}],
    },
    {
        "name": "routing rules on ports", "family": 4, "counters": True,
        "host": {
            "rules": ["sport 80 table 100", "ipproto udp dport 53 table 100"],
            "routes": ["default via 10.0.1.2 dev eth1", "default via 10.0.0.3 dev eth0 table 100"],
        },
        "rules": "*mangle\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -p udp -j MARK --set-xmark 0x1/0xffffffff\nCOMMIT\n"
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -j REJECT --reject-with tcp-reset\nCOMMIT\n",
        "packets": [
            {"from": "fw", "src": "10.0.1.1", "dst": "198.51.100.4", "proto": "udp", "sport": 1, "dport": 53},
            {"from": "b", "src": "203.0.113.9", "dst": "10.0.1.1", "proto": "tcp", "sport": 4000, "dport": 80},
        ],
    },
    {
        "name": "an answer to all hosts", "family": 4, "counters": True,
        "rules": "*mangle\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -m owner --socket-exists -j LOG\nCOMMIT\n",
        "packets": [{"from": "a", "src": "10.0.0.255", "dst": "10.0.0.1", "proto": "tcp", "sport": 4000, "dport": 80}],
    },
    {
        "name": "to all hosts, this one among them", "family": 4, "counters": True,
        "rules": "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -m pkttype --pkt-type multicast -j LOG\nCOMMIT\n",
        "packets": [{"from": "fw", "src": "10.0.1.1", "dst": "224.0.0.1", "proto": "udp", "sport": 1, "dport": 2}],
    },
    {
        "name": "a UDP stream", "family": 4, "counters": True, "delay_ms": 1100,
        "rules": "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m conntrack --ctstatus ASSURED -j LOG\n"
        "-A FORWARD -m conntrack --ctexpire 100:130 -j LOG\n-A FORWARD -m recent --update --seconds 2 --hitcount 2 --name s -j LOG\n"
        "-A FORWARD -m recent --set --name s\nCOMMIT\n",
        "packets": [{**_UDP, "dst": "10.0.1.2"}, {"reply_to": 0}, {**_UDP, "dst": "10.0.1.2"}, {"reply_to": 0}, {**_UDP, "dst": "10.0.1.2"}],
    },
    {
        "name": "IPv6 through headers of all kinds", "family": 6, "counters": True,
        "rules": "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m hbh --hbh-len 8 --hbh-opts 5 -j LOG\n-A INPUT -m dst --dst-len 8 -j LOG\n"
        "-A INPUT -m rt --rt-type 0 --rt-segsleft 0 -j LOG\n-A INPUT -m ipv6header --header hop,prot -j LOG\n-A INPUT -p ipv6-icmp -j LOG\nCOMMIT\n",
        "packets": [
            {"from": "a", "src": "fd00::2", "dst": "fd00::1", "proto": "0", "l4": "3a00050200000100800082b400070001"},
            {"from": "a", "src": "fd00::2", "dst": "fd00::1", "proto": "60", "l4": "3a00010400000000800082b400070001"},
            {"from": "a", "src": "fd00::2", "dst": "fd00::1", "proto": "43", "l4": "3a02000100000000fd000000000000000000000000000009800082b400070001"},
            {"from": "a", "src": "fd00::2", "dst": "fd00::1", "proto": "51", "l4": "3b0400000000000500000001000000000000000000000000"},
        ],
    },
    {
        "name": "who is believed once a local route was added", "family": 4, "counters": True,
        "host": {"routes": ["default via 10.0.1.2 dev eth1", "local 198.18.4.0/24 dev lo"]},
        "rules": "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n",
        "packets": [
            {"from": "a", "src": "10.0.0.255", "dst": "10.0.0.1", "proto": "udp", "sport": 1, "dport": 2},
            {"from": "a", "src": "198.18.4.1", "dst": "10.0.0.1", "proto": "udp", "sport": 1, "dport": 2},
            {"from": "a", "src": "10.0.0.2", "dst": "198.18.4.1", "proto": "udp", "sport": 1, "dport": 2},
        ],
    },
    {
        "name": "the way back of those without an address", "family": 4, "counters": True,
        "rules": "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -m rpfilter -j LOG\n-A PREROUTING -m rpfilter --loose --invert -j LOG\nCOMMIT\n",
        "packets": [
            {"from": "a", "src": src, "dst": dst, "proto": "udp", "sport": 68, "dport": 67}
            for src in ("0.0.0.0", "0.0.0.5", "10.0.0.2") for dst in ("255.255.255.255", "224.0.0.1", "239.1.1.1", "10.0.0.255")
        ],
    },
    {
        "name": "the way back to link-local addresses", "family": 6, "counters": True,
        "rules": "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -m rpfilter -j LOG\n-A PREROUTING -m rpfilter --loose -j LOG\nCOMMIT\n",
        "packets": [{"from": "a", "src": src, "dst": "fd00::1", "proto": "udp", "sport": 1, "dport": 2} for src in ("fe80::7", "fd00::2", "9::9")],
    },
    {
        "name": "routing headers of all types", "family": 6, "counters": True,
        "rules": "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n",
        "packets": [
            {"from": "a", "src": "fd00::2", "dst": "fd00::1", "proto": "43", "l4": f"3a02{kind:02x}{left:02x}00000000fd000000000000000000000000000009800082b400070001"}
            for kind in (0, 2, 3, 4, 253) for left in (0, 1)
        ],
    },
    {
        "name": "segments clamped to the routes there and back", "family": 4, "counters": True,
        "host": {"routes": ["default via 10.0.1.2 dev eth1 mtu 1400", "198.18.0.0/15 via 10.0.1.3 dev eth1 mtu 1000"]},
        "rules": "*mangle\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu\nCOMMIT\n",
        "packets": [
            {**_A, "dst": "198.18.0.1", "mss": 1460}, {**_A, "dst": "198.18.0.1", "sport": 7}, {**_A, "dst": "198.18.0.1", "sport": 8, "mss": 900},
            {**_A, "dst": "8.8.8.8", "mss": 1460}, {**_B, "src": "198.18.0.9", "mss": 1460}, {**_B, "src": "8.8.8.8", "mss": 1460}, {**_A, "mss": 1460},
            {"from": "fw", "src": "10.0.1.1", "dst": "198.18.0.1", "proto": "tcp", "sport": 1, "dport": 2, "mss": 1460},
            {"from": "fw", "src": "10.0.1.1", "dst": "10.0.0.254", "proto": "tcp", "sport": 1, "dport": 2, "mss": 1460},
        ],
    },
    *(
        {
            "name": f"answers to a TOS that has routes of its own, IPv{family}", "family": family, "counters": True, "rules": rules,
            "host": {"rules": ["tos 0x10 table 100"], "routes": _WAYS[family]}, "packets": _answered(family, 0x10),
        }
        for family in (4, 6) for rules in (_OUT, _REMARKED)
    ),
    *(
        {
            "name": f"routing rules {name}, IPv{family}", "family": family, "counters": True, "rules": tables,
            "host": {"rules": rules, "routes": _WAYS[family]}, "packets": [*_answered(family, 0), *_made(family)],
        }
        for name, rules in _RULES.items() for family in (4, 6) for tables in (_OUT, _REMARKED)
    ),
    {
        "name": "errors to the routers of a link", "family": 6, "counters": True,
        "host": {"forwarding": False, "routes": ["default via fd00:0:0:1::2 dev eth1", "2001:db8:ffff::/64 dev eth0", "2001:db8:a::/48 via fd00::2 dev eth0"]},
        "rules": "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -j REJECT\nCOMMIT\n",
        "packets": [
            {"from": "a", "src": src, "dst": "fd00::1", **what} for src in ("fd00::", "2001:db8:ffff::", "2001:db8:a::")
            for what in ({"proto": "udp", "sport": 1, "dport": 2}, {"proto": "tcp", "sport": 1, "dport": 2}, {"proto": "icmpv6"}, {"proto": "47", "l4": "00000000"})
        ],
    },
    {
        "name": "errors that a raw socket sends, with another prefix", "family": 6, "counters": True,
        "rules": "*mangle\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -j SNPT --src-pfx fd00::/64 --dst-pfx 2001:db8:1::/64\nCOMMIT\n",
        "packets": [
            {"from": "a", "src": "fd00::2", "dst": "fd00::1", "proto": "udp", "sport": 1, "dport": 2},
            {"related_to": 0, "type": 1, "code": 4, "src": "2001:db8:b::9"}, {"related_to": 0, "type": 1, "code": 4, "src": "2001:db8:b::9", "from": "b"},
        ],
    },
    *(_copied(family, hook, gateway) for family, gateways in {4: ("10.0.0.9", "8.8.8.8", "8.8.8.8 --oif eth0"), 6: ("fd00::9", "2001:4860::8", "2001:4860::8 --oif eth1")}.items() for gateway in gateways for hook in _HOOKS),
    {
        "name": "time stamps asked for by any code", "family": 4, "counters": True,
        "rules": "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n",
        "packets": [{"from": "a", "src": "10.0.0.2", "dst": "10.0.0.1", "proto": "icmp", "type": kind, "code": code, "payload_len": 12} for kind in (8, 13) for code in (0, 1, 9)],
    },
    {
        "name": "what stands in for a connection has not counted", "family": 4, "counters": True,
        "rules": "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j CT --zone-orig 5\n-A PREROUTING -m connbytes --connbytes 0:100 --connbytes-dir both --connbytes-mode bytes -j LOG\nCOMMIT\n",
        "packets": [_UDP, {"reply_to": 0}],
    },
    *(
        {
            "name": f"answers kept apart by the zone of replies, IPv{family}", "family": family, "counters": True,
            "rules": f"*raw\n{_EVERY['OUTPUT']}-A OUTPUT -j CT --zone-{way} 2\nCOMMIT\n*filter\n{_EVERY['INPUT']}{_EVERY['OUTPUT']}COMMIT\n",
            "packets": [{"from": "a", "src": _PAIRS[family][0], "dst": _PAIRS[family][2], **what}, {"reply_to": 0}, {"from": "a", "src": _PAIRS[family][0], "dst": _PAIRS[family][2], **what}],
        }
        for family in (4, 6) for way in ("reply", "orig") for what in ({"proto": "253", "l4": "3b000005"}, {"proto": "udp", "sport": 5, "dport": 6})
    ),
    {
        "name": "refusing what has no body", "family": 6, "counters": True,
        "rules": "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j REJECT\nCOMMIT\n",
        "packets": [{"from": "a", "src": "fd00::2", "dst": "fd00:0:0:1::2", "proto": proto, "l4": l4} for proto in ("50", "47", "253") for l4 in ("", "00000005")],
    },
    {
        "name": "lost by a match that holds", "family": 4, "counters": True,
        "rules": "*filter\n:FORWARD ACCEPT [0:0]\n:end - [0:0]\n-A FORWARD -j end\n-A end -p dccp -m dccp ! --dccp-option 1 -j LOG\n"
        "-A end -p dccp -m dccp --dccp-option 1 -j LOG\n-A end -p sctp -m sctp ! --chunk-types any INIT -j ACCEPT\n-A end -p sctp -m sctp --chunk-types any INIT -j ACCEPT\nCOMMIT\n",
        "packets": [
            *({**_ECHO, "proto": "33", "l4": "0fa00035" + l4} for l4 in ("03000000" + "00" * 8, "04000000" + "00" * 8, "04000000" + "04" + "00" * 7, "")),
            *({**_ECHO, "proto": "132", "l4": "0fa00035" + "00" * 8 + l4} for l4 in ("", "00030010" + "00" * 12, "01000000", "00030008" + "00" * 4 + "0000")),
        ],
    },
    {
        "name": "headers that reach into the payload", "family": 4, "counters": True,
        "rules": "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -p esp -m esp --espspi 1212489801 -j LOG\n-A FORWARD -p ah -m ah --ahspi 541663336:543712620 -j LOG\n"
        "-A FORWARD -p 108 -m ipcomp --ipcompspi 8265 -j LOG\n-A FORWARD -p sctp -m sctp --dport 18501 -j LOG\n-A FORWARD -m string --string GET --algo bm -j LOG\nCOMMIT\n",
        "packets": [{**_ECHO, "proto": proto, "l4": l4, "payload": "HE I hello GET / HTTP/1.1"} for proto in ("50", "51", "108", "132", "47") for l4 in ("", "3b04", "3b040000")],
    },
    {
        "name": "fragments and their packet", "family": 4, "counters": True,
        "rules": "*raw\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m length --length 92 -j LOG\n-A INPUT -m string --string aHE --algo kmp -j LOG\n"
        "-A INPUT -f -j DROP\n-A INPUT -m ttl --ttl-eq 9 -j LOG\nCOMMIT\n",
        "packets": [
            {**_ECHO, "dst": "10.0.0.1", "proto": "253", "id": 7, **what} for what in (
                {"l4": "aa" * 16, "payload": "b" * 23 + "a", "more_fragments": True, "ttl": 9}, {"l4": "", "payload": "HE" * 16, "frag_offset": 5, "ttl": 5},
                {"l4": "", "payload": "HE" * 16, "frag_offset": 5}, {"l4": "aa" * 16, "payload": "b" * 23 + "a", "more_fragments": True, "id": 8},
                {"l4": "aa" * 16, "payload": "b" * 23 + "a", "more_fragments": True},
            )
        ],
    },
    *(_shaken(family, hook, state) for family in (4, 6) for hook in ("INPUT", "FORWARD") for state in ("UNTRACKED", "NEW")),
    {
        "name": "copies of what is refused", "family": 4, "counters": True,
        "rules": "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -j TEE --gateway 10.0.1.9\n-A INPUT -j REJECT\n-A OUTPUT -j TEE --gateway 10.0.0.9\nCOMMIT\n",
        "packets": [{**_A, "dst": "10.0.0.1"}, {**_A, "dst": "10.0.0.1", "proto": "icmp"}],
    },
    *(
        {
            "name": f"GRE of version {version}, its addresses translated", "family": 4, "counters": True,
            "rules": "*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n"
            "-A PREROUTING -d 10.0.1.2 -j DNAT --to-destination 10.0.1.9\n-A POSTROUTING -d 10.0.1.8 -j SNAT --to-source 10.0.1.1\nCOMMIT\n",
            "packets": [
                {"from": "a", "src": "10.0.0.2", "dst": dst, "proto": "47", "l4": f"000{version}880b000400ff" + "00" * 8} for dst in ("10.0.1.2", "10.0.1.8")
            ]
            + [{"reply_to": 0}, {"reply_to": 1}],
        }
        for version in range(4)
    ),
    *(
        {
            "name": f"hashlimit of ports that are not there, IPv{family}", "family": family, "counters": True,
            "rules": "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m conntrack --ctstate INVALID -j LOG\n"
            "-A FORWARD -m hashlimit --hashlimit-name ports --hashlimit-upto 1/hour --hashlimit-burst 9 --hashlimit-mode srcport -j LOG\nCOMMIT\n",
            "packets": [
                {"from": "a", "src": src, "dst": dst, "proto": proto, "l4": l4} for proto in ("132", "136", "51", "253") for l4 in ("", "0102", "01020304")
                if not (proto == "51" and l4)
            ],
        }
        for family, src, dst in ((4, "10.0.0.2", "10.0.1.2"), (6, "fd00::2", "fd00:0:0:1::2"))
    ),
    {
        "name": "a limit of so few packets that its credit overflows", "family": 4, "counters": True,
        "rules": "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m limit --limit 1/day --limit-burst 3 -j LOG\n-A FORWARD -m limit --limit 20/day --limit-burst 3 -j LOG\nCOMMIT\n",
        "packets": [_ECHO] * 4,
    },
    {
        "name": "a verdict for any interface", "family": 4, "counters": True,
        "rules": "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -i + -j CONNMARK --save-mark\nCOMMIT\n"
        "*filter\n:FORWARD ACCEPT [0:0]\n:one - [0:0]\n:two - [0:0]\n-A FORWARD -p udp -j one\n-A FORWARD -j two\n-A FORWARD -o + -j ACCEPT\n-A one -i + -j RETURN\n-A two -i + -o + -j RETURN\nCOMMIT\n",
        "packets": [_ECHO, _UDP],
    },
    *(_spread(family, chain, addresses) for family in (4, 6) for chain in ("PREROUTING", "POSTROUTING") for addresses in _RANGES[family]),
    *(
        _counted_connections(chain, guard, packets) for packets in _CLOSINGS for chain in ("PREROUTING", "FORWARD")
        for guard in ("", "-m conntrack --ctstate ESTABLISHED ") if not (chain == "PREROUTING" and guard) and not (chain == "FORWARD" and packets[0] is _AROUND)
    ),
    {
        "name": "errors of the sender", "family": 4, "counters": True,
        "host": {"rules": ["fwmark 1 table 100", "fwmark 2 prohibit"], "routes": ["default via 10.0.1.2 dev eth1", "unreachable default table 100"]},
        "rules": f"*mangle\n{_EVERY['OUTPUT']}-A OUTPUT -p udp -j MARK --set-mark 1\n-A OUTPUT -p icmp -j MARK --set-mark 2\nCOMMIT\n{_NAT}-A OUTPUT -s 127.0.0.1 -j DNAT --to-destination 10.0.1.50\nCOMMIT\n",
        "packets": [
            *({"from": "fw", "src": "10.0.0.1", "dst": "10.0.1.2", "proto": proto} for proto in ("udp", "icmp")),
            {"from": "fw", "src": "127.0.0.1", "dst": "10.0.0.254", "proto": "tcp", "sport": 1, "dport": 2},
        ],
    },
    {
        "name": "what a zone was asked for is forgotten once it was looked for", "family": 6, "counters": True,
        "rules": f"*raw\n{_EVERY['OUTPUT']}-A OUTPUT -j CT --zone-reply 2\nCOMMIT\n{_NAT}-A INPUT -p udp -j SNAT --to-source [fd00:0:0:1::1]:22\nCOMMIT\n*filter\n{_EVERY['INPUT']}{_EVERY['FORWARD']}{_EVERY['OUTPUT']}COMMIT\n",
        "packets": [{"from": "b", "src": "fd00:0:0:1::50", "dst": "fd00:0:0:1::1", "proto": "udp", "sport": 1, "dport": 2}],
    },
    *(
        {
            "name": f"delivered to an address that only a rule's table has, IPv{family}", "family": family, "counters": True,
            "host": {"rules": ["fwmark 1 table 100"], "routes": [*_WAYS[family][:1], f"local {'0.0.0.0' if family == 4 else '::'}/0 dev lo table 100"]},
            "rules": f"*mangle\n{_EVERY['PREROUTING']}{_EVERY['OUTPUT']}-A PREROUTING -i eth0 -j MARK --set-mark 1\n-A OUTPUT -p udp -j MARK --set-mark 1\nCOMMIT\n"
            f"*filter\n{_EVERY['INPUT']}{_EVERY['OUTPUT']}-A INPUT -s {_PAIRS[family][0]} -j REJECT\n-A INPUT -s {_PAIRS[family][0][:-1]}3 -p tcp -j REJECT --reject-with tcp-reset\nCOMMIT\n",
            "packets": [
                {"from": side, "src": src, "dst": _PAIRS[family][1], **what} for side, src in (("a", _PAIRS[family][0]), ("a", _PAIRS[family][0][:-1] + "3"), ("a", _PAIRS[family][0][:-1] + "4"), ("fw", _PAIRS[family][2]))
                for what in ({"proto": "udp", "sport": 1, "dport": 2}, {"proto": "tcp", "sport": 1, "dport": 2}, {"proto": "icmp" if family == 4 else "icmpv6"}, {"proto": "253", "l4": "00" * 8})
            ],
        }
        for family in (4, 6)
    ),
    {
        "name": "routes for some sources, errors from addresses that only routes have", "family": 6, "counters": True,
        "host": {"routes": ["default via fd00:0:0:1::2 dev eth1", "2001:db8::/32 from fd00::/126 via fd00::3 dev eth0", "2001:db8::/32 via fd00:0:0:1::2 dev eth1 mtu lock 1300", "local 2001:db8:c::/48 dev lo"]},
        "rules": f"*filter\n{_EVERY['INPUT']}{_EVERY['FORWARD']}{_EVERY['OUTPUT']}COMMIT\n",
        "packets": [
            {"from": "a", "src": src, "dst": dst, **what} for src in ("fd00::2", "fd00::77") for dst in ("2001:db8:b::1", "2001:db8:c::1")
            for what in ({"proto": "udp", "sport": 1, "dport": 2}, {"proto": "253", "l4": "00" * 8})
        ],
    },
    {
        "name": "the group of solicited nodes where nobody resolves addresses", "family": 6, "counters": True,
        "rules": f"*filter\n{_EVERY['INPUT']}COMMIT\n",
        "packets": [{"from": "a", "src": "fd00::2", "dst": "ff02::1:ff00:1", "proto": "icmpv6", "type": kind, "l2": l2} for kind in (128, 135) for l2 in ("unicast", "multicast")],
    },
    {
        "name": "forwarding forced on one interface", "family": 6, "counters": True,
        "host": {"forwarding": False, "sysctl": {"net.ipv6.conf.eth0.force_forwarding": 1, "net.ipv4.ping_group_range": "0 2147483647"}},
        "rules": f"*filter\n{_EVERY['FORWARD']}COMMIT\n",
        "packets": [{"from": "a", "src": "fd00::2", "dst": "fd00:0:0:1::2", "proto": "udp", "sport": 1, "dport": 2}, {"reply_to": 0}],
    },
    *(
        {
            "name": f"fragments to {dst} as {order}{' without fragmentation' if flags else ''}", "family": 4, "counters": True, "host": host,
            "rules": f"{_NAT}-A POSTROUTING -o eth1 -j SNAT --to-source 10.0.1.77\nCOMMIT\n*filter\n{_EVERY['INPUT']}{_EVERY['FORWARD']}{_EVERY['OUTPUT']}-A FORWARD -m conntrack --ctstate INVALID -j LOG\n-A FORWARD -m length --length 84 -j LOG\nCOMMIT\n",
            "packets": [_fragments4(dst, 9000 + 10 * number + at, **flags)[each] for each in order],
        }
        for number, (order, flags, host) in enumerate((
            ([0, 1], {}, {}), ([1, 0], {}, {}), ([2, 3], {}, {}), ([3, 2], {"df": True}, {}), ([2, 2, 3], {}, {}), ([2, 4, 3], {}, {}), ([3, 4, 2], {}, {}),
            ([2, 3], {"tos": 3}, {"routes": ["default via 10.0.1.2 dev eth1 mtu 60"]}),
        ))
        for at, dst in enumerate(("198.51.100.7", "10.0.0.1"))
    ),
    {
        "name": "fragments that say different things of congestion", "family": 4, "counters": True,
        "rules": f"*filter\n{_EVERY['FORWARD']}-A FORWARD -m tos --tos 3/3 -j LOG\nCOMMIT\n",
        "packets": [
            {**_fragments4("10.0.1.2", 9900 + number)[each], "tos": tos} for number, pair in enumerate(((2, 3), (1, 1), (0, 3), (1, 2)))
            for each, tos in zip((2, 3), pair, strict=True)
        ],
    },
    {
        "name": "errors about fragments", "family": 4, "counters": True, "rules": _OPEN,
        "packets": [*_fragments4("10.0.1.2", 9950)[:2], {"related_to": 1, "type": 3, "code": 1}, *_fragments4("10.0.1.2", 9951)[2:4], {"related_to": 2, "type": 11}, {"related_to": 4, "type": 11}],
    },
    *(
        {
            "name": f"IPv6 fragments to {dst}, {name}", "family": 6, "counters": True,
            "rules": f"*raw\n{_EVERY['PREROUTING']}-A PREROUTING -m frag --fragid 0:4294967295 -j LOG\n-A PREROUTING -p udp -j LOG\nCOMMIT\n*filter\n{_EVERY['INPUT']}{_EVERY['FORWARD']}-A FORWARD -p udp -m udp --dport 6 -j LOG\nCOMMIT\n",
            "packets": [{**_fragment6(offset, more, 9000 + number, body, headers), "dst": dst} for offset, more, body in pieces],
        }
        for dst in ("fd00:0:0:1::2", "fd00::1")
        for number, (name, headers, pieces) in enumerate((
            ("two", ("44", ""), [(0, True, _WHOLE6[:32]), (2, False, _WHOLE6[32:])]), ("the last first", ("44", ""), [(2, False, _WHOLE6[32:]), (0, True, _WHOLE6[:32])]),
            ("behind a header", _BEFORE6, [(0, True, _WHOLE6[:32]), (2, False, _WHOLE6[32:])]), ("alone", ("44", ""), [(0, False, _WHOLE6)]), ("alone behind a header", _BEFORE6, [(0, False, _WHOLE6)]),
            ("of no whole octets", ("44", ""), [(0, True, _WHOLE6[:30])]), ("of too few headers", ("44", ""), [(0, True, _WHOLE6[:8]), (0, False, _WHOLE6[:8])]), ("twice", ("44", ""), [(0, True, _WHOLE6[:32]), (0, True, _WHOLE6[:32]), (2, False, _WHOLE6[32:])]),
        ))
    ),
    {
        "name": "the newest connection of a source says how it is translated", "family": 4, "counters": True,
        "rules": f"*raw\n{_EVERY['PREROUTING']}-A PREROUTING -s 10.0.0.3 -j CT --zone-reply 3\n-A PREROUTING -s 10.0.0.4 -j CT --zone-orig 3\nCOMMIT\n"
        f"{_NAT}-A POSTROUTING -d 8.8.8.8 -j SNAT --to-source 10.0.1.5\n-A POSTROUTING -d 8.8.4.4 -j SNAT --to-source 10.0.1.9\n-A POSTROUTING -j SNAT --to-source 10.0.1.4-10.0.1.20\nCOMMIT\n",
        "packets": [{"from": "a", "src": src, "dst": dst, "proto": "udp", "sport": 4000, "dport": 53} for src in ("10.0.0.2", "10.0.0.3", "10.0.0.4") for dst in ("8.8.8.8", "8.8.4.4", "1.1.1.1")],
    },
    {
        "name": "ICMPv6 of every type", "family": 6, "counters": True, "rules": f"*filter\n{_EVERY['FORWARD']}COMMIT\n",
        "packets": [{"from": "a", "src": "fd00::2", "dst": "fd00:0:0:1::2", "proto": "icmpv6", "type": kind} for kind in range(128, 162)],
    },
    *(
        {
            "name": f"verdicts about any protocol, IPv{family}", "family": family, "counters": True,
            "rules": f"*filter\n{_EVERY['FORWARD']}:one - [0:0]\n-A FORWARD -p all -j one\n-A FORWARD -p all -j ACCEPT\n-A one -p all -j RETURN\nCOMMIT\n",
            "packets": [{"from": "a", "src": _PAIRS[family][0], "dst": _PAIRS[family][1], "proto": "udp", "sport": 1, "dport": 2}],
        }
        for family in (4, 6)
    ),
    {
        "name": "what stands in for a connection has no labels", "family": 4, "counters": True,
        "rules": f"*raw\n{_EVERY['PREROUTING']}-A PREROUTING -p tcp -j CT --helper ftp\n-A PREROUTING -m connlabel ! --label 5 --set -j LOG\n-A PREROUTING -m connlabel --label 5 --set -j LOG\nCOMMIT\n"
        f"*mangle\n{_EVERY['PREROUTING']}-A PREROUTING -m connlabel --label 5 -j LOG\nCOMMIT\n",
        "packets": [_SYN, _UDP],
    },
    {
        "name": "errors about packets too short to be translated", "family": 4, "counters": True,
        "rules": f"{_NAT}-A PREROUTING -j DNAT --to-destination 192.0.2.5\nCOMMIT\n*filter\n{_EVERY['FORWARD']}COMMIT\n",
        "packets": [
            packet for number, (proto, l4) in enumerate((("47", "00000800"), ("47", "0000080000000007"), ("47", "0002080000000007"), ("132", "000100020000000700000000"), ("253", "00")))
            for packet in ({**_ECHO, "dst": f"8.8.8.{number}", "proto": proto, "l4": l4}, {"related_to": 2 * number, "type": 3, "code": 1})
        ],
    },
    {
        "name": "a reset from nobody", "family": 4, "counters": True,
        "rules": f"*filter\n{_EVERY['INPUT']}{_EVERY['OUTPUT']}-A INPUT -p tcp -j REJECT --reject-with tcp-reset\n-A INPUT -p udp -j REJECT\nCOMMIT\n",
        "packets": [{"from": "fw", "src": "10.0.0.1", "dst": "0.0.0.0", "proto": proto, "sport": 1, "dport": 2} for proto in ("tcp", "udp")],
    },
    *(
        {
            "name": f"longer than their way is wide, IPv{family}{' and locked' if lock else ''}", "family": family, "counters": True,
            "host": {"routes": [f"{_WAYS[family][0]} mtu {lock}{1300 if family == 6 else 1000}"]},
            "rules": f"{_NAT}-A POSTROUTING -s {_PAIRS[family][0]} -o eth1 -j MASQUERADE\nCOMMIT\n*filter\n{_EVERY['INPUT']}{_EVERY['FORWARD']}{_EVERY['OUTPUT']}COMMIT\n",
            "packets": [
                {"from": side, "src": src, "dst": dst, "df": df, **({"l4": "aa" * (size + 8)} if proto == "253" else {"payload_len": size}), "proto": proto}
                for side, src, dst in (("a", _PAIRS[family][0], _FAR[family][0]), ("fw", _FAR[family][1], _FAR[family][0]), ("b", _FAR[family][0], _FAR[family][1]))
                for proto in ("udp", "tcp", "icmp" if family == 4 else "icmpv6", "253") for df, size in ((False, 1400), (True, 1400), (False, 900), (False, 1600))
            ],
        }
        for family in (4, 6) for lock in ("", "lock ")
    ),
    {
        "name": "buckets are cleared from when the rules were loaded", "family": 4, "counters": True, "delay_ms": 1150,
        "rules": f"*filter\n{_EVERY['FORWARD']}-A FORWARD -m hashlimit --hashlimit-upto 30/min --hashlimit-burst 1 --hashlimit-mode srcip --hashlimit-htable-expire 1000 --hashlimit-name since -j LOG\nCOMMIT\n",
        "packets": [_UDP, _UDP],
    },
    *(
        {
            "name": f"UDP that nobody summed up, behind a header, {end}", "family": 6, "counters": True,
            "rules": f"{_NAT}-A POSTROUTING -j MASQUERADE\nCOMMIT\n*filter\n{_EVERY['INPUT']}{_EVERY['FORWARD']}{_EVERY['OUTPUT']}-A INPUT -j {end}\n-A FORWARD -j {end}\nCOMMIT\n",
            "packets": [
                {"from": "a", "src": "fd00::2", "dst": dst, "proto": "60", "l4": f"1100010400000000{l4}"} for dst in ("fd00::1", "fd00:0:0:1::2")
                for l4 in ("0005000600080000", "0005000700100000" + "61" * 8, "000500080008ffff")
            ],
        }
        for end in ("ACCEPT", "REJECT")
    ),
]  # fmt: skip
