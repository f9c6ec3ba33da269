"""What the commands do to a ruleset, as far as both variants agree.

``iptables/nft.c`` and ``libiptc/libiptc.c`` behave alike but for what the subclasses in ``tools.nft`` and
``tools.legacy`` override: which tables and chains come into being when, the words for what went wrong, and when the
kernel is asked.
"""

from __future__ import annotations

from errno import E2BIG, EBUSY, EEXIST, EINVAL, ELOOP, EMLINK, ENOENT, ENOTEMPTY

from pyiptables.ruleset import Chain, Rule, Ruleset, RuleSpec, Table
from pyiptables.syntax.rule import renamed_jump, text_of, typed
from pyiptables.syntax.savefile import chain_order
from pyiptables.syntax.variant import CHAINS, NFT, Variant
from pyiptables.tools.kernel import jumps_of
from pyiptables.xtables.errors import CommandFailure
from pyiptables.xtables.option import Extension, Parsing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NO_CHAIN", "NO_RULE", "Tables", "strerror", "tables_for"]

#: ``strerror`` for what the kernel answers, in the C locale.
_ERRNO_TEXT = {
    EINVAL: "Invalid argument",
    ENOENT: "No such file or directory",
    ELOOP: "Too many levels of symbolic links",
    EMLINK: "Too many links",
    EBUSY: "Device or resource busy",
    EEXIST: "File exists",
    E2BIG: "Argument list too long",
    ENOTEMPTY: "Directory not empty",
    34: "Numerical result out of range",
    95: "Operation not supported",
    12: "Cannot allocate memory",
    1: "Operation not permitted",
    93: "Protocol not supported",
    75: "Value too large for defined data type",
    3: "No such process",
    19: "No such device",
}

NO_CHAIN = "No chain/target/match by that name"
NO_RULE = "Bad rule (does a matching rule exist in that chain?)"


def strerror(errno: int) -> str:
    text = _ERRNO_TEXT.get(errno)
    if text is None:
        import os

        text = os.strerror(errno)
    return text


