"""Random scenarios, answered by the real kernel and by us: everything equal, or the difference is printed.

Needs root and the kernel oracle. ``KERNEL_ORACLE`` names its directory, ``KERNEL_CASES`` how many seeds to try for each
family with each generator (default 40), ``KERNEL_FIRST`` the first seed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pyiptables.tools.scenario import run_scenario

sys.path.insert(0, str(Path(__file__).parent))
from comparing import differences, features
from generator import Json, make_case
from themes import make_themed_case

pytestmark = pytest.mark.oracle

_HOME = Path(os.environ.get("KERNEL_ORACLE", Path(__file__).parents[3] / "shared" / "oracle"))


def _oracle_module():
    if not (_HOME / "kernel_oracle.py").exists():
        pytest.skip("no kernel oracle here")
    sys.path.insert(0, str(_HOME))
    import kernel_oracle

    reason = kernel_oracle.unavailable_reason()
    if reason is not None:
        pytest.skip(f"the kernel oracle cannot run: {reason}")
    return kernel_oracle


@pytest.mark.parametrize("make", [make_case, make_themed_case])
@pytest.mark.parametrize("family", [4, 6])
def test_random_scenarios(family: int, make: Callable[[int, int, frozenset[str]], Json]) -> None:
    oracle = _oracle_module()
    first = int(os.environ.get("KERNEL_FIRST", "0"))
    seeds = range(first, first + int(os.environ.get("KERNEL_CASES", "40")))
    known = features(family)
    cases = [make(seed, family, known) for seed in seeds]
    cases.sort(key=lambda case: json.dumps(case["host"]))  # namespaces are built once for each host
    wrong = []
    for case, real in zip(cases, oracle.run_cases(cases), strict=True):
        found = differences(run_scenario(case), real)
        if found:
            wrong.append(f"{case['name']}\n{case['rules']}" + "\n".join(found))
    assert not wrong, f"{len(wrong)} of {len(cases)} differ\n" + "\n".join(wrong[:5])
