"""Rules that are reached but change nothing: without them every packet meets the same verdict.

Most rules are cleared by their example packet, walked once more without the rule. For the others the decision
functions with and without the rule are compared on the rule's region. Nothing is claimed when, behind the
rule, its packets would meet a rule that has another effect (LOG, MARK, SET) or whose answer depends on how
often it is asked (``limit``): then the rule has a purpose.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pyiptables.analysis.decision import Decisions
from pyiptables.analysis.flow import TooLarge
from pyiptables.analysis.leaves import Functions
from pyiptables.analysis.program import CONTINUE, VERDICT, ChainProgram, Step
from pyiptables.analysis.reachability import REACHED, Reachability
from pyiptables.analysis.region import Product
from pyiptables.analysis.walk import Walker

__all__ = ["redundant"]

#: Candidates compared exactly; a file in which more rules survive their example has another problem.
_CANDIDATES: Final = 400


def redundant(reachability: Reachability) -> Iterator[Step]:
    """The reached rules any one of which (not all together) can go without changing a verdict."""
    program = reachability.program
    walker = Walker(program)
    decisions = Decisions(program, Functions(program.space.tops))
    left = _CANDIDATES
    for reach in list(reachability):
        step = reach.step
        if reach.status != REACHED or not step.region.exact or step.kind == CONTINUE:
            continue
        if step.goal is not None and step.goal.cyclic:
            continue
        if _needed_by_example(reachability, walker, step):
            continue
        narrows = [_unchanged(product, program.changed) for product in step.region.upper]
        if any(_has_effect_behind(step, narrow, program.space.tops) for narrow in narrows):
            continue
        left -= 1
        if left < 0:
            return
        try:
            if all(decisions.of(root, narrow) == decisions.of(root, narrow, step) for narrow in narrows for root in program.roots):
                yield step
        except (TooLarge, RecursionError):
            continue


def _needed_by_example(reachability: Reachability, walker: Walker, step: Step) -> bool:
    example = reachability.example(step)
    if example is None or reachability.program.changed:
        return False
    root, point = example
    without = walker.met(root, point, step)
    if not all(other.region.exact for other in without):
        return False
    label = step.label if step.kind == VERDICT else _verdict(walker.met(root, point), root)
    return label != _verdict(without, root)


def _verdict(met: list[Step], root: ChainProgram) -> str | None:
    return met[-1].label if met and met[-1].kind == VERDICT else root.policy


def _unchanged(product: Product, changed: set[int]) -> Product:
    return {level: values for level, values in product.items() if level not in changed}


def _has_effect_behind(step: Step, narrow: Product, tops: list[int]) -> bool:
    """May packets of a product meet, after the step, a rule with an effect besides its verdict?"""
    pending: list[tuple[ChainProgram, int]] = [(step.chain, step.number)]
    if step.goal is not None:
        pending.append((step.goal, 0))
    seen: dict[str, int] = {}
    while pending:
        chain, start = pending.pop()
        if seen.get(chain.name, len(chain.steps) + 1) <= start:
            continue
        seen[chain.name] = start
        for at in chain.meeting(narrow, tops, start):
            other = chain.steps[at]
            if not other.region.exact or (other.kind == CONTINUE and other.rule.text.find("-j ") >= 0):
                return True
            if other.goal is not None:
                pending.append((other.goal, 0))
        pending += [(caller.chain, caller.number) for caller in chain.callers]
    return False
