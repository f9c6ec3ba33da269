"""Rules that are reached but change nothing: without them every packet meets the same verdict.

Most rules are cleared by their example packet, walked once more without the rule. For the others the decision
functions with and without the rule are compared on the rule's region. Nothing is claimed when, behind the
rule, its packets would meet a rule that has another effect (LOG, MARK, SET) or whose answer depends on how
often it is asked (``limit``): then the rule has a purpose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from pyiptables.analysis.decision import LOOP, Decisions
from pyiptables.analysis.flow import TooLarge
from pyiptables.analysis.intervals import subset
from pyiptables.analysis.leaves import Functions
from pyiptables.analysis.program import CONTINUE, GOTO, RETURN, VERDICT, ChainProgram, Step
from pyiptables.analysis.reachability import REACHED, Reachability, takes_all
from pyiptables.analysis.region import Product
from pyiptables.analysis.walk import Walker

__all__ = ["Redundancy"]

#: Candidates compared exactly; a file in which more rules survive their example has another problem.
_CANDIDATES: Final = 400
#: Rules looked at before the rest is left undecided.
_WORK: Final = 400_000
#: Edges gone through before a store of diagrams is given up.
_EDGES: Final = 500_000
#: Rules between two that are tried with a packet before they are compared.
_TRIALS: Final = 8


class Redundancy:
    """Finds the rules of a table any one of which (not all together) can go without changing a verdict."""

    def __init__(self, reachability: Reachability) -> None:
        self.reachability = reachability
        self.program = reachability.program
        self._walker = Walker(self.program)
        self._decisions: Decisions | None = None
        self._left = _CANDIDATES
        self._work = _WORK
        #: Rules that were not looked at, because too many had to be compared or one comparison was too large.
        self.undecided = 0
        self._label_masks: dict[str, dict[str, dict[int, int]]] = {}
        self._first_entries: dict[str, list[int]] = {}

    def anticipating(self) -> Iterator[tuple[Step, Step]]:
        """Redundant rules for whose packets a later, wider rule of their chain does the same, with that rule.

        A rule without conditions at the end of a chain is no such rule: what comes before it is often meant to
        say something.
        """
        for step in self._candidates():
            wider = self.wider(step)
            if wider is not None and (self._leads_to(step, wider) or (not self._is_missed(step, wider) and self._is_redundant(step))):
                yield step, wider

    def others(self) -> Iterator[Step]:
        """The redundant rules that have no such later rule."""
        for step in self._candidates():
            if self.wider(step) is None and self._is_redundant(step):
                yield step

    def wider(self, step: Step) -> Step | None:
        """The first later rule of the chain, not without conditions, that gives the same verdict to all of a
        rule's packets."""
        if step.kind != VERDICT:
            return None
        chain = step.chain
        index, owners = chain.index(self.program.space.tops)
        masks = self._masks(chain).get(step.label, {})
        firsts = self._first_entries[chain.name]
        behind = firsts[step.number] if step.number < len(firsts) else len(owners)
        found = []
        for product in step.region.upper:
            entry = index.covering(product, _later(masks, behind))
            if entry < 0:
                return None
            found.append(chain.steps[owners[entry]])
        return max(found, key=lambda other: other.number, default=None)

    def _leads_to(self, step: Step, wider: Step) -> bool:
        """Do all rules between that may match the first one's packets plainly give them the same verdict?"""
        if self.program.changed:
            return False
        for product in step.region.upper:
            for at in step.chain.meeting(product, self.program.space.tops, step.number, wider.number - 1):
                other = step.chain.steps[at]
                if other.label != step.label or other.kind != VERDICT or not other.region.exact:
                    return False
        return True

    def _is_missed(self, step: Step, wider: Step) -> bool:
        """Does a packet that a rule between would take find another verdict without the first one?"""
        left = _TRIALS
        for product in step.region.upper:
            for at in step.chain.meeting(product, self.program.space.tops, step.number, wider.number - 1):
                other = step.chain.steps[at]
                if other.kind == VERDICT and other.label == step.label:
                    continue
                for root, point in self.reachability.trials(step, other):
                    if self._needed_for(step, root, point):
                        return True
                left -= 1
                if not left:
                    return False
        return False

    def _masks(self, chain: ChainProgram) -> dict[str, dict[int, int]]:
        """By verdict and block: the bits of products of rules that give it under some condition."""
        masks = self._label_masks.get(chain.name)
        if masks is None:
            masks = self._label_masks[chain.name] = {}
            index, _ = chain.index(self.program.space.tops)
            entry = 0
            firsts = self._first_entries[chain.name] = []
            for step in chain.steps:
                firsts.append(entry)
                wanted = step.kind == VERDICT and step.region.exact
                for product in step.region.upper:
                    if wanted and product:
                        start = index.block_of(entry)
                        mine = masks.setdefault(step.label, {})
                        mine[start] = mine.get(start, 0) | 1 << entry - start
                    entry += 1
        return masks

    def _candidates(self) -> Iterator[Step]:
        for reach in self.reachability:
            step = reach.step
            if reach.status != REACHED or not step.region.exact or step.kind == CONTINUE:
                continue
            if step.goal is None or not step.goal.cyclic:
                yield step

    def _is_redundant(self, step: Step) -> bool:
        if self._work <= 0:
            self.undecided += 1
            return False
        if self._needed_by_example(step):
            return False
        program = self.program
        narrows = [_unchanged(product, program.changed) for product in step.region.upper]
        alike = True
        for narrow in narrows:
            verdicts = self._verdicts_behind(step, narrow)
            if verdicts is None:
                return False
            alike = alike and len(verdicts) == 1
        if alike:
            return True
        if self._left <= 0:
            self.undecided += 1
            return False
        self._left -= 1
        if self._decisions is None:
            self._decisions = Decisions(program, Functions(program.space.tops, _EDGES))
        decisions = self._decisions
        try:
            return all(decisions.of(root, narrow) == decisions.of(root, narrow, step) for narrow in narrows for root in program.roots)
        except (TooLarge, RecursionError):
            self._decisions = None
            self._left -= _CANDIDATES // 3
            self.undecided += 1
            return False

    def _verdicts_behind(self, step: Step, narrow: Product) -> set[str] | None:
        """The verdicts, policies among them, that packets of a product may get by the step or behind it, with and without it.

        None when they may meet a rule there that has another effect, or whose answer is not always the same.
        """
        tops = self.program.space.tops
        found = {step.label} if step.kind == VERDICT else set()
        pending: list[tuple[ChainProgram, int]] = [(step.chain, step.number)]
        if step.goal is not None:
            pending.append((step.goal, 0))
        if step.kind in (RETURN, GOTO):
            # Without the step they go on in the chain, with it they leave it.
            pending += self._ways_back(step.chain, found)
        seen: dict[str, int] = {}
        while pending:
            chain, start = pending.pop()
            if seen.get(chain.name, len(chain.steps) + 1) <= start:
                continue
            seen[chain.name] = start
            if chain.cyclic:
                found.add(LOOP)
            comes_back, returned = True, False
            meeting = chain.meeting(narrow, tops, start)
            for at in meeting:
                other = chain.steps[at]
                if not other.region.exact or (other.kind == CONTINUE and other.label):
                    return None
                if other.kind == VERDICT:
                    found.add(other.label)
                if other.goal is not None:
                    pending.append((other.goal, 0))
                if other.kind in (RETURN, GOTO):
                    returned = True
                # Without the step, what it takes goes on to what stands behind it.
                if other is not step and takes_all(other) and any(_contains(product, narrow) for product in other.region.lower):
                    comes_back = False
                    break
            self._work -= len(meeting)
            if comes_back or returned:
                pending += self._ways_back(chain, found)
        return found

    @staticmethod
    def _ways_back(chain: ChainProgram, verdicts: set[str]) -> list[tuple[ChainProgram, int]]:
        """Where packets go on that come to the end of a chain; its policy is noted."""
        if chain.policy is not None:
            verdicts.add(chain.policy)
        return [(caller.chain, caller.number) for caller in chain.callers]

    def _needed_by_example(self, step: Step) -> bool:
        example = self.reachability.example(step)
        return example is not None and self._needed_for(step, *example)

    def _needed_for(self, step: Step, root: ChainProgram, point: list[int]) -> bool:
        """Is the packet's verdict for certain another one without the rule?"""
        if self.program.changed:
            return False
        met, without = self._walker.met(root, point), self._walker.met(root, point, step)
        self._work -= len(met) + len(without)
        if step not in met or not all(other.region.exact for other in without):
            return False
        label = step.label if step.kind == VERDICT else _verdict(met, root)
        return label != _verdict(without, root)


def _later(masks: dict[int, int], behind: int) -> Callable[[int, int], int]:
    def among(start: int, _mask: int) -> int:
        mask = masks.get(start, 0)
        return mask >> behind - start << behind - start if behind > start else mask

    return among


def _verdict(met: list[Step], root: ChainProgram) -> str | None:
    return met[-1].label if met and met[-1].kind == VERDICT else root.policy


def _unchanged(product: Product, changed: set[int]) -> Product:
    return {level: values for level, values in product.items() if level not in changed}


def _contains(outer: Product, inner: Product) -> bool:
    return all(level in inner and subset(inner[level], values) for level, values in outer.items())
