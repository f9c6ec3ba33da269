"""The campus firewall: what was planted is found, and explained by a rule that stands before it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import pyiptables
from pyiptables.analysis.difference import diff
from pyiptables.analysis.program import compile_table
from pyiptables.analysis.reachability import REACHED, SHADOWED, Reachability
from pyiptables.analysis.space import Space

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from campus import campus


@pytest.mark.parametrize("family", [4, 6])
def test_planted_rules_are_found(family: int) -> None:
    text, planted = campus(family, vlans=12, hosts=30)
    ruleset = pyiptables.load(text, f"ipv{family}")
    reachability = Reachability(compile_table(ruleset, "filter", Space(family)))
    assert len(planted) > 20
    for chain, number in planted:
        reach = reachability.of(chain, number)
        assert reach.status == SHADOWED
        assert reach.by
        assert all(cover.chain.name == chain and cover.number < number for cover in reach.by)
    for reach in reachability:
        if reach.status == REACHED:
            assert reachability.witness(reach.step).packet is not None


def test_a_rule_more_is_a_difference() -> None:
    text, _ = campus(vlans=6, hosts=20)
    before = pyiptables.load(text, "ipv4")
    after = pyiptables.load(text.replace("\nCOMMIT", "\n-A to_103 -p udp -j ACCEPT\nCOMMIT"), "ipv4")
    assert diff(before, after) == []  # behind a jump that never returns
    line = "-A to_103 -d 10.3.0.1/32 -p udp -m udp --dport 9 -j ACCEPT\n-A to_103 "
    after = pyiptables.load(text.replace("-A to_103 ", line, 1), "ipv4")
    found = diff(before, after)
    assert {(difference.chain, difference.after) for difference in found} == {("FORWARD", "ACCEPT")}
    assert all(difference.cause is not None and difference.cause.number == 1 for difference in found)
    assert all(difference.example["dst"] == "10.3.0.1" for difference in found)
