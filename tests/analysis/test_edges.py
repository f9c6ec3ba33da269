"""Files that no kernel would load, and many conditions that nothing is known about."""

from __future__ import annotations

from test_difference import given_spec
from worlds import Opaque

from pyiptables.analysis.program import Program, compile_table
from pyiptables.analysis.reachability import (
    CONTRADICTION,
    REACHED,
    SHADOWED,
    UNCALLED,
    UNREACHED,
    Reachability,
)
from pyiptables.analysis.space import Space
from pyiptables.ruleset import Chain, Rule, Ruleset, RuleSpec, Table


class Named(Opaque):
    def __init__(self, number: int) -> None:
        self.number = number

    def save(self) -> str:
        return f" --number {self.number}"


def rule(jump: str, *, source: int = 0, mask: int = 0, match: Opaque | None = None) -> Rule:
    spec = RuleSpec()
    spec.src, spec.src_mask, spec.jump = source, mask, jump
    if match is not None:
        spec.matches.append(match)
    return Rule(f"-j {jump} {source} {mask} {match and match.save()}", spec=spec)


def program(**chains: list[Rule]) -> Program:
    ruleset = Ruleset(4)
    table = ruleset.tables["filter"] = Table("filter")
    for name, rules in chains.items():
        chain = table.chains[name] = Chain(name, "DROP" if name.isupper() else None)
        chain.rules = rules
    return compile_table(ruleset, "filter", Space(4), given_spec)


def test_loops_end_and_claim_nothing_behind_them() -> None:
    looped = program(
        INPUT=[rule("one"), rule("ACCEPT")],
        one=[rule("two"), rule("DROP")],
        two=[rule("one"), rule("RETURN")],
    )
    assert [[step.place for step in circle] for circle in looped.circles()] == [[("one", 1), ("two", 1)], [("two", 1), ("one", 1)]]
    statuses = {reach.step.place: reach.status for reach in Reachability(looped)}
    assert statuses["INPUT", 1] == REACHED
    assert statuses["INPUT", 2] == REACHED


def test_a_chain_that_nobody_calls() -> None:
    statuses = [reach.status for reach in Reachability(program(INPUT=[], one=[rule("ACCEPT"), rule("DROP")]))]
    assert statuses == [UNCALLED, SHADOWED]


def test_unreached_names_the_rules_before_the_call() -> None:
    reachability = Reachability(
        program(
            INPUT=[rule("DROP", source=0x0A000000, mask=0xFF000000), rule("one")],
            one=[rule("ACCEPT", source=0x0A010000, mask=0xFFFF0000)],
        )
    )
    reach = reachability.of("one", 1)
    assert reach.status == UNREACHED
    assert [step.place for step in reach.by] == [("INPUT", 1)]


def test_two_halves_cover_a_whole() -> None:
    reachability = Reachability(
        program(
            INPUT=[
                rule("DROP", source=0xC0A80000, mask=0xFFFF0000),
                rule("ACCEPT", source=0x0A000000, mask=0xFF800000),
                rule("DROP", source=0x0A800000, mask=0xFF800000),
                rule("ACCEPT", source=0x0A000000, mask=0xFF000000),
            ]
        )
    )
    reach = reachability.of("INPUT", 4)
    assert reach.status == SHADOWED
    assert [step.number for step in reach.by] == [2, 3]


def test_a_rule_that_nothing_matches() -> None:
    spec = rule("DROP")
    assert spec.spec is not None
    spec.spec.src_inv = True
    assert Reachability(program(INPUT=[spec])).of("INPUT", 1).status == CONTRADICTION


def test_very_many_unknown_conditions() -> None:
    rules = [rule("ACCEPT", match=Named(number)) for number in range(1500)]
    reachability = Reachability(program(INPUT=[*rules, rule("DROP"), rules[700]]))
    statuses = [reach.status for reach in reachability]
    assert statuses == [REACHED] * 1501 + [SHADOWED]
