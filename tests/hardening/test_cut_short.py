"""Readers that go away, closed streams, interrupts: no traceback, and a state that is whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pyiptables import run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX shells and signals")
REPOSITORY = Path(__file__).resolve().parents[2]
MANY = "*filter\n" + "".join([f"-A INPUT -s 10.0.{i >> 8}.{i & 255}/32 -j ACCEPT\n" for i in range(4000)]) + "COMMIT\n"
PACKETS = "".join([f"tcp 10.0.0.{i}:1 -> 10.1.0.1:80 in eth0\n" for i in range(1, 200)])


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYIPTABLES_STATE": str(folder / "state"), "P": f"{sys.executable} -m pyiptables"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert run(["iptables-restore"], state=tmp_path / "state", stdin=MANY).returncode == 0
    (tmp_path / "rules.v4").write_text(MANY)
    (tmp_path / "packets").write_text(PACKETS)
    return tmp_path


LINES = [
    "$P iptables -S | head -1",
    "$P iptables -L -n | head -1",
    "$P iptables-save | head -1",
    "$P iptables -S >&-",
    "$P iptables-save >/dev/full",
    "$P iptables -S nosuch 2>&-",
    "$P iptables -A INPUT -j ACCEPT >&- 2>&- <&-",
    "$P iptables-restore --test <&-",
    "$P lint --list | head -1",
    "$P lint rules.v4 | head -1",
    "$P lint rules.v4 >&-",
    "$P lint --output-format json rules.v4 >/dev/full",
    "$P trace --rules rules.v4 --packets packets --json | head -1",
    "$P trace --rules rules.v4 --packets packets | head -1",
    "$P trace --rules rules.v4 --packets packets >&-",
    "$P trace --rules rules.v4 --packets packets --json >/dev/full",
    "PYIPTABLES_ALLOW_ROOT=1 $P rehearse --fresh -- iptables -A INPUT -j DROP >/dev/full",
    "PYIPTABLES_ALLOW_ROOT=1 $P rehearse --fresh --json -- iptables -A INPUT -j DROP >/dev/full",
    "$P --help | head -1",
    "$P --help >&-",
    "$P shellenv | head -1",
    "$P completion bash | head -1",
]


@pytest.mark.parametrize("line", LINES)
def test_output_that_nobody_reads(folder: Path, line: str) -> None:
    done = subprocess.run(
        ["sh", "-c", line], cwd=folder, env=_environment(folder), capture_output=True, text=True, timeout=120, check=False
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert run(["iptables", "-S"], state=folder / "state").returncode == 0


@pytest.mark.parametrize(
    "words", [["iptables-restore"], ["iptables-legacy-restore"], ["trace", "--packets", "-"], ["lint", "-"]], ids=" ".join
)
def test_interrupted_while_it_waits_for_input(folder: Path, words: list[str]) -> None:
    argv = [sys.executable, "-m", "pyiptables", *words]
    pipe = subprocess.PIPE
    process = subprocess.Popen(argv, cwd=folder, env=_environment(folder), stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in told
    assert run(["iptables-save"], state=folder / "state").stdout.count("\n-A INPUT") == 4000


def test_interrupted_while_it_waits_for_the_lock(folder: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    with (folder / "state" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for words in (["iptables", "-F"], ["iptables-legacy", "-w", "-F"], ["iptables-legacy", "-w", "30", "-F"]):
            argv = [sys.executable, "-m", "pyiptables", *words]
            process = subprocess.Popen(argv, env=_environment(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            time.sleep(0.6)
            assert process.poll() is None, "it should wait"
            process.send_signal(signal.SIGINT)
            out, told = process.communicate(timeout=20)
            assert (process.returncode, out, told) == (130, "", "")
    assert run(["iptables-save"], state=folder / "state").stdout.count("\n-A INPUT") == 4000
