"""What the kernel answered to recorded scenarios, against what we answer. Needs neither root nor a kernel.

``record.py`` makes the file anew.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import pytest

from pyiptables.tools.scenario import run_scenario

sys.path.insert(0, str(Path(__file__).parent))
from comparing import copy_differences, differences
from kernel_log import line_differences

_VECTORS = json.loads(gzip.decompress((Path(__file__).parent / "vectors.json.gz").read_bytes()))


@pytest.mark.parametrize("family", [4, 6])
def test_recorded(family: int) -> None:
    wrong = []
    for case, real in _VECTORS:
        if case["family"] == family:
            ours = run_scenario(case)
            if " -j TEE" in case["rules"]:
                found = copy_differences(case, ours, real)
            else:
                found = differences(ours, real)
                if " -j SYNPROXY" not in case["rules"]:
                    found += line_differences(case, real["log"])
            if found:
                wrong.append(f"{case['name']}\n{case['rules']}" + "\n".join(found))
    assert not wrong, f"{len(wrong)} differ\n" + "\n".join(wrong[:5])
