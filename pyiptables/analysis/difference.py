"""The semantic difference of two rulesets: which packets meet another fate, hook by hook.

Both are read into one space and one store of functions; a hook is unchanged exactly when its two functions are the same
integer. Otherwise the differing packets are grouped by the pair of verdicts and by the rules that speak them,
each group with an example. Only verdicts are compared, not what rules log, count or write into packets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pyiptables.analysis.decision import ELSEWHERE, Decisions
from pyiptables.analysis.idd import EMPTY
from pyiptables.analysis.leaves import Functions
from pyiptables.analysis.program import ChainProgram, Program, Step, compile_table
from pyiptables.analysis.region import Region, items_of
from pyiptables.analysis.space import Space
from pyiptables.analysis.walk import Walker
from pyiptables.ruleset import Chain, Rule, Ruleset, RuleSpec, Table

__all__ = ["Difference", "compare"]

#: Groups shown for a pair of verdicts.
_GROUPS = 12


@dataclass(slots=True)
class Difference:
    """Packets of one hook that ``before`` and ``after`` treat differently.

    ``before_rule`` and ``after_rule`` speak the verdicts (None: the policy, or a decision that depends on
    unknown conditions); ``packet`` is an example by level, ``example`` the same in readable form.
    """

    table: str
    chain: str
    before: str
    after: str
    before_rule: Step | None
    after_rule: Step | None
    packet: dict[int, int]
    example: dict[str, str | int | bool]


def compare(
    before: Ruleset, after: Ruleset, typed: Callable[[Rule, int], RuleSpec] | None = None, groups: int = _GROUPS
) -> list[Difference]:
    """All differences, at most ``groups`` for each pair of verdicts of a hook; [] means equivalent.

    Raises ValueError when the families differ, TooLarge when the question cannot be answered within memory.
    """
    if before.family != after.family:
        raise ValueError("rulesets of different address families cannot be compared")
    space = Space(before.family, assume=True)
    functions = Functions(space.tops)
    found: list[Difference] = []
    for table in dict.fromkeys([*before.tables, *after.tables]):
        roots = _roots(before, after, table)
        old_program = compile_table(_completed(before, table, roots), table, space, typed)
        new_program = compile_table(_completed(after, table, roots), table, space, typed)
        old, new = Decisions(old_program, functions), Decisions(new_program, functions)
        for name in roots:
            one, two = old.of(old_program.chains[name]), new.of(new_program.chains[name])
            if one != two:
                found += _differences(old, new, name, one, two, groups)
    return found


def _roots(before: Ruleset, after: Ruleset, table: str) -> list[str]:
    names: dict[str, None] = {}
    for ruleset in (before, after):
        if table in ruleset.tables:
            for chain in ruleset.tables[table].chains.values():
                if chain.policy is not None:
                    names[chain.name] = None
    return list(names)


def _completed(ruleset: Ruleset, table: str, roots: list[str]) -> Ruleset:
    """The ruleset with the table and its built-in chains, empty and accepting where it lacks them."""
    source = ruleset.tables.get(table)
    if source is not None and all(name in source.chains for name in roots):
        return ruleset
    copy = Ruleset(ruleset.family)
    target = copy.tables[table] = Table(table)
    target.chains = {name: Chain(name, "ACCEPT") for name in roots}
    if source is not None:
        target.chains.update(source.chains)
    return copy


def _differences(
    old: Decisions, new: Decisions, name: str, one: int, two: int, groups: int
) -> Iterator[Difference]:
    functions = old.functions
    space = old.program.space
    walkers = Walker(old.program), Walker(new.program)
    chains = old.program.chains[name], new.program.chains[name]
    elsewhere = functions.leaf(ELSEWHERE)
    for left in functions.ends(one):
        if left == elsewhere:
            continue
        here = functions.where(one, left)
        for right in functions.ends(two):
            if left == right or right == elsewhere:
                continue
            node = functions.intersect(here, functions.where(two, right))
            for _ in range(groups):
                if node == EMPTY:
                    break
                packet = functions.sample(node, space.pick)
                rules = [
                    _decider(walker, chain, space, packet) for walker, chain in zip(walkers, chains, strict=True)
                ]
                labels = functions.labels
                yield Difference(
                    old.program.table, name, labels[left], labels[right], rules[0], rules[1],
                    packet, space.describe(packet),
                )  # fmt: skip
                node = _without(functions, node, rules, packet)


def _decider(walker: Walker, chain: ChainProgram, space: Space, packet: dict[int, int]) -> Step | None:
    point = [packet.get(level, 0) for level in range(len(space.tops))]
    for level, top in enumerate(space.tops):
        if level not in packet:
            point[level] = space.pick(level, 0, top)
    return walker.decider(chain, point)


def _without(functions: Functions, node: int, rules: list[Step | None], packet: dict[int, int]) -> int:
    """The set without the packets that both deciding rules match; at least without the example."""
    regions: list[Region] = [rule.region for rule in rules if rule is not None]
    rest = node
    if regions:
        both = regions[0]
        for region in regions[1:]:
            both &= region
        for product in both.upper:
            rest = functions.subtract(rest, items_of(product))
    if rest == node:
        rest = functions.subtract(node, tuple((level, (value, value)) for level, value in sorted(packet.items())))
    return rest
