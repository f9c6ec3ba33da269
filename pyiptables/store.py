"""The state directory: one save file per family, replaced as a whole under a lock."""

from __future__ import annotations

import os
import time
from errno import ELOOP, ENOTDIR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from mmap import mmap
    from types import TracebackType

__all__ = ["LockBusy", "State", "StateError", "default_directory"]

#: The last line of a file that we wrote: its size in bytes and the modification time it was given. While both
#: still hold, the text is known to be canonical and is not examined again.
_TRAILER = "# pyiptables: state %015d %020d\n"
_TRAILER_SIZE = len(_TRAILER % (0, 0))

_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
#: From this size on a file is mapped rather than read, and changed in its place if that can be done.
_LARGE = 1 << 19
#: What is written within a page is there as a whole or not at all, also when the writer is killed.
_PAGE = 4096
_SECOND = 1_000_000_000
#: A pipe in the place of a file must not keep anybody waiting.
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)


class StateError(Exception):
    """The state cannot be read or written; the text says where and why."""


class LockBusy(Exception):
    """Somebody else holds the lock."""


def default_directory(environ: Mapping[str, str]) -> str:
    """``PYIPTABLES_STATE``, else ``$XDG_STATE_HOME/pyiptables``, else ``~/.local/state/pyiptables``."""
    given = environ.get("PYIPTABLES_STATE")
    if given:
        return given
    base = environ.get("XDG_STATE_HOME") or os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".local", "state")
    return os.path.join(base, "pyiptables")


def _trailer(size: int, modified: int) -> bytes:
    return (_TRAILER % (size, modified)).encode()


def _recent(trailer: bytes) -> bool:
    """Whether a file with such an end was being written a moment ago."""
    words = trailer.split(b" ")
    return len(words) == 5 and words[4].rstrip().isdigit() and abs(time.time_ns() - int(words[4])) < _SECOND


def _read(fd: int, size: int) -> bytes:
    """So many bytes, or those that there are; all the rest for a negative size."""
    parts: list[bytes] = []
    while size and (part := os.read(fd, size if size > 0 else 1 << 16)):
        parts.append(part)
        size -= len(part) if size > 0 else 0
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _new_file(path: str) -> int:
    """A file of our own by this name; what a killed writer left there, or somebody planted, goes."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CLOEXEC | _NOFOLLOW | _BINARY
    try:
        return os.open(path, flags, 0o600)
    except FileExistsError:
        os.unlink(path)
        return os.open(path, flags, 0o600)


def _status(fd: int) -> os.stat_result:
    """The file's status. Raises OSError for anything that is no file of bytes: a pipe, a device, a folder."""
    status = os.fstat(fd)
    if status.st_mode & 0o170000 != 0o100000:
        raise OSError(0, "not a regular file")
    return status


def _make_private(directory: str) -> None:
    """Make a folder and those above it, for their owner only (as the XDG base directories want it)."""
    if os.path.isdir(directory):
        return
    above = os.path.dirname(directory)
    if above and above != directory:
        _make_private(above)
    try:
        os.mkdir(directory, 0o700)
    except FileExistsError:
        if not os.path.isdir(directory):
            raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR), directory) from None


def _why(error: OSError) -> str | None:
    return "is a symbolic link" if error.errno == ELOOP else error.strerror


