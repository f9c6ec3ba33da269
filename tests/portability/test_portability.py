"""Systems other than this one: no module of POSIX alone is needed to load anything, and locking has another way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

#: Run in a Python of its own, before anything of ours is loaded.
_WINDOWS = """
import os, signal, sys, types
# These find out themselves what the system is; they must not be misled by the names that are missing below.
import shutil, subprocess, tempfile

MISSING = {"fcntl", "pwd", "grp", "termios", "resource", "posix", "pty", "tty", "syslog", "readline"}


class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name in MISSING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Refusing())
for name in MISSING - {"posix"}:
    sys.modules.pop(name, None)
for name in ("fork", "mkfifo", "geteuid", "getuid", "getppid", "fchmod", "O_NOFOLLOW", "O_CLOEXEC", "O_DIRECTORY"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGHUP", "SIGALRM", "SIGKILL", "SIGPIPE"):
    delattr(signal, name)

held = []
msvcrt = types.ModuleType("msvcrt")
msvcrt.LK_NBLCK = 2


def locking(fd, mode, count):
    if other.get("holds"):
        raise OSError(36, "Resource deadlock avoided")
    held.append((mode, count))


other = {}
msvcrt.locking = locking
sys.modules["msvcrt"] = msvcrt
"""


def _run(code: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", _WINDOWS + code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_everything_loads(tmp_path: Path) -> None:
    code = """
import pkgutil
import pyiptables

count = 0
for module in pkgutil.walk_packages(pyiptables.__path__, "pyiptables."):
    if not module.name.endswith("__main__"):
        __import__(module.name)
        count += 1
print(count)
"""
    assert int(_run(code, tmp_path)) > 250


def test_the_tools_work_and_lock(tmp_path: Path) -> None:
    code = """
import pyiptables

done = pyiptables.run(["iptables", "-A", "INPUT", "-p", "tcp", "--dport", "22", "-j", "ACCEPT"], state="state")
assert (done.returncode, done.stderr) == (0, ""), done
assert held == [(2, 1)], held
other["holds"] = True
done = pyiptables.run(["iptables-legacy", "-N", "X"], state="state")
print(done.returncode, done.stderr, end="")
other.clear()
print(pyiptables.run(["iptables", "-S", "INPUT"], state="state").stdout, end="")
"""
    said = "4 Another app is currently holding the xtables lock. Perhaps you want to use the -w option?\n"
    assert _run(code, tmp_path) == said + "-P INPUT ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n"


@pytest.mark.parametrize("words", [["demo"], ["lint", "--list"], ["shims", "bin"], ["reset", "--yes"], ["--version", "--verbose"]])
def test_commands_start(tmp_path: Path, words: list[str]) -> None:
    code = f"""
os.environ["PYIPTABLES_STATE"] = "state"
sys.argv = ["pyiptables", *{words!r}]
from pyiptables.__main__ import main

main()
"""
    assert _run(code, tmp_path)


def test_a_rehearsal_says_what_it_lacks(tmp_path: Path) -> None:
    code = """
os.environ["PYIPTABLES_STATE"] = "state"
from pyiptables.commands import main

sys.stderr = sys.stdout
try:
    main(["rehearse", "--", "sh", "fw.sh"])
except SystemExit as leave:
    print(leave.code)
"""
    assert _run(code, tmp_path) == "pyiptables rehearse: this system has no named pipes; use `pyiptables shims` instead\n2\n"


def test_the_name_of_the_program_on_windows(tmp_path: Path) -> None:
    code = """
os.environ["PYIPTABLES_STATE"] = "state"
sys.argv = [r"C:\\\\Tools\\\\iptables-save.exe", "-V"]
from pyiptables.__main__ import main

main()
"""
    assert _run(code, tmp_path) == "iptables-save v1.8.11 (nf_tables)\n"


#: What the way of one emulated command must not load: each costs more than the command itself.
_SLOW = {
    "re", "json", "enum", "typing", "dataclasses", "functools", "collections", "inspect", "pathlib", "subprocess", "socket",
    "click", "rich", "pyparsing", "tree_sitter", "importlib.metadata",
}  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        ["iptables", "-A", "INPUT", "-p", "tcp", "--dport", "22", "-m", "conntrack", "--ctstate", "NEW", "-j", "ACCEPT"],
        ["ip6tables", "-I", "INPUT", "-s", "2001:db8::/32", "-j", "REJECT"],
        ["iptables", "-S"],
        ["iptables", "-L", "-n", "-v"],
        ["iptables", "-P", "INPUT", "DROP"],
        ["iptables-legacy", "-N", "X"],
        ["iptables-save", "-c"],
    ],
)
def test_an_emulated_command_loads_nothing_slow(tmp_path: Path, words: list[str]) -> None:
    code = f"""
import os, sys
os.environ["PYIPTABLES_STATE"] = "state"
sys.argv = ["pyiptables", *{words!r}]
from pyiptables import __main__ as main
main._leave = lambda status: print("MODULES", status, *sys.modules)
before = set(sys.modules)
main.main()
print("MODULES", 0, *before)
"""
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path += {sys.path!r}\n{code}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    loaded, before = [set(line.split()[2:]) for line in done.stdout.splitlines() if line.startswith("MODULES 0")]
    assert (loaded - before) & _SLOW == set(), done.stderr
