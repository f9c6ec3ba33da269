"""What a table decides, as a function from the packets that come to a hook to the verdict's label.

Chains are read backwards: behind the last rule stands the policy (or "back to the caller"), and each rule
puts its verdict before what comes after it. A target that changes the packet replaces the function after it
by the function of the changed packet; where the new value is unknown it becomes a field of its own, named by
the target's text. So the same text means the same unknown. Random and stateful matches are likewise
conditions named by their text (``Space(assume=True)``): two rulesets are compared on the assumption that
equal limits behave alike.
"""

from __future__ import annotations

from typing import Final

from pyiptables.analysis.flow import TooLarge
from pyiptables.analysis.idd import Items
from pyiptables.analysis.intervals import intersect
from pyiptables.analysis.leaves import Functions
from pyiptables.analysis.program import CONTINUE, GOTO, RETURN, VERDICT, ChainProgram, Program, Step
from pyiptables.analysis.region import Product, conjoin, items_of

__all__ = ["DECIDED", "ELSEWHERE", "LOOP", "Decisions"]

#: Labels that no rule has: packets that cannot come to the hook; a loop of jumps; some rule, whichever.
ELSEWHERE: Final = "(elsewhere)"
LOOP: Final = "(loop)"
DECIDED: Final = "(decided)"
_BACK: Final = "(return)"
#: Functions beyond this many nodes are given up.
NODES: Final = 1_000_000


class Decisions:
    """The functions of one program's hooks, in a store that programs to be compared share."""

    def __init__(self, program: Program, functions: Functions, merge: bool = False) -> None:
        """``merge``: all rules' verdicts count as one label, DECIDED; only the policy stands out."""
        self.program = program
        self.functions = functions
        self._merged = functions.leaf(DECIDED) if merge else None
        self._back = functions.leaf(_BACK)
        self._known: dict[tuple[str, int], int] = {}
        self._changing = _changing_chains(program)
        self._narrow: Product = {}
        self._without: Step | None = None

    def of(self, root: ChainProgram, narrow: Product | None = None, without: Step | None = None) -> int:
        """The function of a built-in chain. Raises TooLarge.

        With ``narrow``, a product over levels that no target changes, only for packets inside it; all others
        are ELSEWHERE. Rules that do not meet the product are then passed over; so is the rule ``without``.
        """
        functions = self.functions
        narrow = narrow or {}
        if narrow != self._narrow or without is not self._without:
            self._known.clear()
            self._narrow = narrow
            self._without = without
        elsewhere = functions.leaf(ELSEWHERE)
        inside = conjoin(self.program.space.hook_region(self.program.table, root.name).upper[0], narrow)
        if inside is None:
            return elsewhere
        decided = self._function(root, functions.leaf(root.policy or ELSEWHERE))
        return functions.select(items_of(inside), decided, elsewhere)

    def _through(self, chain: ChainProgram, after: int) -> int:
        """The function of entering a chain, ``after`` being what follows when the packet comes back."""
        if chain.cyclic:
            return self.functions.leaf(LOOP)
        if chain.name in self._changing:
            return self._function(chain, after)
        return self.functions.substitute(self._function(chain, self._back), self._back, after)

    def _function(self, chain: ChainProgram, end: int) -> int:
        key = (chain.name, end)
        known = self._known.get(key)
        if known is not None:
            return known
        functions = self.functions
        result = end
        for at in reversed(chain.meeting(self._narrow, self.program.space.tops)):
            step = chain.steps[at]
            if (step.kind == CONTINUE and not step.changes) or step is self._without:
                continue
            after = result
            for product in step.region.upper:
                short = self._within(product)
                if short is None:
                    continue
                items = items_of(short)
                result = functions.select(items, self._inside(step, items, after, end), result)
            if not step.region.exact:
                # Cut down to what may match; whether it does is this very rule's secret.
                name = step.rule.text if self.program.space.assume else f"{chain.name}:{step.number}"
                atom = self.program.space.atom(f"rule: {name}").upper[0]
                result = functions.select(tuple(atom.items()), result, after)
            if len(functions.nodes) > NODES or functions.left < 0:
                raise TooLarge
        self._known[key] = result
        return result

    def _within(self, product: Product) -> Product | None:
        """A product without the conditions that all packets in question fulfil; None when none does."""
        narrow = self._narrow
        if not narrow:
            return product
        short: Product = {}
        for level, values in product.items():
            asked = narrow.get(level)
            if asked is not None:
                both = intersect(asked, values)
                if not both:
                    return None
                if both == asked:
                    continue
            short[level] = values
        return short

    def _inside(self, step: Step, items: Items, after: int, end: int) -> int:
        """What becomes of the packets of one product of a step's region.

        A function behind a jump is cut down to the product first: with it go the widest diagrams.
        """
        if step.kind == VERDICT:
            return self.functions.leaf(step.label) if self._merged is None else self._merged
        if step.kind == RETURN:
            return end
        if step.kind == CONTINUE:
            return self._before_change(step, after)
        assert step.goal is not None
        follow = end if step.kind == GOTO else after
        if step.goal.name not in self._changing:
            follow = self.functions.confine(follow, items)
        return self._through(step.goal, follow)

    def _before_change(self, step: Step, after: int) -> int:
        """``after`` as a function of the packet before the step's target changed it."""
        functions = self.functions
        space = self.program.space
        result = after
        for field, how in (step.changes or {}).items():
            levels = functions.levels(result)
            affected = [level for level in space.levels_changed(field) if level in levels]
            bits: dict[int, int] = {}
            if how is not None:
                named = ((space.level(f"{field}:{bit}"), bit) for bit in range(32))
                bits = {level: bit for level, bit in named if level is not None and level in levels}
            if how is not None:
                clear, flip = how
                result = functions.flip(result, [level for level, bit in bits.items() if (flip & ~clear) >> bit & 1])
                result = functions.fix(result, {level: flip >> bit & 1 for level, bit in bits.items() if clear >> bit & 1})
            unknown = {}
            for level in affected:
                if level not in bits:
                    target = step.rule.text[step.rule.text.rfind("-j ") :]
                    name = f"{space.names[level]} after {target}"
                    space.number(name, space.tops[level], ())
                    fresh = space.level(name)
                    assert fresh is not None
                    unknown[level] = fresh
            result = functions.rename(result, unknown)
        return result


def _changing_chains(program: Program) -> set[str]:
    """Chains in which, or below which, a target changes a field that the table tests."""
    found: set[str] = set()
    pending = []
    for chain in program.chains.values():
        fields = {name for step in chain.steps if step.changes for name in step.changes}
        if any(program.changed.intersection(program.space.levels_changed(name)) for name in fields):
            found.add(chain.name)
            pending.append(chain)
    while pending:
        for step in pending.pop().callers:
            if step.chain.name not in found:
                found.add(step.chain.name)
                pending.append(step.chain)
    return found
