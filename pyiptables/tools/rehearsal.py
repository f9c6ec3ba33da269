"""Run a command against one warm emulator: tiny shims speak to this process over FIFOs.

A shim takes its turn (the one byte in a FIFO of that name) and notes its process number in a file, writes its words to the
request FIFO, zero-separated, reads from the response FIFO its exit status and which files hold what it must print, and writes
one more byte: it has them. Then the emulator puts the byte back for the next, also when a shim was killed during its turn.
What restore programs read goes into a file before that: their input may come from another shim.
The state is read and written by each call, as the programs would, but goes to the disk when the command has ended.
"""

from __future__ import annotations

import math
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from pyiptables.store import State
from pyiptables.tools.gained import new_rules
from pyiptables.tools.run import TOOLS, run_tool
from pyiptables.tools.save import without_room
from pyiptables.tools.shims import MARK, ShimError, quoted, write_shims

__all__ = ["Call", "Rehearsal", "RehearsalError", "rehearse"]

#: Words in front of a call's own: how many arguments, the process, its folder, the variant asked for, the program.
_HEAD = 5
#: Seconds after which a shim that is silent during its turn is looked at, after which a turn is over that nobody says is his,
#: and for which processes that outlive the command are still answered.
_LOOK = 0.05
_NOBODY = 1.0
_LAST_CALLS = 2.0


class RehearsalError(Exception):
    """The rehearsal cannot be held; the text says why."""


@dataclass
class Call:
    """One call of an emulated program."""

    argv: list[str]
    returncode: int
    stderr: str
    #: Rules that this call added, as (family, table, ``-A chain …``).
    added: list[tuple[int, str, str]] = field(default_factory=list)
    #: Where in the script the call stands, and of each rule in ``added`` the same: for the report, by who knows.
    place: str | None = None
    places: dict[tuple[int, str, str], str] = field(default_factory=dict)


@dataclass
class Rehearsal:
    """What happened: the command's own exit status, the calls in order, and the save texts before and after by family."""

    command: list[str]
    returncode: int
    calls: list[Call] = field(default_factory=list)
    before: dict[int, str] = field(default_factory=dict)
    after: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0
    #: The folder of the shims, when processes of the command are still running that may call them: without it, their
    #: calls would reach the real iptables.
    left: str | None = None
    #: What the checks say about the script: for the report, by who knows.
    lint: list[str] = field(default_factory=list)


def rehearse(words: list[str], state: str | None, stdout: int | None = None) -> Rehearsal:
    """Run a command with the shims first on PATH against a state directory (None: an empty one, thrown away afterwards).

    ``stdout`` is a file for the command's output other than this process's own. Signals that end a process go to the command.
    Raises RehearsalError when it cannot be started.
    """
    if not hasattr(os, "mkfifo"):
        raise RehearsalError("this system has no named pipes; use `pyiptables shims` instead")
    try:
        here = os.getcwd()
        scratch = tempfile.mkdtemp(prefix="pyiptables-", dir=_in_memory())
    except OSError as error:
        raise RehearsalError(f"{error.filename or 'the present folder'}: {error.strerror}") from error
    rehearsal: Rehearsal | None = None
    try:
        rehearsal = _Stage(scratch, os.path.abspath(state) if state else os.path.join(scratch, "state")).play(words, stdout)
        return rehearsal
    except ShimError as error:
        raise RehearsalError(str(error)) from error
    except OSError as error:
        raise RehearsalError(f"{error.filename or scratch}: {error.strerror}") from error
    finally:
        # The calls were made in the folders of their callers.
        os.chdir(here)
        for name in os.listdir(scratch):
            if name != "bin":
                shutil.rmtree(os.path.join(scratch, name), ignore_errors=True)
        if rehearsal is None or rehearsal.left is None:
            shutil.rmtree(scratch, ignore_errors=True)


def _in_memory() -> str | None:
    """A folder for scratch files that no disk has to follow, where programs may be started; None: the usual one."""
    folder = "/dev/shm"
    try:
        usable = "TMPDIR" not in os.environ and not os.statvfs(folder).f_flag & os.ST_NOEXEC and os.access(folder, os.W_OK | os.X_OK)
    except (OSError, AttributeError):
        return None
    return folder if usable else None


