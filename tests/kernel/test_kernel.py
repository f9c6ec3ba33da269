"""Random scenarios, answered by the real kernel and by us: everything equal, or the difference is printed.

Needs root and the kernel oracle. ``KERNEL_CASES`` says how many seeds to try for each family with each generator (default
40), ``KERNEL_FIRST`` the first seed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from pyiptables.tools.scenario import run_scenario

sys.path.insert(0, str(Path(__file__).parent))
from comparing import differences, features
from generator import Json, make_case
from rulesets import make_ruleset_case
from themes import make_themed_case

pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("make", [make_case, make_themed_case, make_ruleset_case])
@pytest.mark.parametrize("family", [4, 6])
def test_random_scenarios(family: int, make: Callable[[int, int, frozenset[str]], Json], kernel_oracle: ModuleType) -> None:
    first = int(os.environ.get("KERNEL_FIRST", "0"))
    seeds = range(first, first + int(os.environ.get("KERNEL_CASES", "40")))
    known = features(family)
    cases = [make(seed, family, known) for seed in seeds]
    cases.sort(key=lambda case: json.dumps(case["host"]))  # namespaces are built once for each host
    wrong = []
    for case, real in zip(cases, kernel_oracle.run_cases(cases), strict=True):
        found = differences(run_scenario(case), real)
        if found:
            wrong.append(f"{case['name']}\n{case['rules']}" + "\n".join(found))
    assert not wrong, f"{len(wrong)} of {len(cases)} differ\n" + "\n".join(wrong[:5])
