"""iptables' own test suites, unmodified, run with our programs: ``python suites.py``.

    suites.py fetch FOLDER                  get the sources of iptables with apt (Debian trixie), unpacked in FOLDER
    suites.py extensions SOURCES [FILE.t …] iptables-test.py: what each extension's test file expects
    suites.py shell SOURCES [TEST …]        iptables/tests/shell/run-tests.sh
    --real                                  with the real programs of the oracle, to compare with
    --variant nft|legacy                    one variant only

Both need root, for the namespaces they make. Nothing in the sources is changed: the programs they call come first on
PATH, ``xtables-nft-multi`` and ``xtables-legacy-multi``, and an ``unshare`` that gives each namespace a state of its
own. What is about ebtables and arptables is left out; shell tests that ask the kernel (``nft list``) or need programs
that are not emulated (``iptables-xml``, ``xtables-monitor``) fail with ours.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ORACLE = Path(os.environ.get("ORACLE_ROOT", "/opt/iptables-oracle"))
VARIANTS = ("nft", "legacy")
#: Folders of the shell suite that are about what is emulated.
FOLDERS = ("chain", "iptables", "ip6tables", "ipt-save", "ipt-restore", "firewalld-restore")
_APT_SOURCE = "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main\n"


def fetch(folder: Path) -> Path:
    """Download and unpack the sources with an apt configuration of their own; where they are."""
    lists = folder / "lists"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    (folder / "sources.list").write_text(_APT_SOURCE)
    options = [f"Dir::Etc::sourcelist={folder}/sources.list", "Dir::Etc::sourceparts=/dev/null", f"Dir::State::lists={lists}"]
    apt = ["apt-get", *[word for option in options for word in ("-o", option)]]
    subprocess.run([*apt, "-q", "update"], check=True)
    # The packaging beside the original archive is not needed, and mirrors drop it when it is superseded.
    subprocess.run([*apt, "-q", "source", "--download-only", "iptables"], cwd=folder, check=False)
    archives = sorted(folder.glob("iptables_*.orig.tar.*z*"))
    archives = [archive for archive in archives if archive.suffix != ".asc"]
    if not archives:
        sys.exit("the sources could not be downloaded")
    shutil.unpack_archive(archives[-1], folder)
    return next(path for path in folder.iterdir() if (path / "iptables-test.py").is_file())


def _script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def programs(folder: Path, real: bool) -> dict[str, str]:
    """Put the programs into the folder; the environment that finds them first."""
    states = folder / "states"
    states.mkdir()
    for variant in VARIANTS:
        name = f"xtables-{variant}-multi"
        if real:
            library = f"{ORACLE}/usr/lib/x86_64-linux-gnu"
            loader = f"{library}/ld-linux-x86-64.so.2 --library-path {library}"
            _script(folder / name, f'XTABLES_LIBDIR={library}/xtables exec {loader} {ORACLE}/usr/sbin/{name} "$@"')
        else:
            (folder / name).symlink_to(Path(sys.prefix, "bin", "pyiptables"))
    unshare = shutil.which("unshare")
    _script(folder / "unshare", f'PYIPTABLES_STATE=$(mktemp -d {states}/XXXXXXXX) || exit 1\nexport PYIPTABLES_STATE\nexec {unshare} "$@"')
    if (ORACLE / "bin" / "nft").exists():
        (folder / "nft").symlink_to(ORACLE / "bin" / "nft")
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


def run_extensions(sources: Path, files: list[str], real: bool, variants: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """``iptables-test.py``; its output says what failed."""
    if not files:
        found = sorted(sources.glob("extensions/*.t"))
        files = [f"extensions/{path.name}" for path in found if not path.name.startswith(("libarpt_", "libebt_"))]
    options = [{"nft": "-n", "legacy": "-l"}[variant] for variant in variants]
    with tempfile.TemporaryDirectory(prefix="suites-") as scratch:
        command = [sys.executable, "iptables-test.py", "-H", *options, *files]
        return subprocess.run(command, cwd=sources, env=programs(Path(scratch), real), text=True, capture_output=True, check=False)


def run_shell(sources: Path, tests: list[str], real: bool, variants: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """``run-tests.sh``; a line for each test in its output."""
    folder = sources / "iptables" / "tests" / "shell"
    if not tests:
        tests = [
            f"testcases/{path.parent.name}/{path.name}" for name in FOLDERS for path in sorted(folder.glob(f"testcases/{name}/*_[0-9]"))
        ]
    only = [] if len(variants) > 1 else [f"--{variants[0]}"]
    with tempfile.TemporaryDirectory(prefix="suites-") as scratch:
        # Tests that become another user must reach the programs.
        Path(scratch).chmod(0o755)
        command = ["./run-tests.sh", "-H", *only, *tests]
        return subprocess.run(command, cwd=folder, env=programs(Path(scratch), real), text=True, capture_output=True, check=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("fetch", "extensions", "shell"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("tests", nargs="*")
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--variant", choices=VARIANTS)
    given = parser.parse_intermixed_args()
    if given.what == "fetch":
        print(fetch(given.folder.resolve()))
        return
    run = run_extensions if given.what == "extensions" else run_shell
    done = run(given.folder.resolve(), given.tests, given.real, (given.variant,) if given.variant else VARIANTS)
    lines = done.stdout.splitlines() + done.stderr.splitlines()
    print("\n".join([line for line in lines if given.what == "extensions" or line[:3] in ("I: ", "W: ")]))
    sys.exit(bool(done.returncode))


if __name__ == "__main__":
    main()
