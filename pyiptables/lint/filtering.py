"""What a table does with a kind of packets: who gets in, and by which rule.

A question is a product of packet sets (``analysis.region``): "new TCP connections to port 22 from anywhere but lo". It
is sent through a chain; a rule that certainly matches all of it ends the walk, one that may match some of it leaves
both ways open. So ``Fate.refused`` without ``Fate.accepted`` is a proof that none of the packets comes through, and the
other way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from pyiptables.analysis.intervals import complement, intersect
from pyiptables.analysis.region import Product, Region, conjoin, meets
from pyiptables.analysis.space import CT_STATES, Space, interface_number
from pyiptables.ruleset import Chain, Rule, RuleSpec, Table

if TYPE_CHECKING:
    from pyiptables.analysis.program import Program

__all__ = ["REFUSING", "Fate", "Filter", "Outcome", "ports_of", "states_of", "verdict_of"]

#: Whatever else a rule does with packets for good, some of them may come through.
REFUSING = ("DROP", "REJECT")
#: Rules looked at for one question, and for all of a table; beyond that answers are left open.
_LIMIT = 50_000
_BUDGET = 1_000_000
#: Jumps inside each other; nf_tables allows 16, and Python's own stack must hold them.
_DEEPEST = 150
#: Jumps to a chain that are looked at to narrow a question.
_CALLERS = 8


class Outcome(NamedTuple):
    """Something that may become of the packets: the rule is None where the policy of ``chain`` decides."""

    verdict: str
    chain: str
    rule: Rule | None
    #: How many rules such a packet is held against before.
    looked: int = 0


@dataclass(slots=True, eq=False, repr=False)
class Fate:
    """All that may become of the packets of a question, in the order in which they meet it.

    Nothing is in ``outcomes``, and both ways are open, when the walk was not ``complete``. ``ends`` are the chains whose
    end some of them may see, with the number of outcomes that come before: only there can an appended rule change the
    answer.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    ends: dict[str, int] = field(default_factory=dict)
    complete: bool = True

    @property
    def accepted(self) -> bool:
        """May some of the packets come through? Whatever userspace decides may be let through."""
        return not self.complete or any(outcome.verdict not in REFUSING for outcome in self.outcomes)

    @property
    def refused(self) -> bool:
        """May some of them be dropped or rejected?"""
        return not self.complete or any(outcome.verdict != "ACCEPT" for outcome in self.outcomes)


