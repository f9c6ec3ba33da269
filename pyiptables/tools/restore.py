"""``iptables-restore`` and ``ip6tables-restore`` (``xtables-restore.c``, ``iptables-restore.c``)."""

from __future__ import annotations

from pyiptables.ruleset import Ruleset
from pyiptables.store import State
from pyiptables.syntax.arguments import wait_interval, wait_seconds
from pyiptables.syntax.command import Command, HelpWanted, LineIgnored, VersionWanted, parse
from pyiptables.syntax.restorefile import policy_counters, restore_lines, rule_counters, tokens
from pyiptables.syntax.scanner import MISSING, NONE, OPTIONAL, REQUIRED, UNKNOWN, Scanner
from pyiptables.syntax.variant import CHAINS, NFT, Variant
from pyiptables.syntax.words import split_words
from pyiptables.tools.getopt_errors import complaint
from pyiptables.tools.iptables import settle
from pyiptables.tools.run import Exit, Program
from pyiptables.tools.tables import Tables, tables_for
from pyiptables.xtables.errors import (
    IptablesError,
    ParameterProblem,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from pyiptables.tools.bulk import CertifiedRules
    from pyiptables.xtables.names import Names

    T = TypeVar("T")
    #: What stands in a transaction: a command, certified rules, or a line about a chain or the table.
    Item = Command | CertifiedRules | tuple[object, ...]

__all__ = ["load_text", "main"]

LONG = {
    "counters": (NONE, "c"),
    "verbose": (NONE, "v"),
    "version": (NONE, "V"),
    "test": (NONE, "t"),
    "help": (NONE, "h"),
    "noflush": (NONE, "n"),
    "modprobe": (REQUIRED, "M"),
    "table": (REQUIRED, "T"),
    "ipv4": (NONE, "4"),
    "ipv6": (NONE, "6"),
    "wait": (OPTIONAL, "w"),
    "wait-interval": (OPTIONAL, "W"),
}
SHORT = {**{letter: (NONE, letter) for letter in "bcvVthnwW"}, "M": (REQUIRED, "M"), "T": (REQUIRED, "T")}

#: From this many characters on it pays to put a certifier together.
_MANY = 16000


class LineError(IptablesError):
    """An error with the line it belongs to."""

    def __init__(self, error: IptablesError, line: int) -> None:
        super().__init__(error.text)
        self.status = error.status
        self.error = error
        self.line = line

    def render(self, program: str, version: str, line: int | None = None) -> str:
        return self.error.render(program, version, self.line)


class Settings:
    """The options of a restore."""

    __slots__ = ("counters", "noflush", "table", "testing", "verbose")

    def __init__(self) -> None:
        self.counters = self.noflush = self.testing = False
        self.verbose = 0
        self.table: str | None = None


def main(program: Program, argv: list[str]) -> int:
    settings = Settings()
    wait: int | None = None
    interval = False
    long = {name: entry for name, entry in LONG.items() if not (program.variant.locks and name[:3] == "ipv")}
    scanner = Scanner(argv, SHORT, [long], in_order=False)
    while (item := scanner.next()) is not None:
        key, argument = item
        if key == "b":
            program.err.append("-b/--binary option is not implemented\n")
        elif key == "c":
            settings.counters = True
        elif key == "v":
            settings.verbose += 1
        elif key == "V":
            program.out.append(f"{program.name} v{program.variant.version}\n")
            return 0
        elif key == "t":
            settings.testing = True
        elif key == "h":
            from pyiptables.tools.help import restore_help

            program.err.append(restore_help(program))
            return 0
        elif key == "n":
            settings.noflush = True
        elif key == "M":
            pass
        elif key == "T":
            settings.table = argument
        elif key == "w" and program.variant.locks:
            wait = _at_line_zero(wait_seconds, argument, scanner)
        elif key == "W" and program.variant.locks:
            program.err.append(_at_line_zero(wait_interval, argument, scanner))
            interval = True
        elif key in ("w", "W"):
            if argument is None and scanner.has_argument():
                scanner.take()
        else:
            if key in (UNKNOWN, MISSING):
                program.err.append(complaint(program.name, key, scanner))
            program.err.append(f"Try `{program.name} -h' for more information.\n")
            return 1
    operands = scanner.operands + argv[scanner.index :]
    if len(operands) > 1:
        program.err.append("Unknown arguments found on commandline\n")
        return 1
    text = _read_file(program, operands[0]) if operands else None
    if interval and not wait:
        program.err.append("Option --wait-interval requires option --wait\n")
        return 1
    if program.variant.locks:
        # While the input comes in the tables are busy already.
        program.lock(wait)
    if text is None:
        text = program.stdin()
    if not program.variant.locks:
        program.lock(wait)
    tables = program.load()
    restore = _restore_for(program, tables, settings)
    try:
        restore.run(text)
    except Exit:
        restore.keep()
        raise
    except IptablesError:
        restore.keep()
        raise
    if restore.committed is not None:
        tables.ruleset = restore.committed
        program.save(tables)
    elif tables.born:
        program.save_born(tables.born)
    return 0


def _at_line_zero(read: Callable[[str | None, Scanner], T], argument: str | None, scanner: Scanner) -> T:
    """Errors in the program's own options come from line 0 of the input."""
    try:
        return read(argument, scanner)
    except IptablesError as error:
        raise LineError(error, 0) from error


def _read_file(program: Program, path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "surrogateescape")
    except IsADirectoryError:
        # fopen takes it, fgets finds nothing.
        return ""
    except OSError as error:
        program.err.append(f"Can't open {path}: {error.strerror}\n")
        raise Exit(1) from error


def load_text(text: str, family: int, variant: Variant, names: Names, file: str | None = None) -> Ruleset:
    """A ruleset from any text that iptables-restore takes. Raises IptablesError with file and line in its text."""
    tables = tables_for(variant, Ruleset(family))
    name = "iptables-restore" if family == 4 else "ip6tables-restore"
    program = Program(name, family, variant, State(""), names, lambda: "")
    program.elsewhere = True
    settings = Settings()
    settings.counters = True
    restore = _restore_for(program, tables, settings)
    restore.lenient_counters = True
    restore.file = file or "-"
    try:
        restore.run(text)
    except Exit as leave:
        raise ParameterProblem(f"{file or '-'}:{restore.line}: {''.join(program.err).strip()}") from leave
    except IptablesError as error:
        raise ParameterProblem(f"{file or '-'}:{restore.line}: {error.text.strip()}") from error
    return tables.ruleset


def _restore_for(program: Program, tables: Tables, settings: Settings) -> Restore:
    if program.variant is NFT:
        from pyiptables.tools.restore_nft import NftRestore

        return NftRestore(program, tables, settings)
    from pyiptables.tools.restore_legacy import LegacyRestore

    return LegacyRestore(program, tables, settings)


class Restore:
    """Reads restore text line by line into the tables; ``committed`` is what to keep, None when nothing was.

    What becomes of the lines, the subclasses of the variants say.
    """

    #: Whether what the lines say is done at COMMIT only, not at once.
    deferred = False

    def __init__(self, program: Program, tables: Tables, settings: Settings) -> None:
        self.program = program
        self.tables = tables
        self.settings = settings
        #: What the rules are to say of where they were read: file and line.
        self.file = "-"
        self.line = 0
        self.in_table = False
        self.current = ""
        self.committed: Ruleset | None = None
        self.lenient_counters = False
        self.announced: set[str] = set()
        self._before: Ruleset | None = None

    def keep(self) -> None:
        """After an error: what was committed before it stays."""
        born = self.tables.born
        if self.committed is not None or born:
            self.program.save_born(born, self.committed)

    # -- lines -----------------------------------------------------------------------------------------------
    def run(self, text: str) -> None:
        try:
            if len(text) > _MANY and not self.settings.verbose:
                from pyiptables.tools.bulk import Bulk

                Bulk(self, text).run()
            else:
                self.take(text)
        except LineError:
            raise
        except IptablesError as error:
            raise LineError(error, self.line) from error
        if self.in_table:
            self.fail(f"{self.program.name}: COMMIT expected at line {self.line + 1}\n")

    def take(self, text: str) -> None:
        """Carry out some lines."""
        for line in restore_lines(text):
            self.line += 1
            self._one(line)

    def fail(self, text: str) -> None:
        self.program.err.append(text)
        raise Exit(1)

    def _one(self, line: str) -> None:
        first = line[:1]
        if first == "\n":
            return
        if first == "#":
            if self.settings.verbose:
                self.program.out.append(line)
            return
        if self.in_table and self.is_commit(line):
            self._commit()
        elif first == "*" and not self.in_table:
            if not self._start_table(line):
                return
        elif first == ":" and self.in_table:
            self._chain_line(line)
        elif self.in_table:
            self._rule_line(line)
        else:
            if self.settings.table is not None and self.settings.table != self.current and self.skips_strays():
                return
            self.fail(f"{self.program.name}: line {self.line} failed\n")

    def _start_table(self, line: str) -> bool:
        words = tokens(line[1:])
        name = self.program.name
        if not words:
            raise ParameterProblem(f"{name}: line {self.line} table name invalid")
        table = words[0]
        self.check_table(table)
        self.current = table
        if self.settings.table is not None and self.settings.table != table:
            return False
        if table not in CHAINS:
            raise ParameterProblem(f"{name}: unable to initialize table '{table}'")
        self.use_table(table)
        if self.settings.testing:
            self._before = self.tables.ruleset.copy()
        if not self.settings.noflush:
            self.empty_table(table)
        self.in_table = True
        return True

    def _chain_line(self, line: str) -> None:
        words = tokens(line[1:])
        name = self.program.name
        if not words:
            raise ParameterProblem(f"{name}: line {self.line} chain name invalid")
        chain = words[0]
        self.announce(chain)
        if len(words) < 2:
            raise ParameterProblem(f"{name}: line {self.line} policy invalid")
        policy = words[1]
        if not self.has_policy(chain, policy):
            return
        counters = policy_counters(words[2]) if len(words) > 2 else None
        missing = counters is None and self.settings.counters and not self.lenient_counters
        if (len(words) > 2 and counters is None) or missing:
            raise ParameterProblem(f"invalid policy counters for chain '{chain}'")
        given = counters if self.settings.counters else None
        self.set_policy(chain, policy, given)

    def _rule_line(self, line: str) -> None:
        program, settings = self.program, self.settings
        rest, counters = rule_counters(line, self.line)
        words: list[str] = []
        if not settings.noflush:
            words += ["-v"] * settings.verbose
        if settings.counters and counters is not None:
            words += ["--set-counters", *counters]
        words += split_words(rest, room=254 - len(words) - 3)
        parsing = program.parsing(self.current)
        parsing.announced = self.announced
        try:
            command = parse(words, parsing, self.current, restore=program.name)
        except LineIgnored:
            return
        except VersionWanted as wanted:
            version = program.variant.version
            program.out.append(f"Not {version} ;-)\n" if wanted.inverted else f"{program.name} v{version}\n")
            raise Exit(0) from wanted
        except HelpWanted as wanted:
            from pyiptables.tools.help import program_help

            program.out.append(program_help(program, wanted.matches, wanted.targets))
            raise Exit(0) from wanted
        command.source = (self.file, self.line)
        settle(program, self.tables, command)
        self.carry_out(command)

    def _commit(self) -> None:
        self.transact()
        if self.settings.testing:
            assert self._before is not None
            self.tables.ruleset = self._before
        else:
            self.committed = self.tables.ruleset.copy()
        self.in_table = False

    # -- what the variants do ----------------------------------------------------------------------------------
    def is_commit(self, line: str) -> bool:
        """Whether the line ends the table."""
        raise NotImplementedError

    def skips_strays(self) -> bool:
        """Whether lines outside of the table that is asked for may be anything."""
        raise NotImplementedError

    def check_table(self, table: str) -> None:
        """Complain of a table's name, even one that is not asked for."""

    def use_table(self, table: str) -> None:
        """The table is there from here on."""

    def empty_table(self, table: str) -> None:
        """Nothing is to stay of what was in the table."""
        raise NotImplementedError

    def announce(self, chain: str) -> None:
        """A line begins that names the chain."""
        raise NotImplementedError

    def has_policy(self, chain: str, policy: str) -> bool:
        """Whether a policy, or its counters, is to be set."""
        raise NotImplementedError

    def set_policy(self, chain: str, policy: str, counters: tuple[int, int] | None) -> None:
        raise NotImplementedError

    def carry_out(self, command: Command) -> None:
        """A command of the table, with all that can be known without the tables checked."""
        raise NotImplementedError

    def transact(self) -> None:
        """The table's lines are complete; testing says whether anything is to be done."""
        raise NotImplementedError

    def open_rules(self, chain: str, line: int) -> CertifiedRules | None:
        """Where certified rules of a chain go from this line on; None where there is no such chain."""
        raise NotImplementedError
