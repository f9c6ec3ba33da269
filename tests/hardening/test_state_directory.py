"""What may stand in the place of the state's files: plain files only, none behind a link, each private to its owner."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pyiptables import run
from pyiptables.tools import shims

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no POSIX files here")

REPOSITORY = Path(__file__).resolve().parents[2]
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _folder(path: Path) -> None:
    (path / "inside").mkdir(parents=True)


def _socket(path: Path) -> None:
    import socket

    here = os.getcwd()
    os.chdir(path.parent)  # names of sockets are short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def _link(path: Path) -> None:
    target = path.parent.parent / "outside"
    target.write_text("*filter\n:INPUT DROP [0:0]\nCOMMIT\n")
    path.symlink_to(target)


def _dangling(path: Path) -> None:
    path.symlink_to(path.parent.parent / "new")


def _device(path: Path) -> None:
    if not ROOT:
        pytest.skip("only root makes devices")
    os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))


ODD: list[Callable[[Path], None]] = [_fifo, _folder, _socket, _link, _dangling, _device]
_WHY = ("not a regular file", "is a symbolic link", "No such device or address", "Is a directory")


def _run(state: Path, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYIPTABLES_STATE": str(state)}
    argv = [sys.executable, "-m", "pyiptables", *words]
    return subprocess.run(argv, env=environ, input=stdin, capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.parametrize("make", ODD)
def test_in_place_of_the_rules(tmp_path: Path, make: Callable[[Path], None]) -> None:
    state = tmp_path / "state"
    state.mkdir()
    make(state / "rules.v4")
    before = os.lstat(state / "rules.v4")
    restore = "*filter\nCOMMIT\n"
    for words in (["iptables", "-S"], ["iptables", "-A", "INPUT"], ["iptables-save"], ["iptables-restore"], ["iptables-legacy", "-F"]):
        done = _run(state, *words, stdin=restore)
        assert (done.returncode, done.stdout) == (4, "")
        assert done.stderr.startswith(f"pyiptables: cannot read {state}/rules.v4: ")
        assert done.stderr.rstrip("\n").endswith(_WHY)
        assert done.stderr.count("\n") == 1
    assert os.path.samestat(os.lstat(state / "rules.v4"), before)
    assert not (tmp_path / "new").exists()
    assert run(["ip6tables", "-A", "INPUT"], state=state).returncode == 0


@pytest.mark.parametrize("make", ODD)
def test_in_place_of_the_lock(tmp_path: Path, make: Callable[[Path], None]) -> None:
    state = tmp_path / "state"
    state.mkdir()
    make(state / "lock")
    for program in ("iptables", "iptables-legacy"):
        done = _run(state, program, "-A", "INPUT")
        assert done.returncode == 4
        assert done.stderr.startswith(f"pyiptables: cannot open lock file {state}/lock: ")
        assert done.stderr.rstrip("\n").endswith(_WHY)
    assert not (state / "rules.v4").exists()
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("make", [_fifo, _socket, _link, _dangling, _device])
def test_what_lies_in_the_way_of_the_new_file_goes(tmp_path: Path, make: Callable[[Path], None]) -> None:
    state = tmp_path / "state"
    state.mkdir()
    make(state / "rules.v4.new")
    outside = tmp_path / "outside"
    text = outside.read_text() if outside.exists() else None
    assert _run(state, "iptables", "-A", "INPUT").returncode == 0
    assert sorted(path.name for path in state.iterdir()) == ["lock", "rules.v4"]
    assert (outside.read_text() if outside.exists() else None) == text
    assert not (tmp_path / "new").exists()


def test_a_folder_in_the_way_of_the_new_file(tmp_path: Path) -> None:
    _folder(tmp_path / "rules.v4.new")
    done = run(["iptables", "-A", "INPUT"], state=tmp_path)
    assert (done.returncode, done.stderr) == (4, f"pyiptables: cannot write {tmp_path}/rules.v4: Is a directory\n")


def test_a_link_to_the_directory_is_the_owners_choice(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "state").symlink_to("real")
    assert run(["iptables", "-A", "INPUT"], state=tmp_path / "state").returncode == 0
    assert (tmp_path / "real" / "rules.v4").exists()


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_private_whatever_the_mask(tmp_path: Path, mask: int) -> None:
    code = (
        f"import os; os.umask({mask}); from pyiptables import run; assert run(['iptables', '-A', 'INPUT'], state='a/b/c').returncode == 0"
    )
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environ, check=True)
    for path in (tmp_path / "a").rglob("*"):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700


def test_others_cannot_be_written_to(tmp_path: Path) -> None:
    """As nobody, in a directory of root's: told, and nothing changed."""
    if not ROOT:
        pytest.skip("needs root to become somebody else")
    state = tmp_path / "state"
    assert run(["iptables", "-A", "INPUT", "-j", "ACCEPT"], state=state).returncode == 0
    before = (state / "rules.v4").read_bytes()
    script = (
        "import os, sys; import fcntl; from pyiptables import run; import pyiptables.tools.restore, pyiptables.tools.nft\n"
        "os.setgid(65534); os.setuid(65534); done = run(sys.argv[1:]); print(done.stdout, done.stderr, sep='', end=''); sys.exit(done.returncode)"
    )
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    for mode, reads in ((0o755, True), (0o700, False)):
        state.chmod(mode)
        (state / "rules.v4").chmod(0o644)
        environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYIPTABLES_STATE": str(state)}
        for words in (["iptables", "-S", "INPUT"], ["iptables", "-A", "INPUT", "-j", "DROP"], ["iptables-legacy", "-F"]):
            done = subprocess.run([sys.executable, "-c", script, *words], env=environ, capture_output=True, text=True, check=False)
            if reads and words[1] == "-S":
                assert (done.returncode, done.stdout) == (0, "-P INPUT ACCEPT\n-A INPUT -j ACCEPT\n")
            else:
                assert done.returncode == 4, (words, done)
                assert done.stdout.startswith("pyiptables: cannot ")
                assert "Permission denied" in done.stdout
            assert done.stderr == ""
    state.chmod(0o700)
    assert (state / "rules.v4").read_bytes() == before


