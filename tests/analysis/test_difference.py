"""Semantic difference against trying every packet of a tiny world."""

from __future__ import annotations

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from worlds import Meaning, Opaque, packets, point_of, rulesets

from pyiptables.analysis.decision import Decisions
from pyiptables.analysis.difference import diff
from pyiptables.analysis.leaves import Functions
from pyiptables.analysis.program import compile_table
from pyiptables.analysis.space import Space
from pyiptables.ruleset import Rule, Ruleset, RuleSpec

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def given_spec(rule: Rule, family: int) -> RuleSpec:
    assert rule.spec is not None
    return rule.spec


def single_valued(ruleset: Ruleset) -> bool:
    """No opaque match beside a target that may change what it looks at."""
    specs = [rule.spec or RuleSpec() for _, _, _, rule in ruleset.rules()]
    opaque = any(isinstance(match, Opaque) for spec in specs for match in spec.matches)
    return not (opaque and any(spec.target for spec in specs))


def verdict(meaning: Meaning, root: str, packet: dict[str, object]) -> str:
    verdicts = {said or str(meaning.table.chains[root].policy) for said, _ in meaning.outcomes(root, packet)}
    assert len(verdicts) == 1
    return verdicts.pop()


@QUICK
@given(rulesets(marks=True))
def test_function_of_a_hook(ruleset: Ruleset) -> None:
    assume(single_valued(ruleset))
    space = Space(4, assume=True)
    functions = Functions(space.tops)
    program = compile_table(ruleset, "filter", space, given_spec)
    decisions = Decisions(program, functions)
    meaning = Meaning(ruleset.tables["filter"])
    for root in ("INPUT", "OUTPUT"):
        node = decisions.of(program.chains[root])
        sets = {functions.labels[leaf]: functions.where(node, leaf) for leaf in functions.ends(node)}
        for packet in packets(root, ruleset):
            point = point_of(space, packet) | {1: 0 if root == "INPUT" else 1 << 120}
            assert functions.contains(sets[verdict(meaning, root, packet)], point)


@QUICK
@given(rulesets(rules=3), st.data())
def test_finds_exactly_the_differences(before: Ruleset, data: st.DataObject) -> None:
    after = before.copy()
    chains = [chain for chain in after.tables["filter"].chains.values() if chain.rules]
    assume(chains)
    chain = data.draw(st.sampled_from(chains))
    at = data.draw(st.integers(0, len(chain.rules) - 1))
    for root in ("INPUT", "OUTPUT"):
        after.tables["filter"].chains[root].policy = data.draw(st.sampled_from(["ACCEPT", "DROP"]))
    if data.draw(st.booleans()) and at + 1 < len(chain.rules):
        chain.rules[at : at + 2] = chain.rules[at + 1], chain.rules[at]
    else:
        del chain.rules[at]
    one, two = Meaning(before.tables["filter"]), Meaning(after.tables["filter"])
    found = diff(before, after, given_spec)
    for root in ("INPUT", "OUTPUT"):
        pairs = {(verdict(one, root, p), verdict(two, root, p)) for p in packets(root, before)}
        assert {pair for pair in pairs if pair[0] != pair[1]} == {
            (difference.before, difference.after) for difference in found if difference.chain == root
        }


@QUICK
@given(rulesets(marks=True, unsure=True))
def test_equal_to_itself(ruleset: Ruleset) -> None:
    assert diff(ruleset, ruleset.copy(), given_spec) == []
