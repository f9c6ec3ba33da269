"""Pick the tool: an emulated program by the name it is called with or by the first argument, else our own commands."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

#: Output is written in pieces of about this many characters.
_PIECE = 1 << 20
#: The real programs' own multi-call names, and what they make of a tool's name.
_MULTI_CALL = {"xtables-nft-multi": "-nft", "xtables-legacy-multi": "-legacy"}


def main() -> None:
    """The console script. Leaves by ``os._exit``: there is nothing to tidy up, and that takes time."""
    argv = sys.argv
    name = argv[0].replace("\\", "/").rpartition("/")[2].removesuffix(".exe")
    state: str | None = None
    if name.startswith(("iptables", "ip6tables")):
        words = [name, *argv[1:]]
    else:
        words = argv[1:]
        if len(words) > 2 and words[0] == "--state":
            state, words = words[1], words[2:]
        elif words and words[0].startswith("--state="):
            state, words = words[0][8:], words[1:]
        if words[:2] == ["complete", "--"]:
            _leave(_complete(words[2:]))
        if words and name in _MULTI_CALL:
            base, dash, kind = words[0].partition("-")
            words = [base + _MULTI_CALL[name] + dash + kind, *words[1:]]
        if not words or not words[0].startswith(("iptables", "ip6tables")):
            _leave(_own())
    _leave(_tool(words, state))


def _own() -> int:
    import gc

    # Rules by the thousand are made to be kept: looking through them for rubbish again and again finds none.
    gc.set_threshold(100_000)
    from pyiptables.commands import main as own

    try:
        own()
    except SystemExit as leave:
        return int(leave.code or 0)
    finally:
        sys.stderr.flush()
    return 0


def _tool(words: list[str], state: str | None) -> int:
    import gc

    gc.disable()
    from pyiptables.tools.run import TOOLS, play_tool

    if words[0] not in TOOLS:
        _write(2, [f"pyiptables: no emulated program is called {words[0]}\n"])
        return 2
    try:
        status, out, err = play_tool(words, state, _read_stdin, os.environ)
    except KeyboardInterrupt:
        return 130
    _write(1, out)
    _write(2, err)
    return status


def _complete(words: list[str]) -> int:
    """What the shells' completion functions call; silent whatever happens."""
    from pyiptables.tools.completion import FILE, candidates

    try:
        found = candidates(words)
    except Exception:
        return 1
    _write(1, [f"{'<file>' if word == FILE else word}\t{meaning}\n" for word, meaning in found.items()])
    return 0


def _read_stdin() -> str:
    parts = []
    try:
        while part := os.read(0, 1 << 20):
            parts.append(part)
    except OSError:
        pass
    return b"".join(parts).decode("utf-8", "surrogateescape")


def _write(fd: int, pieces: Sequence[str | memoryview]) -> None:
    """Small pieces together, large ones as they are."""
    waiting: list[str] = []
    size = 0
    for piece in pieces:
        if not isinstance(piece, str) or len(piece) > _PIECE:
            if not _write_text(fd, waiting) or not _write_all(fd, _octets(piece)):
                return
            waiting, size = [], 0
            continue
        waiting.append(piece)
        size += len(piece)
        if size > _PIECE:
            if not _write_text(fd, waiting):
                return
            waiting, size = [], 0
    _write_text(fd, waiting)


def _write_text(fd: int, pieces: list[str]) -> bool:
    return not pieces or _write_all(fd, _octets("".join(pieces)))


def _octets(piece: str | memoryview) -> bytes | memoryview:
    return piece.encode("utf-8", "surrogateescape") if isinstance(piece, str) else piece


def _write_all(fd: int, data: bytes | memoryview) -> bool:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(fd, view) :]
    except OSError:
        # Nobody reads any more (`iptables -S | head -1`).
        return False
    return True


def _leave(status: int) -> None:
    os._exit(status)


if __name__ == "__main__":
    main()
