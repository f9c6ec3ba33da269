"""The fast judge of many packets says what the engine says: verdict, what decided, counters."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyiptables import load
from pyiptables.netfilter.packet import Packet
from pyiptables.netfilter.pipeline import Engine
from pyiptables.netfilter.verdicts import Judge
from pyiptables.tools.scenario import run_scenario

sys.path.insert(0, str(Path(__file__).parents[1] / "kernel"))
from comparing import features
from generator import make_case

_BUILTIN = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
}
_NETS = ["10.0.0.0/8", "10.0.0.0/31", "10.0.0.1/32", "10.0.0.2/32", "192.168.1.0/24", "10.0.0.0/255.0.0.255"]
_HOSTS = [0x0A000001, 0x0A000002, 0xC0A80107, 0x08080808]
_PORTS = [0, 22, 80, 443, 65535]


def _maybe(text: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(st.just(""), text)


_address = st.builds("{}{} {}".format, st.sampled_from(["", "! "]), st.sampled_from(["-s", "-d"]), st.sampled_from(_NETS))
_port = st.builds(
    "{}--{} {}".format, st.sampled_from(["", "! "]), st.sampled_from(["dport", "sport"]), st.sampled_from(["22", "80", "0:80", "443:"])
)
_protocol = st.one_of(
    st.builds("-p tcp -m tcp {} {}".format, _port, st.sampled_from(["", "--syn", "--tcp-flags RST RST"])),
    st.builds("-p udp -m udp {}".format, _port),
    st.sampled_from(["-p tcp", "! -p udp", "-p icmp -m icmp --icmp-type 8", "-p 47"]),
)
_match = st.sampled_from([
    "-m conntrack --ctstate NEW", "-m conntrack ! --ctstate INVALID", "-m conntrack --ctstate RELATED,ESTABLISHED",
    "-m state --state INVALID", "-m conntrack --ctstate UNTRACKED", "-m comment --comment \"a --dport 99 b\"", "-m length --length 40:60",
    "-m limit --limit 1/hour --limit-burst 3", "-m statistic --mode nth --every 2 --packet 0", "-m quota --quota 100",
    "-m owner --uid-owner 0", "-m multiport --dports 22,443", "-m statistic --mode random --probability 0.5",
    "-m ttl --ttl-lt 64", "-m conntrack --ctorigsrc 10.0.0.1", "-m mark --mark 0x1",
])  # fmt: skip
_devices = st.sampled_from(["-i eth0", "-i eth+", "! -i eth1"])
_targets = ["ACCEPT", "DROP", "RETURN", "LOG", "u1", "u2", ""]


@st.composite
def rulesets(draw: st.DrawFn) -> str:
    """Save text of some tables; long chains too, for those the judge has an index."""
    lines = []
    for table in draw(st.lists(st.sampled_from(sorted(_BUILTIN)), min_size=1, max_size=3, unique=True)):
        lines.append(f"*{table}")
        policies = ["ACCEPT"] if table == "nat" else ["ACCEPT", "ACCEPT", "DROP"]
        lines += [f":{chain} {draw(st.sampled_from(policies))} [0:0]" for chain in _BUILTIN[table]]
        lines += [":u1 - [0:0]", ":u2 - [0:0]"]
        chains = [chain for chain in _BUILTIN[table] if draw(st.booleans())]
        for chain in [*chains, "u1", "u2"]:
            for _ in range(draw(st.sampled_from([0, 1, 3, 3, 20]))):
                targets = [t for t in _targets if not chain.startswith("u") or t > chain or t[:1] != "u"]
                if table == "nat":
                    targets = [t for t in targets if t != "DROP"]
                if table == "filter":
                    targets.append("REJECT")
                target = draw(st.sampled_from(targets))
                device = draw(_maybe(_devices)) if chain in ("PREROUTING", "INPUT", "FORWARD") else ""
                parts = [draw(_maybe(_address)), device, draw(_maybe(_protocol)), draw(_maybe(_match))]
                if "multiport" in parts[3]:
                    parts[2] = "-p tcp"
                if "owner" in parts[3] and chain not in ("OUTPUT", "POSTROUTING"):
                    parts[3] = ""
                lines.append(" ".join(["-A", chain, *filter(None, parts), *(["-j", target] if target else [])]))
        lines.append("COMMIT")
    return "\n".join(lines) + "\n"


@st.composite
def packets(draw: st.DrawFn) -> Packet:
    packet = Packet(4, draw(st.sampled_from(_HOSTS)), draw(st.sampled_from(_HOSTS)), draw(st.sampled_from([6, 6, 17, 1, 47])))
    packet.sport, packet.dport = draw(st.sampled_from(_PORTS)), draw(st.sampled_from(_PORTS))
    if packet.proto == 6:
        packet.tcp_flags = draw(st.sampled_from([2, 2, 16, 18, 4, 0, 41, 3]))
    if packet.proto == 1:
        packet.icmp_type = draw(st.sampled_from([0, 8, 3, 13, 17]))
    packet.iniface, packet.outiface = draw(st.sampled_from([("eth0", ""), ("eth0", "eth1"), ("", "eth1"), ("eth1", "eth0")]))
    packet.ttl = draw(st.sampled_from([64, 64, 64, 2, 1]))
    packet.length = draw(st.sampled_from([40, 60, 1500]))
    if draw(st.integers(0, 15)) == 0:
        packet.frag_offset = 3
    if draw(st.integers(0, 15)) == 0:
        packet.bad_checksum = True
    return packet


def _said(by: object) -> tuple[object, ...] | None:
    return None if by is None else (by.table, by.chain, by.kind, by.num)  # type: ignore[attr-defined]


def _compare(text: str, family: int, sent: list[Packet]) -> None:
    engine = Engine(load(text, f"ipv{family}", variant="legacy"))
    judge = Judge(load(text, f"ipv{family}", variant="legacy"))
    wanted = []
    for packet in sent:
        engine.forget()
        whole = packet.copy()
        trip = engine.receive(whole, packet.iniface, packet.outiface) if packet.iniface else engine.send(whole, packet.outiface)
        wanted.append((trip.verdict, _said(trip.decided)))
    found = [(verdict, _said(by)) for verdict, by in judge.judged([packet.copy() for packet in sent])]
    assert found == wanted
    if "REJECT" not in text:
        assert judge.counters().save(counters=True) == engine.counters().save(counters=True)
        counted = {(table, chain, num): packets for table, chain, num, _, packets, _ in judge.hits()}
        for table, chain, num, rule in engine.counters().rules():
            assert counted[table.name, chain.name, num] == rule.packets


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(rulesets(), st.lists(packets(), min_size=1, max_size=8))
def test_judge_says_what_the_engine_says(text: str, sent: list[Packet]) -> None:
    _compare(text, 4, sent)


@pytest.mark.parametrize("family", [4, 6])
def test_any_ruleset(family: int) -> None:
    """Rulesets with every target: most packets go the whole way, the answers stay the engine's."""
    known = features(family)
    hosts = _HOSTS if family == 4 else [(0xFD << 120) | 2, (0xFD << 120) | (1 << 64) | 2]
    for seed in range(60):
        case = make_case(seed, family, known)
        if "error" in run_scenario({**case, "packets": []}):
            continue  # a ruleset that the kernel refuses
        sent = []
        for number in range(6):
            packet = Packet(family, hosts[number % 2], hosts[1 - number % 2], (6, 17)[number % 2])
            packet.tcp_flags, packet.length = 2, 60
            packet.sport, packet.dport = 4000 + number // 3, 80
            packet.iniface, packet.outiface = (("eth0", "eth1"), ("eth0", ""), ("", "eth1"))[number % 3]
            sent.append(packet)
        _compare(case["rules"], family, sent)


def test_neither_in_nor_out() -> None:
    judge = Judge(load("*filter\n:INPUT DROP [0:0]\nCOMMIT\n"))
    with pytest.raises(ValueError, match="interface"):
        list(judge.verdicts([Packet(4, 1, 2, 17)]))


def test_open_matches_are_kept_once() -> None:
    judge = Judge(load("*filter\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -m owner --uid-owner 0 -j DROP\nCOMMIT\n"))
    sent = []
    for _ in range(5):
        packet = Packet(4, 1, 2, 17)
        packet.outiface = "eth0"
        sent.append(packet)
    assert list(judge.verdicts(sent)) == ["ACCEPT"] * 5
    assert [each.match for each in judge.unknown] == ["-m owner --uid-owner 0"]