class State:
    """A state directory. Reading makes nothing; the first write creates it, private to its owner."""

    __slots__ = ("_lock_fd", "directory", "durable", "trusted")

    def __init__(self, directory: str, durable: bool = True) -> None:
        self.directory = directory
        #: Whether a write waits until the disk has it; without, :meth:`settle` does that for all writes so far.
        self.durable = durable
        #: Whether the file read last is one that :meth:`write` left, untouched since.
        self.trusted = False
        self._lock_fd = -1

    def path(self, family: int) -> str:
        return os.path.join(self.directory, f"rules.v{family}")

    def read(self, family: int) -> bytes:
        """The file's bytes without our trailer; b'' when there is none yet. Sets ``trusted``."""
        for _ in range(20):
            text, changing = self._read_once(family)
            if not changing:
                break
            # Somebody is at it, or was killed in the middle.
            time.sleep(0.001)
        return text

    def _read_once(self, family: int) -> tuple[bytes, bool]:
        """What :meth:`read` gives, and whether the file may have been changed in its place meanwhile."""
        path = self.path(family)
        self.trusted = False
        try:
            fd = os.open(path, os.O_RDONLY | _CLOEXEC | _NOFOLLOW | _NONBLOCK | _BINARY)
        except FileNotFoundError:
            self.trusted = True
            return b"", False
        except OSError as error:
            raise StateError(f"cannot read {path}: {_why(error)}") from error
        try:
            status = _status(fd)
            text = _read(fd, max(status.st_size - _TRAILER_SIZE, 0))
            rest = _read(fd, -1)
            after = os.pread(fd, _TRAILER_SIZE, len(text)) if hasattr(os, "pread") else rest
        except OSError as error:
            raise StateError(f"cannot read {path}: {_why(error)}") from error
        finally:
            os.close(fd)
        if after == rest == _trailer(len(text) + _TRAILER_SIZE, status.st_mtime_ns):
            self.trusted = True
            return text, False
        return text + rest, after != rest or _recent(after)

    def mapped(self, family: int) -> mmap | None:
        """What :meth:`read` gives, without copying it, if the file is to be trusted and large; None: read it.

        Where nobody waits for the disk, a small one is worth it too: to change it in its place is faster than to replace it.
        """
        if os.name == "nt":
            # A file that is mapped could not be replaced.
            return None
        try:
            fd = os.open(self.path(family), os.O_RDONLY | _CLOEXEC | _NOFOLLOW | _NONBLOCK)
            try:
                status = _status(fd)
                size = status.st_size - _TRAILER_SIZE
                if size < (_LARGE if self.durable else 1):
                    return None
                if os.pread(fd, _TRAILER_SIZE, size) != _trailer(status.st_size, status.st_mtime_ns):
                    return None
                import mmap

                return mmap.mmap(fd, size, prot=mmap.PROT_READ)
            finally:
                os.close(fd)
        except OSError:
            return None

    def write(self, family: int, *pieces: bytes | memoryview) -> None:
        """Replace the file by the pieces put together: the old or the new is there at any moment, never a mixture."""
        path = self.path(family)
        temporary = f"{path}.new"
        try:
            _make_private(self.directory)
            fd = _new_file(temporary)
            try:
                now = time.time_ns()
                size = sum([len(piece) for piece in pieces]) + _TRAILER_SIZE
                for piece in (*pieces, _trailer(size, now)):
                    view = memoryview(piece)
                    while view:
                        view = view[os.write(fd, view) :]
                os.utime(temporary, ns=(now, now))
                if self.durable:
                    os.fsync(fd)
            finally:
                os.close(fd)
            os.replace(temporary, path)
        except OSError as error:
            try:
                os.unlink(temporary)
            except OSError:
                pass
            raise StateError(f"cannot write {path}: {_why(error)}") from error

    def overwrite(self, family: int, at: int, piece: bytes) -> bool:
        """Put bytes in the place of those at ``at`` of a file that we wrote; False: that is not to be done here.

        Whoever reads meanwhile sees the trailer change before anything else does. Of a piece that goes over the end of
        a page a killed writer may leave the part behind it alone: the caller sees to it that this changes nothing.
        """
        path = self.path(family)
        try:
            fd = os.open(path, os.O_RDWR | _CLOEXEC | _NOFOLLOW | _NONBLOCK)
        except OSError:
            return False
        try:
            status = _status(fd)
            if status.st_nlink != 1:
                # Somebody keeps the file as it is under another name.
                return False
            now = time.time_ns()
            os.pwrite(fd, _trailer(status.st_size, now), status.st_size - _TRAILER_SIZE)
            end = at + len(piece)
            while end > at:
                start = max(at, (end - 1) // _PAGE * _PAGE)
                os.pwrite(fd, piece[start - at : end - at], start)
                if start > at and self.durable:
                    os.fsync(fd)
                end = start
            os.utime(fd, ns=(now, now))
            if self.durable:
                os.fsync(fd)
        except OSError as error:
            raise StateError(f"cannot write {path}: {_why(error)}") from error
        finally:
            os.close(fd)
        return True

    def settle(self) -> None:
        """Wait until the disk has what was written."""
        for family in (4, 6):
            try:
                fd = os.open(self.path(family), os.O_RDWR | _CLOEXEC | _NOFOLLOW)
            except OSError:
                continue
            try:
                os.fsync(fd)
            finally:
                os.close(fd)

    def _open_lock(self) -> int:
        path = os.path.join(self.directory, "lock")
        try:
            _make_private(self.directory)
            fd = os.open(path, os.O_RDWR | os.O_CREAT | _CLOEXEC | _NOFOLLOW | _NONBLOCK, 0o600)
            try:
                _status(fd)
            except OSError:
                os.close(fd)
                raise
        except OSError as error:
            raise StateError(f"cannot open lock file {path}: {_why(error)}") from error
        return fd

    # -- the lock --------------------------------------------------------------------------------------------
    def lock(self, wait: int = 0) -> None:
        """Take the lock: 0 = at once or LockBusy, -1 = as long as it takes, else for that many seconds."""
        try:
            import fcntl
        except ImportError:
            self._lock_without_flock(wait)
            return
        self._lock_fd = self._open_lock()
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError:
            if wait == 0:
                self.unlock()
                raise LockBusy from None
        if wait < 0:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX)
            return
        end = time.monotonic() + wait
        while time.monotonic() < end:
            time.sleep(0.01)
            try:
                fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError:
                continue
        self.unlock()
        raise LockBusy

    def _lock_without_flock(self, wait: int) -> None:
        """Windows: an exclusively locked byte of the lock file."""
        import msvcrt

        self._lock_fd = self._open_lock()
        end = None if wait < 0 else time.monotonic() + wait
        while True:
            try:
                os.lseek(self._lock_fd, 0, os.SEEK_SET)
                msvcrt.locking(self._lock_fd, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
                return
            except OSError:
                if end is not None and time.monotonic() >= end:
                    self.unlock()
                    raise LockBusy from None
                time.sleep(0.01)

    def unlock(self) -> None:
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    def __enter__(self) -> State:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.unlock()
