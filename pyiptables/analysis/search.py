"""Questions about a set of packets: what happens to them, and which rules have a say.

``fates(program, region)`` sends the region in at every hook of the table and lists who decides: each rule
with a verdict, each policy, with the packets it may decide and an example. ``concerned`` lists all rules that
such packets may match. Sets are upper bounds where rules are uncertain; changed marks are followed.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyiptables.analysis.flow import Flow
from pyiptables.analysis.idd import EMPTY
from pyiptables.analysis.program import VERDICT, ChainProgram, Program, Step
from pyiptables.analysis.region import Region

__all__ = ["Fate", "concerned", "fates"]


@dataclass(slots=True)
class Fate:
    """Packets that enter at ``root`` and that ``rule`` (None: the policy) gives the verdict.

    ``packets`` is a diagram of ``flow.diagrams`` (headers as they are when the rule sees them), ``example``
    one of them in readable form; ``certain``: the rule certainly matches all of them.
    """

    root: ChainProgram
    rule: Step | None
    verdict: str
    packets: int
    example: dict[str, str | int | bool]
    certain: bool


def fates(program: Program, region: Region, flow: Flow | None = None, root: str | None = None) -> list[Fate]:
    """Who decides about the packets of a region, in the order in which packets come by. Raises TooLarge."""
    flow = flow or Flow(program)
    diagrams = flow.diagrams
    space = program.space
    found: list[Fate] = []
    for chain in program.roots:
        if root is not None and chain.name != root:
            continue
        met, rest = _met(flow, chain, region)
        for step, packets in met.items():
            if step.kind == VERDICT:
                example = space.describe(diagrams.sample(packets, space.pick))
                found.append(Fate(chain, step, step.label, packets, example, step.region.exact))
        if rest != EMPTY:
            example = space.describe(diagrams.sample(rest, space.pick))
            found.append(Fate(chain, None, chain.policy or "", rest, example, True))
    return found


def concerned(program: Program, region: Region, flow: Flow | None = None) -> list[Step]:
    """All rules that packets of a region may match on their way from any hook, chain by chain. Raises
    TooLarge.
    """
    flow = flow or Flow(program)
    found: set[Step] = set()
    for chain in program.roots:
        found.update(_met(flow, chain, region)[0])
    return [step for step in program.steps() if step in found]


def _met(flow: Flow, root: ChainProgram, region: Region) -> tuple[dict[Step, int], int]:
    diagrams = flow.diagrams
    met: dict[Step, int] = {}
    rest = EMPTY
    for product in region.upper:
        end, part = flow.push(root, product)
        rest = diagrams.union(rest, end)
        for step, packets in part.items():
            met[step] = diagrams.union(met.get(step, EMPTY), packets)
    return met, rest
