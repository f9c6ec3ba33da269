"""What iptables-nft makes of the commands (``iptables/nft.c``): its own view of the tables, then one transaction.

What userspace finds wrong ends the command at once (CommandFailure, ParameterProblem); what only the kernel refuses
is collected with its line and raised by ``commit``.
"""

from __future__ import annotations

from errno import EBUSY, EEXIST, EINVAL, ENOENT, EOPNOTSUPP

from pyiptables.ruleset import Chain, Rule, Ruleset, RuleSpec, Table
from pyiptables.syntax.arguments import VERDICTS
from pyiptables.syntax.savefile import chain_order, creation_order
from pyiptables.syntax.variant import CHAINS, NFT
from pyiptables.tools.kernel import check_chain_graph, check_reached, check_rule, jumps_of, limits_hooks
from pyiptables.tools.tables import NO_CHAIN, NO_RULE, Tables, strerror
from pyiptables.xtables.errors import (
    CommandFailure,
    KernelRefusal,
    ParameterProblem,
    ResourceProblem,
    VersionProblem,
)
from pyiptables.xtables.option import Parsing
from pyiptables.xtables.values import byte_length

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["NftTables"]

_NOT_BUILTIN = "Bad built-in chain name"
#: The largest rule number that an ``int`` still counts from 0.
_LARGEST_NUMBER = 1 << 31
#: ``char errmsg[1024]`` (``nft_action``, ``nft.c``).
_ERROR_SIZE = 1024


