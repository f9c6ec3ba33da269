"""Rehearsals: scripts of all manners meet one warm emulator, and nothing of it is left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyiptables.tools.run import run
from pyiptables.tools.uncaught import uncaught_calls

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")

_COMMAND = [sys.executable, "-m", "pyiptables", "rehearse"]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for everything, which no process and no scratch file outlives."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("PYIPTABLES_ALLOW_ROOT", "1")
    monkeypatch.setenv("PYIPTABLES_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("PYIPTABLES_VARIANT", raising=False)
    yield tmp_path
    assert os.listdir(tmp_path / "tmp") == []
    end = time.monotonic() + 5
    while found := _processes(str(tmp_path / "tmp")):
        assert time.monotonic() < end, found
        time.sleep(0.05)


def _processes(text: str) -> list[bytes]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if text.encode() in line:
            found.append(line)
    return found


def _rehearse(script: str, *options: str, timeout: float = 60) -> subprocess.CompletedProcess[bytes]:
    Path("fw.sh").write_text(script, encoding="utf-8")
    return subprocess.run([*_COMMAND, *options, "--", "sh", "fw.sh"], capture_output=True, timeout=timeout, check=False)


def _save(program: str = "iptables-save") -> list[str]:
    return [line for line in run([program], state="state").stdout.splitlines() if line[:1] != "#"]


def test_the_state_is_left_as_the_programs_leave_it(place: Path) -> None:
    script = "".join(f"iptables -A INPUT -s 192.0.2.{number} -j DROP\nip6tables -A OUTPUT -p {number}\n" for number in range(1, 9))
    assert _rehearse(script).returncode == 0
    text = Path("state/rules.v4").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line[:1] == "#"] == [text.splitlines()[-1]]
    for line in script.splitlines():
        assert run(line.split(), state="single").returncode == 0
    for name in ("rules.v4", "rules.v6"):
        kept, single = (Path(state, name).read_text(encoding="utf-8").splitlines()[:-1] for state in ("state", "single"))
        assert kept == single


_SCRIPT = r"""
iptables -P INPUT DROP
iptables -N 'SSH LIST' ; echo "status $?"
iptables -N SSH
iptables -A INPUT -p tcp --dport 22 -j SSH
iptables -A SSH -s 192.0.2.0/24,198.51.100.0/24 -j ACCEPT
iptables -I SSH 2 -m comment --comment 'a "quoted" one' -j RETURN
iptables -D SSH 9; echo "status $?"
iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE
iptables-save -t nat | sed s/eth0/eth1/ | iptables-restore -T nat
printf '*mangle\n-A PREROUTING -j MARK --set-mark 7\nCOMMIT\n' >mangle.rules
mkdir -p sub; (cd sub && iptables-restore -n ../mangle.rules)
iptables-restore --noflush <<E
*raw
-A OUTPUT -d 192.0.2.1 -j NOTRACK
COMMIT
E
ip6tables -A INPUT -p icmpv6 -j ACCEPT
iptables -L SSH -n | head -1
iptables-legacy -V; PYIPTABLES_VARIANT=legacy iptables -V
iptables -A INPUT -j NOWHERE
"""


def test_a_script_does_what_its_commands_do(place: Path) -> None:
    """The same output, statuses and rules as with the shims that start a process for each call."""
    done = _rehearse(_SCRIPT)
    rehearsed = (_save(), _save("ip6tables-save"))
    shutil.rmtree("state")
    subprocess.run([sys.executable, "-m", "pyiptables", "shims", "shims"], check=True, capture_output=True)
    plain = subprocess.run(
        ["sh", "fw.sh"], env=os.environ | {"PATH": f"{place}/shims:{os.environ['PATH']}"}, capture_output=True, check=False
    )
    assert done.stdout.startswith(plain.stdout + "─".encode())
    assert done.stderr == plain.stderr
    assert b"17 calls in " in done.stdout
    assert f"exited with {plain.returncode}\n".encode() in done.stdout
    assert rehearsed == (_save(), _save("ip6tables-save"))


def test_the_report(place: Path) -> None:
    script = """#!/bin/sh