@pytest.mark.skipif(not ROOT or sys.platform != "linux", reason="only root mounts")
@pytest.mark.parametrize("kind", ["full", "read-only"])
def test_disks_that_take_nothing(tmp_path: Path, kind: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        state = disk / "state"
        assert run(["iptables", "-A", "INPUT", "-j", "ACCEPT"], state=state).returncode == 0
        if kind == "full":
            with pytest.raises(OSError, match="No space"):
                (disk / "ballast").write_bytes(b"x" * 100_000)
        else:
            subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        before = (state / "rules.v4").read_bytes()
        why = "No space left on device" if kind == "full" else "Read-only file system"
        many = "*filter\n" + "-A INPUT -j DROP\n" * 5000 + "COMMIT\n"
        for words, stdin in (
            (["iptables", "-A", "INPUT", "-j", "DROP"], ""),
            (["iptables-restore"], many),
            (["iptables-legacy", "-F"], ""),
        ):
            done = run(words, state=state, stdin=stdin)
            assert done.returncode == 4
            assert done.stderr.startswith("pyiptables: cannot ")
            assert done.stderr.endswith(f": {why}\n")
            assert done.stdout == ""
        assert (state / "rules.v4").read_bytes() == before
        assert not (state / "rules.v4.new").exists()
        assert run(["iptables", "-S", "INPUT"], state=state).stdout == "-P INPUT ACCEPT\n-A INPUT -j ACCEPT\n"
    finally:
        subprocess.run(["umount", disk], check=True)


def test_shims_do_not_write_through_links(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "shims"
    folder.mkdir()
    (folder / "iptables").symlink_to(victim)
    with pytest.raises(shims.ShimError, match="is not a shim"):
        shims.write_shims(str(folder))
    assert victim.read_text() == "precious"