class NftTables(Tables):
    """iptables-nft: tables and chains come with the first change, the kernel judges rule by rule."""

    variant = NFT

    def __init__(self, ruleset: Ruleset) -> None:
        super().__init__(ruleset)
        self._new: dict[int, Rule] = {}
        #: What the kernel refuses: line, text, and for what is about a rule its chain.
        self._errors: list[tuple[int | None, str, str]] = []
        #: The rules (by their ``id``) that it refuses.
        self._refused: set[int] = set()
        self._graph: list[tuple[int | None, str, Chain, Rule]] = []
        #: All rules added in this transaction: line (0: their own), action, chain.
        self._added_rules: list[tuple[int, str, str, list[Rule]]] = []
        #: Chains whose deletion the kernel refuses: gone here, still there for it.
        self._undeleted: list[Chain] = []
        #: Rules (by their ``id``) of chains that a restore emptied by their chain lines: still known here, gone for the kernel.
        self._stale: dict[int, Rule] = {}
        #: How many rules each chain that the kernel had before it held and was jumped to by, for the listings in it.
        self._uses: dict[str, int] | None = None
        #: Chains renamed in this transaction, which go by their old names until its end.
        self._renamed: dict[str, tuple[str, str]] = {}
        #: Chains that the kernel had before it, as far as they were not written about anew.
        self._handles: set[str] = set()
        #: Base chains that ``-X`` left alone; who asks for one of them again gets a new one (``__nft_chain_del``).
        self._forgotten: dict[str, Chain] = {}
        #: Policies and counters that base chains get in this transaction.
        self._policies: list[tuple[Chain, str | None, tuple[int, int]]] = []
        #: Base chains that were shown without being there; ``-X`` then takes them for real.
        self._faked: set[str] = set()
        #: Whether the rules of the kernel are known here, not only those of the transaction (``NFT_CL_RULES``).
        self._knows_rules = False
        #: Whether the table is not there or was emptied in this transaction; ``-F`` then does nothing.
        self._missing = False

    def use_table(self, name: str) -> None:
        if name not in CHAINS:
            raise VersionProblem(f"table '{name}' does not exist")

    def find_chain(self, table: str, chain: str) -> Chain | None:
        found = super().find_chain(table, chain)
        return None if found is None or _is_misfit(table, found) else found

    def visible_chains(self, table: str) -> list[Chain]:
        shown = [chain for chain in super().visible_chains(table) if not _is_misfit(table, chain)]
        self._faked.update([chain.name for chain in shown if self.find_chain(table, chain.name) is None])
        return shown

    def visible_chain(self, table: str, chain: str) -> Chain | None:
        shown = super().visible_chain(table, chain)
        if shown is not None and self.find_chain(table, chain) is None:
            self._faked.add(chain)
        return shown

    def numbered_chain(self, table: str, chain: str) -> Chain:
        if chain in self._faked and self.find_chain(table, chain) is None:
            return Chain(chain, "ACCEPT")
        return super().numbered_chain(table, chain)

    def delete_number(self, table: str, chain: str, number: int) -> None:
        if number > _LARGEST_NUMBER and self.find_chain(table, chain) is None:
            # A negative one to ``nft_rule_delete_num``, which then looks for a rule (and ends by a signal in a chain that exists).
            raise CommandFailure(NO_RULE, ENOENT)
        place = self.numbered_chain(table, chain).rules[number - 1 : number]
        super().delete_number(table, chain, number)
        if place and id(place[0]) in self._stale:
            self._refuse_rule("RULE_DELETE", ENOENT, chain)

    def _is_misfit_name(self, table: str, name: str) -> bool:
        """Whether the kernel has a chain of this name that is not seen here."""
        found = super().find_chain(table, name)
        return found is not None and _is_misfit(table, found)

    def misfits(self, table: str, chain: str | None = None) -> str:
        found = self.ruleset.tables.get(table)
        if found is None or not any(_is_misfit(table, each) for each in found.chains.values() if chain in (None, each.name)):
            return ""
        return f"# Table `{table}' contains incompatible base-chains, use 'nft' tool to list them.\n"

    def prepare(self, table: str, spec: RuleSpec, parsing: Parsing) -> RuleSpec:
        return spec

    def assert_jump(self, table: str, spec: RuleSpec) -> None:
        """A name that is neither verdict nor target must be a chain (``assert_chain_exists``)."""
        if spec.target is None and spec.jump and (spec.goto or spec.jump not in VERDICTS):
            if not self.chain_exists(table, spec.jump):
                raise ParameterProblem(f"Chain '{spec.jump}' does not exist")

    def note(self, action: str, number: int | None = None) -> None:
        """``nft_strerror`` goes by the last function that left its name; those that list or zero chains leave none."""
        if action in ("C", "D", "Z") and (action == "Z") == (number is not None):
            self.missing = NO_RULE
        elif action == "P":
            self.missing = _NOT_BUILTIN
        elif not set(action) <= set("LSZ"):
            self.missing = NO_CHAIN

    def begin(self, table: str, knows_rules: bool, lists: bool = False) -> None:
        """A transaction begins: rules added in it are new to the kernel, errors are collected by line."""
        self._uses = None
        if lists:
            counts, found = self.references(table), self.ruleset.tables.get(table, Table(table))
            self._uses = {name: counts.get(name, 0) + len(chain.rules) for name, chain in found.chains.items()}
        self._knows_rules = knows_rules
        self._missing = table not in self.ruleset.tables
        self._handles = set() if self._missing else set(self.ruleset.tables[table].chains)
        self._new.clear()
        self._errors.clear()
        self._refused.clear()
        self._graph.clear()
        self._added_rules.clear()
        self._undeleted.clear()
        self._stale.clear()
        self._policies.clear()
        self._faked.clear()
        self._renamed.clear()
        self._forgotten.clear()

    def check_new(self, table: str, chain: Chain, rule: Rule, parsing: Parsing, action: str) -> None:
        spec = rule.spec
        assert spec is not None
        self._new[id(rule)] = rule
        self._added_rules.append((self.line or 0, action, chain.name, [rule]))
        hooks = frozenset((chain.name,)) if chain.policy is not None else frozenset()
        try:
            if (spec.src_inv and not spec.src_mask) or (spec.dst_inv and not spec.dst_mask):
                # An address compared over no bytes at all: nft_payload refuses the length.
                raise KernelRefusal(EINVAL)
            check_rule(spec, table, hooks, parsing)
            self._check_verdict(spec, table)
        except KernelRefusal as refusal:
            self._refused.add(id(rule))
            self._refuse_rule(action, refusal.errno, chain.name)
        if limits_hooks(spec) or (spec.target is None and spec.jump and spec.jump not in VERDICTS):
            self._graph.append((self.line, action, chain, rule))

    def _check_verdict(self, spec: RuleSpec, table: str) -> None:
        """The kernel knows no target QUEUE and jumps to no base chain."""
        if spec.target is not None or not spec.jump:
            return
        if spec.jump == "QUEUE" and not spec.goto:
            raise KernelRefusal(ENOENT)
        if spec.jump in CHAINS[table]:
            raise KernelRefusal(EOPNOTSUPP if self.find_chain(table, spec.jump) else ENOENT)

    def add_chain(self, table: str, chain: str) -> None:
        found = self.find_chain(table, chain)
        self._handles.discard(chain)
        if found is None or not self._knows_rules:
            super().add_chain(table, chain)
        else:
            self._stale.update({id(rule): rule for rule in found.rules})
            self.changed = True

    def delete(self, table: str, chain: str, spec: RuleSpec) -> Rule:
        rule = super().delete(table, chain, spec)
        if id(rule) in self._stale:
            self._refuse_rule("RULE_DELETE", ENOENT, chain)
        return rule

    def replaced(self, rule: Rule, chain: Chain) -> None:
        if id(rule) in self._new or id(rule) in self._stale:
            # The kernel finds rules by handle, and a rule of this very transaction has none yet.
            self._refuse_rule("RULE_REPLACE", ENOENT, chain.name)

    def note_certified(self, chain: Chain, rules: list[Rule], jumps: list[tuple[int, Rule]]) -> None:
        self._added_rules.append((0, "RULE_APPEND", chain.name, rules))
        self._graph += [(line, "RULE_APPEND", chain, rule) for line, rule in jumps]

    def _refuse(self, action: str, errno: int, what: str) -> None:
        self._errors.append((self.line, f" {action} failed ({strerror(errno)}): {what}", ""))

    def _refuse_rule(self, action: str, errno: int, chain: str) -> None:
        self._errors.append((self.line, f" {action} failed ({strerror(errno)}): rule in chain {chain}", chain))

    def commit(self, table: str, parsing: Parsing) -> None:
        """Raise what the kernel has against the transaction; of a single command only the first error shows."""
        if self._stale:
            for chain in self.table(table).chains.values():
                chain.rules = self.kernel_rules(chain)
        if not self._errors and self._graph and table in self.ruleset.tables:
            self._judge_graph(self.ruleset.tables[table])
        errors = self._errors
        if errors and self.line is None:
            raise ResourceProblem(errors[0][1])
        if errors:
            raise ResourceProblem(_fitting([f"\nline {line}:{text}" for line, text, _ in errors]))
        for base, policy, counters in self._policies:
            base.policy = policy or base.policy
            base.packets, base.bytes = counters
        for name, kept in self._forgotten.items():
            again = self.table(table).chains.setdefault(name, kept)
            if again is not kept:
                again.rules[:0] = kept.rules
        for name, (renamed_table, newname) in self._renamed.items():
            found = self.find_chain(renamed_table, name)
            if found is not None:
                super().rename_found(renamed_table, found, newname)

    def rename(self, table: str, chain: str, newname: str) -> None:
        if chain in self._faked and self.find_chain(table, chain) is None and not self.chain_exists(table, newname):
            self._refuse("CHAIN_RENAME", ENOENT, f"chain {newname}")
            return
        super().rename(table, chain, newname)

    def rename_found(self, table: str, found: Chain, newname: str) -> None:
        """A new chain has no handle to be renamed by."""
        if self.line is not None and found.name not in self._handles:
            self._refuse("CHAIN_RENAME", ENOENT, f"chain {newname}")
        elif (table, newname) in self._renamed.values() or self._is_misfit_name(table, newname):
            self._refuse("CHAIN_RENAME", EEXIST, f"chain {newname}")
        else:
            self._renamed[found.name] = (table, newname)

    def _judge_graph(self, table: Table) -> None:
        """The table as a whole must be free of loops and misplaced extensions; else find whose rule it is.

        The kernel looks at the whole table after each rule. The one that makes it wrong stays until the transaction is
        taken back, so every rule that is added after it is refused too.
        """
        refusal = self._refused_without(table, frozenset())
        if refusal is None:
            return
        pending = self._graph
        good, bad = 0, len(pending)
        while bad - good > 1:
            middle = (good + bad) // 2
            found = self._refused_without(table, frozenset([id(rule) for _, _, _, rule in pending[middle:]]))
            if found is None:
                good = middle
            else:
                bad, refusal = middle, found
        line, action, chain, _ = pending[bad - 1]
        after = [(line, action, chain.name)]
        if line is not None:
            after += [addition for addition in self._additions() if addition[0] > line]
        for self.line, action, name in after:
            self._refuse_rule(action, refusal.errno, name)

    def _additions(self) -> Iterator[tuple[int, str, str]]:
        """Every rule that is added in this transaction: line, action, chain."""
        for line, action, name, rules in self._added_rules:
            for rule in rules:
                yield (line or rule.line), action, name

    def _refused_without(self, table: Table, left_out: frozenset[int]) -> KernelRefusal | None:
        """What the kernel has against the table without some rules (by their ``id``)."""
        whole = [(chain, chain.rules) for chain in table.chains.values()] if left_out else []
        for chain, rules in whole:
            chain.rules = [rule for rule in rules if id(rule) not in left_out]
        try:
            self._judge(table)
        except KernelRefusal as refusal:
            return refusal
        finally:
            for chain, rules in whole:
                chain.rules = rules
        return None

    def _judge(self, table: Table) -> None:
        reached = check_chain_graph(table, self.family, "nft")
        if check_reached(table, reached, self.family, "nft") is not None:
            raise KernelRefusal(EINVAL)

    def kernel_rules(self, chain: Chain) -> list[Rule]:
        return [rule for rule in chain.rules if id(rule) not in self._stale] if self._stale else chain.rules

    def listed_references(self, table: str) -> dict[str, int]:
        """What the kernel counted, less the rules that are known now: below zero it is an error to iptables-nft."""
        if self._uses is None or table not in self.ruleset.tables:
            return super().listed_references(table)
        known = {name: self._uses.get(name, 0) - len(chain.rules) for name, chain in self.ruleset.tables[table].chains.items()}
        return {name: count for name, count in known.items() if count >= 0}

    def drop_table(self, table: str) -> None:
        super().drop_table(table)
        if self._uses is not None:
            self._uses.clear()
        self._faked.clear()
        self._handles.clear()
        self._missing = True

    def references(self, table: str) -> dict[str, int]:
        counts = super().references(table)
        for chain in self._undeleted:
            for rule in chain.rules:
                name = jumps_of(rule, self.ruleset.tables[table].chains, self.family)
                if name is not None:
                    counts[name] = counts.get(name, 0) + 1
        return counts

    def flush(self, table: str, chain: str | None, tell: Callable[[str], None] | None) -> None:
        if chain is not None:
            found = self.writable_chain(table, chain)
            if tell is not None:
                tell(chain)
            self._empty(found)
            return
        if tell is not None:
            for name in CHAINS[table]:
                self.writable_chain(table, name)
        elif self._missing:
            return
        table_found = self.ruleset.tables.get(table)
        if table_found is None:
            return
        for found in chain_order(table_found):
            if tell is not None:
                if _is_misfit(table, found):
                    # Told chain by chain, it goes through those it sees; untold, the kernel empties the table.
                    continue
                tell(found.name)
            self._empty(found)
        self.changed = True

    def _empty(self, chain: Chain) -> None:
        """What was to be done to the chain's rules in this transaction is not done any more (``nft_rule_flush``)."""
        chain.rules.clear()
        self._errors = [error for error in self._errors if error[2] != chain.name]
        self._graph = [addition for addition in self._graph if addition[2].name != chain.name]
        self._added_rules = [addition for addition in self._added_rules if addition[2] != chain.name]
        self.changed = True

    def delete_chain(self, table: str, chain: str | None, tell: Callable[[str], None] | None) -> None:
        table_found = self.ruleset.tables.get(table)
        if chain is None:
            self._delete_faked(table, CHAINS[table])
            if table_found is not None:
                counts = self.references(table)
                # The list is sorted only where it is printed (``nft_chain_del``).
                for candidate in creation_order(table_found) if tell is None else chain_order(table_found):
                    self._delete(table_found, candidate, tell, counts)
            return
        if self._delete_faked(table, (chain,)):
            return
        named = self.find_chain(table, chain)
        if table_found is None or named is None:
            raise CommandFailure(NO_CHAIN, ENOENT)
        if named.policy is not None:
            known = named.rules and (self._knows_rules or any(id(rule) in self._new for rule in named.rules))
            if named.policy != "ACCEPT" or known:
                raise CommandFailure("Directory not empty", EBUSY)
            if named.rules:
                self._refuse("CHAIN_DEL", EBUSY, f"chain {chain}")
        self._delete(table_found, named, tell, self.references(table))

    def _delete_faked(self, table: str, names: tuple[str, ...]) -> bool:
        gone = [name for name in names if name in self._faked and self.find_chain(table, name) is None]
        for name in gone:
            self._refuse("CHAIN_DEL", ENOENT, f"chain {name}")
        self._faked.difference_update(gone)
        return bool(gone)

    def _delete(self, found: Table, chain: Chain, tell: Callable[[str], None] | None, counts: dict[str, int]) -> None:
        """The kernel refuses user chains with rules and those that are jumped to; base chains are kept back here."""
        if chain.policy is not None:
            if not _is_misfit(found.name, chain):
                if chain.policy == "ACCEPT" and not chain.rules:
                    kept = self._forgotten.pop(chain.name, None)
                    if kept is not None and kept.rules:
                        self._refuse("CHAIN_DEL", EBUSY, f"chain {chain.name}")
                    self.changed = True
                else:
                    self._forgotten[chain.name] = chain
                del found.chains[chain.name]
                self._handles.discard(chain.name)
            return
        if tell is not None:
            tell(chain.name)
        if any(id(rule) not in self._refused for rule in self.kernel_rules(chain)) or chain.name in counts:
            self._refuse("CHAIN_DEL", EBUSY, f"chain {chain.name}")
            self._undeleted.append(chain)
        del found.chains[chain.name]
        self._handles.discard(chain.name)
        self.changed = True

    def zero(self, table: str, chain: str | None, tell: Callable[[str], None] | None) -> None:
        chains = self.visible_chains(table) if chain is None else [self.visible_chain(table, chain)]
        for found in chains:
            if found is None:
                raise CommandFailure(self.missing, ENOENT)
            if tell is not None:
                tell(found.name)
            for rule in found.rules:
                # Replaced by itself, but without a handle there is nothing to be replaced.
                if (rule.packets or rule.bytes) and id(rule) in self._stale:
                    self._refuse_rule("RULE_REPLACE", ENOENT, found.name)
                elif (rule.packets or rule.bytes) and id(rule) in self._new:
                    self._refuse_rule("RULE_REPLACE", EINVAL, found.name)
            self.zero_chain(found)
            if found.policy is not None:
                self._policies.append((found, found.policy, (0, 0)))

    def zero_rule(self, table: str, chain: str, number: int) -> None:
        if self.find_chain(table, chain) is None:
            raise self.no_counter()
        if id(self.numbered_rule(table, chain, number)) in self._stale:
            self._refuse_rule("RULE_REPLACE", ENOENT, chain)
        super().zero_rule(table, chain, number)

    def new_chain(self, table: str, chain: str) -> None:
        if self._is_misfit_name(table, chain):
            self._refuse("CHAIN_USER_ADD", EEXIST, f"chain {chain}")
            return
        super().new_chain(table, chain)
        if self._uses is not None:
            self._uses.pop(chain, None)
        self._handles.discard(chain)
        if any(kept.name == chain for kept in self._undeleted):
            self._refuse("CHAIN_USER_ADD", EEXIST, f"chain {chain}")

    def set_policy(self, table: str, chain: str, policy: str, counters: tuple[int, int] | None) -> None:
        """The kernel learns of it; what is known here of the chain stays as it was."""
        if policy not in ("ACCEPT", "DROP", "-"):
            raise CommandFailure("Bad policy name", EINVAL)
        if chain not in CHAINS[table]:
            raise CommandFailure(_NOT_BUILTIN, ENOENT)
        found = self.writable_chain(table, chain)
        self._policies.append((found, None if policy == "-" else policy, counters or (0, 0)))
        self.changed = True

    def no_counter(self) -> CommandFailure:
        return CommandFailure(NO_RULE, ENOENT)


def _fitting(errors: list[str]) -> str:
    """What ``nft_action`` shows of many errors: one that does not fit is cut, and the next takes its place."""
    shown = cut = ""
    for error in errors:
        room = _ERROR_SIZE - byte_length(shown)
        if byte_length(error) < room:
            shown += error
            cut = ""
        else:
            cut = error[: room - 1]
    return shown + cut


def _is_misfit(table: str, chain: Chain) -> bool:
    """A base chain by another name than its own (renamed): iptables-nft looks away (``nft_cache_add_base_chain``)."""
    return chain.policy is not None and chain.name not in CHAINS[table]