class _Stage:
    """The scratch folder with shims and FIFOs, and the thread that answers."""

    def __init__(self, scratch: str, directory: str) -> None:
        self.directory = directory
        self.folder = os.path.join(scratch, "bin")
        #: Where the shims and this process meet.
        self.meeting = os.path.join(scratch, "calls")
        self.calls: list[Call] = []
        self._alive = True
        #: Family → what tells versions of its state file apart, and the bytes read last.
        self._known: dict[int, tuple[tuple[int, int, int], bytes]] = {}
        self._wake, self._alarm = os.pipe()
        #: Processes that may still be printing, with the files they print.
        self._printing: deque[tuple[int, list[str]]] = deque()
        os.mkdir(self.meeting, 0o700)
        for name in ("turn", "requests", "response"):
            os.mkfifo(self._path(name), 0o600)
        # Opened both ways, so that no shim waits for the other end, and none ends anything by leaving.
        self._turn = os.open(self._path("turn"), os.O_RDWR)
        self._requests = os.open(self._path("requests"), os.O_RDWR)
        self._response = os.open(self._path("response"), os.O_RDWR | os.O_NONBLOCK)
        #: Since when nobody has said whose turn it is.
        self._silent: float | None = None
        write_shims(self.folder, None, _shim_text(self.meeting))
        self._next()

    def _path(self, name: str) -> str:
        return os.path.join(self.meeting, name)

    def play(self, words: list[str], stdout: int | None) -> Rehearsal:
        rehearsal = Rehearsal(words, 0, self.calls, self._saved(), {})
        environ = dict(os.environ)
        environ["PATH"] = self.folder + os.pathsep + environ.get("PATH", os.defpath)
        environ["PYIPTABLES_STATE"] = self.directory
        # All processes of the command have the other end open, as long as there are any.
        self._life, held = os.pipe()
        thread = threading.Thread(target=self._answer, daemon=True)
        thread.start()
        started = time.monotonic()
        try:
            rehearsal.returncode = _run(words, environ, held, stdout)
        finally:
            rehearsal.seconds = time.monotonic() - started
            os.write(self._alarm, b"!")
            thread.join()
            if self._alive:
                rehearsal.left = self.folder
            for fd in (self._turn, self._requests, self._response, self._wake, self._alarm, self._life):
                os.close(fd)
        self._settle()
        rehearsal.after = self._saved()
        return rehearsal

    def _settle(self) -> None:
        """Have the disk keep the state, a small one without the room that was of use while many calls were made."""
        with State(self.directory) as state:
            for family in (4, 6):
                if without_room(data := state.read(family)) != data and state.mapped(family) is None:
                    state.lock(-1)
                    data = state.read(family)
                    # What somebody else wrote stays as it is.
                    if state.trusted:
                        state.write(family, without_room(data))
                    state.unlock()
            state.settle()

    def _saved(self) -> dict[int, str]:
        """The rules as save text without time stamps, by family. Raises RehearsalError for a state that cannot be read."""
        texts = {}
        for family, name in ((4, "iptables-save"), (6, "ip6tables-save")):
            done = run_tool([name], self.directory, str, os.environ)
            if done.returncode:
                raise RehearsalError(done.stderr.strip().removeprefix("pyiptables: "))
            texts[family] = "".join([line + "\n" for line in done.stdout.splitlines() if line[:1] != "#"])
        return texts

    # -- answering -------------------------------------------------------------------------------------------
    def _answer(self) -> None:
        buffer = b""
        words: list[bytes] = []
        answered = False
        watched = [self._requests, self._wake]
        end = math.inf
        while True:
            if answered and buffer:
                buffer, answered = buffer[1:], False
                self._next()
            word, zero, rest = buffer.partition(b"\0")
            if zero:
                buffer = rest
                words.append(word)
                if len(words) == int(words[0]) + _HEAD:
                    self._one([w.decode("utf-8", "surrogateescape") for w in words])
                    words, answered = [], True
                continue
            ready = select.select(watched, [], [], _LOOK)[0]
            if self._requests in ready and time.monotonic() < end:
                buffer += os.read(self._requests, 1 << 16)
                continue
            if self._wake in ready:
                watched = [self._requests, self._life]
                end = time.monotonic() + _LAST_CALLS
            elif self._life in ready:
                watched, self._alive = [self._requests], False
            if self._abandoned():
                # Killed during its turn: nothing more comes of it, and nobody fetches its answer.
                buffer, words, answered = b"", [], False
                self._forget_answer()
                self._next()
            self._tidy()
            if time.monotonic() >= end or not (self._alive or self._printing):
                # Whoever comes now finds no rehearsal; whoever waits for an answer sees the pipe end.
                os.rename(self.meeting, f"{self.meeting}-over")
                return

    def _next(self) -> None:
        """Whoever waits has the next turn."""
        with open(self._path("holder"), "wb"):
            self._silent = None
        os.write(self._turn, b"\n")

    def _abandoned(self) -> bool:
        """Whether the shim whose turn it is is gone."""
        if select.select([self._turn], [], [], 0)[0]:
            return False
        try:
            with open(self._path("holder"), "rb") as file:
                return _gone(int(file.read()))
        except (OSError, ValueError):
            # It notes its number a moment after its turn has begun.
            now = time.monotonic()
            self._silent = self._silent or now
            return now - self._silent > _NOBODY

    def _one(self, request: list[str]) -> None:
        process, folder, variant, argv = int(request[1]), request[2], request[3], request[4:]
        environ = {**os.environ, "PYIPTABLES_VARIANT": variant} if variant else os.environ
        call = Call(argv, 2, f"no emulated program is called {argv[0]}\n")
        out, family, before = "", 0, b""
        if argv[0] in TOOLS:
            family = TOOLS[argv[0]][0]
            before = self._stored(family)
            try:
                out = self._emulate(call, folder, process, environ)
            except Exception as error:
                call.stderr = f"pyiptables: internal error: {error!r}\n"
        self.calls.append(call)
        number = len(self.calls)
        files = []
        try:
            for kind, content in (("o", out), ("e", call.stderr)):
                if content:
                    files.append(self._path(f"{kind}{number}"))
                    with open(files[-1], "wb") as file:
                        file.write(content.encode("utf-8", "surrogateescape"))
        except OSError as error:
            call.returncode, call.stderr, out = 4, "", ""
            sys.stderr.write(f"pyiptables: {self.meeting}: {error.strerror}\n")
        os.write(self._response, f"{call.returncode} {number} {int(bool(out))} {int(bool(call.stderr))}\n".encode())
        # What only the report needs: the shim has gone on meanwhile.
        if family:
            call.added = [(family, table, line) for table, line in new_rules(before, self._stored(family))]
        if files:
            self._tidy()
            self._printing.append((process, files))

    def _emulate(self, call: Call, folder: str, process: int, environ: Mapping[str, str]) -> str:
        try:
            os.chdir(folder)
        except OSError:
            # Removed meanwhile: names of files lead nowhere, as they would for the program.
            os.chdir(self.meeting)
        done = run_tool(call.argv, self.directory, lambda: self._input(process), environ, warm=True)
        call.returncode, call.stderr = done.returncode, done.stderr
        return done.stdout

    def _stored(self, family: int) -> bytes:
        """The bytes of a state, read again when they are others."""
        path = os.path.join(self.directory, f"rules.v{family}")
        try:
            status = os.stat(path)
            mark = (status.st_ino, status.st_mtime_ns, status.st_size)
            if self._known.get(family, (None, b""))[0] != mark:
                with open(path, "rb", buffering=0) as file:
                    self._known[family] = (mark, file.readall())
        except OSError:
            return b""
        return self._known[family][1]

    def _input(self, process: int) -> str:
        path = self._path(f"i{process}")
        try:
            with open(path, "rb") as file:
                data = file.read()
            os.unlink(path)
        except OSError:
            return ""
        return data.decode("utf-8", "surrogateescape")

    def _forget_answer(self) -> None:
        try:
            os.read(self._response, 1 << 16)
        except BlockingIOError:
            pass

    def _tidy(self) -> None:
        """Remove what processes that are gone have printed."""
        while self._printing and _gone(self._printing[0][0]):
            for path in self._printing.popleft()[1]:
                try:
                    os.unlink(path)
                except OSError:
                    pass


