"""What a table decides, as a function from the packets that come to a hook to the verdict's label.

Chains are read backwards: behind the last rule stands the policy (or "back to the caller"), and each rule puts its
verdict before what comes after it. A target that changes the packet replaces the function after it by the function of
the changed packet; where the new value is unknown it becomes a field of its own, named by the target's text. So the same
text means the same unknown. Random and stateful matches are likewise conditions named by their text
(``Space(assume=True)``): two rulesets are compared on the assumption that equal limits behave alike.
"""

from __future__ import annotations

from typing import Final

from pyiptables.analysis.flow import TooLarge
from pyiptables.analysis.leaves import Functions
from pyiptables.analysis.program import CONTINUE, GOTO, RETURN, VERDICT, ChainProgram, Program, Step

__all__ = ["ELSEWHERE", "LOOP", "Decisions"]

#: Labels that no rule has: packets that cannot come to the hook; a loop of jumps.
ELSEWHERE: Final = "(elsewhere)"
LOOP: Final = "(loop)"
_BACK: Final = "(return)"
#: Functions beyond this many nodes are given up.
NODES: Final = 4_000_000


class Decisions:
    """The functions of one program's hooks, in a store that programs to be compared share."""

    def __init__(self, program: Program, functions: Functions) -> None:
        self.program = program
        self.functions = functions
        self._back = functions.leaf(_BACK)
        self._known: dict[tuple[str, int], int] = {}
        self._changing = _changing_chains(program)

    def of(self, root: ChainProgram) -> int:
        """The function of a built-in chain. Raises TooLarge."""
        functions = self.functions
        decided = self._function(root, functions.leaf(root.policy or ELSEWHERE))
        hook = self.program.space.hook_region(self.program.table, root.name).upper[0]
        return functions.select(tuple(sorted(hook.items())), decided, functions.leaf(ELSEWHERE))

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
        for step in reversed(chain.steps):
            kind = step.kind
            if kind == VERDICT:
                inside = functions.leaf(step.label)
            elif kind == RETURN:
                inside = end
            elif kind == CONTINUE:
                if not step.changes:
                    continue
                inside = self._before_change(step, result)
            else:
                assert step.goal is not None
                inside = self._through(step.goal, end if kind == GOTO else result)
            after = result
            for items in step.upper:
                result = functions.select(items, inside, result)
            if not step.region.exact:
                # Cut down to what may match; whether it does is this very rule's secret.
                atom = self.program.space.atom(f"rule: {step.rule.text}").upper[0]
                result = functions.select(tuple(atom.items()), result, after)
            if len(functions.nodes) > NODES:
                raise TooLarge
        self._known[key] = result
        return result

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
                result = functions.flip(
                    result, [level for level, bit in bits.items() if (flip & ~clear) >> bit & 1]
                )
                result = functions.fix(
                    result, {level: flip >> bit & 1 for level, bit in bits.items() if clear >> bit & 1}
                )
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
