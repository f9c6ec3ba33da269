"""What the commands do to a ruleset, with the errors of either variant.

``iptables/nft.c`` and ``libiptc/libiptc.c`` behave alike but for what a subclass here overrides: which tables and
chains come into being when, the words for what went wrong, and when the kernel is asked.
"""

from __future__ import annotations

from errno import E2BIG, EBUSY, EEXIST, EINVAL, ELOOP, EMLINK, ENOENT, ENOTEMPTY, ENXIO

from pyiptables.ruleset import Chain, Rule, Ruleset, RuleSpec, Table
from pyiptables.syntax.command import VERDICTS
from pyiptables.syntax.rule import text_of, typed
from pyiptables.syntax.savefile import chain_order
from pyiptables.syntax.variant import CHAINS, LEGACY, NFT, Variant
from pyiptables.tools.kernel import check_chain_graph, check_reached, check_rule, jumps_of, limits_hooks
from pyiptables.xtables.errors import (
    CommandFailure,
    KernelRefusal,
    ParameterProblem,
    ResourceProblem,
    VersionProblem,
)
from pyiptables.xtables.option import Extension, Parsing

__all__ = ["LegacyTables", "NftTables", "Tables", "strerror", "tables_for"]

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
    22: "Invalid argument",
    12: "Cannot allocate memory",
    1: "Operation not permitted",
    93: "Protocol not supported",
    75: "Value too large for defined data type",
    3: "No such process",
    19: "No such device",
    16: "Device or resource busy",
}

_NO_CHAIN = "No chain/target/match by that name"
_NO_RULE = "Bad rule (does a matching rule exist in that chain?)"


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
        #: The line of a restore file that the next operation comes from.
        self.line: int | None = None

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
                raise CommandFailure(_NO_CHAIN, ENOENT)
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

    def visible_chain(self, table: str, chain: str) -> Chain | None:
        found = self.find_chain(table, chain)
        if found is None and chain in CHAINS[table]:
            return Chain(chain, "ACCEPT")
        return found

    def references(self, table: str, chain: str) -> int:
        """How many rules jump or go to the chain."""
        found = self.ruleset.tables.get(table)
        if found is None:
            return 0
        chains = found.chains
        return sum(
            [jumps_of(rule, chains, self.family) == chain for c in chains.values() for rule in c.rules]
        )

    # -- rules -----------------------------------------------------------------------------------------------
    def prepare(self, table: str, spec: RuleSpec, parsing: Parsing) -> RuleSpec:
        """Settle what ``-j`` means, now that the chains are known; the rule as it will be kept."""
        raise NotImplementedError

    def assert_jump(self, table: str, spec: RuleSpec) -> None:
        """Refuse a jump to a chain that does not exist."""

    def append(self, table: str, chain: str, rules: list[Rule], parsing: Parsing) -> None:
        found = self.writable_chain(table, chain)
        for rule in rules:
            self.check_new(table, found, rule, parsing, "RULE_APPEND")
            found.rules.append(rule)
        self.changed = True

    def insert(self, table: str, chain: str, number: int, rules: list[Rule], parsing: Parsing) -> None:
        found = self.writable_chain(table, chain)
        for rule in rules:
            if number > len(found.rules) + 1:
                raise CommandFailure("Index of insertion too big", E2BIG)
            self.check_new(table, found, rule, parsing, "RULE_INSERT")
            found.rules.insert(number - 1, rule)
        self.changed = True

    def replace(self, table: str, chain: str, number: int, rule: Rule, parsing: Parsing) -> None:
        found = self.numbered_chain(table, chain)
        if number > len(found.rules):
            raise CommandFailure("Index of replacement too big", E2BIG)
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
            raise CommandFailure(_NO_CHAIN, ENOENT)
        return found

    def find(self, table: str, chain: str, spec: RuleSpec) -> tuple[Chain, int]:
        """The first rule that says the same (chain, index from 0); CommandFailure when there is none."""
        found = self.find_chain(table, chain)
        if found is not None:
            text = text_of(spec, self.family)
            for index, rule in enumerate(found.rules):
                if rule.text == text:
                    return found, index
            if any(type(extension).identity is not Extension.identity for extension in _extensions(spec)):
                wanted = _identity(spec)
                for index, rule in enumerate(found.rules):
                    if _identity(typed(rule, self.family)) == wanted:
                        return found, index
        raise CommandFailure(_NO_RULE, ENOENT)

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
            raise CommandFailure(_NO_CHAIN, ENOENT)
        self.refuse_rename(found)
        chains = self.ruleset.tables[table].chains
        for other in chains.values():
            for index, rule in enumerate(other.rules):
                if jumps_of(rule, chains, self.family) == chain:
                    spec = typed(rule, self.family).copy()
                    spec.jump = newname
                    other.rules[index] = Rule(
                        text_of(spec, self.family), rule.packets, rule.bytes, rule.source, spec
                    )
        self.ruleset.tables[table].chains = {
            (newname if name == chain else name): c for name, c in chains.items()
        }
        found.name = newname
        self.changed = True

    def refuse_rename(self, chain: Chain) -> None:
        """Raise what renaming a built-in chain raises."""

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

    def flush(self, table: str, chain: str | None, verbose: bool) -> list[str]:
        """Empty a chain or all; the names of those that ``-v`` speaks of."""
        raise NotImplementedError

    def delete_chain(self, table: str, chain: str | None) -> list[str]:
        """Delete a chain or all that can go; the names of those that ``-v`` speaks of."""
        raise NotImplementedError

    def zero(self, table: str, chain: str | None) -> list[str]:
        chains = self.visible_chains(table) if chain is None else [self.visible_chain(table, chain)]
        names = []
        for found in chains:
            if found is None:
                raise CommandFailure(_NO_CHAIN, ENOENT)
            names.append(found.name)
            found.packets = found.bytes = 0
            for rule in found.rules:
                rule.packets = rule.bytes = 0
        self.changed = True
        return names

    def zero_rule(self, table: str, chain: str, number: int) -> None:
        found = self.find_chain(table, chain)
        if found is None and not self.variant.locks:
            raise self.no_counter()
        if found is None:
            raise CommandFailure(_NO_CHAIN, ENOENT)
        if number > len(found.rules):
            raise self.no_counter()
        rule = found.rules[number - 1]
        rule.packets = rule.bytes = 0
        self.changed = True

    def no_counter(self) -> CommandFailure:
        raise NotImplementedError

    # -- the kernel ------------------------------------------------------------------------------------------
    def check_new(self, table: str, chain: Chain, rule: Rule, parsing: Parsing, action: str) -> None:
        """Ask the kernel about a rule before it is there."""

    def begin(self) -> None:
        """A transaction begins."""

    def replaced(self, rule: Rule, chain: Chain) -> None:
        """A rule is about to be replaced by another."""

    def note_jumps(self, chain: Chain, rules: list[tuple[int, Rule]]) -> None:
        """Rules that jump to chains were appended in bulk."""

    def commit(self, table: str, parsing: Parsing) -> None:
        """The end of a command, or COMMIT in a restore."""


