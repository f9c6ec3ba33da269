"""Whatever comes in as sentences, JSON, hosts, lists of connections and sets, or captures: an answer, or one line and exit 2.

``TRACE_FUZZ`` is how many inputs to try (default 150), ``TRACE_FUZZ_FIRST`` the first seed.
"""

from __future__ import annotations

import json
import math
import os
import random
import struct
from pathlib import Path
from typing import Any

import pytest
from conftest import HOST, RULES, Trace

_SENTENCES = (
    "tcp 10.0.0.2:40000 -> 192.0.2.10:443 in eth0 syn", "icmp 10.0.0.2 -> 10.0.1.2 echo-request ttl 1 in eth0",
    "tcp [2001:db8::1]:5000 -> [2001:db8::2]:22 in eth0", 'udp 1.2.3.4:53 to 5.6.7.8:53 in eth0 out eth1 mark 0x10 payload "a;#b" at +2s',
    "tcp 1.2.3.4:5 -> 5.6.7.8:80 in eth0; reply syn,ack; reply to 1 rst; error port-unreachable",
    "47 1.2.3.4 -> 5.6.7.8 out eth1 frag 20 socket none ipsec none state related helper ftp at 2026-11-25T14:30",
)  # fmt: skip
_WORDS = ["in", "out", "reply", "error", "to", "->", "at", "+2s", "flags", "payload", '"', "'", "#", ";", "-1", "0x", "99999999999", "::", "[", "]", "é", "1e9", "--", "frag", "8191", "length", "65535", "payload-len", "70000", "l4", "00", "payload-hex", "zz", "socket", "x", "expected-by", "1", "9999-12-31T23:59", "at", "99999999999d", "mac", "zz"]  # fmt: skip
_CASE: dict[str, Any] = {
    "family": 4, "rules": "*filter\n-A FORWARD -p udp -j DROP\n-A INPUT -m set --match-set s src -j DROP\nCOMMIT\n",
    "host": {**HOST, "rules": ["fwmark 1 lookup 100"], "sysctl": {"net.ipv4.ip_forward": 1}, "neighbours": {"10.0.0.2": "02:00:00:00:00:01"}},
    "conntrack": "udp 17 29 src=1.1.1.1 dst=2.2.2.2 sport=5 dport=53 src=2.2.2.2 dst=3.3.3.3 sport=53 dport=5 mark=3 use=1",
    "ipset": "create s hash:net,iface timeout 3\nadd s 1.2.3.0/24,eth0 nomatch", "counters": True, "delay_ms": 1, "seed": 2,
    "packets": [
        {"from": "a", "src": "10.0.0.2", "dst": "203.0.113.1", "proto": "tcp", "flags": "SYN", "sport": 1, "dport": 2, "payload": "x"},
        {"reply_to": 0}, {"related_to": 0, "type": 3}, {"from": "fw", "src": "10.0.0.1", "dst": "10.0.0.2", "proto": "icmp", "inner": {"src": "10.0.0.2", "dst": "10.0.0.1"}},
    ],
}  # fmt: skip
_VALUES = (None, True, -1, 0, 2**40, 1.5, math.nan, math.inf, "", "x", "10.0.0.1", "::1", [], {}, [1], {"a": 1}, "\ud800", [[]], "1e5")
_KEYS = [
    "src",
    "dst",
    "proto",
    "ttl",
    "inner",
    "flags",
    "l4",
    "type",
    "at",
    "reply_to",
    "in",
    "out",
    "sets",
    "socket",
    "policy",
    "bpf",
    "uid",
    "mac",
    "l2",
    "tcp_options",
    "frag_offset",
    "length",
    "interfaces",
    "routes",
    "rules",
    "addr",
    "route",
    "sysctls",
    "conntrack",
    "ipset",
    "packets",
    "family",
    "helper",
    "expected_by",
    "ipvs",
    "queues",
    "timezone",
    "cgroup",
    "os",
]
_LISTS = (
    "udp 17 29 src=10.0.0.1 dst=10.0.0.9 sport=5 dport=53 [UNREPLIED] src=10.0.0.9 dst=10.0.0.1 sport=53 dport=5 mark=0 use=1",
    "tcp 6 43 ESTABLISHED src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2 src=2.2.2.2 dst=1.1.1.1 sport=2 dport=1 [ASSURED] zone=3 helper=ftp",
    "icmp 1 30 src=1.1.1.1 dst=2.2.2.2 type=8 code=0 id=7 src=2.2.2.2 dst=1.1.1.1 type=0 code=0 id=7", "create a hash:net,iface timeout 3",
    "add a 10.0.0.0/8,eth0 timeout 4 nomatch", "create b bitmap:port range 1-10", "add b 3", "create c list:set", "add c a",
    "create d hash:ip,mark markmask 0xff", "add d 1.2.3.4,0x5", "create e hash:ip netmask 24", "add e 1.2.3.0-1.2.4.9",
)  # fmt: skip


