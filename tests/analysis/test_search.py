"""Who decides about a set of packets, against trying every packet of a tiny world."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from test_difference import given_spec
from worlds import Meaning, matched, packets, rulesets, specs

from pyiptables.analysis.program import compile_table
from pyiptables.analysis.search import concerned, fates
from pyiptables.analysis.space import Space
from pyiptables.ruleset import Rule, Ruleset, RuleSpec

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@QUICK
@given(rulesets(), specs((), marks=False, unsure=False))
def test_fates_of_a_region(ruleset: Ruleset, asked: RuleSpec) -> None:
    asked.jump = ""
    program = compile_table(ruleset, "filter", Space(4), given_spec)
    found = {(fate.root.name, fate.verdict) for fate in fates(program, program.space.rule_region(asked))}
    table = ruleset.tables["filter"]
    meaning = Meaning(table)
    world = ruleset.copy()
    world.tables["filter"].chains["INPUT"].rules.append(Rule("asked", spec=asked))
    expected = set()
    for root in ("INPUT", "OUTPUT"):
        for packet in packets(root, world):
            if matched(asked, packet):
                expected |= {(root, said or str(table.chains[root].policy)) for said, _ in meaning.outcomes(root, packet)}
    assert found == expected
    hit = {step.rule for step in concerned(program, program.space.rule_region(asked))}
    assert hit == meaning.hits


@QUICK
@given(rulesets(marks=True, unsure=True))
def test_every_rule_met_is_concerned(ruleset: Ruleset) -> None:
    program = compile_table(ruleset, "filter", Space(4), given_spec)
    meaning = Meaning(ruleset.tables["filter"])
    for root in ("INPUT", "OUTPUT"):
        for packet in packets(root, ruleset):
            meaning.outcomes(root, packet)
    assert meaning.hits <= {step.rule for step in concerned(program, program.space.everything)}