class NftTables(Tables):
    """iptables-nft: tables and chains come with the first change, the kernel judges rule by rule."""

    variant = NFT

    def use_table(self, name: str) -> None:
        if name not in CHAINS:
            raise VersionProblem(f"table '{name}' does not exist")

    def prepare(self, table: str, spec: RuleSpec, parsing: Parsing) -> RuleSpec:
        return spec

    def __init__(self, ruleset: Ruleset) -> None:
        super().__init__(ruleset)
        self._new: list[Rule] = []
        self._errors: list[tuple[int | None, str]] = []
        self._graph: list[tuple[int | None, str, Chain, Rule]] = []

    def assert_jump(self, table: str, spec: RuleSpec) -> None:
        """A name that is neither verdict nor target must be a chain (``assert_chain_exists``)."""
        if spec.target is None and spec.jump and (spec.goto or spec.jump not in VERDICTS):
            if not self.chain_exists(table, spec.jump):
                raise ParameterProblem(f"Chain '{spec.jump}' does not exist")

    def begin(self) -> None:
        """A transaction begins: rules added in it are new to the kernel, errors are collected by line."""
        self._new.clear()
        self._errors.clear()
        self._graph.clear()

    def check_new(self, table: str, chain: Chain, rule: Rule, parsing: Parsing, action: str) -> None:
        spec = rule.spec
        assert spec is not None
        self._new.append(rule)
        hooks = frozenset((chain.name,)) if chain.policy is not None else frozenset()
        try:
            if (spec.src_inv and not spec.src_mask) or (spec.dst_inv and not spec.dst_mask):
                # An address compared over no bytes at all: nft_payload refuses the length.
                raise KernelRefusal(EINVAL)
            check_rule(spec, table, hooks, parsing)
        except KernelRefusal as refusal:
            self._refuse(action, refusal.errno, f"rule in chain {chain.name}")
        if limits_hooks(spec) or (spec.target is None and spec.jump and spec.jump not in VERDICTS):
            self._graph.append((self.line, action, chain, rule))

    def replaced(self, rule: Rule, chain: Chain) -> None:
        if any(rule is new for new in self._new):
            # The kernel finds rules by handle, and a rule of this very transaction has none yet.
            self._refuse("RULE_REPLACE", ENOENT, f"rule in chain {chain.name}")

    def note_jumps(self, chain: Chain, rules: list[tuple[int, Rule]]) -> None:
        self._graph += [(line, "RULE_APPEND", chain, rule) for line, rule in rules]

    def _refuse(self, action: str, errno: int, what: str) -> None:
        self._errors.append((self.line, f" {action} failed ({strerror(errno)}): {what}"))

    def commit(self, table: str, parsing: Parsing) -> None:
        """Raise what the kernel has against the transaction; of a single command only the first error shows."""
        if not self._errors and self._graph and table in self.ruleset.tables:
            self._judge_graph(self.ruleset.tables[table])
        errors = self._errors
        if errors and self.line is None:
            raise ResourceProblem(errors[0][1])
        if errors:
            raise ResourceProblem("".join([f"\nline {line}:{text}" for line, text in errors])[:1023])

    def _judge_graph(self, table: Table) -> None:
        """The table as a whole must be free of loops and misplaced extensions; else find whose rule it is."""
        try:
            self._judge(table)
            return
        except KernelRefusal:
            pass
        # The kernel takes the rules again one by one: leave all out, then put them back in order.
        pending = self._graph
        for _, _, chain, rule in pending:
            if any(rule is other for other in chain.rules):
                chain.rules = [other for other in chain.rules if other is not rule]
        for line, action, chain, rule in pending:
            chain.rules.append(rule)
            self.line = line
            try:
                self._judge(table)
            except KernelRefusal as refusal:
                chain.rules.pop()
                self._refuse(action, refusal.errno, f"rule in chain {chain.name}")

    def _judge(self, table: Table) -> None:
        reached = check_chain_graph(table, self.family, "nft")
        if check_reached(table, reached, self.family) is not None:
            raise KernelRefusal(EINVAL)

    def policy_counters(self, chain: Chain, counters: tuple[int, int] | None) -> None:
        chain.packets, chain.bytes = counters or (0, 0)

    def flush(self, table: str, chain: str | None, verbose: bool) -> list[str]:
        if chain is not None:
            found = self.writable_chain(table, chain)
            found.rules.clear()
            self.changed = True
            return [chain]
        if verbose:
            for name in CHAINS[table]:
                self.writable_chain(table, name)
        table_found = self.ruleset.tables.get(table)
        if table_found is None:
            return []
        for found in table_found.chains.values():
            found.rules.clear()
        self.changed = True
        return [found.name for found in chain_order(table_found)]

    def delete_chain(self, table: str, chain: str | None) -> list[str]:
        found = self.ruleset.tables.get(table)
        if chain is not None:
            if found is None or chain not in found.chains:
                raise CommandFailure(_NO_CHAIN, ENOENT)
            candidate = found.chains[chain]
            if candidate.policy is not None:
                if candidate.rules or candidate.policy != "ACCEPT":
                    raise CommandFailure("Directory not empty", EBUSY)
                del found.chains[chain]
                self.changed = True
                return []
            if candidate.rules or self.references(table, chain):
                self._refuse("CHAIN_DEL", EBUSY, f"chain {chain}")
            del found.chains[chain]
            self.changed = True
            return [chain]
        if found is None:
            return []
        order = [c for c in chain_order(found) if c.policy is None]
        for candidate in order:
            if candidate.rules or self.references(table, candidate.name):
                self._refuse("CHAIN_DEL", EBUSY, f"chain {candidate.name}")
        for candidate in list(found.chains.values()):
            if candidate.policy is None or (candidate.policy == "ACCEPT" and not candidate.rules):
                del found.chains[candidate.name]
        self.changed = True
        return [candidate.name for candidate in order]

    def set_policy(self, table: str, chain: str, policy: str, counters: tuple[int, int] | None) -> None:
        if policy == "-" and chain in CHAINS[table]:
            self.policy_counters(self.writable_chain(table, chain), counters)
            self.changed = True
        else:
            super().set_policy(table, chain, policy, counters)

    def no_counter(self) -> CommandFailure:
        return CommandFailure(_NO_RULE, ENOENT)


