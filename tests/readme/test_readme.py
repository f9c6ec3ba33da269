"""Every command block of README.md is run, in order, in one folder; what a ``console`` block shows must be what comes out.

In shown output a line ``…`` stands for any lines, and times may differ.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_BLOCKS = [(found[1], found[2], README.count("\n", 0, found.start()) + 2) for found in _FENCE.finditer(README)]
_MARK = "== end of a command =="
_SECONDS = re.compile(r"\b\d+\.\d+ s\b")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readme")


def _environment() -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYIPTABLES_")}
    programs = str(Path(sys.executable).parent)
    return env | {"PATH": f"{programs}:{env['PATH']}", "COLUMNS": "100", "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "PYIPTABLES_ALLOW_ROOT": "1"}


def _run(script: str, cwd: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", script], cwd=cwd, env=_environment() | extra, capture_output=True, text=True, timeout=600, check=False
    )


def _sessions(block: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with the output shown below it."""
    found: list[tuple[str, str]] = []
    for line in block.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append((line[2:], ""))
        else:
            command, shown = found[-1]
            found[-1] = (command, shown + line)
    return found


def _pattern(shown: str) -> re.Pattern[str]:
    lines = [line.rstrip() for line in shown.splitlines()]
    parts = [r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("SECONDS", r"\d+\.\d+\ s") + r"[ ]*\n" for line in lines]
    return re.compile("".join(parts))


def _blocks(*kinds: str) -> list[object]:
    return [pytest.param(text, id=f"line-{line}") for kind, text, line in _BLOCKS if kind in kinds]


def test_blocks_are_of_known_kinds() -> None:
    assert {kind for kind, _, _ in _BLOCKS} <= {"sh", "console", "python", "yaml", "text"}


@pytest.mark.parametrize("line", [line for line in README.splitlines() if line.startswith("python3 -m venv")])
def test_one_command_set_ups(line: str, tmp_path: Path) -> None:
    """In a clone; the tests' own command only collects, as it would run this again."""
    clone = tmp_path / "clone"
    shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(".venv", ".*_cache", ".hypothesis", "__pycache__"))
    done = _run(line, clone, PYTEST_ADDOPTS="--collect-only -q")
    if done.returncode and re.search("No matching distribution|Temporary failure|ConnectionError|NewConnectionError", done.stderr):
        pytest.skip("no package index in reach")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def _tour() -> list[tuple[int, str, str | None]]:
    """The units of the shell session: line in the README, command, and the output shown (None: must succeed)."""
    units: list[tuple[int, str, str | None]] = []
    for kind, text, line in _BLOCKS:
        if kind == "console":
            units += [(line, command, shown) for command, shown in _sessions(text)]
        elif kind == "sh" and not text.startswith("python3 -m venv"):
            units.append((line, f"set -e\n{text}set +e\n", None))
    return units


def test_tour(folder: Path) -> None:
    """The shell blocks, in one shell: each must succeed, or show what it shows."""
    units = _tour()
    script = "".join(f"{command}\nprintf '\\n{_MARK}\\n'\n" for _, command, _ in units)
    done = _run(f"exec 2>&1\n{script}", folder)
    outputs = done.stdout.split(f"\n{_MARK}\n")
    for (line, command, shown), output in zip(units, outputs, strict=False):
        if shown is not None:
            wanted = _SECONDS.sub("SECONDS", shown)
            got = _SECONDS.sub("0.00 s", "".join(f"{part.rstrip()}\n" for part in output.splitlines()))
            assert _pattern(wanted).fullmatch(got), f"README.md:{line}: {command}shows\n{shown}but gives\n{output}"
    assert len(outputs) == len(units) + 1, f"README.md:{units[len(outputs) - 1][0]} failed: {outputs[-1]}"


def test_picture(folder: Path) -> None:
    """The picture is what the command of the DNAT question draws."""
    command = next(command for _, command, shown in _tour() if shown is not None and ":8080" in command)
    done = _run(command.replace("trace ", "trace --format svg ", 1), folder / "demo")
    assert done.stdout == (ROOT / "tests" / "readme" / "trace.svg").read_text(encoding="utf-8"), done.stderr


@pytest.mark.parametrize("text", _blocks("python"))
def test_python(text: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=folder / "demo", env=_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", _blocks("yaml"))
def test_ci_snippets(text: str, folder: Path) -> None:
    """The lint command of each snippet runs over a folder ``firewall`` and finds something there."""
    (folder / "firewall").mkdir(exist_ok=True)
    shutil.copy(folder / "demo" / "firewall.sh", folder / "firewall")
    found = re.search(r"(pyiptables lint .*)", text)
    assert found is not None
    done = _run(found[1], folder)
    assert done.returncode in (0, 1), done.stderr
    words = shlex.split(found[1])
    assert done.stdout if ">" not in words else (folder / words[-1]).read_text()
