"""Who gets in while a script runs: the answer by packet sets against the engine's verdicts on single packets.

``LOCKOUT_SCRIPTS`` sets how many random scripts are replayed (default: a second's worth).
"""

from __future__ import annotations

import os
import random

import pytest

from pyiptables.lint.filtering import Filter
from pyiptables.lint.replay import Firewall, Watch, moments, stages
from pyiptables.lint.script import read_script
from pyiptables.lint.settings import Settings
from pyiptables.lint.subject import Subject
from pyiptables.netfilter.description import packet_of
from pyiptables.netfilter.packet import Packet
from pyiptables.netfilter.verdicts import Judge

CONDITIONS = (
    "-s 10.0.0.0/8", "! -s 10.0.0.0/8", "-i eth0", "! -i eth0", "-i eth+", "-i lo", "-p tcp", "-p tcp --dport 22", "-p tcp ! --dport 22",
    "-p tcp --dport 1:1000", "-p udp", "! -p tcp", "-p tcp -m multiport --dports 22,80", "-m conntrack --ctstate NEW",
    "-m conntrack --ctstate ESTABLISHED,RELATED", "-m conntrack ! --ctstate NEW", "-m state --state NEW", "-p tcp --syn",
    "-p tcp ! --syn", "-m pkttype --pkt-type multicast", "-m ttl --ttl-lt 5",
)  # fmt: skip
SCRIPTS = int(os.environ.get("LOCKOUT_SCRIPTS", "25"))


def requests() -> list[Packet]:
    """The first packets of SSH connections from several senders."""
    packets = []
    for source in ("198.51.100.7", "10.1.2.3"):
        for interface in ("eth0", "eth1", "wan0"):
            packet = packet_of({"src": source, "dst": "192.0.2.1", "proto": "tcp", "sport": 40000, "dport": 22, "flags": "SYN"}, 4)
            packet.iniface = interface
            packets.append(packet)
    return packets


def conditions(rng: random.Random) -> str:
    chosen: list[str] = []
    options: set[str] = set()
    for text in rng.sample(CONDITIONS, rng.randrange(3)):
        mine = {word for word in text.split() if word in ("-s", "-i", "-p")}
        if not mine & options:
            options |= mine
            chosen.append(text)
    return " ".join(chosen)


def script(rng: random.Random) -> str:
    lines = ["#!/bin/sh", "iptables -N a", "iptables -N b"]
    for _ in range(rng.randrange(3, 14)):
        chain = rng.choice(("INPUT", "INPUT", "INPUT", "a", "b"))
        below = {"INPUT": ["a", "b"], "a": ["b"], "b": []}[chain]
        target = rng.choice(["ACCEPT", "DROP", "ACCEPT", "DROP", "REJECT", "RETURN", *below])
        jump = rng.choice(("-j", "-j", "-g")) if target in below else "-j"
        what = rng.random()
        if what < 0.8:
            lines.append(f"iptables -{'A' if what < 0.6 else 'I'} {chain} {conditions(rng)} {jump} {target}")
        elif what < 0.9:
            lines.append(f"iptables -P INPUT {rng.choice(('ACCEPT', 'DROP'))}")
        else:
            lines.append(f"iptables -F {rng.choice(('INPUT', 'a', 'b', ''))}" if what < 0.95 else f"iptables -D {chain} 1")
    return "\n".join(lines)


def test_closed_is_closed() -> None:
    pytest.importorskip("tree_sitter_bash", reason="scripts need the lint extra")
    closed = opened = 0
    for seed in range(SCRIPTS):
        text = script(random.Random(seed))
        subject = Subject("firewall.sh", text.encode(), Settings(), 4)
        read_script(subject, "shell")
        firewall, filter = Firewall(), Filter(4)
        watch = Watch(firewall, filter, "INPUT", filter.packets(proto=6, dport=22, flags=0x02))
        for moment in moments(subject, stages(subject)["up"], firewall):
            is_open = watch.after(moment)
            anew = filter.fate(firewall.table(4, "filter"), "INPUT", watch.packets)
            assert is_open == anew.accepted, f"seed {seed}, command {moment.number}:\n{text}"
            let_in = "ACCEPT" in Judge(firewall.rulesets[4]).verdicts(requests())
            closed += not is_open
            opened += let_in
            assert is_open or not let_in, f"seed {seed}, command {moment.number}:\n{text}"
    assert closed > SCRIPTS
    assert opened > SCRIPTS
