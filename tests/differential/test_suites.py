"""A part of iptables' own test suites with our programs (``suites.py`` runs all of them)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from suites import VARIANTS, run_extensions, run_shell

SOURCES = Path(os.environ.get("PYIPTABLES_SOURCES", "/nonexistent"))
pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(
        not (SOURCES / "iptables-test.py").is_file() or not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("unshare"),
        reason="needs root and iptables' sources (suites.py fetch FOLDER, then set PYIPTABLES_SOURCES)",
    ),
]
FILES = ("libxt_mark.t", "libipt_REJECT.t", "libip6t_frag.t")
SHELL = ("chain/0002newchain_0", "ip6tables/0005-rule-check_0", "iptables/0007-zero-counters_0")


@pytest.mark.parametrize("variant", VARIANTS)
def test_extension_files(variant: str) -> None:
    done = run_extensions(SOURCES, [f"extensions/{name}" for name in FILES], False, (variant,))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("variant", VARIANTS)
def test_shell_tests(variant: str) -> None:
    done = run_shell(SOURCES, [f"testcases/{name}" for name in SHELL], False, (variant,))
    assert done.returncode == 0, done.stdout
