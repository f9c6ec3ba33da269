"""Reachability against trying every packet of a tiny world."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from worlds import Meaning, packets, rulesets

from pyiptables.analysis.flow import Flow
from pyiptables.analysis.program import compile_table
from pyiptables.analysis.reachability import (
    CONTRADICTION,
    REACHED,
    SHADOWED,
    UNCALLED,
    UNREACHED,
    Reachability,
)
from pyiptables.analysis.space import Space
from pyiptables.ruleset import Rule, Ruleset, RuleSpec

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def given_spec(rule: Rule, family: int) -> RuleSpec:
    assert rule.spec is not None
    return rule.spec


def analysed(ruleset: Ruleset) -> Reachability:
    return Reachability(compile_table(ruleset, "filter", Space(ruleset.family), given_spec))


def hit_rules(ruleset: Ruleset) -> set[Rule]:
    meaning = Meaning(ruleset.tables["filter"])
    for root in ("INPUT", "OUTPUT"):
        for packet in packets(root, ruleset):
            meaning.outcomes(root, packet)
    return meaning.hits


@QUICK
@given(rulesets())
def test_exact_without_uncertainty(ruleset: Ruleset) -> None:
    hits = hit_rules(ruleset)
    for reach in analysed(ruleset):
        assert (reach.step.rule in hits) == (reach.status == REACHED), (reach, show(ruleset))


@QUICK
@given(rulesets(marks=True, unsure=True, rules=4))
def test_never_a_false_unreachable(ruleset: Ruleset) -> None:
    hits = hit_rules(ruleset)
    for reach in analysed(ruleset):
        if reach.status in (SHADOWED, UNREACHED, CONTRADICTION, UNCALLED):
            assert reach.step.rule not in hits, (reach, show(ruleset))


def show(ruleset: Ruleset) -> str:
    lines = []
    for _, chain, number, rule in ruleset.rules():
        spec = rule.spec
        assert spec is not None
        lines.append(
            f"{chain.name}:{number} src={spec.src:#x}/{spec.src_mask:#x}{spec.src_inv} in={spec.iniface}"
            f"{spec.iniface_inv} p={spec.proto}{spec.proto_inv} {[m.name + m.save() for m in spec.matches]}"
            f" -> {spec.jump} goto={spec.goto} {spec.target and spec.target.save()}"
        )
    return "\n".join(lines)


@QUICK
@given(rulesets())
def test_diagrams_alone_agree(ruleset: Ruleset) -> None:
    """The exact layer must not lean on the other two."""
    hits = hit_rules(ruleset)
    program = compile_table(ruleset, "filter", Space(ruleset.family), given_spec)
    flow = Flow(program)
    for step in program.steps():
        arrives = any(flow.arriving(step, product) for product in step.region.upper)
        assert arrives == (step.rule in hits), (step, show(ruleset))
