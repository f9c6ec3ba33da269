"""Record what the real iptables answers to the written sessions and to random ones: ``python record.py``.

Needs root and the oracle. The result, ``tests/vectors/*.json.gz``, lets ``tests/vectors/test_recorded.py`` compare
ours without either. Random sessions come from a fixed seed; ``PYIPTABLES_RECORD`` is their number (default 600).
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from programs import Real, answers, load_oracle
from sequences import sessions
from sessions import Session, read_sessions

HERE = Path(__file__).resolve().parent
VECTORS = HERE.parent / "vectors"


def recorded(oracle: ModuleType, session: Session) -> dict[str, Any]:
    with Real(oracle, session.variant) as real:
        found = answers(real, session)
    return {"session": asdict(session), "answers": [asdict(answer) for answer in found]}


def write(name: str, records: list[dict[str, Any]]) -> None:
    text = json.dumps(records, separators=(",", ":"), ensure_ascii=True)
    (VECTORS / f"{name}.json.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{name}: {len(records)} sessions, {sum(len(record['answers']) for record in records)} answers")


def main() -> None:
    oracle, reason = load_oracle()
    if oracle is None:
        sys.exit(reason)
    VECTORS.mkdir(exist_ok=True)
    for path in sorted((HERE / "sessions").glob("*.session")):
        write(path.stem, [recorded(oracle, session) for session in read_sessions(path)])
    records: list[dict[str, Any]] = []

    @seed(2)
    @settings(
        max_examples=int(os.environ.get("PYIPTABLES_RECORD", "600")),
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(session=sessions())
    def collect(session: Session) -> None:
        records.append(recorded(oracle, session))

    collect()
    write("random", records)


if __name__ == "__main__":
    main()
