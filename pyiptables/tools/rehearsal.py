"""Run a command against one warm emulator: tiny shims speak to this process over FIFOs.

Each call takes a lock, writes its words to the request FIFO, zero-separated, and reads status and whereabouts of the
output from the response FIFO.
The state is read when the rehearsal begins and written after each command that changes it, as the programs would.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from pyiptables.tools.run import TOOLS, run_tool
from pyiptables.tools.shims import ShimError, write_shims

__all__ = ["Call", "Rehearsal", "RehearsalError", "absolute_calls", "rehearse"]


class RehearsalError(Exception):
    """The rehearsal cannot be held; the text says why."""


@dataclass
class Call:
    """One call of an emulated program."""

    argv: list[str]
    returncode: int
    stderr: str
    #: Rules that this call added, as (family, table, chain, text).
    added: list[tuple[int, str, str, str]] = field(default_factory=list)


@dataclass
class Rehearsal:
    """What happened: the command's own exit status, the calls in order, and the save texts before and after."""

    command: list[str]
    returncode: int
    calls: list[Call] = field(default_factory=list)
    before: dict[int, str] = field(default_factory=dict)
    after: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0
    lint: list[str] = field(default_factory=list)


def absolute_calls(words: tuple[str, ...]) -> Iterator[tuple[str, int, str]]:
    """(file, line, text) of calls by path in the scripts among the words: no shim can catch those."""
    pattern = re.compile(r"(?:^|[\s;&|({$=`\"'])(/[\w./-]*/(?:xtables-\w+-multi|ip6?tables(?:-\w+)*))\b")
    for word in words:
        if not os.path.isfile(word):
            continue
        try:
            with open(word, "rb") as file:
                data = file.read(1 << 20)
        except OSError:
            continue
        if b"\0" in data[:1024]:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            if line.lstrip().startswith("#"):
                continue
            for found in pattern.finditer(line):
                yield word, number, found[1]


def rehearse(words: list[str], state: str | None) -> Rehearsal:
    """Run a command with the shims first on PATH. Raises RehearsalError when it cannot be started."""
    if not hasattr(os, "mkfifo"):
        raise RehearsalError("this system has no named pipes; use `pyiptables shims` instead")
    scratch = tempfile.mkdtemp(prefix="pyiptables-")
    own_state = state is None
    directory = os.path.join(scratch, "state") if state is None else os.path.abspath(state)
    try:
        return _Stage(scratch, directory).play(words)
    except ShimError as error:
        raise RehearsalError(str(error)) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        if own_state:
            shutil.rmtree(directory, ignore_errors=True)


class _Stage:
    """The scratch folder with shims and FIFOs, and the thread that answers."""

    def __init__(self, scratch: str, directory: str) -> None:
        self.directory = directory
        self.folder = os.path.join(scratch, "bin")
        self.scratch = scratch
        self.calls: list[Call] = []
        for name in ("requests", "response"):
            os.mkfifo(os.path.join(scratch, name), 0o600)
        write_shims(self.folder, None, _shim_text(scratch))

    def play(self, words: list[str]) -> Rehearsal:
        rehearsal = Rehearsal(words, 0, self.calls, self._saved(), {})
        environ = dict(os.environ)
        environ["PATH"] = self.folder + os.pathsep + environ.get("PATH", os.defpath)
        environ["PYIPTABLES_STATE"] = self.directory
        # Opened for both, so that it neither blocks nor ends between two calls.
        pipe = os.open(os.path.join(self.scratch, "requests"), os.O_RDWR)
        thread = threading.Thread(target=self._answer, args=(pipe,), daemon=True)
        thread.start()
        started = time.monotonic()
        try:
            process = subprocess.Popen(words, env=environ)
        except OSError as error:
            os.write(pipe, b"\0")
            raise RehearsalError(f"{words[0]}: {error.strerror}") from error
        try:
            rehearsal.returncode = process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            rehearsal.returncode = process.wait()
        rehearsal.seconds = time.monotonic() - started
        os.write(pipe, b"\0")
        thread.join(5)
        os.close(pipe)
        rehearsal.after = self._saved()
        return rehearsal

    def _saved(self) -> dict[int, str]:
        """The rules as save text without time stamps, by family."""
        texts = {}
        for family, name in ((4, "iptables-save"), (6, "ip6tables-save")):
            done = run_tool([name], self.directory, str, os.environ)
            texts[family] = "".join([line + "\n" for line in done.stdout.splitlines() if line[:1] != "#"])
        return texts

    def _answer(self, pipe: int) -> None:
        words: list[bytes] = []
        buffer = b""
        while True:
            word, zero, rest = buffer.partition(b"\0")
            if not zero:
                buffer += os.read(pipe, 65536)
                continue
            buffer = rest
            if not words and not word:
                return
            words.append(word)
            # Count of arguments, process, folder, program, then the arguments.
            if len(words) == int(words[0]) + 4:
                self._one([w.decode("utf-8", "surrogateescape") for w in words])
                words = []

    def _one(self, request: list[str]) -> None:
        process, folder, argv = int(request[1]), request[2], request[3:]
        status, out, err = 2, "", f"no emulated program is called {argv[0]}\n"
        if argv[0] in TOOLS:
            try:
                os.chdir(folder)
                done = run_tool(argv, self.directory, self._stdin, os.environ)
                status, out, err = done.returncode, done.stdout, done.stderr
            except Exception as error:
                err = f"pyiptables: internal error: {error!r}\n"
        self.calls.append(Call(argv, status, err))
        number = len(self.calls)
        for kind, content in (("o", out), ("e", err)):
            if content:
                with open(os.path.join(self.scratch, f"{kind}{number}"), "wb") as file:
                    file.write(content.encode("utf-8", "surrogateescape"))
        self._respond(f"{status} {number} {int(bool(out))} {int(bool(err))}\n".encode(), process)
        os.unlink(os.path.join(self.scratch, "lock"))

    def _stdin(self) -> str:
        try:
            with open(os.path.join(self.scratch, "stdin"), "rb") as file:
                return file.read().decode("utf-8", "surrogateescape")
        except OSError:
            return ""

    def _respond(self, line: bytes, process: int) -> None:
        """Hand the answer to the shim; one that was killed meanwhile gets none."""
        path = os.path.join(self.scratch, "response")
        while True:
            try:
                fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                try:
                    os.kill(process, 0)
                except OSError:
                    return
                time.sleep(0.0001)
                continue
            os.write(fd, line)
            os.close(fd)
            return


def _shim_text(scratch: str) -> str:
    """In plain sh, without starting a process where there is nothing to show. The emulator takes the lock away."""
    return f"""#!/bin/sh
# A shim of pyiptables: no firewall is touched.
d='{scratch}'
set -C
until {{ true >"$d/lock"; }} 2>/dev/null; do sleep 0.01; done
set +C
case {{name}} in *-restore)
    i=1 p=
    for a; do
        case $p in -T | --table | -M | --modprobe | -w | -W) ;; *) case $a in -*) ;; *) i=0 ;; esac ;; esac
        p=$a
    done
    if [ $i = 1 ]; then cat >"$d/stdin"; fi ;;
esac
printf '%s\\0' $# $$ "$PWD" {{name}} "$@" >"$d/requests"
read -r s n o e <"$d/response"
[ "$o" = 0 ] || cat "$d/o$n"
[ "$e" = 0 ] || cat "$d/e$n" >&2
exit "$s"
"""
