"""Scenarios from whole rulesets as hosts run them (``rulesets/``), changed a little, with flows made of what they mention.

A file's suffix is its family. Interfaces that the scenario's host lacks take the place of those it has.
"""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

__all__ = ["make_ruleset_case"]

Json = dict[str, Any]

_FOLDER = Path(__file__).parent / "rulesets"
_ENDS = {
    4: {
        "a": ("10.0.0.2", "10.0.0.3", "10.0.0.22", "10.0.0.40", "10.0.0.140", "192.0.2.9"),
        "b": ("10.0.1.2", "10.0.1.66", "198.51.100.7", "203.0.113.9"),
        "fw": ("10.0.0.1", "10.0.1.1", "203.0.113.1", "10.0.0.254", "127.0.0.1"),
    },
    6: {
        "a": ("fd00::2", "fd00::22", "2001:db8:a::5"),
        "b": ("fd00:0:0:1::2", "2001:db8:ffff::1"),
        "fw": ("fd00::1", "fd00:0:0:1::1", "::1"),
    },
}
_ODD = {4: ("10.0.0.255", "255.255.255.255", "169.254.1.1"), 6: ("fe80::1", "2001:db8::")}
_ADDRESS = {4: r"\b\d+\.\d+\.\d+\.\d+\b", 6: r"(?<=[ \[])[0-9a-f:]*::[0-9a-f:]*(?=[/\]\s])"}
_ICMP = {4: (8, 8, 8, 13, 0, 3, 11), 6: (128, 128, 128, 129, 135, 1, 2, 3)}
_ERRORS = {4: (3, 11, 12), 6: (1, 2, 3, 4)}
_REPLIES = ("SYN,ACK", "SYN,ACK", "ACK", "ACK", "PSH,ACK", "FIN,ACK", "RST", "RST,ACK")
_FIRST = ("SYN",) * 7 + ("ACK", "SYN,ACK", "FIN,ACK", "RST", "PSH,ACK", "SYN,FIN", "", "FIN,PSH,URG")
_ROUTES = [
    "default via 10.0.1.2 dev eth1", "192.0.2.0/24 via 10.0.0.2 dev eth0", "default via 10.0.0.2 dev eth0 table 100",
    "default via fd00:0:0:1::2 dev eth1", "2001:db8:a::/48 via fd00:0:0:0::2 dev eth0",
]  # fmt: skip


def make_ruleset_case(seed: int, family: int, known: frozenset[str]) -> Json:
    """The case of a seed: the same rules, host and packets each time. ``known`` is there for the other generators' sake."""
    r = random.Random(f"{seed}/{family}")
    path = r.choice(sorted(_FOLDER.glob(f"*.{family}")))
    text = path.read_text()
    host: Json = {}
    if r.random() < 0.3:
        host["rp_filter"] = r.choice((1, 2))
    if r.random() < 0.15:
        host["stack_replies"] = False
    if r.random() < 0.08:
        host["forwarding"] = False
    if path.stem == "policyroute":
        host |= {"routes": _ROUTES, "rules": ["fwmark 0x1/0xff lookup 100"] if family == 4 else []}
    if r.random() < 0.1:
        host["sysctl"] = {"net.netfilter.nf_conntrack_tcp_loose": 0}
    packets = _Flows(r, family, text).packets(r.randrange(4, 12))
    delay = {"delay_ms": 12} if "connlimit" in text else {}
    name = f"{path.name}-{seed}"
    return {"name": name, "family": family, "rules": _changed(text, r), "counters": True, "host": host, "packets": packets, **delay}


def _changed(text: str, r: random.Random) -> str:
    """A ruleset with some rules dropped, exchanged with the next one, or with another verdict, port or mark."""
    names = sorted(set(re.findall(r"-[io] (\S+)", text)) - {"lo", "eth0", "eth1"})
    other = {name: r.choice(("eth0", "eth1", "eth0", "eth1", "eth+", "eth2")) for name in names}
    lines = re.sub(r"(-[io]) (\S+)", lambda found: f"{found[1]} {other.get(found[2], found[2])}", text).splitlines()
    for _ in range(r.choice((0, 0, 1, 2, 4))):
        at = r.choice([number for number, line in enumerate(lines) if line.startswith("-A")])
        kind = r.random()
        if kind < 0.4:
            del lines[at]
        elif kind < 0.7:
            if lines[at + 1].startswith("-A"):
                lines[at], lines[at + 1] = lines[at + 1], lines[at]
        elif kind < 0.8:
            lines[at] = re.sub(r" -j (ACCEPT|DROP|RETURN)$", f" -j {r.choice(('ACCEPT', 'DROP', 'RETURN'))}", lines[at])
        elif kind < 0.9:
            lines[at] = re.sub(r"--dport (\d+)$", r"! --dport \1", lines[at])
        else:
            lines[at] = re.sub(r"^-A (\S+)", rf"-A \1 -m mark ! --mark {r.randrange(8):#x}", lines[at])
    if r.random() < 0.3:
        lines = [re.sub(r"^(:(?:INPUT|FORWARD|OUTPUT)) \w+", rf"\1 {r.choice(('ACCEPT', 'DROP'))}", line) for line in lines]
    return "\n".join(lines) + "\n"