def _capture() -> bytes:
    """A small capture of Ethernet frames with UDP in them."""
    head = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    frames = []
    for number in range(20):
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 32, number, 0, 64, 17, 0, bytes((10, 0, 0, number)), bytes((192, 0, 2, 9)))
        frame = bytes(12) + b"\x08\x00" + ip + struct.pack("!HHHHI", 1000 + number, 53, 12, 0, number)
        frames.append(struct.pack("=IIII", 1_700_000_000, number, len(frame), len(frame)) + frame)
    return head + b"".join(frames)


def _changed(value: Any, rng: random.Random) -> Any:
    """The value with small faults in places."""
    if rng.random() < 0.06:
        return rng.choice(_VALUES)
    if isinstance(value, dict):
        kept = {key: each for key, each in value.items() if rng.random() > 0.03}
        return {(rng.choice(_KEYS) if rng.random() < 0.02 else key): _changed(each, rng) for key, each in kept.items()}
    if isinstance(value, list):
        return [_changed(each, rng) for each in value] * rng.choice((1, 1, 1, 1, 2, 0))
    if isinstance(value, str) and value and rng.random() < 0.1:
        at = rng.randrange(len(value))
        return value[:at] + rng.choice(("", "\n", " ", "/", "=", "-", "0", "zz")) + value[at + rng.randint(0, 2) :]
    return value


def _sentence(rng: random.Random) -> str:
    start = rng.choice((rng.choice(_SENTENCES), ""))
    return f"{start} {' '.join(rng.choice(_WORDS) for _ in range(rng.randint(0, 5)))}"


def _words(rng: random.Random, folder: Path) -> list[str]:
    """An odd call: its words; files are made on the way."""
    kind = rng.choice(("sentence", "sentence", "scenario", "scenario", "host", "lists", "packets", "capture"))
    odd = folder / "odd"
    style = rng.choice(
        ([], ["--json"], ["--format", "svg"], ["--format", "mermaid"], ["--format", "kernel"], ["-v"], ["--explore"], ["--reply"])
    )
    if kind == "sentence":
        odd.write_text(_sentence(rng), encoding="utf-8")
        return ["--packets", "odd", *style]
    if kind == "scenario":
        odd.write_text(json.dumps(_changed(_CASE, rng)))
        return ["--scenario", "odd", *style]
    if kind == "packets":
        odd.write_text(json.dumps(_changed(_CASE["packets"], rng)))
        return ["--packets", "odd", "-i", "eth0", *style]
    if kind == "host":
        odd.write_text(json.dumps(_changed(_CASE["host"], rng)))
        return ["--host", "odd", _SENTENCES[0], *style]
    if kind == "lists":
        odd.write_text("\n".join(str(_changed(line, rng)) for line in _LISTS), errors="backslashreplace")
        return [rng.choice(("--conntrack", "--ipset")), "odd", _SENTENCES[0], *style]
    data = bytearray(_capture())
    for _ in range(rng.randint(1, 20)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    odd.write_bytes(data[: rng.randint(20, len(data))])
    return ["--pcap", "odd", "-i", "eth0", *[word for word in style if word not in ("--explore", "--reply")]]


def test_odd_input_is_answered_or_refused_in_a_line(trace: Trace, folder: Path) -> None:
    pytest.importorskip("dpkt")
    first = int(os.environ.get("TRACE_FUZZ_FIRST", "0"))
    (folder / "rules.v4").write_text(RULES)
    for seed in range(first, first + int(os.environ.get("TRACE_FUZZ", "150"))):
        words = _words(random.Random(seed), folder)
        try:
            done = trace(*words)
        except Exception as error:  # a traceback, as its user would see it
            pytest.fail(f"seed {seed}: {words}: {error!r}")
        assert done.exit_code in (0, 2), (seed, words)
        if done.exit_code == 2:
            assert done.stderr.startswith("pyiptables trace: ") and done.stderr.count("\n") == 1, (seed, words, done.stderr)
