"""The packet that a finding shows is one the packet language takes, and the rule decides about it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pyiptables import load
from pyiptables.analysis.program import VERDICT
from pyiptables.analysis.reachability import REACHED
from pyiptables.lint.effect import reachabilities
from pyiptables.lint.settings import Settings
from pyiptables.lint.subject import Subject, read_save_file
from pyiptables.lint.witness import witness
from pyiptables.netfilter.description import packet_of
from pyiptables.netfilter.language import parse_packets
from pyiptables.netfilter.packet import Context

sys.path.insert(0, str(Path(__file__).parents[1] / "analysis"))

from mutants import RULESETS


@pytest.mark.parametrize("name", RULESETS)
def test_rules_match_their_witness(name: str) -> None:
    family, text = RULESETS[name]
    subject = Subject("rules", text.encode(), Settings(), family)
    read_save_file(subject)
    load(text, f"ipv{family}")
    tried = 0
    for _, table, reachability in reachabilities(subject):
        for reach in reachability:
            step = reach.step
            line = witness(reachability, step) if reach.status == REACHED and step.kind == VERDICT and table == "filter" else None
            if line is None or "#" in line:
                continue
            described = parse_packets(line)[0]
            packet = packet_of(described, family)
            packet.iniface = described.get("in", "")
            assert packet.family == family, line
            spec = step.rule.spec
            assert spec is not None
            asked = [match for match in spec.matches if match.name not in ("limit", "recent", "conntrack", "state")]
            answers = [match.matches(packet, Context(family)) for match in asked]
            assert False not in answers, (line, step)
            tried += 1
    assert tried > 5
