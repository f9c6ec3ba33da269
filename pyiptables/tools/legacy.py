"""What iptables-legacy makes of the commands (``libiptc.c``): whole tables, read, changed and put back."""

from __future__ import annotations

from errno import E2BIG, EEXIST, EINVAL, EMLINK, ENOENT, ENOTEMPTY

from pyiptables.ruleset import Chain, Rule, Ruleset, RuleSpec
from pyiptables.syntax.arguments import VERDICTS
from pyiptables.syntax.variant import CHAINS, LEGACY
from pyiptables.tools.kernel import check_chain_graph, check_reached, check_rule, live_rules
from pyiptables.tools.tables import NO_CHAIN, NO_RULE, Tables, strerror
from pyiptables.xtables.errors import CommandFailure, KernelRefusal, ParameterProblem, VersionProblem
from pyiptables.xtables.option import Parsing
from pyiptables.xtables.values import byte_length

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LegacyTables", "no_such_table"]

#: ``XT_TABLE_MAXNAMELEN``.
_NAME_SIZE = 32


def no_such_table(name: str) -> str:
    """``iptc_strerror`` for a table that cannot be read."""
    return "Module is wrong version" if byte_length(name) >= _NAME_SIZE else "Table does not exist (do you need to insmod?)"


class LegacyTables(Tables):
    """iptables-legacy: naming a table makes it with all its chains, the kernel judges whole tables."""

    variant = LEGACY

    def __init__(self, ruleset: Ruleset) -> None:
        super().__init__(ruleset)
        #: Rules that the kernel has not seen yet, with how they were read.
        self._new: list[tuple[Chain, Rule, Parsing]] = []
        self._jumps = False
        #: Rules of this transaction by their ``id``, with the name that they jump to: it is no place in the table yet.
        self._jumping: dict[int, tuple[Rule, str]] = {}
        #: The line of the restore file that the transaction began with, None for a command.
        self._since: int | None = None
        #: Base chains whose policy came with counters in this transaction.
        self._counted: set[str] = set()
        #: What the kernel is to zero: until then listings show what was counted (``COUNTER_MAP_ZEROED``).
        self._zeroed: dict[int, Chain | Rule] = {}

    def begin(self, table: str, knows_rules: bool, lists: bool = False) -> None:
        self._since = self.line
        self._counted.clear()
        self._zeroed.clear()
        self._jumping.clear()

    def use_table(self, name: str) -> None:
        if name not in CHAINS:
            program = "iptables" if self.family == 4 else "ip6tables"
            raise VersionProblem(f"can't initialize {program} table `{name}': {no_such_table(name)}")
        table = self.table(name)
        missing = [chain for chain in CHAINS[name] if chain not in table.chains]
        for chain in missing:
            table.chains[chain] = Chain(chain, "ACCEPT")
        if missing:
            self.born.append(name)
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

    def check_new(self, table: str, chain: Chain, rule: Rule, parsing: Parsing, action: str) -> None:
        self._new.append((chain, rule, parsing))
        spec = rule.spec
        if spec is not None and spec.target is None and spec.jump and spec.jump not in VERDICTS:
            self._jumping[id(rule)] = rule, spec.jump

    def note_certified(self, chain: Chain, rules: list[Rule], jumps: list[tuple[int, Rule]]) -> None:
        self._jumps = self._jumps or bool(jumps)
        self._jumping.update({id(rule): (rule, rule.text.rpartition(" ")[2]) for _, rule in jumps})

    def commit(self, table: str, parsing: Parsing) -> None:
        for counted in self._zeroed.values():
            if not isinstance(counted, Chain) or counted.name not in self._counted:
                counted.packets = counted.bytes = 0
        self._zeroed.clear()
        found = self.ruleset.tables.get(table)
        new, self._new = self._new, []
        if found is None or not (new or self._jumps):
            return
        self._jumps = False
        try:
            reached = check_chain_graph(found, self.family, "legacy")
            touched = {chain.name for chain, _, _ in new if chain.name in found.chains}
            kept = {id(rule) for name in touched for rule in found.chains[name].rules}
            live = {id(rule) for name in touched for rule in live_rules(found.chains[name])}
            for chain, rule, reading in new:
                # What the same transaction took away again is never judged.
                if id(rule) in kept:
                    assert rule.spec is not None
                    check_rule(rule.spec, table, reached[chain.name] if id(rule) in live else frozenset(), reading)
            if check_reached(found, reached, self.family, "legacy") is not None:
                raise KernelRefusal(EINVAL)
        except KernelRefusal as refusal:
            raise self.kernel_failure(refusal.errno) from refusal

    def kernel_failure(self, errno: int) -> CommandFailure:
        text = NO_CHAIN if errno == ENOENT else strerror(errno)
        return CommandFailure(text, errno)

    def map_target(self, table: str, spec: RuleSpec | None) -> None:
        if spec is not None and spec.target is None and spec.jump in CHAINS[table]:
            raise CommandFailure("Invalid argument", EINVAL)

    def no_such_rule(self, spec: RuleSpec) -> str:
        """Looking whether the target is a built-in chain makes ``iptc_strerror`` forget what was asked for."""
        return NO_CHAIN if spec.jump and spec.jump not in VERDICTS else NO_RULE

    def rename_found(self, table: str, found: Chain, newname: str) -> None:
        if found.policy is not None:
            raise CommandFailure(NO_CHAIN, ENOENT)
        rules = [rule for chain in self.ruleset.tables[table].chains.values() for rule in chain.rules]
        super().rename_found(table, found, newname)
        renamed = [rule for chain in self.ruleset.tables[table].chains.values() for rule in chain.rules]
        for old, new in zip(rules, renamed, strict=True):
            if id(old) in self._jumping:
                self._jumping[id(new)] = new, self._jumping[id(old)][1]
            if id(old) in self._zeroed:
                self._zeroed[id(new)] = new

    def policy_counters(self, chain: Chain, counters: tuple[int, int] | None) -> None:
        chain.packets, chain.bytes = counters or (0, 0)
        if counters is not None:
            self._counted.add(chain.name)

    def new_chain(self, table: str, chain: str) -> None:
        if chain in VERDICTS:
            raise CommandFailure("File exists", EEXIST)
        super().new_chain(table, chain)

    def flush(self, table: str, chain: str | None, tell: Callable[[str], None] | None) -> None:
        for name in self._named(table, chain):
            if tell is not None:
                tell(name)
            self.numbered_chain(table, name).rules.clear()
        self.changed = True

    def zero(self, table: str, chain: str | None, tell: Callable[[str], None] | None) -> None:
        for name in self._named(table, chain):
            if tell is not None:
                tell(name)
            self.zero_chain(self.numbered_chain(table, name))

    def _is_told(self, rule: Rule) -> bool:
        """Whether the kernel is told the rule's counters in this transaction: only those it has are zeroed (``TC_ZERO_ENTRIES``)."""
        return self._since is not None and rule.line > self._since

    def zero_chain(self, found: Chain) -> None:
        self._zeroed[id(found)] = found
        self._zeroed.update({id(rule): rule for rule in found.rules if not self._is_told(rule)})
        self.changed = True

    def zero_rule(self, table: str, chain: str, number: int) -> None:
        rule = self.numbered_rule(table, chain, number)
        if not self._is_told(rule):
            self._zeroed[id(rule)] = rule
        self.changed = True

    def delete_chain(self, table: str, chain: str | None, tell: Callable[[str], None] | None) -> None:
        """One chain that cannot go does not keep the others, but the command fails in the end (``for_each_chain4``)."""
        failure: CommandFailure | None = None
        for name in self._named(table, chain):
            if chain is None and name in CHAINS[table]:
                continue
            if tell is not None:
                tell(name)
            try:
                self._delete(table, name)
            except CommandFailure as error:
                failure = error
        if failure is not None:
            raise failure

    def _named(self, table: str, chain: str | None) -> list[str]:
        return [found.name for found in self.visible_chains(table)] if chain is None else [chain]

    def _delete(self, table: str, name: str) -> None:
        found = self.numbered_chain(table, name)
        if found.policy is not None:
            raise CommandFailure("Invalid argument", EINVAL)
        if name in self.references(table):
            raise CommandFailure("Too many links", EMLINK)
        if found.rules:
            raise CommandFailure("Directory not empty", ENOTEMPTY)
        del self.ruleset.tables[table].chains[name]
        self.changed = True

    def unknown_target(self, rule: Rule) -> str | None:
        """``print_rule4`` looks for an extension of the name that the rule was given, which no other name changes."""
        return self._jumping.get(id(rule), (rule, None))[1]

    def no_counter(self) -> CommandFailure:
        return CommandFailure("Index of counter too big", E2BIG)