def _run(words: list[str], environ: dict[str, str], held: int, stdout: int | None) -> int:
    """Run the command and hand it the signals that would end this process, and for good an open file.

    Returns its exit status; negative: the signal that ended it.
    """
    process: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, frame: object) -> None:
        # The terminal's own interrupt reaches the command without us.
        if process is not None and not (number == signal.SIGINT and os.isatty(0)):
            process.send_signal(number)

    passed = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                passed[number] = signal.signal(number, pass_on)
    try:
        process = subprocess.Popen(words, env=environ, pass_fds=(held,), stdout=stdout)
        os.close(held)
        held = -1
        return process.wait()
    except OSError as error:
        raise RehearsalError(f"{words[0]}: {error.strerror}") from error
    finally:
        if held >= 0:
            os.close(held)
        for number, handler in passed.items():
            signal.signal(number, handler)


def _gone(process: int) -> bool:
    """Whether a process is no more, or only waits to be asked for its status."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] in (b"Z", b"X")
    except (OSError, IndexError):
        return False


def _shim_text(scratch: str) -> str:
    """In plain sh, without starting a process where there is nothing to read or show."""
    return f"""#!/bin/sh
{MARK}
d={quoted(scratch)}
over() {{ echo "{{name}}: the rehearsal is over" >&2; exit 4; }}
case {{name}} in *-restore)
    i=1 p=
    for a; do
        case $p in -T | --table | -M | --modprobe | -w | -W) ;; *) case $a in -*) ;; *) i=0 ;; esac ;; esac
        p=$a
    done
    if [ $i = 1 ]; then cat >"$d/i$$"; fi ;;
esac
kill -0 {os.getpid()} 2>/dev/null || over
{{
    read -r t <&5 && echo $$ >"$d/holder" &&
        printf '%s\\0' $# $$ "$PWD" "${{PYIPTABLES_VARIANT-}}" {{name}} "$@" >&3 && read -r s n o e <&4 && echo >&3
}} 3>"$d/requests" 4<"$d/response" 5<"$d/turn" 2>/dev/null || over
[ "$o" = 0 ] || cat "$d/o$n"
[ "$e" = 0 ] || cat "$d/e$n" >&2
exit "$s"
"""
