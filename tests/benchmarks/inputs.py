"""What the benchmark works on: rules, packets, captures and a script, the same in every run."""

from __future__ import annotations

import random
import struct
from pathlib import Path

__all__ = ["calls_script", "firewall_script", "packet_lines", "unique_rules", "write_capture", "written_rules"]

_PORTS = (22, 53, 80, 443, 8080)


def unique_rules(count: int) -> str:
    """Save text of one long FORWARD chain in which no two rules share an address: the worst case for caches."""
    lines = ["*filter", ":INPUT ACCEPT [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]"]
    lines += [
        f"-A FORWARD -s 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}/32 -d 192.168.{i % 250}.0/24 -p tcp -m tcp --dport {1 + i % 65000} "
        f'-m conntrack --ctstate NEW -m comment --comment "rule {i}" -j ACCEPT'
        for i in range(count)
    ]
    return "\n".join([*lines, "COMMIT", ""])


def written_rules(count: int) -> str:
    """The same as a person or a script writes it: hosts without prefix lengths, matches that come by themselves."""
    lines = ["*filter", ":INPUT ACCEPT [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]"]
    lines += [
        f"-A FORWARD -s 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255} -i eth{i % 4} -p tcp --dport {1 + i % 65000} -m state --state NEW -j ACCEPT"
        for i in range(count)
    ]
    return "\n".join([*lines, "COMMIT", ""])


def _ends(number: int, rules: int, rng: random.Random) -> tuple[str, int, str, int]:
    """A forwarded packet for :func:`unique_rules`: two of three meet a rule of their own, the third none."""
    i = rng.randrange(rules)
    port = 1 + i % 65000 if number % 3 else 65535
    return f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}", rng.randrange(1024, 65535), f"192.168.{i % 250}.7", port


def packet_lines(count: int, rules: int) -> str:
    """Packets in the packet language."""
    rng = random.Random(1)
    lines = []
    for number in range(count):
        src, sport, dst, dport = _ends(number, rules, rng)
        lines.append(f"tcp {src}:{sport} -> {dst}:{dport} in eth0 out eth1 syn\n")
    return "".join(lines)


def write_capture(path: Path, count: int, rules: int) -> None:
    """A pcap file of TCP connection requests (link type raw IP), a microsecond apart."""
    rng = random.Random(1)
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)]
    for number in range(count):
        src, sport, dst, dport = _ends(number, rules, rng)
        head = bytes([0x45, 0, 0, 40]) + struct.pack("!HHBBH", number & 0xFFFF, 0, 64, 6, 0)
        addresses = bytes(map(int, f"{src}.{dst}".split(".")))
        tcp = struct.pack("!HHIIBBHHH", sport, dport, number, 0, 0x50, 2, 65535, 0, 0)
        parts += [struct.pack("<IIII", number // 1_000_000, number % 1_000_000, 40, 40), head, addresses, tcp]
    path.write_bytes(b"".join(parts))


def calls_script(count: int) -> str:
    """A script of plain appends, one process each."""
    return "".join(
        ["#!/bin/sh\n", *[f"iptables -A INPUT -s 10.0.{i >> 8}.{i & 255} -p tcp --dport {i + 1} -j ACCEPT\n" for i in range(count)]]
    )


def firewall_script(lines: int) -> str:
    """A shell script as people write them: variables, functions, loops, conditions, here-documents."""
    out = [
        "#!/bin/sh", 'IPT="/sbin/iptables"', 'EXT="eth0"', 'LAN="192.168.1.0/24"', "", "allow() {",
        '    $IPT -A INPUT -i "$1" -p tcp --dport "$2" -m conntrack --ctstate NEW -j ACCEPT', "}", "",
        "$IPT -P INPUT DROP", "$IPT -P FORWARD DROP", "$IPT -F", "$IPT -X", "$IPT -A INPUT -i lo -j ACCEPT",
        "$IPT -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "",
    ]  # fmt: skip
    number = 0
    while len(out) < lines:
        number += 1
        out += [
            f"# host {number}",
            f'HOST_{number}="10.1.{number // 250}.{number % 250 + 1}"',
            f"$IPT -N host{number}",
            f'$IPT -A INPUT -i "$EXT" -d "$HOST_{number}" -j host{number}',
            f"for port in {_PORTS[number % 5]} {2000 + number}; do",
            f'    $IPT -A host{number} -p tcp --dport "$port" -j ACCEPT',
            "done",
            f'if [ -n "$LAN" ]; then allow "$EXT" {3000 + number}; fi',
            f"$IPT -A host{number} -j DROP",
        ]
    return "\n".join([*out[:lines], ""])
