"""The hooks of ``.pre-commit-hooks.yaml``, run by pre-commit itself over a repository of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

MANIFEST = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"
PRE_COMMIT = (sys.executable, "-m", "pre_commit")
needs_pre_commit = pytest.mark.skipif(
    find_spec("pre_commit") is None or shutil.which("git") is None, reason="pre-commit and git are not here"
)


def call(*words: str, cwd: Path, path: str = "") -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PATH": path + os.environ["PATH"], "PRE_COMMIT_HOME": str(cwd / ".cache"), "GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False)


@needs_pre_commit
def test_manifest_is_valid(tmp_path: Path) -> None:
    done = call(*PRE_COMMIT, "validate-manifest", str(MANIFEST), cwd=tmp_path)
    assert done.returncode == 0, done.stdout


@needs_pre_commit
def test_hooks_take_the_files_they_are_for(tmp_path: Path) -> None:
    """The manifest's hooks as local ones, with the pyiptables that is installed here: nothing is downloaded."""
    pytest.importorskip("tree_sitter_bash", reason="scripts need the lint extra")
    hooks = MANIFEST.read_text().replace("language: python", "language: system")
    hooks = re.sub(r" +# .*\n|  additional_dependencies:.*\n", "", hooks)
    config = "repos:\n- repo: local\n  hooks:\n" + "".join([f"  {line}\n" for line in hooks.splitlines()])
    (tmp_path / ".pre-commit-config.yaml").write_text(config)
    (tmp_path / "rules.v4").write_text("*filter\n-A INPUT -s 10.0.0.300 -j DROP\nCOMMIT\n")
    (tmp_path / "start").write_text("#!/bin/sh\niptables -A INPUT --bad\n")
    (tmp_path / "start").chmod(0o755)
    (tmp_path / "wg0.conf").write_text("[Interface]\nPrivateKey = A\nPostUp = iptables -A INPUT --worse\n")
    (tmp_path / "notes.txt").write_text("iptables -A INPUT --none\n")
    call("git", "init", "-q", cwd=tmp_path)
    call("git", "add", "-A", cwd=tmp_path)
    tools = f"{Path(sys.executable).parent}{os.pathsep}"
    done = call(*PRE_COMMIT, "run", "--all-files", cwd=tmp_path, path=tools)
    assert done.returncode == 1, done.stdout + done.stderr
    for file, code in (("rules.v4:2", "E001"), ("start:2", "E001"), ("wg0.conf:3", "E001")):
        assert re.search(rf"{file}:\d+: {code} ", done.stdout), done.stdout
    assert "notes.txt" not in done.stdout
    (tmp_path / "rules.v4").write_text("*filter\n:INPUT DROP [0:0]\nCOMMIT\n")
    (tmp_path / "start").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "wg0.conf").unlink()
    call("git", "add", "-A", cwd=tmp_path)
    done = call(*PRE_COMMIT, "run", "--all-files", cwd=tmp_path, path=tools)
    assert done.returncode == 0, done.stdout
