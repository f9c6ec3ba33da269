"""The semantic difference of two rulesets: which packets meet another fate, hook by hook.

Both are read into one space and one store of functions; a hook is unchanged exactly when its two functions
are the same integer. A packet that matches none of the rules in which two chains differ takes the same way in
both; so the functions are made for the regions of those rules only. The differing packets are grouped by the
pair of verdicts and by the rules that speak them, each group with an example. Only verdicts are compared, not
what rules log, count or write into packets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from pyiptables.analysis.decision import ELSEWHERE, Decisions
from pyiptables.analysis.idd import EMPTY, FULL
from pyiptables.analysis.leaves import Functions
from pyiptables.analysis.program import ChainProgram, Program, Step, compile_table
from pyiptables.analysis.region import Product, Region, items_of
from pyiptables.analysis.space import Space
from pyiptables.analysis.walk import Walker
from pyiptables.ruleset import Chain, Rule, Ruleset, RuleSpec, Table

__all__ = ["Difference", "diff"]

#: Groups shown for a pair of verdicts.
_GROUPS: Final = 4
#: Beyond so many products of changed rules everything is compared at once.
_REGIONS: Final = 400


@dataclass(slots=True)
class Difference:
    """Packets of one hook that ``before`` and ``after`` treat differently.

    ``before_rule`` and ``after_rule`` speak the verdicts (None: the policy, or a decision that depends on
    unknown conditions); ``packet`` is an example by level, ``example`` the same in readable form. ``cause``
    is a rule that only one side has (or has in that place) and that such packets match, None when a policy
    differs.
    """

    table: str
    chain: str
    before: str
    after: str
    before_rule: Step | None
    after_rule: Step | None
    packet: dict[int, int]
    example: dict[str, str | int | bool]
    cause: Step | None = None


def diff(
    before: Ruleset,
    after: Ruleset,
    typed: Callable[[Rule, int], RuleSpec] | None = None,
    groups: int = _GROUPS,
) -> list[Difference]:
    """All differences, for each changed rule at most ``groups`` per hook and pair of verdicts; [] means
    equivalent.

    Raises ValueError when the families differ, TooLarge when the question cannot be answered within memory.
    """
    if before.family != after.family:
        raise ValueError("rulesets of different address families cannot be compared")
    space = Space(before.family, assume=True)
    functions = Functions(space.tops)
    found: dict[tuple[object, ...], Difference] = {}
    for table in dict.fromkeys([*before.tables, *after.tables]):
        roots = _roots(before, after, table)
        one, two = _completed(before, table, roots), _completed(after, table, roots)
        changed = _changed_rules(one.tables[table], two.tables[table])
        policies = [name for name in roots if one.tables[table].chains[name].policy != two.tables[table].chains[name].policy]
        if not changed and not policies:
            continue
        old = Decisions(compile_table(one, table, space, typed), functions)
        new = Decisions(compile_table(two, table, space, typed), functions)
        regions = _regions(old.program, new.program, changed)
        for difference in _policies(old, new, policies):
            found[table, difference.chain, None] = difference
        for narrow, cause in regions:
            for name in roots:
                left, right = (side.of(side.program.chains[name], narrow) for side in (old, new))
                if left == right:
                    continue
                for difference in _differences(old, new, name, left, right, groups):
                    rules = difference.before_rule, difference.after_rule
                    key = (table, name, difference.before, difference.after, *rules)
                    if key not in found:
                        difference.cause = cause
                        found[key] = difference
    return list(found.values())


def _policies(old: Decisions, new: Decisions, names: list[str]) -> Iterator[Difference]:
    """Packets that come to a changed policy in both rulesets (if in one only, they match a changed rule)."""
    functions = old.functions
    space = old.program.space
    sides = [Decisions(side.program, functions, merge=True) for side in (old, new)]
    for name in names:
        both = FULL
        policies = []
        for side in sides:
            chain = side.program.chains[name]
            policies.append(chain.policy or "")
            both = functions.intersect(both, functions.where(side.of(chain), functions.leaf(policies[-1])))
        if both != EMPTY:
            packet = functions.sample(both, space.pick)
            yield Difference(old.program.table, name, policies[0], policies[1], None, None, packet, space.describe(packet))


def _changed_rules(old: Table, new: Table) -> list[Rule]:
    """The rules in which chains of the same name differ, from both sides.

    A chain that only one side has is entered through rules that only that side has.
    """
    changed: list[Rule] = []
    for name, chain in old.chains.items():
        other = new.chains.get(name)
        if other is None:
            continue
        changed += _unmatched(chain.rules, other.rules)
    return changed


def _unmatched(old: list[Rule], new: list[Rule]) -> list[Rule]:
    """The rules outside a common subsequence of two chains."""
    start = 0
    while start < len(old) and start < len(new) and old[start].text == new[start].text:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end].text == new[-1 - end].text:
        end += 1
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    if not old or not new:
        return old + new
    from difflib import SequenceMatcher

    blocks = SequenceMatcher(None, [r.text for r in old], [r.text for r in new], autojunk=False).get_matching_blocks()
    kept_old = {block.a + i for block in blocks for i in range(block.size)}
    kept_new = {block.b + i for block in blocks for i in range(block.size)}
    return [rule for i, rule in enumerate(old) if i not in kept_old] + [rule for i, rule in enumerate(new) if i not in kept_new]


def _regions(old: Program, new: Program, changed: list[Rule]) -> list[tuple[Product, Step | None]]:
    """Products that together hold every packet which rules treat differently, and whose they are."""
    wanted = {id(rule) for rule in changed}
    moving = old.changed | new.changed
    products: list[Product] = []
    causes: list[Step | None] = []
    for program in (old, new):
        for step in program.steps():
            if id(step.rule) in wanted:
                for product in step.region.upper:
                    narrow = {level: values for level, values in product.items() if level not in moving}
                    if not narrow:
                        return [({}, step)]
                    if narrow not in products:
                        products.append(narrow)
                        causes.append(step)
    return list(zip(products, causes, strict=True)) if len(products) <= _REGIONS else [({}, None)]


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


def _differences(old: Decisions, new: Decisions, name: str, one: int, two: int, groups: int) -> Iterator[Difference]:
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
            if right in (left, elsewhere):
                continue
            node = functions.intersect(here, functions.where(two, right))
            for _ in range(groups):
                if node == EMPTY:
                    break
                packet = functions.sample(node, space.pick)
                rules = [_decider(walker, chain, space, packet) for walker, chain in zip(walkers, chains, strict=True)]
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
