"""Shims, the rehearsal shell, and the empty state again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pyiptables.tools.run import run
from pyiptables.tools.shims import SHIM_NAMES, ShimError, write_shims

pytestmark = pytest.mark.skipif(os.name != "posix", reason="shell scripts")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("PYIPTABLES_VARIANT", "PYIPTABLES_STATE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    return tmp_path


def _pyiptables(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "pyiptables", *words], capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("words", [["shims", "bin", "--state", "state"], ["--state", "state", "shims", "bin"]])
def test_a_script_meets_the_state(place: Path, words: list[str]) -> None:
    assert _pyiptables(*words).returncode == 0
    script = "iptables -P INPUT DROP\nip6tables -N SIX\niptables-save | iptables-restore\niptables-legacy -V\n"
    # Neither another folder nor modules in it get in between.
    (place / "elsewhere").mkdir()
    for module in ("gc", "errno", "fcntl", "pyiptables"):
        (place / "elsewhere" / f"{module}.py").write_text("raise SystemExit('in between')\n", encoding="utf-8")
    done = subprocess.run(
        ["sh", "-c", script], cwd="elsewhere", env=os.environ | {"PATH": f"{place}/bin:{os.environ['PATH']}"}, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert (done.stdout, done.stderr, done.returncode) == ("iptables v1.8.11 (legacy)\n", "", 0)
    assert "-P INPUT DROP" in run(["iptables", "-S"], state="state").stdout
    assert "-N SIX" in run(["ip6tables", "-S"], state="state").stdout


def test_shims_are_replaced_and_nothing_else_is(place: Path) -> None:
    assert write_shims("bin") == list(SHIM_NAMES)
    write_shims("bin", "state")
    (place / "bin" / "ip6tables-save").write_text("#!/bin/sh\nexec something else\n", encoding="utf-8")
    with pytest.raises(ShimError, match="exists and is not a shim"):
        write_shims("bin")
    assert "something else" in (place / "bin" / "ip6tables-save").read_text(encoding="utf-8")
    (place / "file").touch()
    done = _pyiptables("shims", "file/bin")
    assert (done.returncode, done.stderr) == (2, "pyiptables shims: file/bin: Not a directory\n")


_SESSION = """
. ./env
iptables -A INPUT -j DROP
iptables -S INPUT
pyiptables --version
echo "PS1=$PS1"
. ./env
pyiptables_off
echo "PS1=$PS1 STATE=${PYIPTABLES_STATE-none}"
[ "$PATH" = "$BEFORE" ] && echo same path
"""
_FISH_SESSION = """
source env
iptables -A INPUT -j DROP
iptables -S INPUT
pyiptables --version
fish_prompt; echo
source env
pyiptables_off
fish_prompt; echo " STATE=$PYIPTABLES_STATE"
test "$PATH" = "$BEFORE"; and echo same path
"""


@pytest.mark.parametrize(("shell", "code"), [("sh", "sh"), ("dash", "sh"), ("bash", "bash"), ("zsh", "zsh"), ("bash", "sh"), ("zsh", "sh")])
def test_a_rehearsal_shell(place: Path, shell: str, code: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (place / "env").write_text(_pyiptables("shellenv", "--state", "it's a state", "--shell", code).stdout, encoding="utf-8")
    environ = os.environ | {"PS1": "before$ ", "BEFORE": os.environ["PATH"]}
    options = {"zsh": ["-f"], "bash": ["--norc"]}.get(shell, [])
    done = subprocess.run([shell, *options, "-c", f"PS1='before$ '\n{_SESSION}"], env=environ, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[:2] == ["-P INPUT ACCEPT", "-A INPUT -j DROP"]
    assert lines[2].startswith("pyiptables ")
    assert lines[3:] == ["PS1=(iptables) before$ ", "PS1=before$  STATE=none", "same path"]


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_a_rehearsal_in_fish(place: Path) -> None:
    (place / "env").write_text(_pyiptables("shellenv", "--state", "it's a state", "--shell", "fish").stdout, encoding="utf-8")
    start = "function fish_prompt; echo -n 'before> '; end\n"
    environ = os.environ | {"BEFORE": os.environ["PATH"]}
    done = subprocess.run(["fish", "--no-config", "-c", start + _FISH_SESSION], env=environ, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[:2] == ["-P INPUT ACCEPT", "-A INPUT -j DROP"]
    assert lines[3:] == ["(iptables) before> ", "before>  STATE=", "same path"]


def test_a_folder_that_cannot_be_on_the_path(place: Path) -> None:
    done = _pyiptables("shellenv", "--state", "a:b")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"pyiptables shellenv: {place}/a:b/bin: a folder with ':' in its name cannot be on the PATH\n"
    assert not (place / "a:b").exists()


def test_the_shell_is_found_out(place: Path) -> None:
    if not Path("/proc/self/comm").exists():
        pytest.skip("no /proc here")
    done = subprocess.run(
        ["bash", "--norc", "-c", f'eval "$({sys.executable} -m pyiptables shellenv)"; iptables -S INPUT; complete -p | grep -c _pyiptables'],
        env=os.environ | {"SHELL": "/usr/bin/fish"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("-P INPUT ACCEPT\n0\n", ""), "completions are for shells at a prompt"


def test_reset(place: Path) -> None:
    assert "is empty" in _pyiptables("reset", "--state", "state").stdout
    assert not (place / "state").exists()
    for program in ("iptables", "ip6tables"):
        run([program, "-N", "X"], state="state")
    refused = _pyiptables("reset", "--state", "state", input="n\n")
    assert refused.returncode == 1
    assert "-N X" in run(["iptables", "-S"], state="state").stdout
    assert _pyiptables("--state", "state", "reset", "--yes").returncode == 0
    for program in ("iptables", "ip6tables"):
        assert "-N X" not in run([program, "-S"], state="state").stdout