class _Flows:
    """Packets between the host's neighbours, to addresses and ports that a ruleset mentions, and what follows on them.

    No groups: the kernel's trace does not tell a packet to many from the copy that the host itself gets.
    """

    def __init__(self, r: random.Random, family: int, text: str) -> None:
        self._r = r
        self._family = family
        found = [address for address in re.findall(_ADDRESS[family], text) if address[:3] not in ("224", "ff0")]
        self._mentioned = [self._inside(address) for address in found] or list(_ENDS[family]["b"])
        ports = [int(port) for words in re.findall(r"ports? (\d+(?:[,:]\d+)*)", text) for port in re.split("[,:]", words)]
        self._ports = [min(max(port + r.choice((0, 0, 0, 0, 1, -1)), 1), 65535) for port in ports] + [22, 80, 53, 443, 9999]
        self._owners = [int(owner) for owner in re.findall(r"[ug]id-owner (\d+)", text)] + [0, 1000]
        self._port = r.randrange(2000, 60000)

    def _inside(self, address: str) -> str:
        """An address of the network that is mentioned."""
        if self._family == 6:
            return f"{address}{self._r.randrange(2, 9)}" if address.endswith("::") else address
        net, _, last = address.rpartition(".")
        return f"{net}.{self._r.choice((1, 2, 7, 64, 130, 255))}" if last == "0" or self._r.random() < 0.2 else address

    def packets(self, count: int) -> list[Json]:
        """So many, one after the other."""
        sent: list[Json] = []
        while len(sent) < count:
            kind = self._r.random()
            if not sent or kind < 0.35:
                sent.append(self._first())
            elif kind < 0.65:
                sent += self._answer(sent)
            elif kind < 0.75:
                sent.append(self._error(len(sent)))
            else:
                sent.append(self._again(sent))
        return sent

    def _first(self) -> Json:
        r, ends = self._r, _ENDS[self._family]
        origin = r.choice(("a", "a", "b", "b", "fw"))
        if r.random() < 0.35:
            self._port += 1
        source = r.choice(ends[origin]) if r.random() < 0.85 else r.choice((*self._mentioned, *_ODD[self._family]))
        kind = r.random()
        if kind < 0.45:
            destination = r.choice(self._mentioned)
        elif kind < 0.93:
            destination = r.choice(ends[r.choice([side for side in ends if side != origin])])
        else:
            destination = r.choice(_ODD[self._family])
        packet: Json = {"from": origin, "src": source, "dst": destination, **self._transport(source, destination)}
        if origin == "fw":
            packet |= {"uid": r.choice(self._owners), "gid": r.choice(self._owners)}
        elif r.random() < 0.05:
            packet["l2"] = r.choice(("broadcast", "multicast", "otherhost"))
        if r.random() < 0.1:
            packet["ttl"] = r.choice((1, 2, 4, 255))
        if r.random() < 0.1:
            packet["tos"] = r.choice((0x10, 8, 0xB8))
        return packet

    def _transport(self, source: str, destination: str) -> Json:
        r = self._r
        kind = r.random()
        ports = {"sport": self._port if r.random() < 0.9 else r.choice(self._ports), "dport": r.choice(self._ports)}
        if kind < 0.55:
            return {
                "proto": "tcp",
                "flags": r.choice(_FIRST),
                "seq": 1000,
                **ports,
                **({"mss": r.choice((1460, 1400, 500))} if r.random() < 0.4 else {}),
            }
        if kind < 0.8:
            return {"proto": "udp", **ports, **({"payload_len": r.choice((0, 20, 200))} if r.random() < 0.3 else {})}
        if kind < 0.95:
            packet: Json = {"proto": "icmp" if self._family == 4 else "icmpv6", "type": r.choice(_ICMP[self._family])}
            if packet["type"] in _ERRORS[self._family]:
                inner = {"src": destination, "dst": source, "proto": "udp", "sport": ports["dport"], "dport": self._port}
                return {**packet, "inner": inner}
            return {**packet, "icmp_id": self._port & 0xFFFF, "icmp_seq": 1}
        return {"proto": r.choice(("esp", "gre", "igmp", "sctp", 89) if self._family == 4 else ("esp", "sctp", 89))}

    def _answer(self, sent: list[Json]) -> list[Json]:
        """An answer to a packet or to an answer; none to errors."""
        r = self._r
        number = r.randrange(len(sent))
        first = sent[number]
        while "reply_to" in first:
            first = sent[first["reply_to"]]
        if "related_to" in first:
            return []
        answer: Json = {"reply_to": number}
        if first["proto"] == "tcp":
            answer |= {"flags": r.choice(_REPLIES), "seq": r.choice((5000, 5001, 1001, 1000)), "ack": r.choice((1001, 5001, 1002, 5002))}
            if r.random() < 0.3 and "SYN" not in answer["flags"]:
                answer["payload_len"] = 10
        return [answer]

    def _error(self, count: int) -> Json:
        r = self._r
        error = {"related_to": r.randrange(count), "type": r.choice(_ERRORS[self._family])}
        error["code"] = r.choice((0, 1, 3)) if self._family == 4 else 0
        return {**error, "src": r.choice(self._mentioned)} if r.random() < 0.2 else error

    def _again(self, sent: list[Json]) -> Json:
        r = self._r
        again = dict(r.choice([packet for packet in sent if "from" in packet]))
        if again["proto"] == "tcp" and r.random() < 0.7:
            again |= {
                "flags": r.choice(("ACK", "SYN", "PSH,ACK", "FIN,ACK", "RST")),
                "seq": r.choice((1001, 1000)),
                "ack": r.choice((5001, 0)),
            }
        elif "icmp_seq" in again:
            again["icmp_seq"] = 2
        if r.random() < 0.2 and "dport" in again:
            again["dport"] = r.choice(self._ports)
        return again
