"""``trace --format kernel`` against what the kernel itself writes into its log for the same random scenarios.

Needs root, the kernel oracle and ``/dev/kmsg``. ``KERNEL_CASES`` and ``KERNEL_FIRST`` as for ``test_kernel.py``.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from comparing import features
from generator import make_case
from kernel_log import line_differences, logging_kernel
from themes import make_themed_case


@pytest.mark.oracle
@pytest.mark.parametrize("family", [4, 6])
def test_the_lines_of_the_kernel_log(family: int, kernel_oracle: ModuleType) -> None:
    if not os.access("/dev/kmsg", os.R_OK):
        pytest.skip("the kernel's log cannot be read")
    first = int(os.environ.get("KERNEL_FIRST", "0"))
    known = features(family)
    seeds = range(first, first + int(os.environ.get("KERNEL_CASES", "40")))
    cases = [make(seed, family, known) for make in (make_case, make_themed_case) for seed in seeds]
    cases.sort(key=lambda case: json.dumps(case["host"]))  # namespaces are built once for each host
    wrong, lines = [], 0
    with logging_kernel(kernel_oracle) as kernel:
        for case in cases:
            answer = kernel.run_case(case)
            if "error" in answer:
                continue
            lines += len(answer["log"])
            found = line_differences(case, answer["log"])
            if found:
                wrong.append(f"{case['name']}\n{case['rules']}" + "\n".join(found))
    assert lines > 10 * len(cases)
    assert not wrong, f"{len(wrong)} of {len(cases)} differ\n" + "\n".join(wrong[:5])
