"""What the real iptables once answered (``tests/differential/record.py``), and what ours answers now."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "differential"))

from programs import Ours, answers, told  # noqa: E402
from sessions import Answer, Session, Step  # noqa: E402


def _records(path: Path) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads(gzip.decompress(path.read_bytes()))
    return loaded


@pytest.mark.parametrize("path", sorted(HERE.glob("*.json.gz")), ids=lambda path: path.name.partition(".")[0])
def test_recorded_answers(path: Path) -> None:
    records = _records(path)
    assert records
    report = []
    for record in records:
        given = record["session"]
        steps = [Step(**step) for step in given["steps"]]
        session = Session(given["name"], given["family"], given["variant"], steps)
        theirs = [Answer(**answer) for answer in record["answers"]]
        with Ours(session.variant) as ours:
            report += told(session, theirs, answers(ours, session))
    assert not report, f"{len(report)} answers differ\n" + "\n".join(report[:20])
