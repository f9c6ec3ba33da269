"""The state directory when many write at once, when writers are killed, and when nothing can be written.

``PYIPTABLES_KILLS`` is the number of writers killed at random moments (default 25).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pyiptables import run, store

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-m", "pyiptables"]
KILLS = int(os.environ.get("PYIPTABLES_KILLS", "25"))

#: Appends one rule after another in one process, telling of each that is safe.
APPENDER = """
import sys
from pyiptables import run, store
store._LARGE = int(sys.argv[5])
for number in range(int(sys.argv[3])):
    done = run([sys.argv[1], "-w", "-A", "INPUT", "-m", "comment", "--comment", f"{sys.argv[4]}-{number}"], state=sys.argv[2])
    assert done.returncode == 0, done.stderr
    print(number, flush=True)
"""


def environment(state: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYIPTABLES_STATE": str(state), "LC_ALL": "C"}


#: From which size on files are changed in their place: an ordinary one, and all.
SIZES = [store._LARGE, 0]


def appender(program: str, state: Path, count: int, label: str, large: int) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", APPENDER, program, str(state), str(count), label, str(large)]
    return subprocess.Popen(argv, env=environment(state), stdout=subprocess.PIPE, text=True)


def comments(state: Path, program: str = "iptables") -> list[str]:
    done = run([program, "-S", "INPUT"], state=state)
    assert done.returncode == 0, done.stderr
    return [line.rsplit(" ", 1)[1] for line in done.stdout.splitlines() if line.startswith("-A")]


@pytest.mark.parametrize("large", SIZES)
@pytest.mark.parametrize("program", ["iptables", "iptables-legacy"])
def test_twenty_processes_append_fifty_rules_each(tmp_path: Path, program: str, large: int) -> None:
    writers = [appender(program, tmp_path, 50, f"w{number}", large) for number in range(20)]
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda writer: writer.communicate(), writers))
    assert [writer.returncode for writer in writers] == [0] * 20
    found = comments(tmp_path, program)
    assert sorted(found) == sorted(f"w{writer}-{number}" for writer in range(20) for number in range(50))
    for writer in range(20):
        own = [comment for comment in found if comment.startswith(f"w{writer}-")]
        assert own == [f"w{writer}-{number}" for number in range(50)], "a process's own rules lost their order"


def test_readers_see_whole_rules_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a file is changed in its place, each look finds the rules that were there at some moment."""
    monkeypatch.setattr(store, "_LARGE", 0)
    writer = appender("iptables", tmp_path, 300, "a", 0)
    looks = []
    while writer.poll() is None:
        looks.append(len(comments(tmp_path)))
        assert comments(tmp_path)[: looks[-1]] == [f"a-{number}" for number in range(looks[-1])]
    writer.communicate()
    assert writer.returncode == 0
    assert looks == sorted(looks)
    assert len(set(looks)) > 5
    assert len(comments(tmp_path)) == 300


@pytest.mark.parametrize("large", SIZES)
def test_killed_writers_leave_a_whole_state(tmp_path: Path, large: int) -> None:
    moments = random.Random(20)
    promised: list[str] = []
    for number in range(KILLS):
        label = f"k{number}"
        writer = appender("iptables", tmp_path, 1000, label, large)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(moments.uniform(0, 0.02))
        writer.send_signal(signal.SIGKILL)
        told = writer.communicate()[0].split()
        promised += [f"{label}-0", *[f"{label}-{told_number}" for told_number in told]]
        found = comments(tmp_path)
        assert len(found) == len(set(found))
        assert set(promised) <= set(found), "a rule that was reported safe is gone"
        # At most the one that was being written when the signal came was not told of.
        assert len(found) - len(promised) <= number + 1
    assert run(["iptables", "-F"], state=tmp_path).returncode == 0
    assert comments(tmp_path) == []


#: Restores one of two rulesets after the other, in both families, telling when it begins.
RESTORER = """
import sys
from pyiptables import run
texts = [open(path).read() for path in sys.argv[3:]]
turn = 0
print("begin", flush=True)
while True:
    turn += 1
    for program in ("iptables", "ip6tables"):
        done = run([f"{program}{sys.argv[1]}-restore", *(["-w"] if sys.argv[1] else [])], state=sys.argv[2], stdin=texts[turn % 2])
        assert done.returncode == 0, done.stderr
"""


