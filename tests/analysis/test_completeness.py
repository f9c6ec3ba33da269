"""A rule that no packet hits is reported, a rule that one hits is not called unreached.

Random rulesets over a small universe of which every packet is sent through the engine's rules, one by one; it has a
packet of every kind that the rules can tell apart. ``COMPLETENESS_CASES`` says how many rulesets (default 20).
"""

from __future__ import annotations

import os
from itertools import product
from random import Random

import pytest

from pyiptables import load
from pyiptables.lint.engine import lint_data
from pyiptables.lint.settings import Settings
from pyiptables.netfilter.packet import Packet
from pyiptables.netfilter.verdicts import Judge
from pyiptables.xtables.addresses import parse_ip4, parse_ip6

_NEVER = ("U101", "U102", "U103", "U106")
_SOURCES = {
    4: ("10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.77", "10.1.0.1", "192.0.2.9", "8.8.8.8"),
    6: ("fd00::", "fd00::1", "fd00::2", "fd00::77", "fd00:1::1", "2001:db8::9", "2606::8", "fd12::1"),
}
_NETS = {
    4: ("10.0.0.1/32", "10.0.0.0/31", "10.0.0.0/24", "10.0.0.0/8", "192.0.2.0/24", "10.0.0.1/255.255.255.1"),
    6: ("fd00::1/128", "fd00::/64", "fd00::/16", "2001:db8::/32", "fd00::2/128"),
}
_RANGES = {4: ("10.0.0.1-10.0.0.2", "10.0.0.0-10.255.255.255"), 6: ("fd00::1-fd00::2", "fd00::-fdff::")}
_PORTS = (0, 5, 22, 80, 85, 443, 5000, 6000)
_INTERFACES = ("eth0", "eth1", "tun0", "wlan0")


class _Maker:
    def __init__(self, seed: int, family: int) -> None:
        self.r = Random(f"{seed} {family}")
        self.family = family

    def invert(self) -> str:
        return "! " if self.r.random() < 0.25 else ""

    def conditions(self) -> str:
        r = self.r
        words = []
        if r.random() < 0.4:
            words.append(f"{self.invert()}-s {r.choice(_NETS[self.family])}")
        if r.random() < 0.3:
            words.append(f"{self.invert()}-i {r.choice(['eth0', 'eth+', 'tun0', 'eth1', '+'])}")
        kind = r.choice(["", "", "tcp", "udp", "port", "port", "multi", "multi", "not"])
        if kind in ("tcp", "udp"):
            words.append(f"-p {kind}")
        elif kind == "not":
            words.append(f"! -p {r.choice(['tcp', 'udp', '47'])}")
        elif kind == "port":
            proto = r.choice(["tcp", "udp"])
            ports = r.choice(["22", "80", "443", "1:1023", "80:90", "1024:65535", "0:65535"])
            words.append(f"-p {proto} -m {proto} {self.invert()}--{r.choice(['dport', 'dport', 'sport'])} {ports}")
        elif kind == "multi":
            ports = r.choice(["22", "80,443", "1:1023,5000", "80:90,22", "22,80,443"])
            words.append(
                f"-p {r.choice(['tcp', 'udp'])} -m multiport {self.invert()}--{r.choice(['dports', 'dports', 'ports', 'sports'])} {ports}"
            )
        if r.random() < 0.15:
            words.append(f"-m iprange {self.invert()}--src-range {r.choice(_RANGES[self.family])}")
        if r.random() < 0.1:
            words.append(f"-m comment --comment {r.choice('ab')}")
        return " ".join(words)

    def ruleset(self) -> str:
        r = self.r
        lines = ["*filter", ":INPUT ACCEPT [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]", ":one - [0:0]", ":two - [0:0]"]
        for chain, goals in (("FORWARD", ["one", "two"]), ("one", ["two"]), ("two", [])):
            for _ in range(r.randrange(2, 9)):
                ends = [
                    "-j ACCEPT",
                    "-j DROP",
                    "-j RETURN",
                    "-j LOG",
                    *[f"-j {goal}" for goal in goals * 2],
                    *[f"-g {goal}" for goal in goals],
                ]
                lines.append(f"-A {chain} {self.conditions()} {r.choice(ends)}")
        return "\n".join([*lines, "COMMIT", ""])


def _universe(family: int) -> list[Packet]:
    parse = parse_ip4 if family == 4 else parse_ip6
    found = []
    for source, proto, iniface in product(_SOURCES[family], (6, 17, 47, 50), _INTERFACES):
        for sport, dport, fragment in (*product(_PORTS, _PORTS, (0,)), (0, 0, 3)):
            if proto > 17 and dport != 5:
                continue
            packet = Packet(family, parse(source), parse("203.0.113.9" if family == 4 else "2a00::9"), proto)
            packet.iniface, packet.outiface = iniface, "eth9"
            packet.sport, packet.dport, packet.frag_offset = sport, dport, fragment
            packet.tcp_flags = 2
            found.append(packet)
    return found


@pytest.mark.parametrize("family", [4, 6])
def test_reported_is_what_nothing_hits(family: int) -> None:
    packets = _universe(family)
    idle_rules = 0
    for seed in range(int(os.environ.get("COMPLETENESS_CASES", "20"))):
        text = _Maker(seed, family).ruleset()
        judge = Judge(load(text, f"ipv{family}", variant="legacy"))
        judge.engine.defragment = False
        list(judge.verdicts([packet.copy() for packet in packets]))
        chains = judge.counters().tables["filter"].chains
        hits = {rule.line: rule.packets for chain in chains.values() for rule in chain.rules}
        idle = {line for line, count in hits.items() if not count}
        found = lint_data(text.encode(), "rules", Settings(select=("U",), variant="legacy"), family=family).diagnostics
        never = {finding.place.line for finding in found if finding.code in _NEVER}
        unused = {finding.rule.split()[0][1:] for finding in found if finding.code == "U105"}
        inside = {rule.line for name in unused for rule in chains[name].rules}
        repeated = {finding.place.line for finding in found if finding.code == "U104"}
        shown = "\n".join([f"{number:3} {hits.get(number, '')} {line}" for number, line in enumerate(text.splitlines(), 1)])
        assert never <= idle, (seed, never - idle, shown)
        assert idle <= never | repeated | inside, (seed, idle - never - repeated - inside, shown)
        idle_rules += len(idle)
    assert idle_rules > 80
