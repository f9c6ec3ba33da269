from __future__ import annotations

import sys

import pytest


@pytest.fixture
def slowdown() -> float:
    """How much longer code may take here than by itself: coverage counts each line of it."""
    return 4 if sys.gettrace() is not None else 1