def ruleset(mark: str, count: int) -> str:
    """Three tables whose rules all carry the mark."""
    text = ""
    for table, chain in (("mangle", "FORWARD"), ("nat", "OUTPUT"), ("filter", "INPUT")):
        rules = "".join([f"-A {chain} -m comment --comment {mark}-{number} -j ACCEPT\n" for number in range(count)])
        text += f"*{table}\n:{mark} - [0:0]\n{rules}COMMIT\n"
    return text


@pytest.mark.parametrize("variant", ["", "-legacy"])
def test_killed_restores_leave_the_one_or_the_other(tmp_path: Path, variant: str) -> None:
    moments = random.Random(21)
    sizes = {"one": 300, "two": 500}
    for mark, count in sizes.items():
        (tmp_path / mark).write_text(ruleset(mark, count))
    state = tmp_path / "state"
    for _ in range(KILLS):
        argv = [sys.executable, "-c", RESTORER, variant, str(state), str(tmp_path / "one"), str(tmp_path / "two")]
        writer = subprocess.Popen(argv, env=environment(state), stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(moments.uniform(0, 0.15))
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        for program in ("iptables", "ip6tables"):
            done = run([f"{program}{variant}-save"], state=state)
            assert done.returncode == 0, done.stderr
            found = {mark: done.stdout.count(f"--comment {mark}-") for mark in sizes}
            tables = {mark: done.stdout.count(f":{mark} ") for mark in sizes}
            assert found in ({"one": 0, "two": 0}, {"one": 900, "two": 0}, {"one": 0, "two": 1500})
            assert tables == {mark: 3 if found[mark] else 0 for mark in sizes}
    assert run([f"iptables{variant}", "-A", "INPUT"], state=state).returncode == 0


def snapshot(state: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in state.iterdir() if path.name != "lock"}


def test_a_full_disk_is_told_and_changes_nothing(tmp_path: Path) -> None:
    assert run(["iptables", "-A", "INPUT", "-j", "ACCEPT"], state=tmp_path).returncode == 0
    before = snapshot(tmp_path)
    script = (
        "import resource, sys; from pyiptables import run\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (40, 40))\n"
        "done = run(sys.argv[1:]); sys.stderr.write(done.stderr); sys.exit(done.returncode)"
    )
    argv = [sys.executable, "-c", script, "iptables", "-A", "INPUT", "-j", "DROP"]
    done = subprocess.run(argv, env=environment(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert done.stderr == f"pyiptables: cannot write {tmp_path}/rules.v4: File too large\n"
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("program", ["iptables", "iptables-legacy"])
def test_a_place_that_cannot_be_written(tmp_path: Path, program: str) -> None:
    (tmp_path / "file").write_text("")
    state = tmp_path / "file" / "state"
    done = run([program, "-A", "INPUT", "-j", "DROP"], state=state)
    assert done.returncode == 4
    assert done.stderr.startswith(f"pyiptables: cannot open lock file {state}/lock: ")
    assert done.stdout == ""


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="permissions do not stop root")
def test_a_read_only_directory_can_still_be_read(tmp_path: Path) -> None:
    assert run(["iptables", "-A", "INPUT", "-j", "ACCEPT"], state=tmp_path).returncode == 0
    tmp_path.chmod(0o555)
    try:
        before = snapshot(tmp_path)
        done = run(["iptables", "-A", "INPUT", "-j", "DROP"], state=tmp_path)
        assert (done.returncode, snapshot(tmp_path)) == (4, before)
        assert run(["iptables", "-S", "INPUT"], state=tmp_path).stdout.endswith("-A INPUT -j ACCEPT\n")
    finally:
        tmp_path.chmod(0o755)


def test_reading_writes_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    for command in (["-S"], ["-L", "-n"], ["-C", "INPUT", "-j", "ACCEPT"]):
        run(["iptables", *command], state=state)
    run(["iptables-save"], state=state)
    assert not state.exists()


def test_a_busy_lock_in_the_words_of_the_xtables_lock(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    run(["iptables-legacy", "-A", "INPUT"], state=tmp_path)
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = "Another app is currently holding the xtables lock. "
        done = run(["iptables-legacy", "-A", "INPUT"], state=tmp_path)
        assert (done.returncode, done.stderr) == (4, f"{told}Perhaps you want to use the -w option?\n")
        done = run(["iptables-legacy", "-w", "1", "-A", "INPUT"], state=tmp_path)
        assert (done.returncode, done.stderr) == (4, f"{told}Stopped waiting after 1s.\n")