open_port() {
    iptables -A INPUT -p tcp --dport $1 -j ACCEPT
}
open_port 80
iptables -A INPUT -s $(echo 192.0.2.9) -j DROP
iptables-restore -n <<E
*nat
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
E
iptables -A INPUT -j NOWHERE
exit 3
"""
    done = _rehearse(script)
    text = done.stdout.decode()
    assert done.returncode == 1
    assert "4 calls in" in text
    assert "1 failed; the command exited with 3" in text
    assert "  2  iptables -A INPUT -j NOWHERE   fw.sh:12\n     iptables v1.8.11 (nf_tables): Chain 'NOWHERE' does not exist\n" in text
    assert "+-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT   fw.sh:3 called in line 5\n" in text
    assert "+-A INPUT -s 192.0.2.9/32 -j DROP   fw.sh:6\n" in text
    assert "+-A POSTROUTING -o eth0 -j MASQUERADE   fw.sh:9\n" in text
    assert "fw.sh:12:22: D003" in text
    told = _rehearse("echo said\niptables -D INPUT 1\n", "--json")
    assert told.stderr == b"said\n"
    again = json.loads(told.stdout)
    assert again["changes"]["ipv4"] == [" *filter", "--A INPUT -p tcp -m tcp --dport 80 -j ACCEPT"]


def test_state_and_fresh(place: Path) -> None:
    _rehearse("iptables -N KEPT\n")
    _rehearse("iptables -N LOST\n", "--fresh")
    _rehearse("iptables -N ELSEWHERE\n", "--state", "other")
    assert ":KEPT - [0:0]" in _save()
    assert not {":LOST - [0:0]", ":ELSEWHERE - [0:0]"} & set(_save())
    assert ":ELSEWHERE - [0:0]" in run(["iptables-save"], state="other").stdout


def test_calls_at_the_same_time(place: Path) -> None:
    done = _rehearse(
        """
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    iptables -N "P$i" &
    { iptables -S >"out$i"; grep -q 'P INPUT' "out$i" || echo bad; } &
done
wait
""",
        "--no-lint",
    )
    assert b"bad" not in done.stdout
    assert b"40 calls" in done.stdout
    assert sum(line.startswith(":P") and line.endswith("- [0:0]") for line in _save()) == 20


def test_restore_reads_what_another_shim_writes(place: Path) -> None:
    """In a pipeline, the restore may come first and must not keep the save from answering."""
    run(["iptables", "-A", "INPUT", "-j", "ACCEPT"], state="state")
    done = _rehearse("for i in 1 2 3 4 5; do { sleep 0.02; iptables-save; } | iptables-restore; done\n")
    assert b"10 calls" in done.stdout
    assert "-A INPUT -j ACCEPT" in _save()


def test_killed_calls(place: Path) -> None:
    """Calls killed at any moment, with nobody asking for their status, keep no other call from being answered."""
    done = _rehearse(
        """
i=0
while [ $i -lt 25 ]; do
    iptables -N "K$i" & kill -9 $!
    iptables -N "L$i" & sleep 0.00$((i % 10)); kill -9 $!
    i=$((i + 1))
