"""iptables-save text: writing a ruleset, and reading one that was written by us or by a real iptables-save."""

from __future__ import annotations

from pyiptables.ruleset import Chain, Rule, Ruleset, Table
from pyiptables.syntax.variant import CHAINS

__all__ = ["MARK", "ROOM", "SaveFileError", "chain_order", "creation_order", "read_canonical", "room", "write"]

#: The comment line above a rule that is not in its save form (``syntax.rule``).
MARK = "# pyiptables: the next rule in words that can be read back"

#: The beginning of a comment line of dots in a large state file: room for rules of the chain above it (``tools.splice``).
ROOM = "# pyiptables: room "
#: How long such a line is, and from how many rules on the state file has them.
ROOM_SIZE = 4096
_MANY = 5_000


def room() -> str:
    """A line of room."""
    return f"{ROOM}{'.' * (ROOM_SIZE - len(ROOM))}\n"


class SaveFileError(Exception):
    """Text that is no save file: ``line`` (from 1) and what is wrong with it."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(f"line {line}: {text}")
        self.line = line
        self.text = text


def chain_order(table: Table) -> list[Chain]:
    """Built-in chains in hook order, then the others by name, as both variants print them."""
    builtin = CHAINS.get(table.name, ())
    chains = table.chains
    order = [chains[name] for name in builtin if name in chains]
    order += [chains[name] for name in sorted(chains, key=_bytes) if name not in builtin]
    return order


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def creation_order(table: Table) -> list[Chain]:
    """Built-in chains in hook order, then the others in the order in which they were made."""
    builtin = CHAINS.get(table.name, ())
    chains = table.chains
    return [chains[name] for name in builtin if name in chains] + [chain for name, chain in chains.items() if name not in builtin]


def write(ruleset: Ruleset, counters: bool = True, as_made: bool = False, marked: bool = True) -> str:
    """The ruleset as save text without time stamps.

    ``as_made`` is for the state file, which keeps the order of the chains and, when large, has room for more rules. Not
    ``marked`` it is what iptables-save prints, although some of it cannot be read back.
    """
    out: list[str] = []
    roomy = as_made and sum([len(chain.rules) for table in ruleset.tables.values() for chain in table.chains.values()]) >= _MANY
    for table in ruleset.tables.values():
        out.append(f"*{table.name}\n")
        chains = chain_order(table)
        for chain in creation_order(table) if as_made else chains:
            numbers = f"[{chain.packets}:{chain.bytes}]" if counters else "[0:0]"
            out.append(f":{chain.name} {chain.policy or '-'} {numbers}\n")
        for chain in chains:
            if marked and any([rule.stored for rule in chain.rules]):
                _append_stored(out, chain, counters)
            else:
                append_rules(out, chain, counters)
            if roomy and chain.policy and chain.rules:
                out.append(room())
        out.append("COMMIT\n")
    return "".join(out)


def _append_stored(out: list[str], chain: Chain, counters: bool) -> None:
    """The chain's rules with those that need it in the form that reads back."""
    for rule in chain.rules:
        if rule.stored:
            out.append(f"{MARK}\n")
        numbers = f"[{rule.packets}:{rule.bytes}] " if counters else ""
        text = rule.stored or rule.text
        # A save form may end in a blank (an empty word printed bare), which is part of it.
        out.append(f"{numbers}-A {chain.name} {text}\n" if text else f"{numbers}-A {chain.name}\n")


def append_rules(out: list[str], chain: Chain, counters: bool) -> None:
    """The chain's rules as save lines."""
    head = f"-A {chain.name} "
    bare = f"-A {chain.name}\n"
    if counters:
        for rule in chain.rules:
            numbers = f"[{rule.packets}:{rule.bytes}]" if rule.packets or rule.bytes else "[0:0]"
            out.append(f"{numbers} {head}{rule.text}\n" if rule.text else f"{numbers} {bare}")
    else:
        for rule in chain.rules:
            out.append(f"{head}{rule.text}\n" if rule.text else bare)


def _read_marked(body: str, family: int, packets: int, octets: int, source: tuple[str, int] | None) -> Rule:
    from pyiptables.syntax.rule import read_stored
    from pyiptables.xtables.errors import IptablesError

    try:
        return read_stored(body, family, packets, octets, source)
    except IptablesError as error:
        raise SaveFileError(source[1] if source else 0, error.text) from error


def read_canonical(text: str, family: int, file: str | None = None) -> Ruleset:
    """Read what :func:`write` wrote, rule texts as they stand. Raises SaveFileError for anything else."""
    ruleset = Ruleset(family)
    table: Table | None = None
    chains: dict[str, Chain] = {}
    marked = False
    #: How most lines begin: without counters, and of the chain of the line before.
    usual, skip = "\n", 0
    add = Chain("").rules.append
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith(usual) and not marked:
            add(Rule(line[skip:], source=None if file is None else (file, number)))
            continue
        first = line[:1]
        if first in ("[", "-") and table is not None:
            packets = octets = 0
            rest = line
            if first == "[":
                numbers, _, rest = line.partition("] ")
                left, _, right = numbers[1:].partition(":")
                if not (left.isdigit() and right.isdigit()):
                    raise SaveFileError(number, "bad counters")
                packets, octets = int(left), int(right)
            if rest[:3] != "-A ":
                raise SaveFileError(number, "not a rule")
            name, _, body = rest[3:].partition(" ")
            chain = chains.get(name)
            if chain is None:
                raise SaveFileError(number, f"no chain '{name}'")
            source = None if file is None else (file, number)
            if marked:
                chain.rules.append(_read_marked(body, family, packets, octets, source))
                marked = False
            else:
                chain.rules.append(Rule(body, packets, octets, source))
                usual, add = f"[0:0] -A {name} ", chain.rules.append
                skip = len(usual)
        elif first == ":" and table is not None:
            parts = line[1:].split(" ")
            if len(parts) != 3 or parts[2][:1] != "[" or parts[2][-1:] != "]":
                raise SaveFileError(number, "bad chain line")
            left, _, right = parts[2][1:-1].partition(":")
            if not (left.isdigit() and right.isdigit()):
                raise SaveFileError(number, "bad counters")
            chain = Chain(parts[0], None if parts[1] == "-" else parts[1], int(left), int(right))
            table.chains[parts[0]] = chain
        elif first == "*" and table is None:
            table = Table(line[1:])
            if table.name not in CHAINS:
                raise SaveFileError(number, f"no table '{table.name}'")
            ruleset.tables[table.name] = table
            chains = table.chains
        elif line == "COMMIT" and table is not None:
            table = None
            usual = "\n"
        elif first == "#":
            marked = line == MARK
        elif first:
            raise SaveFileError(number, "not understood")
    if table is not None:
        raise SaveFileError(number, "COMMIT expected")
    for table in ruleset.tables.values():
        if any([name.isupper() for name in table.chains if name not in CHAINS[table.name]]):
            _settle_jumps(table, family)
    return ruleset


def _settle_jumps(table: Table, family: int) -> None:
    """A chain may be called like a target (``:LOG -``); the rules that name it without more jump to it."""
    from pyiptables.extensions import find_target
    from pyiptables.syntax.rule import jump_to

    for name in table.chains:
        if name in CHAINS[table.name] or find_target(name, family) is None:
            continue
        for chain in table.chains.values():
            for rule in chain.rules:
                if f" {rule.text}".endswith(f" -j {name}"):
                    jump_to(rule, name, family)
