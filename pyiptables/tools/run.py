"""Run an emulated program by name (``run``): no process, no global state."""

from __future__ import annotations

import os

from pyiptables.store import State, StateError, default_directory
from pyiptables.syntax.variant import LEGACY, NFT, Variant, variant_named
from pyiptables.tools.program import Exit, Program
from pyiptables.xtables.errors import IptablesError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from pyiptables.xtables.names import Names

__all__ = ["TOOLS", "Completed", "play_tool", "run", "run_tool", "split_name"]

_KINDS = ("", "-save", "-restore")

#: Every program name that is emulated → (family, kind, variant or None for the default).
TOOLS: dict[str, tuple[int, str, Variant | None]] = {}
for _family, _base in ((4, "iptables"), (6, "ip6tables")):
    for _kind in _KINDS:
        TOOLS[_base + _kind] = (_family, _kind, None)
        TOOLS[f"{_base}-legacy{_kind}"] = (_family, _kind, LEGACY)
        TOOLS[f"{_base}-nft{_kind}"] = (_family, _kind, NFT)
        # The names of the multi-call binaries' own links.
        TOOLS[f"{_base}{_kind}-legacy"] = (_family, _kind, LEGACY)
        TOOLS[f"{_base}{_kind}-nft"] = (_family, _kind, NFT)


class Completed:
    """What a program did: ``returncode``, ``stdout``, ``stderr``."""

    __slots__ = ("returncode", "stderr", "stdout")

    def __init__(self, returncode: int, stdout: str, stderr: str) -> None:
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr

    def __repr__(self) -> str:
        return f"Completed(returncode={self.returncode!r}, stdout={self.stdout!r}, stderr={self.stderr!r})"


class _NamesOnDemand:
    """The system's names, whose reader is loaded when somebody first asks for one: most commands never do."""

    def __init__(self, resolve: bool) -> None:
        self._resolve = resolve

    def __getattr__(self, question: str) -> Any:
        from pyiptables.tools.hosts import SystemNames

        names = SystemNames(self._resolve)
        for each in dir(names):
            if not each.startswith("_"):
                setattr(self, each, getattr(names, each))
        return getattr(names, question)


def split_name(name: str) -> tuple[int, str, Variant | None]:
    """(family, kind, variant) of a program name; KeyError for a name that is none."""
    return TOOLS[name]


def run_tool(argv: list[str], state: str | None, stdin: Callable[[], str], environ: Mapping[str, str], warm: bool = False) -> Completed:
    """Run ``argv`` (program name first) against the state directory; ``stdin`` is called when input is wanted.

    ``warm`` is for a process that makes many calls: it does what pays only then, and settles the state itself.
    """
    status, out, err = play_tool(argv, state, stdin, environ, warm)
    return Completed(status, "".join(out), "".join(err))


def play_tool(
    argv: list[str], state: str | None, stdin: Callable[[], str], environ: Mapping[str, str], warm: bool = False
) -> tuple[int, list[str], list[str]]:
    """The same, with the pieces of output and error output as they came."""
    called = argv[0]
    family, kind, variant = TOOLS[called.replace("\\", "/").rpartition("/")[2]]
    if variant is None:
        variant = variant_named(environ.get("PYIPTABLES_VARIANT") or "nft")
    base = "iptables" if family == 4 else "ip6tables"
    name = base + kind
    directory = state or default_directory(environ)
    names: Names = _NamesOnDemand(environ.get("PYIPTABLES_RESOLVE") == "1")
    with State(directory, durable=not warm) as store:
        program = Program(name, family, variant, store, names, stdin, warm)
        try:
            if kind == "":
                from pyiptables.tools.iptables import main
            elif kind == "-save":
                from pyiptables.tools.save import main
            else:
                from pyiptables.tools.restore import main
            status = main(program, list(argv[1:]))
        except Exit as leave:
            status = leave.status
        except IptablesError as error:
            program.err.append(error.render(name, variant.version))
            status = error.status
        except StateError as error:
            program.err.append(f"pyiptables: {error}\n")
            status = 4
    return status, program.out, program.err


def run(argv: list[str], *, state: str | os.PathLike[str] | None = None, stdin: str | None = None) -> Completed:
    """Run an emulated program in this process and return what it printed.

    ``argv`` begins with the program's name (``iptables``, ``ip6tables-save``, ``iptables-legacy-restore`` …);
    ``state`` is the state directory (default as for the command line), ``stdin`` the text of standard input.
    Raises ValueError for a name that is no emulated program.
    """
    words = list(argv)
    if not words or words[0].replace("\\", "/").rpartition("/")[2] not in TOOLS:
        raise ValueError(f"not an emulated program: {words[0] if words else ''!r}")
    directory = None if state is None else os.fspath(state)
    return run_tool(words, directory, lambda: stdin or "", os.environ)
