"""A table made ready for analysis: every rule's region, what happens to the packets in it, who calls whom.

Targets are reduced to five kinds. A verdict ends the walk of the table; a packet in a RETURN, or at the end
of a user chain, goes back to the caller; after a goto it goes back to whoever jumped last (``ipt_do_table``).
A rule whose target only looks (LOG) or changes the packet (MARK) lets it go on.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pyiptables.analysis.bitvector import Index
from pyiptables.analysis.idd import Items
from pyiptables.analysis.region import Product, Region, items_of
from pyiptables.analysis.space import Space
from pyiptables.ruleset import Chain, Rule, Ruleset, RuleSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "CONTINUE",
    "GOTO",
    "JUMP",
    "RETURN",
    "VERDICT",
    "ChainProgram",
    "Program",
    "Step",
    "compile_table",
]

CONTINUE: Final = 0
VERDICT: Final = 1
RETURN: Final = 2
JUMP: Final = 3
GOTO: Final = 4

#: What a target does to a field: None for any value, (clear, flip) for ``field & ~clear ^ flip``.
Changes = dict[str, "tuple[int, int] | None"]


@dataclass(slots=True, eq=False, repr=False)
class Step:
    """One rule. ``goal`` is the chain it enters, ``label`` its verdict or other target (``REJECT --reject-with …``)."""

    chain: ChainProgram
    number: int  #: from 1, as in listings
    rule: Rule
    region: Region
    kind: int = CONTINUE
    goal: ChainProgram | None = None
    label: str = ""
    changes: Changes | None = None
    #: A target that changes a packet the second time no more than the first.
    idempotent: bool = False
    _upper: tuple[Items, ...] | None = None
    _lower: tuple[Items, ...] | None = None

    @property
    def upper(self) -> tuple[Items, ...]:
        """The products of what may match, for diagrams."""
        if self._upper is None:
            self._upper = tuple(items_of(product) for product in self.region.upper)
        return self._upper

    @property
    def lower(self) -> tuple[Items, ...]:
        """The products of what certainly matches."""
        if self._lower is None:
            region = self.region
            self._lower = self.upper if region.exact else tuple(items_of(product) for product in region.lower)
        return self._lower

    @property
    def place(self) -> tuple[str, int]:
        return self.chain.name, self.number

    def __repr__(self) -> str:
        return f"<{self.chain.name}:{self.number} {self.rule.text}>"


@dataclass(slots=True, eq=False, repr=False)
class ChainProgram:
    """A chain: its steps in order and the steps elsewhere that enter it."""

    name: str
    policy: str | None
    steps: list[Step] = field(default_factory=list)
    callers: list[Step] = field(default_factory=list)
    #: Part of a loop of jumps (which no kernel loads), or enters one: nothing is claimed about what it does.
    cyclic: bool = False
    #: No packet that enters comes back to the caller.
    never_returns: bool = False
    _index: Index | None = None
    _entry_steps: list[int] = field(default_factory=list)

    def index(self, tops: list[int]) -> tuple[Index, list[int]]:
        """The bit vectors of the products of all upper regions, and the step (from 0) of each product."""
        if self._index is None:
            products: list[Product] = []
            for at, step in enumerate(self.steps):
                for product in step.region.upper:
                    products.append(product)
                    self._entry_steps.append(at)
            self._index = Index(products, tops)
        return self._index, self._entry_steps

    def meeting(self, product: Product, tops: list[int], start: int = 0, end: int | None = None) -> list[int]:
        """The steps (from 0) in a range that have a packet in common with a product, ascending, each once."""
        if end is None:
            end = len(self.steps)
        if not product or end - start < 4:
            return list(range(start, end))
        index, owners = self.index(tops)
        first = bisect_left(owners, start)
        found: list[int] = []
        last = -1
        for entry in index.meeting(product, lambda begin, mask: mask >> first - begin << first - begin if first > begin else mask):
            at = owners[entry]
            if at >= end:
                break
            if at != last:
                found.append(at)
                last = at
        return found


class Program:
    """The chains of one table over a space."""

    def __init__(self, table: str, space: Space, chains: dict[str, ChainProgram]) -> None:
        self.table = table
        self.space = space
        self.chains = chains
        #: Built-in chains, where packets come in.
        self.roots = [chain for chain in chains.values() if chain.policy is not None]
        _mark_loops(chains)
        _mark_never_returning(chains)
        used = {level for step in self.steps() for product in step.region.upper for level in product}
        used |= {level for step in self.steps() for product in step.region.lower for level in product}
        #: Levels that some rule tests and some target of the table may change.
        self.changed = used & self._all_changed()

    def steps(self) -> Iterator[Step]:
        for chain in self.chains.values():
            yield from chain.steps

    def circles(self) -> Iterator[list[Step]]:
        """For every jump that is part of a loop the shortest circle of jumps that begins with it."""
        for step in self.steps():
            if step.goal is not None and step.goal.cyclic and step.chain.cyclic:
                way = _shortest_way(step.goal, step.chain)
                if way is not None:
                    yield [step, *way]

    def _all_changed(self) -> set[int]:
        fields = {name for step in self.steps() if step.changes for name in step.changes}
        return {level for name in fields for level in self.space.levels_changed(name)}


def compile_table(ruleset: Ruleset, table: str, space: Space, typed: Callable[[Rule, int], RuleSpec] | None = None) -> Program:
    """The program of one table. ``typed`` gives a rule's typed form (default: the project's parser)."""
    if typed is None:
        from pyiptables.syntax.rule import typed as typed_rule

        typed = typed_rule
    source: dict[str, Chain] = ruleset.tables[table].chains
    chains = {name: ChainProgram(name, chain.policy) for name, chain in source.items()}
    specs = {name: [typed(rule, ruleset.family) for rule in chain.rules] for name, chain in source.items()}
    for rules in specs.values():
        for spec in rules:
            for match in spec.matches:
                space.volatile.update(match.volatile())
    for name, program in chains.items():
        pairs = zip(source[name].rules, specs[name], strict=True)
        for number, (rule, spec) in enumerate(pairs, 1):
            step = Step(program, number, rule, space.rule_region(spec))
            _set_target(step, spec, chains)
            program.steps.append(step)
    return Program(table, space, chains)


def _set_target(step: Step, spec: RuleSpec, chains: dict[str, ChainProgram]) -> None:
    target = spec.target
    jump = spec.jump
    if target is not None:
        step.label = jump + target.save()
        if target.terminal:
            step.kind = VERDICT
        else:
            step.changes = target.changes() or None
            step.idempotent = target.idempotent
    elif jump in ("ACCEPT", "DROP", "QUEUE"):
        step.kind = VERDICT
        step.label = jump
    elif jump == "RETURN":
        step.kind = RETURN
    elif jump in chains:
        step.kind = GOTO if spec.goto else JUMP
        step.goal = chains[jump]
        step.goal.callers.append(step)
    else:
        # A chain that somebody else makes: what it does is not known, but it is not what another one does.
        step.label = jump


def _shortest_way(start: ChainProgram, end: ChainProgram) -> list[Step] | None:
    """The jumps from a chain to another, fewest first; None when there is no way."""
    ways: dict[str, list[Step]] = {start.name: []}
    pending = [start]
    for chain in pending:
        if chain is end:
            return ways[chain.name]
        for step in chain.steps:
            if step.goal is not None and step.goal.name not in ways:
                ways[step.goal.name] = [*ways[chain.name], step]
                pending.append(step.goal)
    return None


def _mark_loops(chains: dict[str, ChainProgram]) -> None:
    """Find loops by depth-first search without recursion; mark them and all chains from which they are
    entered.
    """
    state: dict[str, int] = {}
    for start in chains.values():
        if start.name in state:
            continue
        path: list[tuple[ChainProgram, Iterator[Step]]] = [(start, iter(start.steps))]
        state[start.name] = 1
        while path:
            chain, steps = path[-1]
            for step in steps:
                goal = step.goal
                if goal is None:
                    continue
                seen = state.get(goal.name)
                if seen is None:
                    state[goal.name] = 1
                    path.append((goal, iter(goal.steps)))
                    break
                if seen == 1:
                    goal.cyclic = True
            else:
                state[chain.name] = 2
                path.pop()
    pending = [chain for chain in chains.values() if chain.cyclic]
    while pending:
        for step in pending.pop().callers:
            if not step.chain.cyclic:
                step.chain.cyclic = True
                pending.append(step.chain)


def _mark_never_returning(chains: dict[str, ChainProgram]) -> None:
    """Chains with an unconditional end (verdict, or a call of such a chain) before any way back."""
    done: set[str] = set()
    for start in chains.values():
        stack = [start]
        while stack:
            chain = stack[-1]
            if chain.name in done or chain.cyclic:
                stack.pop()
                continue
            waiting = [s.goal for s in chain.steps if s.goal is not None and s.goal.name not in done and not s.goal.cyclic]
            if waiting:
                stack += waiting
                continue
            done.add(chain.name)
            stack.pop()
            for step in chain.steps:
                goal = step.goal
                if step.kind == VERDICT or (goal is not None and goal.never_returns):
                    if {} in step.region.lower:
                        chain.never_returns = True
                        break
                elif step.kind in (RETURN, GOTO):
                    break
