"""Run an emulated program by name (``run``): no process, no global state; and what the programs share (``Program``)."""

from __future__ import annotations

import os

from pyiptables.extensions import REMARKING
from pyiptables.ruleset import Rule
from pyiptables.store import LockBusy, State, StateError, default_directory
from pyiptables.syntax.rule import typed
from pyiptables.syntax.savefile import SaveFileError, read_canonical, write
from pyiptables.syntax.variant import LEGACY, NFT, Variant, variant_named
from pyiptables.tools.tables import Tables, tables_for
from pyiptables.xtables.errors import IptablesError
from pyiptables.xtables.option import Extension, Neighbours, Parsing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from pyiptables.ruleset import Ruleset
    from pyiptables.xtables.names import Names

__all__ = ["TOOLS", "Completed", "Exit", "Program", "play_tool", "run", "run_tool", "split_name"]

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


class Exit(Exception):
    """Leave the program with this status; everything there was to say has been said."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _no_set(name: str) -> None:
    """Whether there is an ipset of this name: the state has none."""


class _Stored:
    """Finds extensions by their words in the rules of the state."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def __call__(self, use: str, words: str, families: tuple[int, ...]) -> Extension | None:
        for family in families:
            data = State(self._directory).read(family)
            at = -1
            while (at := data.find(words.encode("utf-8", "surrogateescape"), at + 1)) >= 0:
                line = data[data.rfind(b"\n", 0, at) + 1 : data.find(b"\n", at)].decode("utf-8", "surrogateescape")
                if f"{words} " in f"{line} " and f" {use} " in line:
                    spec = typed(Rule(line.partition(" -A ")[2].partition(" ")[2]), family)
                    extensions: list[Extension | None] = [*spec.matches, spec.target]
                    for extension in extensions:
                        if extension is not None and extension.name == use[3:]:
                            return extension
        return None


class Program:
    """One run of an emulated program.

    ``name`` is what the program calls itself in messages.
    Output collects in ``out`` and ``err``; nothing here prints.
    """

    def __init__(
        self,
        name: str,
        family: int,
        variant: Variant,
        state: State,
        names: Names,
        stdin: Callable[[], str],
        warm: bool = False,
    ) -> None:
        self.name = name
        self.family = family
        self.variant = variant
        self.state = state
        self.names = names
        self.stdin = stdin
        #: Whether more calls follow in this process.
        self.warm = warm
        #: Text, or octets as they stand in the state.
        self.out: list[str | memoryview] = []
        self.err: list[str] = []
        self._neighbours = Neighbours(_Stored(state.directory))
        #: The rules are a dump of another host: the objects that they name are there.
        self.elsewhere = False

    def parsing(self, table: str = "filter") -> Parsing:
        parsing = Parsing(self.family, self.names, self.variant.name, table)
        parsing.notices = self.err
        parsing.read_file = read_file
        parsing.sets = None if self.elsewhere else _no_set
        parsing.neighbours = None if self.elsewhere else self._neighbours
        parsing.elsewhere = self.elsewhere
        return parsing

    def remark(self, rules: list[Rule]) -> None:
        """What the real program says on stderr while it prints these rules."""
        for name in REMARKING:
            mark = f"-m {name} "
            for rule in [rule for rule in rules if mark in rule.text]:
                self.err += [match.remark for match in typed(rule, self.family).matches if match.name == name]

    # -- the state -----------------------------------------------------------------------------------------------
    def load(self, data: bytes | None = None) -> Tables:
        """The rules of this family, from the bytes just read if given.

        A file that is not as we left it is taken if iptables-restore would take it.
        """
        if data is None:
            data = self.state.read(self.family)
        text = data.decode("utf-8", "surrogateescape")
        if not self.state.trusted:
            return tables_for(self.variant, self._load_foreign(text))
        try:
            return tables_for(self.variant, read_canonical(text, self.family))
        except SaveFileError as error:
            raise StateError(f"{self.state.path(self.family)}:{error.line}: {error.text}") from error

    def _load_foreign(self, text: str) -> Ruleset:
        from pyiptables.tools.restore import load_text

        try:
            return load_text(text, self.family, self.variant, self.names, self.state.path(self.family))
        except IptablesError as error:
            raise StateError(error.text) from error

    def save(self, tables: Tables, reading: bool = False) -> None:
        """Write the rules. A command that only reads (and, with legacy, made a table) does so if it can."""
        text = write(tables.ruleset, as_made=True)
        try:
            self.state.write(self.family, text.encode("utf-8", "surrogateescape"))
        except StateError:
            if not reading:
                raise

    def save_born(self, names: list[str], ruleset: Ruleset | None = None) -> None:
        """Of a command that failed, keep the tables that it brought into being; ``ruleset`` is what else stays."""
        tables = self.load() if ruleset is None else tables_for(self.variant, ruleset)
        for name in names:
            tables.use_table(name)
        self.save(tables, reading=True)

    def lock(self, wait: int | None, reading: bool = False) -> None:
        """Keep others from writing. Legacy waits only as told, in its own words (``xtables_lock``); nft has no lock
        that could be busy, so writers wait for each other here."""
        if not self.variant.locks:
            if not reading:
                self.state.lock(-1)
            return
        try:
            self.state.lock(wait or 0)
        except LockBusy:
            if wait:
                hint = f"Stopped waiting after {wait}s.\n"
            else:
                hint = "Perhaps you want to use the -w option?\n"
            self.err.append(f"Another app is currently holding the xtables lock. {hint}")
            raise Exit(4) from None
        except StateError:
            if not reading:
                raise


def read_file(path: str) -> bytes:
    """A file's bytes for extensions that name one; OSError as it comes."""
    fd = os.open(path, os.O_RDONLY)
    try:
        parts = []
        while part := os.read(fd, 1 << 20):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(fd)


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
    text = [piece if isinstance(piece, str) else bytes(piece).decode("utf-8", "surrogateescape") for piece in out]
    return Completed(status, "".join(text), "".join(err))


def play_tool(
    argv: list[str], state: str | None, stdin: Callable[[], str], environ: Mapping[str, str], warm: bool = False
) -> tuple[int, list[str | memoryview], list[str]]:
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
