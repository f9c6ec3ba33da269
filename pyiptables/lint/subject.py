"""A file under examination: its text, its rules with their places, and what could not be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pyiptables.lint.diagnostic import Place
from pyiptables.lint.recurring import Recurring
from pyiptables.ruleset import Chain, Rule, Ruleset, RuleSpec, Table
from pyiptables.syntax.command import Command, HelpWanted, LineIgnored, VersionWanted, parse
from pyiptables.syntax.variant import CHAINS, NFT, Variant, variant_named
from pyiptables.syntax.words import split_words
from pyiptables.xtables.errors import IptablesError
from pyiptables.xtables.names import NoNames
from pyiptables.xtables.option import Match, Parsing

if TYPE_CHECKING:
    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.lint.settings import Settings

__all__ = [
    "HostName",
    "Item",
    "LintNames",
    "Obscure",
    "Perhaps",
    "SaveReader",
    "Subject",
    "apply_command",
    "carry_out",
    "read_save_file",
    "table_of",
]


_HOST = frozenset("-._0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class LintNames(NoNames):
    """Names as the linter knows them: nothing of this machine, but no error for a name that another one may know.

    ``host_names`` collects the names that stand for addresses, for the checks that speak of them; ``guessed`` says
    whether another name got a stand-in for what only the host knows.
    """

    def __init__(self) -> None:
        self.host_names: list[str] = []
        self.guessed = False
        #: The address, nobody's, that stands for those a host name will have.
        self._addresses: dict[str, int] = {}

    def start(self, item: Item) -> None:
        """From now on names are those of this item."""
        self.host_names = item.host_names
        self.guessed = False

    def protocol_number(self, name: str) -> int | None:
        from pyiptables.netfilter.names import PROTOCOLS

        # No /etc/protocols has this one.
        return None if name == "icmp6" else PROTOCOLS.get(name)

    def port_number(self, name: str, protocol: str | None) -> int | None:
        from pyiptables.lint.services import SERVICES

        return SERVICES.get(name)

    def host_addresses(self, name: str, family: int) -> list[int]:
        if ":" in name or not any(char.isalpha() for char in name) or not _HOST.issuperset(name):
            return []  # a mistyped address: nobody will know it
        self.host_names.append(name)
        return [self.stand_in(name, family)]

    def stand_in(self, name: str, family: int) -> int:
        """The address that stands for a host name: of a documentation network, of one for future use beyond that."""
        number = self._addresses.setdefault(name, len(self._addresses) + 1)
        if family == 6:
            return 0x20010DB8 << 96 | number
        return 0xC0000200 | number if number < 256 else 0xF0000000 | number

    def user_number(self, name: str) -> int | None:
        return 0 if name == "root" else self._stand_in(name, 65533)

    def group_number(self, name: str) -> int | None:
        return self.user_number(name)

    def mapped_number(self, path: str, name: str) -> int | None:
        return self._stand_in(name, 255)

    def _stand_in(self, name: str, number: int) -> int | None:
        if name[:1].isdigit():
            return None
        self.guessed = True
        return number


class Perhaps(Match):
    """Stands in a rule that may not be there."""

    __slots__ = ()

    name = "(perhaps)"
    summary = "a rule that is there perhaps"
    deterministic = False


class Obscure(Perhaps):
    """Stands in a rule of which not every word is known: it may match whatever it likes."""

    __slots__ = ()

    obscure = True


class HostName(Match):
    """Stands in a rule for a host name: whatever addresses it has, the same name has the same."""

    __slots__ = ("_host", "instead_of")

    name = "(host name)"
    summary = "a host name as source or destination"

    def __init__(self, family: int, side: str, host: str, inverted: bool) -> None:
        super().__init__(family)
        self.instead_of = side
        self._host = host
        self.inverted = {side} if inverted else set()

    def save(self) -> str:
        return f"{' !' if self.inverted else ''} -{self.instead_of[0]} {self._host}"

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        return space.atom(f"{self.instead_of} {self._host}", bool(self.inverted), (self.instead_of,))


@dataclass(slots=True, eq=False, repr=False)
class Item:
    """One command of the file: a rule line, a chain line, or a command of a script."""

    place: Place
    #: The text as the file has it.
    text: str
    table: str
    #: ``A``, ``I``, ``N``, ``P``, ``:`` for a chain line, ``*`` for a table, ``COMMIT``, …; '' when unreadable.
    action: str = ""
    chain: str | None = None
    family: int = 4
    #: Shared by lines of a kind (``lint.recurring``): chain, addresses, ports … in it are the first one's.
    command: Command | None = None
    #: The rules it made (more than one for address lists).
    rules: list[Rule] = field(default_factory=list)
    #: Rules of other commands that it made others of (``-E``): before and after.
    rewritten: Sequence[tuple[Rule, Rule]] = ()
    error: IptablesError | None = None
    #: What the parser said without refusing (``Warning: …``).
    notices: list[str] = field(default_factory=list)
    host_names: list[str] = field(default_factory=list)
    #: Some words have stand-ins for what only the host or the script's run knows.
    obscure: bool = False
    policy: str | None = None
    #: Byte offsets of the line in the file.
    start: int = 0
    end: int = 0
    #: A script's own record of the call (``lint.shell.Invocation``), None in rule files.
    invocation: Any = None


class Subject:
    """A file as the checks see it.

    ``items`` are its commands in order; ``rulesets`` what they leave, by family; ``script`` is the script reading
    (None for a rule file). Rules carry ``source = (file, line)``.
    """

    def __init__(self, file: str, data: bytes, settings: Settings, family: int = 4) -> None:
        self.file = file
        self.data = data
        self.text = data.decode("utf-8", "surrogateescape")
        self.settings = settings
        self.family = family
        self.variant: Variant = variant_named(settings.variant)
        self.items: list[Item] = []
        self.rulesets: dict[int, Ruleset] = {}
        self.script: Any = None
        #: (place, text) of things in the file that are no commands at all.
        self.strays: list[tuple[Place, str]] = []
        #: The table that rules without one were read into; '' if the file has tables.
        self.assumed_table = ""
        #: (place, what, why) of words that only the script's run would tell.
        self.unresolved: list[tuple[Place, str, str]] = []
        #: Other files that were read with this one, by the name that places in them have.
        self.sourced: dict[str, bytes] = {}

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    def lines_of(self, file: str) -> list[str]:
        """The lines of this file or of one that was read with it."""
        if file == self.file:
            return self.lines
        return self.sourced.get(file, b"").decode("utf-8", "surrogateescape").split("\n")

    @cached_property
    def item_of_rule(self) -> dict[int, Item]:
        """From ``id(rule)`` to the item it came from."""
        found = {id(rule): item for item in self.items for rule in item.rules}
        for item in self.items:
            for before, after in item.rewritten:
                found[id(after)] = found.get(id(before), item)
        return found

    def ruleset(self) -> Ruleset:
        return self.rulesets[self.family]

    def line_place(self, line: int) -> Place:
        """A whole line."""
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        return Place(self.file, line, 1, line, len(text.rstrip("\r")) + 1)

    @cached_property
    def cache(self) -> dict[str, Any]:
        """Results that several checks share (reachability of the whole file, …)."""
        return {}


def read_save_file(subject: Subject) -> None:
    """Fill a subject from iptables-save text, forgivingly: each line that cannot be read is an item with an error."""
    ruleset = subject.rulesets[subject.family] = Ruleset(subject.family)
    reader = SaveReader(subject, ruleset)
    # A byte order mark is a finding; what comes after it is read all the same.
    offset = len(_MARK) if subject.data.startswith(_MARK) else 0
    rows = subject.data[offset:].split(b"\n")
    _assume_table(reader, rows)
    for number, raw in enumerate(rows, 1):
        line = raw.rstrip(b"\r").decode("utf-8", "surrogateescape")
        reader.take(line, Place(subject.file, number, 1, number, len(line) + 1), offset, offset + len(raw))
        offset += len(raw) + 1


_MARK = b"\xef\xbb\xbf"


def _assume_table(reader: SaveReader, rows: list[bytes]) -> None:
    """A part of a rule file, without ``*table``: its rules are read as those of the table that has their chains."""
    if any(row.startswith(b"*") for row in rows):
        return
    begin = next((number for number, row in enumerate(rows, 1) if row.startswith((b"-A ", b"-I ", b"[", b":"))), 0)
    if not begin:
        return
    chains = {row.split()[1].decode("utf-8", "replace") for row in rows if row.startswith((b"-A ", b"-I ")) and len(row.split()) > 1}
    known = {chain for table in CHAINS.values() for chain in table}
    fitting = [name for name, builtin in CHAINS.items() if chains & known <= set(builtin)]
    name = "filter" if "filter" in fitting or not fitting else fitting[0]
    subject = reader.subject
    subject.assumed_table = name
    subject.strays.append((subject.line_place(begin), subject.lines[begin - 1].rstrip("\r")))
    reader.table = table_of(reader.ruleset, name)


class SaveReader:
    """Reads lines for iptables-restore into a ruleset, noting each as an item of the subject."""

    def __init__(self, subject: Subject, ruleset: Ruleset, flush: bool = True, invocation: Any = None) -> None:
        self.subject = subject
        self.ruleset = ruleset
        self.flush = flush
        self.invocation = invocation
        self.table: Table | None = None
        self.names = LintNames()
        self.announced: set[str] = set()
        self._recurring = Recurring(ruleset.family)

    def take(self, line: str, place: Place, start: int = 0, end: int = 0) -> None:
        """One line, without its end; ``start`` and ``end`` are its bytes in the file (0: it is none of the file's)."""
        # iptables-restore sees a line up to its first NUL.
        if "\0" in line:
            line = line.partition("\0")[0]
        first = line[:1]
        if first in ("", "#"):
            return
        item = Item(place, line, self.table.name if self.table else "", family=self.ruleset.family)
        item.start, item.end, item.invocation = start, end, self.invocation
        if first == "*":
            self._start_table(item, line)
        elif first == "C" and line.rstrip() == "COMMIT":
            item.action = "COMMIT"
            if line != "COMMIT" and self.table is not None:
                item.error = IptablesError("Bad argument `COMMIT'")
            self.table = None
        elif self.table is None:
            self.subject.strays.append((place, line))
            return
        elif first == ":":
            self._chain(item, line)
        else:
            self._command(item, line)
        self.subject.items.append(item)

    def _start_table(self, item: Item, line: str) -> None:
        name = line[1:].strip()
        self._recurring.forget()
        item.action = "*"
        item.table = name
        if name not in CHAINS:
            item.error = IptablesError(f"line {item.place.line} table name '{name}' invalid")
            self.table = Table(name)
            return
        known = self.ruleset.tables.get(name)
        if known is None or (self.flush and self.invocation is not None):
            known = Table(name)
        self.table = self.ruleset.tables[name] = known
        for chain in CHAINS[name]:
            self.table.chains.setdefault(chain, Chain(chain, "ACCEPT"))

    def _chain(self, item: Item, line: str) -> None:
        assert self.table is not None
        words = line[1:].split()
        item.action = ":"
        if not words:
            item.error = IptablesError(f"line {item.place.line} chain name invalid")
            return
        item.chain = words[0]
        if len(words) < 2:
            item.error = IptablesError(f"line {item.place.line} policy invalid")
            return
        builtin = words[0] in CHAINS.get(self.table.name, ())
        item.policy = words[1] if builtin else None
        if builtin and words[1] not in ("ACCEPT", "DROP", "-"):
            item.error = IptablesError(f"line {item.place.line} failed: Bad policy name.")
            return
        chain = self.table.chains.setdefault(words[0], Chain(words[0], "ACCEPT" if builtin else None))
        if builtin and words[1] != "-":
            chain.policy = words[1]
        self.announced.add(words[0])
        self._recurring.forget()

    def _command(self, item: Item, line: str) -> None:
        rest = line
        if line[:1] == "[":
            rest = line.partition("]")[2].lstrip()
        table = self.table or Table(item.table)
        known = self._recurring.find(rest)
        if known is not None:
            command, item.chain, spec, text = known
            item.command, item.action = command, command.action
            packets, octets = command.counters or (0, 0)
            item.rules.append(Rule(text, packets, octets, (self.subject.file, item.place.line), spec))
            carry_out(item, item.rules, table)
            return
        parsing = Parsing(self.ruleset.family, self.names, self.subject.variant.name, item.table)
        parsing.announced = self.announced
        self.names.start(item)
        try:
            command = parse(split_words(rest), parsing, item.table, restore="iptables-restore")
        except (HelpWanted, VersionWanted, LineIgnored):
            return
        except IptablesError as error:
            item.error = error
            item.notices = parsing.notices
            words = rest.split()
            if len(words) > 1 and words[0] in ("-A", "-I", "--append", "--insert"):
                item.action, item.chain = words[0].lstrip("-")[:1].upper(), words[1]
            return
        item.notices = parsing.notices
        item.obscure = self.names.guessed
        apply_command(item, command, table, self.subject.variant, self.subject.file)
        plain = not (item.obscure or item.notices or item.host_names or item.error)
        if plain and len(item.rules) == 1:
            self._recurring.learn(command, item.rules[0])


def apply_command(item: Item, command: Command, table: Table, variant: Variant, file: str) -> None:
    """Carry a command out on the table as far as it can be, noting its rules in the item."""
    item.command = command
    item.action = command.action
    item.chain = command.chain
    chain = table.chains.get(command.chain or "")
    if command.action in ("A", "I", "R", "D", "C") and command.spec is not None:
        for src, src_mask in command.sources or [(0, 0)]:
            for dst, dst_mask in command.destinations or [(0, 0)]:
                item.rules.append(_rule(command, (src, src_mask), (dst, dst_mask), item, file, variant))
    item.rewritten = carry_out(item, item.rules, table)
    if command.action == "P" and chain is not None and command.policy in ("ACCEPT", "DROP"):
        item.policy = command.policy


def table_of(ruleset: Ruleset, name: str) -> Table:
    """The table of a ruleset, with its built-in chains; made if it is not there."""
    table = ruleset.tables.get(name)
    if table is None:
        table = ruleset.tables[name] = Table(name)
        for chain in CHAINS.get(name, ()):
            table.chains[chain] = Chain(chain, "ACCEPT")
    return table


def carry_out(item: Item, rules: list[Rule], table: Table) -> Sequence[tuple[Rule, Rule]]:
    """Do to a table what an item's command with these rules does; what cannot be done is passed over.

    Gives the rules that it made others of, each with what stands in its place: rules are shared, none is changed.
    """
    command = item.command
    assert command is not None
    chains = table.chains
    chain = chains.get(item.chain or "")
    if command.action == "A" and chain is not None:
        chain.rules += rules
    elif command.action == "I" and chain is not None:
        at = max((command.number or 1) - 1, 0)
        chain.rules[at:at] = rules
    elif command.action == "R" and chain is not None and rules and 0 < (command.number or 0) <= len(chain.rules):
        chain.rules[(command.number or 1) - 1] = rules[0]
    elif command.action == "D" and chain is not None:
        if command.number is not None:
            del chain.rules[command.number - 1 : command.number]
        else:
            for rule in rules:
                for i, other in enumerate(chain.rules):
                    if other.text == rule.text:
                        del chain.rules[i]
                        break
    elif command.action == "N" and item.chain:
        chains.setdefault(item.chain, Chain(item.chain))
    elif command.action == "E" and chain is not None and command.newname:
        chains[command.newname] = chains.pop(chain.name)
        before, chain.name = chain.name, command.newname
        return _redirected(table, before, chain.name)
    elif command.action == "F":
        for found in [chain] if item.chain else list(chains.values()):
            if found is not None:
                found.rules = []
    elif command.action == "X":
        for name in [item.chain] if item.chain else [n for n, c in chains.items() if c.policy is None]:
            if name in chains and chains[name].policy is None:
                del chains[name]
    elif command.action == "P" and chain is not None and command.policy in ("ACCEPT", "DROP"):
        chain.policy = command.policy
    return ()


def _redirected(table: Table, before: str, after: str) -> list[tuple[Rule, Rule]]:
    """The jumps to a chain under its new name."""
    pairs = []
    for chain in table.chains.values():
        for at, rule in enumerate(chain.rules):
            spec = rule.spec
            if spec is not None and spec.jump == before and spec.target is None:
                spec = spec.copy()
                spec.jump = after
                text = rule.text.removesuffix(before) + after
                pairs.append((rule, Rule(text, rule.packets, rule.bytes, rule.source, spec)))
                chain.rules[at] = pairs[-1][1]
    return pairs


def _rule(
    command: Command,
    source: tuple[int, int],
    destination: tuple[int, int],
    item: Item,
    file: str,
    variant: Variant,
) -> Rule:
    from pyiptables.syntax.rule import text_of

    spec: RuleSpec = command.spec.copy()
    spec.matches = list(spec.matches)
    spec.src, spec.src_mask = source
    spec.dst, spec.dst_mask = destination
    if variant is NFT:
        try:
            spec = variant.read_back(spec)
        except IptablesError as error:
            item.error = error
    packets, octets = command.counters or (0, 0)
    text = text_of(spec, item.family)
    if item.obscure:
        spec.matches = [*spec.matches, Obscure(item.family)]
    names = command.parsing.names
    for name in item.host_names:
        assert isinstance(names, LintNames)
        number = names.stand_in(name, item.family)
        if spec.src == number and spec.src_mask:
            spec.matches = [*spec.matches, HostName(item.family, "src", name, spec.src_inv)]
        if spec.dst == number and spec.dst_mask:
            spec.matches = [*spec.matches, HostName(item.family, "dst", name, spec.dst_inv)]
    return Rule(text, packets, octets, (file, item.place.line), spec)