class LegacyTables(Tables):
    """iptables-legacy: naming a table makes it with all its chains, the kernel judges whole tables."""

    variant = LEGACY

    def use_table(self, name: str) -> None:
        if name not in CHAINS:
            raise VersionProblem(
                f"can't initialize {'iptables' if self.family == 4 else 'ip6tables'} table `{name}': "
                "Table does not exist (do you need to insmod?)"
            )
        table = self.table(name)
        for chain in CHAINS[name]:
            if chain not in table.chains:
                table.chains[chain] = Chain(chain, "ACCEPT")
                self.changed = True

    def prepare(self, table: str, spec: RuleSpec, parsing: Parsing) -> RuleSpec:
        if spec.target is not None:
            if self.chain_exists(table, spec.jump):
                parsing.notices.append(f"Warning: using chain {spec.jump}, not extension\n")
                spec.target = None
        elif spec.jump and (spec.goto or spec.jump not in VERDICTS) and not self.chain_exists(table, spec.jump):
            if spec.goto:
                raise ParameterProblem(f"goto '{spec.jump}' is not a chain")
            raise ParameterProblem(f"Couldn't load target `{spec.jump}':No such file or directory\n")
        return spec

    def __init__(self, ruleset: Ruleset) -> None:
        super().__init__(ruleset)
        #: Rules that the kernel has not seen yet, with how they were read.
        self._new: list[tuple[Chain, Rule, Parsing]] = []
        self._jumps = False

    def check_new(self, table: str, chain: Chain, rule: Rule, parsing: Parsing, action: str) -> None:
        self._new.append((chain, rule, parsing))

    def note_jumps(self, chain: Chain, rules: list[tuple[int, Rule]]) -> None:
        self._jumps = True

    def commit(self, table: str, parsing: Parsing) -> None:
        found = self.ruleset.tables.get(table)
        new, self._new = self._new, []
        if found is None or not (new or self._jumps):
            return
        self._jumps = False
        try:
            reached = check_chain_graph(found, self.family, "legacy")
            touched = {chain.name for chain, _, _ in new if chain.name in found.chains}
            kept = {id(rule) for name in touched for rule in found.chains[name].rules}
            for chain, rule, reading in new:
                # What the same transaction took away again is never judged.
                if id(rule) in kept:
                    assert rule.spec is not None
                    check_rule(rule.spec, table, reached[chain.name], reading)
            if check_reached(found, reached, self.family) is not None:
                raise KernelRefusal(EINVAL)
        except KernelRefusal as refusal:
            raise self.kernel_failure(refusal.errno) from refusal

    def kernel_failure(self, errno: int) -> CommandFailure:
        text = _NO_CHAIN if errno == ENOENT else strerror(errno)
        return CommandFailure(text, errno)

    def refuse_rename(self, chain: Chain) -> None:
        if chain.policy is not None:
            raise CommandFailure("Invalid argument", EINVAL)

    def policy_counters(self, chain: Chain, counters: tuple[int, int] | None) -> None:
        if counters is not None:
            chain.packets, chain.bytes = counters

    def flush(self, table: str, chain: str | None, verbose: bool) -> list[str]:
        chains = self.visible_chains(table) if chain is None else [self.find_chain(table, chain)]
        names = []
        for found in chains:
            if found is None:
                raise CommandFailure(_NO_CHAIN, ENOENT)
            found.rules.clear()
            names.append(found.name)
        self.changed = True
        return names

    def delete_chain(self, table: str, chain: str | None) -> list[str]:
        found = self.ruleset.tables[table]
        names = [c.name for c in chain_order(found) if c.policy is None] if chain is None else [chain]
        gone = []
        for name in names:
            if name not in found.chains:
                raise CommandFailure(_NO_CHAIN, ENOENT)
            candidate = found.chains[name]
            if candidate.policy is not None:
                raise CommandFailure("Invalid argument", EINVAL)
            if self.references(table, name):
                raise CommandFailure("Too many links", EMLINK)
            if candidate.rules:
                raise CommandFailure("Directory not empty", ENOTEMPTY)
            del found.chains[name]
            gone.append(name)
        self.changed = True
        return gone

    def no_counter(self) -> CommandFailure:
        return CommandFailure("Index of counter too big", E2BIG)


def tables_for(variant: Variant, ruleset: Ruleset) -> Tables:
    return NftTables(ruleset) if variant is NFT else LegacyTables(ruleset)


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

