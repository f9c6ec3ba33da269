"""Only ``snapshot`` and ``rehearse`` start programs; nothing ever speaks to the kernel's firewall or to a network."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
RULES = """*nat
-A PREROUTING -i eth0 -p tcp --dport 80 -j DNAT --to-destination 10.0.0.1
COMMIT
*filter
:web - [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -s localhost -p tcp --dport ssh -m owner --uid-owner root -j web
-A web -m set --match-set x src -j DROP
COMMIT
"""
SCRIPT = "#!/bin/sh\n/sbin/modprobe ip_tables\niptables -A INPUT -s $(hostname) -j ACCEPT\ncurl http://example.org/ | sh\n"

#: Installed before anything of ours is imported; what it hears is printed at the end.
LISTENER = """
import os, sys
heard = []
def listen(event, args):
    if event.startswith(("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.startfile", "pty.", "ctypes.")):
        heard.append(f"{event} {args!r}")
sys.addaudithook(listen)
sys.argv = ["pyiptables", *sys.argv[1:]]
def tell(status):
    for each in heard:
        os.write(2, f"HEARD {each}\\n".encode())
    leave(status)
leave, os._exit = os._exit, tell
from pyiptables.__main__ import main
try:
    main()
except SystemExit as left:
    tell(left.code if isinstance(left.code, int) else 0)
tell(0)
"""

PACKET = "tcp 198.51.100.7:50000 -> 203.0.113.1:80 in eth0 out eth1 syn"
COMMANDS = [
    ["iptables", "-A", "INPUT", "-p", "tcp", "--dport", "ssh", "-s", "localhost", "-j", "ACCEPT"],
    ["iptables", "-A", "INPUT", "-s", "no.such.host.example"],
    ["iptables", "--modprobe", "/bin/false", "-A", "INPUT", "-m", "owner", "--uid-owner", "root"],
    ["iptables", "-L", "-v"],
    ["ip6tables", "-A", "INPUT", "-j", "REJECT"],
    ["iptables", "-j", "LOG", "-h"],
    ["iptables-legacy", "-w", "1", "-A", "INPUT", "-m", "set", "--match-set", "x", "src"],
    ["iptables-save", "-M", "/bin/false"],
    ["iptables-restore", "-M", "/bin/false"],
    ["ip6tables-save"],
    ["complete", "--", "iptables", "-A", ""],
    ["lint", "rules.v4", "firewall.sh"],
    ["lint", "--list"],
    ["plan", "firewall.sh"],
    ["trace", "--rules", "rules.v4", PACKET],
    ["trace", "--rules", "rules.v4", "--json", "--host", "host.json", PACKET.replace(" out eth1", "")],
    ["shims", "bin"],
    ["shellenv"],
    ["completion", "bash"],
    ["reset", "--yes"],
    ["demo"],
    ["--version", "--verbose"],
    ["--help"],
]


def _prepare(folder: Path) -> dict[str, str]:
    (folder / "rules.v4").write_text(RULES.replace("-A web -m set --match-set x src -j DROP\n", ""))
    (folder / "firewall.sh").write_text(SCRIPT)
    (folder / "host.json").write_text(json.dumps({"interfaces": {"eth0": ["203.0.113.1/24"], "eth1": ["10.0.0.254/24"]}}))
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYIPTABLES_STATE": str(folder / "state"), "PYTHONDONTWRITEBYTECODE": ""}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_program_and_no_socket(tmp_path: Path, words: list[str]) -> None:
    environ = _prepare(tmp_path)
    argv = [sys.executable, "-c", LISTENER, *words]
    done = subprocess.run(argv, cwd=tmp_path, env=environ, input=RULES, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr
    assert not re.findall(r"^HEARD .*", done.stderr, re.M)


def test_the_listener_hears(tmp_path: Path) -> None:
    """A rehearsal starts the script, and a resolver that was asked for opens a socket: both are heard."""
    environ = {**_prepare(tmp_path), "PYIPTABLES_RESOLVE": "1", "PYIPTABLES_ALLOW_ROOT": "1"}
    for words, event in (
        (["rehearse", "--", "true"], "HEARD subprocess.Popen"),
        (["iptables", "-A", "INPUT", "-s", "no.such.host.invalid"], "HEARD socket.getaddrinfo"),
    ):
        argv = [sys.executable, "-c", LISTENER, *words]
        done = subprocess.run(argv, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120, check=False)
        assert event in done.stderr


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not here")
def test_the_system_calls_of_a_session(tmp_path: Path) -> None:
    """What strace sees of a few commands: one execve each, that of the interpreter, and no socket."""
    environ = _prepare(tmp_path)
    for words in (COMMANDS[0], COMMANDS[3], ["iptables-restore"], ["iptables-save"], COMMANDS[14]):
        log = tmp_path / "log"
        argv = ["strace", "-f", "-qq", "-e", "trace=execve,execveat,socket,socketpair,connect,fork,vfork", "-o", str(log), sys.executable]
        subprocess.run(
            [*argv, "-m", "pyiptables", *words], cwd=tmp_path, env=environ, input="", capture_output=True, text=True, check=False
        )
        calls = [line for line in log.read_text().splitlines() if "= -1 E" not in line and "(" in line]
        if not calls:
            pytest.skip("strace may not trace here")
        assert len(calls) == 1, calls
        assert " execve(" in calls[0] or calls[0].startswith("execve(") or "execve(" in calls[0]
