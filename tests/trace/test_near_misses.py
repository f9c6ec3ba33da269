"""Explaining changes nothing: steps are the same, and looking only at near misses finds all of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pyiptables.netfilter.player import Player
from pyiptables.report.trace_reasons import near_misses
from pyiptables.tools.scenario import RulesError, open_scenario

sys.path.insert(0, str(Path(__file__).parents[1] / "kernel"))
from comparing import features
from generator import make_case


def _told(player: Player) -> list[object]:
    return [(answer["steps"], answer["fate"], answer.get("final"), answer.get("replies")) for answer in player.answers]


def _near(player: Player) -> list[list[tuple[str, str, int, list[str]]]]:
    return [sorted((m.hook, m.chain, m.num, m.failed) for m in near_misses(trip)) for trip in player.trips]


@pytest.mark.parametrize("family", [4, 6])
def test_random_scenarios(family: int) -> None:
    """``TRACE_NEAR`` scenarios (default 20) of the kernel comparison."""
    known = features(family)
    seen = 0
    for seed in range(int(os.environ.get("TRACE_NEAR", "20"))):
        case = make_case(seed, family, known)
        ways = ((False, False), (True, True), (True, False))
        try:
            plain, near, whole = (open_scenario(case, explain=explain, near=little) for explain, little in ways)
        except RulesError:
            continue  # some are made to be refused
        for player in (plain, near, whole):
            for packet in case["packets"]:
                player.play_next(packet)
        assert _told(plain) == _told(near) == _told(whole), seed
        assert _near(near) == _near(whole), seed
        seen += sum(map(len, _near(near)))
    assert seen > 10
