"""Tracing from Python: one packet, flows, hosts, scenarios."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import HOST, RULES

import pyiptables


def test_a_packet_and_what_decided() -> None:
    rules = pyiptables.load(RULES)
    found = pyiptables.trace(rules, "tcp 198.51.100.7:5 -> 203.0.113.1:22 in eth0")
    assert (found.verdict, str(found)) == ("REJECT", "REJECT by filter/SSH rule 2")
    assert found.decided_by is not None and found.decided_by["text"] == "-A SSH -p tcp -j REJECT --reject-with tcp-reset"
    assert found.as_dict()["schema"] == "pyiptables.trace/1" and found.trips[0].ctstate == "NEW"
    described = {"proto": "udp", "src": "1.2.3.4", "dst": "203.0.113.1", "dport": 53, "in": "eth0"}
    assert str(pyiptables.trace(rules, described)) == "ACCEPT by filter/INPUT rule 5, delivered to this host"


def test_flows_and_hosts() -> None:
    rules = pyiptables.load(RULES)
    flow: list[dict[str, Any]] = [{"proto": "udp", "src": "10.0.0.7", "sport": 5, "dst": "192.0.2.9", "dport": 53}, {"reply_to": 0}]
    found = pyiptables.trace(rules, flow, HOST)
    assert [trip.ctstate for trip in found.trips] == ["NEW", "ESTABLISHED"]
    assert found.as_dict()["packets"][1]["final"]["dst"] == "10.0.0.7"
    sets = {**HOST, "ipset": ["create bad hash:ip", "add bad 10.0.0.7"], "conntrack": ""}
    banned = pyiptables.load("*filter\n-A FORWARD -m set --match-set bad src -j DROP\nCOMMIT\n")
    assert pyiptables.trace(banned, flow[0], sets).verdict == "DROP"


def test_scenarios() -> None:
    case = {
        "rules": "*filter\n-A FORWARD -j DROP\nCOMMIT\n",
        "packets": [{"from": "a", "src": "10.0.0.2", "dst": "10.0.1.2"}],
        "counters": True,
    }
    one = pyiptables.trace_scenario(case)
    packet = one["packets"][0]
    assert {"steps", "fate", "ctstate", "ctdir", "mark", "reason", "sent"} <= packet.keys() and "[1:28] -A FORWARD -j DROP" in one[
        "counters"
    ]
    assert set(packet["steps"][0]) == {
        "hook",
        "table",
        "chain",
        "kind",
        "num",
        "in",
        "out",
        "src",
        "dst",
        "sport",
        "dport",
        "ttl",
        "tos",
        "mark",
    }
    assert [each["name"] for each in pyiptables.trace_scenario([{**case, "name": "x"}, {**case, "name": "y"}])] == ["x", "y"]


@pytest.mark.parametrize(
    "packet", ["udp 1.2.3.4 -> 5.6.7.8", "nonsense", {"src": "1.2.3.4"}, {"src": "1.2.3.4", "dst": "5.6.7.8", "in": "eth0", "ttl": 300}, []]
)
def test_what_cannot_be_is_a_value_error(packet: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        pyiptables.trace(pyiptables.load(RULES), packet)