done
(sleep 0.4 | iptables-restore) & sleep 0.1; kill $!
iptables -N LAST
echo "status $?"
sleep 0.5
""",
        "--no-lint",
    )
    assert b"status 0" in done.stdout
    assert ":LAST - [0:0]" in _save()


def test_a_script_that_ends_before_its_calls(place: Path) -> None:
    """Calls on their way are still answered; later ones learn that there is no rehearsal any more."""
    done = _rehearse(
        "{ until [ -e over ]; do sleep 0.05; done; iptables -N LATE; echo $? >late; } >/dev/null 2>&1 &\niptables -S >out &\nexit 0\n",
        "--no-lint",
    )
    Path("over").touch()
    assert done.returncode == 0
    assert Path("out").read_text().startswith("-P INPUT ACCEPT\n")
    end = time.monotonic() + 20
    while not Path("late").exists() or not Path("late").read_text():
        assert time.monotonic() < end
        time.sleep(0.05)
    assert Path("late").read_text() == "4\n", "not the machine's own iptables"
    (left,) = (place / "tmp").iterdir()
    assert f"(For that, {left}/bin stays." in done.stdout.decode()
    assert [path.name for path in left.iterdir()] == ["bin"]
    shutil.rmtree(left)
    assert ":LATE - [0:0]" not in _save()


def test_large_and_odd_bytes(place: Path) -> None:
    comment = b"caf\xe9 \xff"
    rules = b"*filter\n" + b"".join(
        b'-A INPUT -s 10.0.%d.%d -m comment --comment "%s %d" -j DROP\n' % (i // 256, i % 256, comment, i) for i in range(3000)
    )
    Path("big").write_bytes(rules + b"COMMIT\n")
    _rehearse("iptables-restore <big; iptables-save >out1; iptables-restore <out1; iptables-save | cat >out2\n", "--no-lint")
    one, two = [[line for line in Path(name).read_bytes().splitlines() if line[:1] != b"#"] for name in ("out1", "out2")]
    assert one == two
    assert len(one) == 3005
    assert one[-2].endswith(b'--comment "caf\xe9 \xff 2999" -j DROP')


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_end_the_command(place: Path, number: int) -> None:
    Path("fw.sh").write_text("iptables -N A\ntouch started\nexec sleep 30\n", encoding="utf-8")
    process = subprocess.Popen([*_COMMAND, "--no-lint", "--", "sh", "fw.sh"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    end = time.monotonic() + 20
    while not Path("started").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(number)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert f"was ended by {signal.Signals(number).name}".encode() in out


def test_a_command_that_cannot_be_started(place: Path) -> None:
    done = subprocess.run([*_COMMAND, "--", "./no-such-thing"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "./no-such-thing: No such file or directory" in done.stderr
    Path("fw.sh").write_text("iptables -L\n", encoding="utf-8")
    for program in ("fw.sh", "./fw.sh"):
        done = subprocess.run([*_COMMAND, "--", program], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr.endswith(f" (a script? rehearse -- sh {program})\n")


def test_a_folder_that_is_gone(place: Path) -> None:
    for setting in ("cd gone && rmdir ../gone", "TMPDIR=/no/such/folder; export TMPDIR"):
        Path("gone").mkdir(exist_ok=True)
        done = subprocess.run(
            ["sh", "-c", f'{setting}; exec "$@"', "sh", sys.executable, "-P", "-m", "pyiptables", "rehearse", "--", "true"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode in (0, 2)
        assert "Traceback" not in done.stderr


def test_a_state_that_cannot_be_read(place: Path) -> None:
    Path("state").mkdir()
    Path("state/rules.v4").write_text("nonsense\n", encoding="utf-8")
    done = _rehearse("touch ran\n")
    assert done.returncode == 2
    assert done.stderr == f"pyiptables rehearse: {place}/state/rules.v4:1: iptables-restore: line 1 failed\n".encode()
    assert not Path("ran").exists()


def test_options_behind_the_command_are_its_own(place: Path) -> None:
    Path("fw.sh").write_text('echo "got $*"\n', encoding="utf-8")
    for words in (["--", "sh", "fw.sh", "--json", "-x"], ["sh", "fw.sh", "--json", "-x"]):
        done = subprocess.run([*_COMMAND, *words], capture_output=True, text=True, check=False)
        assert done.stdout.startswith("got --json -x\n─")
    assert subprocess.run([*_COMMAND, "--no-such-option", "--", "sh", "fw.sh"], capture_output=True, check=False).returncode == 2


def test_root_must_mean_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("not root")
    monkeypatch.delenv("PYIPTABLES_ALLOW_ROOT")
    done = _rehearse("touch ran\n")
    assert done.returncode == 2
    assert b"--allow-root" in done.stderr
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    ("line", "caught"),
    [
        ("/sbin/iptables -F", False),
        ("IPT=/usr/sbin/iptables", False),
        ("IP6=$(which ip6tables)", True),
        ("  /usr/sbin/xtables-nft-multi iptables -F", False),
        ("`/usr/sbin/iptables-save`", False),
        ("# /sbin/iptables -F", True),
        ("echo /etc/iptables/rules.v4", True),
        ("PATH=/sbin:/usr/sbin", False),
        ("export PATH=/usr/sbin:$PATH", False),
        ("PATH=$PATH:/usr/sbin", True),
        ('export PATH="$PATH:/sbin"', True),
        ("sudo iptables -F", False),
        ("env -i iptables -F", False),
        ("sudo true; iptables -F", True),
        ("iptables -F", True),
    ],
)
def test_warnings(place: Path, line: str, caught: bool) -> None:
    Path("lib.sh").write_text(f"true\n{line}\n", encoding="utf-8")
    Path("fw.sh").write_text("#!/bin/sh\n. ./lib.sh\n", encoding="utf-8")
    found = [(warning.file, warning.line) for warning in uncaught_calls(["sh", "fw.sh"])]
    assert found == ([] if caught else [("./lib.sh", 2)])


def test_the_command_itself_is_looked_at(place: Path) -> None:
    assert [warning.line for warning in uncaught_calls(["sh", "-c", "/sbin/iptables -F"])] == [0]
    assert [warning.text for warning in uncaught_calls(["sudo", "sh", "fw.sh"])] == ["sudo"]
    done = _rehearse("[ -x /no/such/sbin/iptables ] && /no/such/sbin/iptables -F\n")
    assert b"fw.sh:1: /no/such/sbin/iptables is called by its path" in done.stderr