class Filter:
    """Asks questions about the tables of one family; remembers what rules match."""

    def __init__(self, family: int, program: Program | None = None) -> None:
        """``program``: rules that are ready for analysis, whose regions need not be computed again."""
        self.family = family
        self.space = Space(family) if program is None else program.space
        self._regions: dict[int, tuple[Rule, Region]] = {}
        if program is not None:
            self._regions = {id(step.rule): (step.rule, step.region) for step in program.steps()}
        self._chains = {} if program is None else program.chains
        self._left = self._looked = 0
        self._budget = _BUDGET
        #: The chains that the walk is in: to enter one again is a circle, which no kernel loads.
        self._path: list[str] = []

    def region(self, rule: Rule) -> Region:
        """The packets a rule matches."""
        known = self._regions.get(id(rule))
        if known is not None:
            return known[1]
        spec = rule.spec
        if spec is None:
            from pyiptables.syntax.rule import typed

            spec = typed(rule, self.family)
        for match in spec.matches:
            self.space.volatile.update(match.volatile())
        region = self.space.rule_region(spec)
        # The rule is kept, lest another one gets its id.
        self._regions[id(rule)] = rule, region
        return region

    def packets(
        self,
        proto: int | None = None,
        dport: int | tuple[int, int] | None = None,
        sport: int | tuple[int, int] | None = None,
        states: Iterable[str] = ("NEW",),
        flags: int | None = None,
        iniface: str = "!lo",
        outiface: str = "",
        src: tuple[int, int] | None = None,
        icmp: int | None = None,
    ) -> Product:
        """Packets with these properties, whatever is not named being open; ``!lo`` is every interface but that."""
        space = self.space
        region = space.values("fragment", (0, 0))
        region &= space.values("ctstate", *[(CT_STATES.index(state), CT_STATES.index(state)) for state in states])
        if proto is not None:
            region &= space.values("proto", (proto, proto))
        for name, port in (("dport", dport), ("sport", sport)):
            if port is not None:
                region &= space.values(name, port if isinstance(port, tuple) else (port, port))
        if flags is not None:
            region &= space.values("tcpflags", (flags, flags))
        if icmp is not None:
            region &= space.values("icmp", (icmp, icmp))
        for field_name, name in (("iniface", iniface), ("outiface", outiface)):
            if name:
                number = interface_number(name.removeprefix("!"))
                region &= space.values(field_name, (number, number), invert=name.startswith("!"))
        if src is not None:
            region &= space.masked("src", src[0], src[1])
        return region.upper[0]

    def fate(self, table: Table, chain_name: str, packets: Product, unsure: Iterable[str] = ()) -> Fate:
        """What a built-in chain does with packets. ``unsure`` are built-in chains whose policy is not known."""
        fate = Fate()
        chain = table.chains.get(chain_name)
        start = conjoin(self.space.hook_region(table.name, chain_name).upper[0], packets)
        if chain is None or start is None:
            fate.outcomes.append(Outcome("ACCEPT", chain_name, None))
            return fate
        self._left, self._looked = min(_LIMIT, self._budget), 0
        allowed = self._left
        self._path.clear()
        came_through = self._walk(table, chain, start, fate)
        self._budget -= allowed - max(self._left, 0)
        if came_through:
            policies = ("ACCEPT", "DROP") if chain_name in unsure else (chain.policy or "ACCEPT",)
            fate.outcomes += [Outcome(policy, chain_name, None) for policy in policies]
        fate.complete = self._left > 0
        if not fate.complete:
            fate.outcomes.clear()
        return fate

    def _walk(self, table: Table, chain: Chain, packets: Product, fate: Fate) -> bool:
        """Send packets into a chain; whether some may come back from it."""
        back = False
        looked = self._looked
        if chain.name in self._path or len(self._path) > _DEEPEST:
            self._left = 0
            return True
        self._path.append(chain.name)
        for at, rule in self._candidates(chain, packets):
            self._left -= 1
            if self._left < 0:
                return True
            region = self.region(rule)
            sure = any([_inside(packets, part) for part in region.lower])
            if not sure and not any([meets(packets, part) for part in region.upper]):
                continue
            spec = rule.spec
            assert spec is not None
            verdict = verdict_of(spec)
            goal = table.chains.get(spec.jump) if spec.target is None and verdict is None else None
            if verdict is not None:
                fate.outcomes.append(Outcome(verdict, chain.name, rule, looked + at))
            elif spec.target is None and spec.jump == "RETURN":
                back = True
            elif goal is not None:
                self._looked = looked + at + 1
                parts = [packets] if sure else [both for part in region.upper if (both := conjoin(packets, part)) is not None]
                came = [self._walk(table, goal, part, fate) for part in parts]
                looked = self._looked - at - 1
                if spec.goto:
                    back = back or any(came)
                elif any(came):
                    continue
            else:
                continue
            if sure:
                self._path.pop()
                return back
        self._path.pop()
        self._looked = looked + len(chain.rules)
        fate.ends.setdefault(chain.name, len(fate.outcomes))
        return True

    def _candidates(self, chain: Chain, packets: Product) -> list[tuple[int, Rule]]:
        """The rules that may match, with their positions, where the program has an index of the chain; else all."""
        program = self._chains.get(chain.name)
        if program is None:
            return list(enumerate(chain.rules))
        return [(at, program.steps[at].rule) for at in program.meeting(packets, self.space.tops)]

    def ways(self, chain: str, packets: Product) -> list[Product]:
        """The packets cut down to those that the jumps to a chain let in, where that is known; together all that come."""
        program = self._chains.get(chain)
        if program is None or program.policy is not None or len(program.callers) > _CALLERS:
            return [packets]
        parts = [part for caller in program.callers for part in caller.region.upper]
        return [both for part in parts if (both := conjoin(packets, part)) is not None]

    def may_match(self, rule: Rule, packets: Product) -> bool:
        """Has the rule a packet in common with these?"""
        return any(meets(packets, part) for part in self.region(rule).upper)

    def overlap(self, one: Rule, other: Rule) -> bool:
        """Have two rules a packet in common?"""
        return any(self.may_match(other, part) for part in self.region(one).upper)

    def covers(self, outer: Rule, inner: Rule) -> bool:
        """Does a rule certainly match every packet that the other may match?"""
        lower = self.region(outer).lower
        return all(any(_inside(part, whole) for whole in lower) for part in self.region(inner).upper)

    def everywhere(self, packets: Product, field_name: str) -> bool:
        """Is nothing asked of a field?"""
        level = self.space.level(field_name)
        values = None if level is None else packets.get(level)
        return values is None or level is None or not complement(values, self.space.tops[level])


def _inside(packets: Product, part: Product) -> bool:
    for level, values in part.items():
        mine = packets.get(level)
        if mine is None or intersect(mine, values) != mine:
            return False
    return True


def verdict_of(spec: RuleSpec) -> str | None:
    """The name of what ends the walk there, None when nothing does."""
    if spec.target is not None:
        return str(spec.target.name) if spec.target.terminal else None
    return spec.jump if spec.jump in ("ACCEPT", "DROP", "QUEUE") and not spec.goto else None


def ports_of(spec: RuleSpec) -> Iterator[tuple[int, int]]:
    """The destination ports that tcp, udp, sctp and multiport matches name, as ranges; nothing for inverted ones."""
    for match in spec.matches:
        values = match.values
        for key in ("destination-port", "destination-ports", "ports"):
            value = values.get(key)
            if value is None or key in match.inverted:
                continue
            if isinstance(value[0], int):
                yield value
            else:
                yield from value


def states_of(spec: RuleSpec) -> set[str] | None:
    """The connection states a rule is for, None when it does not ask."""
    found: set[str] | None = None
    for match in spec.matches:
        for key in ("ctstate", "state"):
            if key in match.values:
                named = {str(word) for word in match.values[key]}
                here = set(CT_STATES) - named if key in match.inverted else named
                found = here if found is None else found & here
    return found
