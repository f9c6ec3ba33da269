"""Record the kernel's answers to scenarios, and its log, into ``vectors.json.gz``: ``record.py SEEDS`` (as root, with the oracle).

Random ones of the seeds 0 to SEEDS - 1, three times as many themed ones, and those of ``chosen.py`` that show one thing each.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE), os.environ.get("KERNEL_ORACLE", str(HERE.parents[2] / "shared" / "oracle"))]

import kernel_oracle  # noqa: E402
from chosen import CASES  # noqa: E402
from comparing import features  # noqa: E402
from generator import make_case  # noqa: E402
from kernel_log import logging_kernel  # noqa: E402
from themes import make_themed_case  # noqa: E402


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    known = {family: features(family) for family in (4, 6)}
    cases = CASES + [make_case(seed, family, known[family]) for seed in range(seeds) for family in (4, 6)]
    cases += [make_themed_case(seed, family, known[family]) for seed in range(3 * seeds) for family in (4, 6)]
    cases.sort(key=lambda case: json.dumps(case.get("host")))
    with logging_kernel(kernel_oracle) as kernel:
        # Without its log the kernel answers as the other tests see it.
        answers = zip(kernel_oracle.run_cases(cases), [kernel.run_case(case)["log"] for case in cases], strict=True)
    pairs = [[case, answer | {"log": log}] for case, (answer, log) in zip(cases, answers, strict=True) if "error" not in answer]
    data = json.dumps(pairs, separators=(",", ":")).encode()
    (HERE / "vectors.json.gz").write_bytes(gzip.compress(data, 9, mtime=0))


if __name__ == "__main__":
    main()
