"""Our own subcommands called wrongly: one line that says what is meant and where to read on, and exit status 2."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pyiptables.commands import main

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("traec", "pyiptables: no such command 'traec', did you mean 'trace'? (see pyiptables --help)"),
        ("iptable -L", "pyiptables: no such command 'iptable', did you mean 'iptables'? (see pyiptables --help)"),
        ("xyzzy", "pyiptables: no such command 'xyzzy' (see pyiptables --help)"),
        ("--stat x lint", "pyiptables: no such option '--stat', did you mean '--state'? (see pyiptables --help)"),
        ("trace --rulse x", "pyiptables trace: no such option '--rulse', did you mean '--rules'? (see pyiptables trace --help)"),
        ("trace --rules", "pyiptables trace: option '--rules' requires an argument (see pyiptables trace --help)"),
        ("lint", "pyiptables lint: name a file, a folder or - for standard input (see pyiptables lint --help)"),
        ("lint --select U9 x", "pyiptables lint: no check is called 'U9'; --list shows them all (see pyiptables lint --help)"),
        ("plan", "pyiptables plan: missing argument 'SCRIPT|-' (see pyiptables plan --help)"),
        ("shims a b", "pyiptables shims: got unexpected extra argument (b) (see pyiptables shims --help)"),
        ("completion", "pyiptables completion: missing argument '{bash|zsh|fish}'. Choose from: bash, zsh, fish (see pyiptables completion --help)"),
        ("reset --state file --yes", "pyiptables reset: file: Not a directory"),
        ("demo --keep file", "pyiptables: file: File exists"),
    ],
)  # fmt: skip
def test_one_line(words: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(SystemExit) as left:
        main(words.split())
    assert (left.value.code, *capsys.readouterr()) == (2, "", f"{line}\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8:strict"])
def test_what_an_encoding_has_not_is_escaped(encoding: str, tmp_path: Path) -> None:
    """A comment of letters and of bytes that are no letters, in each kind of report."""
    (tmp_path / "fw.sh").write_bytes(b'iptables -A INPUT -m comment --comment "caf\xc3\xa9 \xff \xe2\x86\x92" -j ACCEPT\n')
    rules = b'*filter\n:INPUT DROP [0:0]\n-A INPUT -m comment --comment "caf\xc3\xa9 \xff \xe2\x86\x92" -j ACCEPT\nCOMMIT\n'
    (tmp_path / "rules.v4").write_bytes(rules)
    environ = {**os.environ, "PYTHONIOENCODING": encoding, "PYIPTABLES_ALLOW_ROOT": "1", "PYTHONPATH": str(REPOSITORY)}
    for words in (
        ["rehearse", "--fresh", "--", "sh", "fw.sh"],
        ["plan", "fw.sh"],
        ["lint", "--exit-zero", "--output-format", "full", "fw.sh"],
        ["trace", "--rules", "rules.v4", "udp 192.0.2.1:1 -> 192.0.2.2:2 in eth0"],
    ):
        if words[0] == "rehearse" and not hasattr(os, "mkfifo"):
            continue
        done = subprocess.run([sys.executable, "-m", "pyiptables", *words], cwd=tmp_path, env=environ, capture_output=True, check=False)
        assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
        assert b"caf" in done.stdout
    arrow = "→".encode() if encoding.startswith("utf-8") else b"->"
    assert b"udp 192.0.2.1:1 %b 192.0.2.2:2" % arrow in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="folders in use stay")
def test_in_a_folder_that_is_gone(tmp_path: Path) -> None:
    program = f"{sys.executable} -P -m pyiptables"
    for words in ("lint .", "lint x", "--state x shellenv --shell sh"):
        done = subprocess.run(
            ["sh", "-c", f"mkdir gone && cd gone && rmdir ../gone && {program} {words}"],
            cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (2, "pyiptables: the present folder: No such file or directory\n")
