"""Rules called redundant are deleted, and every packet of the tiny world meets the same verdict."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from test_difference import given_spec, single_valued
from worlds import Meaning, Opaque, SetMark, packets, rulesets

from pyiptables.analysis.program import RETURN, Step, compile_table
from pyiptables.analysis.reachability import REACHED, Reachability
from pyiptables.analysis.redundancy import Redundancy
from pyiptables.analysis.space import Space
from pyiptables.ruleset import Chain, Rule, Ruleset, RuleSpec, Table

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def redundant(reachability: Reachability) -> list[Step]:
    redundancy = Redundancy(reachability)
    return [*[step for step, _ in redundancy.anticipating()], *redundancy.others()]


def verdicts(ruleset: Ruleset) -> list[tuple[str, set[str]]]:
    table = ruleset.tables["filter"]
    meaning = Meaning(table)
    return [
        (root, {said or str(table.chains[root].policy) for said, _ in meaning.outcomes(root, packet)})
        for root in ("INPUT", "OUTPUT")
        for packet in packets(root, ruleset)
    ]


@QUICK
@given(rulesets(marks=True, rules=3))
def test_redundant_rules_change_nothing(ruleset: Ruleset) -> None:
    table = ruleset.tables["filter"]
    found = redundant(Reachability(compile_table(ruleset, "filter", Space(4), given_spec)))
    if not found:
        return
    before = verdicts(ruleset)
    for step in found:
        rules = table.chains[step.chain.name].rules
        del rules[step.number - 1]
        # The same packets: what the rule alone told apart must be tried, too.
        kept = verdicts_like(ruleset, step.rule)
        rules.insert(step.number - 1, step.rule)
        assert kept == before


def test_a_return_before_the_end_of_a_chain_that_is_gone_to() -> None:
    """The way back from a jump leads to the same chain again, and through it to the rule itself."""
    ruleset = Ruleset(4)
    table = ruleset.tables["filter"] = Table("filter")
    for name, rules in (
        ("INPUT", (("two", False), ("two", True))),
        ("OUTPUT", (("MARK", False), ("two", False))),
        ("two", (("three", False), ("RETURN", False), ("ACCEPT", False))),
        ("three", ()),
    ):
        chain = table.chains[name] = Chain(name, "DROP" if name.isupper() else None)
        for number, (jump, goto) in enumerate(rules):
            spec = RuleSpec()
            spec.jump, spec.goto = jump, goto
            if jump == "MARK":
                spec.target = SetMark(2, 2, False)
            elif name == "OUTPUT":
                spec.matches.append(Opaque())
            elif name == "INPUT" and not goto:
                spec.src, spec.src_mask = 0x0A000000, 0xFFFFFF00
            chain.rules.append(Rule(f"{name}-{number}", spec=spec))
    reachability = Reachability(compile_table(ruleset, "filter", Space(4), given_spec))
    assert not [step for step in redundant(reachability) if step.kind == RETURN]


def verdicts_like(ruleset: Ruleset, removed: object) -> list[tuple[str, set[str]]]:
    table = ruleset.tables["filter"]
    meaning = Meaning(table)
    whole = ruleset.copy()
    whole.tables["filter"].chains["INPUT"].rules.append(removed)  # type: ignore[arg-type]
    return [
        (root, {said or str(table.chains[root].policy) for said, _ in meaning.outcomes(root, packet)})
        for root in ("INPUT", "OUTPUT")
        for packet in packets(root, whole)
    ]


@QUICK
@given(rulesets(rules=3))
def test_none_is_missed(ruleset: Ruleset) -> None:
    if not single_valued(ruleset):
        return
    table = ruleset.tables["filter"]
    reachability = Reachability(compile_table(ruleset, "filter", Space(4), given_spec))
    found = {step.rule for step in redundant(reachability)}
    before = verdicts(ruleset)
    for reach in reachability:
        rule = reach.step.rule
        assert rule.spec is not None
        if reach.status != REACHED or not rule.spec.jump or rule in found:
            continue
        rules = table.chains[reach.step.chain.name].rules
        rules.remove(rule)
        after = verdicts_like(ruleset, rule)
        rules.insert(reach.step.number - 1, rule)
        assert after != before, reach