class Tables:
    """A ruleset and the operations on it; ``changed`` tells whether there is something to write."""

    variant: Variant

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self.family = ruleset.family
        self.changed = False
        #: What a listing says of a chain that is not there.
        self.missing = NO_CHAIN
        #: Tables that naming them brought into being: they stay whatever becomes of the command (legacy).
        self.born: list[str] = []
        #: The line of a restore file that the next operation comes from.
        self.line: int | None = None

    def note(self, action: str, number: int | None = None) -> None:
        """This command (its letter) comes next."""

    # -- tables and chains -----------------------------------------------------------------------------------
    def use_table(self, name: str) -> None:
        """The command names this table: refuse one that does not exist."""
        raise NotImplementedError

    def table(self, name: str) -> Table:
        """The table, brought into being if need be."""
        table = self.ruleset.tables.get(name)
        if table is None:
            table = self.ruleset.tables[name] = Table(name)
            self.changed = True
        return table

    def find_chain(self, table: str, chain: str) -> Chain | None:
        found = self.ruleset.tables.get(table)
        return None if found is None else found.chains.get(chain)

    def chain_exists(self, table: str, chain: str) -> bool:
        return chain in CHAINS[table] or self.find_chain(table, chain) is not None

    def writable_chain(self, table: str, chain: str) -> Chain:
        """The chain for a new rule, a built-in one made if need be."""
        found = self.find_chain(table, chain)
        if found is None:
            if chain not in CHAINS[table]:
                raise CommandFailure(NO_CHAIN, ENOENT)
            found = self.table(table).chains[chain] = Chain(chain, "ACCEPT")
        return found

    def visible_chains(self, table: str) -> list[Chain]:
        """All chains of a table in the order of listings, built-in ones even where they do not exist yet."""
        found = self.ruleset.tables.get(table)
        shown = Table(table)
        for name in CHAINS[table]:
            shown.chains[name] = Chain(name, "ACCEPT")
        if found is not None:
            shown.chains.update(found.chains)
        return chain_order(shown)

    def misfits(self, table: str, chain: str | None = None) -> str:
        """What a listing of a table, or of one of its chains, says first when there is what it cannot show."""
        return ""

    def unknown_target(self, rule: Rule) -> str | None:
        """The name that a listing of the rule as a command would stumble over."""
        return None

    def visible_chain(self, table: str, chain: str) -> Chain | None:
        found = self.find_chain(table, chain)
        if found is None and chain in CHAINS[table]:
            return Chain(chain, "ACCEPT")
        return found

    def references(self, table: str) -> dict[str, int]:
        """How many rules jump or go to each chain; chains that nobody calls are left out."""
        counts: dict[str, int] = {}
        found = self.ruleset.tables.get(table)
        if found is not None:
            for chain in found.chains.values():
                for rule in self.kernel_rules(chain):
                    name = jumps_of(rule, found.chains, self.family)
                    if name is not None:
                        counts[name] = counts.get(name, 0) + 1
        return counts

    def kernel_rules(self, chain: Chain) -> list[Rule]:
        """The chain's rules without those that only userspace still knows."""
        return chain.rules

    def listed_references(self, table: str) -> dict[str, int]:
        """What a listing says of each chain; nothing where it cannot tell."""
        counts = self.references(table)
        found = self.ruleset.tables.get(table)
        return {} if found is None else {name: counts.get(name, 0) for name in found.chains}

    # -- rules -----------------------------------------------------------------------------------------------
    def prepare(self, table: str, spec: RuleSpec, parsing: Parsing) -> RuleSpec:
        """Settle what ``-j`` means, now that the chains are known; the rule as it will be kept."""
        raise NotImplementedError

    def assert_jump(self, table: str, spec: RuleSpec) -> None:
        """Refuse a jump to a chain that does not exist."""

    def map_target(self, table: str, spec: RuleSpec | None) -> None:
        """Refuse a jump that userspace itself cannot express (``iptcc_map_target``)."""

    def append(self, table: str, chain: str, rules: list[Rule], parsing: Parsing) -> None:
        found = self.writable_chain(table, chain)
        for rule in rules:
            self.map_target(table, rule.spec)
            self.check_new(table, found, rule, parsing, "RULE_APPEND")
            found.rules.append(rule)
        self.changed = True

    def insert(self, table: str, chain: str, number: int, rules: list[Rule], parsing: Parsing) -> None:
        found = self.writable_chain(table, chain)
        for rule in rules:
            if number > len(found.rules) + 1:
                raise CommandFailure("Index of insertion too big", E2BIG)
            self.map_target(table, rule.spec)
            behind = 1 < number == len(found.rules) + 1
            self.check_new(table, found, rule, parsing, "RULE_APPEND" if behind else "RULE_INSERT")
            found.rules.insert(number - 1, rule)
        self.changed = True

    def replace(self, table: str, chain: str, number: int, rule: Rule, parsing: Parsing) -> None:
        found = self.numbered_chain(table, chain)
        if number > len(found.rules):
            raise CommandFailure("Index of replacement too big", E2BIG)
        self.map_target(table, rule.spec)
        self.replaced(found.rules[number - 1], found)
        self.check_new(table, found, rule, parsing, "RULE_REPLACE")
        found.rules[number - 1] = rule
        self.changed = True

    def delete_number(self, table: str, chain: str, number: int) -> None:
        found = self.numbered_chain(table, chain)
        if not 0 < number <= len(found.rules):
            raise CommandFailure("Index of deletion too big", E2BIG)
        del found.rules[number - 1]
        self.changed = True

    def numbered_chain(self, table: str, chain: str) -> Chain:
        found = self.find_chain(table, chain)
        if found is None:
            raise CommandFailure(NO_CHAIN, ENOENT)
        return found

    def find(self, table: str, chain: str, spec: RuleSpec) -> tuple[Chain, int]:
        """The first rule that says the same (chain, index from 0); CommandFailure when there is none."""
        found = self.find_chain(table, chain)
        if found is not None:
            self.map_target(table, spec)
            index = self.index_of(found, spec)
            if index is not None:
                return found, index
            raise CommandFailure(self.no_such_rule(spec), ENOENT)
        raise CommandFailure(NO_RULE, ENOENT)

    def index_of(self, found: Chain, spec: RuleSpec) -> int | None:
        """Where in the chain the first rule stands that says the same."""
        text = text_of(spec, self.family)
        extensions = _extensions(spec)
        if not all([extension.is_found() for extension in extensions]):
            return None
        if any(type(extension).identity is not Extension.identity for extension in extensions):
            wanted = _identity(spec)
            named = [f" -m {match.real_name or match.name}" for match in spec.matches]
            for index, rule in enumerate(found.rules):
                if all([name in f" {rule.text}" for name in named]) and _identity(typed(rule, self.family)) == wanted:
                    return index
            return None
        for index, rule in enumerate(found.rules):
            if rule.text == text:
                return index
        return None

    def no_such_rule(self, spec: RuleSpec) -> str:
        """The words for a rule that the chain does not have."""
        return NO_RULE

    def delete(self, table: str, chain: str, spec: RuleSpec) -> Rule:
        found, index = self.find(table, chain, spec)
        rule = found.rules.pop(index)
        self.changed = True
        return rule

    # -- chains ------------------------------------------------------------------------------------------------
    def new_chain(self, table: str, chain: str) -> None:
        if self.chain_exists(table, chain):
            raise CommandFailure("Chain already exists", EEXIST)
        self.table(table).chains[chain] = Chain(chain)
        self.changed = True

    def rename(self, table: str, chain: str, newname: str) -> None:
        if self.chain_exists(table, newname):
            raise CommandFailure("File exists", EEXIST)
        found = self.find_chain(table, chain)
        if found is None:
            raise CommandFailure(NO_CHAIN, ENOENT)
        self.rename_found(table, found, newname)
        self.changed = True

    def rename_found(self, table: str, found: Chain, newname: str) -> None:
        """Give the chain its new name, in all that jumps to it too."""
        chain = found.name
        chains = self.ruleset.tables[table].chains
        for other in chains.values():
            for index, rule in enumerate(other.rules):
                if jumps_of(rule, chains, self.family) == chain:
                    other.rules[index] = renamed_jump(rule, newname, self.family)
        self.ruleset.tables[table].chains = {(newname if name == chain else name): c for name, c in chains.items()}
        found.name = newname

    def set_policy(self, table: str, chain: str, policy: str, counters: tuple[int, int] | None) -> None:
        if chain not in CHAINS[table]:
            raise CommandFailure("Bad built-in chain name", ENOENT)
        if policy not in ("ACCEPT", "DROP"):
            raise CommandFailure("Bad policy name", EINVAL)
        found = self.writable_chain(table, chain)
        found.policy = policy
        self.policy_counters(found, counters)
        self.changed = True

    def policy_counters(self, chain: Chain, counters: tuple[int, int] | None) -> None:
        raise NotImplementedError

    def flush(self, table: str, chain: str | None, tell: Callable[[str], None] | None) -> None:
        """Empty a chain or all; ``tell`` (with ``-v``) hears the name of each that is dealt with."""
        raise NotImplementedError

    def delete_chain(self, table: str, chain: str | None, tell: Callable[[str], None] | None) -> None:
        """Delete a chain or all that can go."""
        raise NotImplementedError

    def zero(self, table: str, chain: str | None, tell: Callable[[str], None] | None) -> None:
        """Set counters to zero, of a chain or of all."""
        raise NotImplementedError

    def zero_chain(self, found: Chain) -> None:
        found.packets = found.bytes = 0
        for rule in found.rules:
            rule.packets = rule.bytes = 0
        self.changed = True

    def zero_rule(self, table: str, chain: str, number: int) -> None:
        rule = self.numbered_rule(table, chain, number)
        rule.packets = rule.bytes = 0
        self.changed = True

    def numbered_rule(self, table: str, chain: str, number: int) -> Rule:
        """The rule whose counters are asked for."""
        found = self.numbered_chain(table, chain)
        if number > len(found.rules):
            raise self.no_counter()
        return found.rules[number - 1]

    def no_counter(self) -> CommandFailure:
        raise NotImplementedError

    # -- the kernel ------------------------------------------------------------------------------------------
    def check_new(self, table: str, chain: Chain, rule: Rule, parsing: Parsing, action: str) -> None:
        """Ask the kernel about a rule before it is there."""

    def begin(self, table: str, knows_rules: bool, lists: bool = False) -> None:
        """A transaction on the table begins, with or without a look at the rules that are there, perhaps to list chains."""

    def drop_table(self, table: str) -> None:
        """A restore begins with nothing."""
        self.ruleset.tables.pop(table, None)

    def add_chain(self, table: str, chain: str) -> None:
        """A chain line of a restore: the chain made, or emptied."""
        found = self.table(table).chains.get(chain)
        if found is None:
            self.new_chain(table, chain)
        else:
            found.rules = []

    def replaced(self, rule: Rule, chain: Chain) -> None:
        """A rule is about to be replaced by another."""

    def note_certified(self, chain: Chain, rules: list[Rule], jumps: list[tuple[int, Rule]]) -> None:
        """Rules were appended in bulk; ``jumps`` are those that jump to chains, with their lines."""

    def commit(self, table: str, parsing: Parsing) -> None:
        """The end of a command, or COMMIT in a restore."""


def tables_for(variant: Variant, ruleset: Ruleset) -> Tables:
    if variant is NFT:
        from pyiptables.tools.nft import NftTables

        return NftTables(ruleset)
    from pyiptables.tools.legacy import LegacyTables

    return LegacyTables(ruleset)


def _extensions(spec: RuleSpec) -> list[Extension]:
    return [*spec.matches, *([spec.target] if spec.target is not None else [])]


def _identity(spec: RuleSpec) -> tuple[object, ...]:
    """What -C and -D compare of a rule."""
    target = None if spec.target is None else (spec.target.name, spec.target.identity())
    return (
        spec.src, spec.src_mask, spec.src_inv, spec.dst, spec.dst_mask, spec.dst_inv,
        spec.iniface, spec.iniface_inv, spec.outiface, spec.outiface_inv, spec.proto, spec.proto_inv,
        spec.fragment, spec.fragment_inv, tuple([(m.name, m.identity()) for m in spec.matches]),
        target, spec.jump, spec.goto,
    )  # fmt: skip
