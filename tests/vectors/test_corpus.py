"""Real rule files, restored and saved: the answers that the real iptables 1.8.11 gave (``golden`` beside the files).

The corpus lies outside the project; ``PYIPTABLES_CORPUS`` says where, and without it these tests are skipped.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from pyiptables import run

CORPUS = Path(os.environ.get("PYIPTABLES_CORPUS", Path(__file__).resolve().parents[3] / "shared" / "corpus"))
GOLDEN = sorted((CORPUS / "golden").glob("*.json"))
pytestmark = pytest.mark.skipif(not GOLDEN, reason=f"no corpus at {CORPUS} (set PYIPTABLES_CORPUS)")


def _normalised(saved: str) -> str:
    """A save without its comments and with all counters at zero."""
    lines = [re.sub(r"\[\d+:\d+\]", "[0:0]", line) for line in saved.splitlines() if not line.startswith("#")]
    return "".join([f"{line}\n" for line in lines])


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name.removesuffix(".json"))
def test_corpus_golden(path: Path, tmp_path: Path) -> None:
    golden: dict[str, Any] = json.loads(path.read_text("utf-8"))
    text = (CORPUS / "save" / golden["file"]).read_text(golden["encoding"])

    def step(name: str, folder: str, stdin: str | None) -> str:
        program, *options = golden[name]["argv"]
        if golden["variant"] == "legacy":
            base, dash, kind = program.partition("-")
            program = f"{base}-legacy{dash}{kind}"
        done = run([program, *options], state=tmp_path / folder, stdin=stdin)
        assert done.returncode == golden[name]["rc"], name
        assert done.stderr == golden[name]["stderr"], name
        return done.stdout

    assert step("test", "tested", text) == golden["test"]["stdout"]
    assert step("restore", "restored", text) == golden["restore"]["stdout"]
    assert _normalised(step("save", "restored", None)) == golden["save_normalised"]
