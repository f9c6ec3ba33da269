"""The document of many packets, line by line, is the document of each."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from pyiptables.netfilter.player import ScenarioError
from pyiptables.report.trace_document import trip_document, trip_line
from pyiptables.tools.scenario import open_scenario

_VECTORS = json.loads(gzip.decompress((Path(__file__).parents[1] / "kernel" / "vectors.json.gz").read_bytes()))
_ODD = r"""*filter
:FORWARD DROP [0:0]
-A FORWARD -p udp -m comment --comment "100% \"sure\" über %s" -j ACCEPT
COMMIT
"""


def _lines_agree(case: dict) -> int:
    player = open_scenario(case)
    compared = 0
    for packet in case["packets"]:
        try:
            trip = player.play_next(packet)
        except ScenarioError:
            break
        for _ in range(2):
            assert trip_line(trip, packet) == json.dumps(trip_document(trip, packet), ensure_ascii=False)
        compared += 1
    return compared


def test_lines_of_recorded_scenarios() -> None:
    assert sum(_lines_agree(case) for case, _ in _VECTORS) > 500


def test_texts_with_marks_of_their_own() -> None:
    packets = [{"src": "10.0.0.2", "dst": "10.0.1.2", "sport": 4000 + at, "dport": 53, "in": "50%", "out": 'e"th'} for at in range(3)]
    assert _lines_agree({"family": 4, "rules": _ODD, "host": None, "packets": packets}) == 3
