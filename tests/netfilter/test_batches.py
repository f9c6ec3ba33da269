"""Engines that are prepared for many packets say what others say: steps, fates, counters."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyiptables.netfilter.player import ScenarioError
from pyiptables.tools.scenario import RulesError, answer_of, open_scenario

sys.path.insert(0, str(Path(__file__).parents[1] / "kernel"))
from comparing import features
from generator import make_case
from themes import make_themed_case

Json = dict[str, Any]
_CHANGES: dict[str, list[Any]] = {
    "sport": [1, 22, 1024, 40000], "dport": [22, 53, 80, 443], "ttl": [1, 2, 64], "tos": [0, 8, 0xB8], "mark": [0, 1, 0x10],
    "flags": ["SYN", "ACK", "RST", "FIN,ACK"], "type": [0, 8, 128], "l2": ["unicast", "broadcast"],
}  # fmt: skip


def _packets(case: Json, seed: int) -> list[Json]:
    """The packets of a case, each again as it is and a little otherwise, so that many go where others have been."""
    rng = random.Random(seed)
    found = []
    for packet in case["packets"]:
        found.append(packet)
        if not packet.keys() & {"reply_to", "related_to", "expected_by"}:
            found.append(packet)
            changed = [key for key in _CHANGES if key in packet or key in ("ttl", "tos", "mark", "l2")]
            found += [{**packet, key: rng.choice(_CHANGES[key])} for key in rng.sample(changed, 3)]
    return found


def _answer(case: Json, packets: list[Json], batch: bool) -> Json:
    player = open_scenario(case, batch=batch)
    for packet in packets:
        try:
            player.play_next(packet)
        except ScenarioError:
            continue
    return answer_of({**case, "counters": True}, player)


@pytest.mark.parametrize("make", [make_case, make_themed_case])
@pytest.mark.parametrize("family", [4, 6])
def test_any_scenario(family: int, make: Callable[[int, int, frozenset[str]], Json]) -> None:
    known = features(family)
    for seed in range(100):
        case = make(seed, family, known)
        packets = _packets(case, seed)
        try:
            assert _answer(case, packets, True) == _answer(case, packets, False), seed
        except RulesError:
            continue  # a ruleset that the kernel refuses
