"""Ours against the real iptables: the written sessions, and random ones.

``PYIPTABLES_SEQUENCES`` is the number of random sessions (default 40), ``PYIPTABLES_SEED`` makes a run repeatable.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from programs import disagreements, load_oracle
from sequences import sessions
from sessions import Session, read_sessions

ORACLE, REASON = load_oracle()
pytestmark = [pytest.mark.oracle, pytest.mark.skipif(ORACLE is None, reason=REASON)]

WRITTEN = [session for path in sorted(Path(__file__).parent.glob("sessions/*.session")) for session in read_sessions(path)]
SEQUENCES = int(os.environ.get("PYIPTABLES_SEQUENCES", "40"))
SEED = os.environ.get("PYIPTABLES_SEED")


@pytest.mark.parametrize("session", WRITTEN, ids=lambda session: session.id)
def test_written_session(session: Session) -> None:
    assert ORACLE is not None
    report = disagreements(ORACLE, session)
    assert not report, "\n".join(report)


@(seed(int(SEED)) if SEED else lambda test: test)
@settings(max_examples=SEQUENCES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(session=sessions())
def test_random_session(session: Session) -> None:
    assert ORACLE is not None
    report = disagreements(ORACLE, session)
    assert not report, "\n".join(report)
