"""The benchmark runs: every row gives its figures (of a hundredth of the work; nothing is timed here)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not (Path(sys.executable).parent / "pyiptables").exists(), reason="pyiptables is not installed beside this Python")
def test_every_row_is_measured() -> None:
    script = Path(__file__).with_name("run.py")
    argv = [sys.executable, str(script), "--quick", "--json", "--no-real"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    rows = json.loads(done.stdout)["rows"]
    assert len({row["row"] for row in rows}) == len(rows) > 15
    for row in rows:
        assert row["figures"], row["row"]
        assert all(figure > 0 for name, figure in row["figures"].items() if name != "bytes a rule"), row
