"""What the analysis says about a file's rules, kept for all checks that ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyiptables.analysis.region import conjoin
from pyiptables.lint.places import command_place
from pyiptables.lint.subject import Item, Subject

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyiptables.analysis.program import Program, Step
    from pyiptables.analysis.reachability import Reach, Reachability
    from pyiptables.analysis.redundancy import Redundancy
    from pyiptables.analysis.region import Product
    from pyiptables.lint.diagnostic import Place
    from pyiptables.lint.filtering import Fate, Filter
    from pyiptables.ruleset import Rule, Ruleset, RuleSpec, Table

__all__ = [
    "Filtering", "answers", "chain_place", "filterings", "item_of", "maker", "programs", "reachabilities", "redundancies", "repeated",
    "standing", "translating", "undecided",
]  # fmt: skip


def standing(subject: Subject) -> dict[int, Ruleset]:
    """The rulesets that a file stands for, by family: as written, or as the script leaves them when it is started."""
    if subject.script is None:
        return subject.rulesets
    from pyiptables.lint.replay import settled

    return settled(subject).rulesets


def maker(subject: Subject, rule: Rule) -> Item | None:
    """The command that made a rule of these rulesets."""
    found = subject.item_of_rule.get(id(rule))
    if found is None and subject.script is not None:
        from pyiptables.lint.replay import settled

        found = settled(subject).origin.get(id(rule))
    return found


def programs(subject: Subject) -> list[tuple[int, str, Program]]:
    """(family, table, rules made ready for analysis) of every table that has rules."""
    if "programs" not in subject.cache:
        from pyiptables.analysis.program import compile_table
        from pyiptables.analysis.space import Space

        found = []
        for family, ruleset in standing(subject).items():
            for name, table in ruleset.tables.items():
                if any(chain.rules for chain in table.chains.values()):
                    found.append((family, name, compile_table(ruleset, name, Space(family))))
        subject.cache["programs"] = found
    compiled: list[tuple[int, str, Program]] = subject.cache["programs"]
    return compiled


def reachabilities(subject: Subject) -> list[tuple[int, str, Reachability]]:
    """(family, table, answers) of every table that has rules."""
    if "reachability" not in subject.cache:
        from pyiptables.analysis.reachability import Reachability

        subject.cache["reachability"] = [(family, name, Reachability(program)) for family, name, program in programs(subject)]
    answered: list[tuple[int, str, Reachability]] = subject.cache["reachability"]
    return answered


@dataclass(slots=True, eq=False, repr=False)
class Filtering:
    """The filter table of one family as the file leaves it, for questions about packets."""

    family: int
    table: Table
    filter: Filter
    ruleset: Ruleset
    #: Built-in chains whose policy is one or the other.
    unsure: set[str]
    #: Built-in chains that the file decides about: its own rules are all there are.
    owned: set[str]
    _origin: dict[int, Item]
    #: Where strangers come from (``lint.outside``), once somebody asked.
    outer: list[str] | None = None
    _accepting: list[tuple[str, Rule, RuleSpec, Item]] | None = None
    _wanted: dict[Callable[[RuleSpec], bool], list[tuple[str, Rule, RuleSpec, Item]]] = field(default_factory=dict)

    def item(self, rule: Rule | None) -> Item | None:
        """The command that made a rule."""
        return None if rule is None else self._origin.get(id(rule))

    def fate(self, chain: str, packets: Product) -> Fate:
        return self.filter.fate(self.table, chain, packets, self.unsure)

    def accepting(self, chain: str, packets: Product, wanted: Callable[[RuleSpec], bool]) -> Iterator[tuple[RuleSpec, Item]]:
        """The rules of a kind by which a built-in chain accepts some of the packets.

        Each is asked for with its own packets alone: what earlier rules certainly take does not count.
        """
        if wanted not in self._wanted:
            self._wanted[wanted] = [entry for entry in self._accepts() if wanted(entry[2])]
        for name, rule, spec, item in self._wanted[wanted]:
            ways = self.filter.ways(name, packets)
            own = [both for part in self.filter.region(rule).upper for way in ways if (both := conjoin(way, part)) is not None]
            if any(met.rule is rule for question in own for met in self.fate(chain, question).outcomes):
                yield spec, item

    def _accepts(self) -> list[tuple[str, Rule, RuleSpec, Item]]:
        """The accepting rules of which it is known whose packets they accept, with the names of their chains."""
        if self._accepting is None:
            self._accepting = []
            for chain in self.table.chains.values():
                for rule in chain.rules:
                    spec = rule.spec
                    if spec is None or spec.jump != "ACCEPT" or spec.goto:
                        continue
                    item = self.item(rule)
                    if item is not None and not any([match.obscure or match.instead_of for match in spec.matches]):
                        self._accepting.append((chain.name, rule, spec, item))
        return self._accepting


def filterings(subject: Subject) -> list[Filtering]:
    """The filter tables of the file: as written, or as the script leaves them when it is started."""
    if "filterings" not in subject.cache:
        subject.cache["filterings"] = list(_filterings(subject))
    found: list[Filtering] = subject.cache["filterings"]
    return found


def _filterings(subject: Subject) -> Iterator[Filtering]:
    from pyiptables.lint.filtering import Filter

    if subject.script is not None:
        from pyiptables.lint.replay import settled

        firewall = settled(subject)
        for family, ruleset in sorted(firewall.rulesets.items()):
            table = ruleset.tables.get("filter")
            if table is not None:
                owned = {chain for known, name, chain in firewall.owned if (known, name) == (family, "filter")}
                yield Filtering(family, table, Filter(family), ruleset, firewall.unsure_in(family, "filter"), owned, firewall.origin)
        return
    compiled = {family: program for family, name, program in programs(subject) if name == "filter"}
    for family, ruleset in subject.rulesets.items():
        table = ruleset.tables.get("filter")
        if table is not None:
            filter = Filter(family, compiled.get(family))
            yield Filtering(family, table, filter, ruleset, set(), set(table.chains), subject.item_of_rule)


def chain_place(subject: Subject, filtering: Filtering, chain: str) -> tuple[Place, str]:
    """Where a file gives a built-in chain of the filter table its policy, else its first rule; with the text there."""
    first = None
    last = None
    for item in subject.items:
        if item.table != "filter" or item.family != filtering.family:
            continue
        if item.chain == chain and item.action in (":", "P"):
            last = item
        elif item.chain == chain and item.action in ("A", "I"):
            first = first or item
    found = last or first or next((item for item in subject.items if item.table == "filter"), None)
    return (command_place(found), found.text) if found is not None else (subject.line_place(1), "")


def repeated(subject: Subject) -> dict[Step, Step]:
    """The rules that say what an earlier one of their chain says, with that one."""
    if "repeated" not in subject.cache:
        from pyiptables.analysis.repetition import repetitions

        subject.cache["repeated"] = {
            step: first for _, _, reachability in reachabilities(subject) for step, first in repetitions(reachability.program)
        }
    found: dict[Step, Step] = subject.cache["repeated"]
    return found


def redundancies(subject: Subject) -> list[Redundancy]:
    """What can go, table by table."""
    if "redundancies" not in subject.cache:
        from pyiptables.analysis.redundancy import Redundancy

        subject.cache["redundancies"] = [Redundancy(reachability) for _, _, reachability in reachabilities(subject)]
    found: list[Redundancy] = subject.cache["redundancies"]
    return found


def undecided(subject: Subject) -> int:
    """How many of the questions that were asked about rules would have taken too much time or memory."""
    from pyiptables.analysis.reachability import OPEN

    asked = [reachability for _, _, reachability in subject.cache.get("reachability", ())]
    left: int = sum(reach.status == OPEN for reachability in asked for reach in reachability)
    left += sum(redundancy.undecided for redundancy in subject.cache.get("redundancies", ()))
    return left


def answers(subject: Subject, *statuses: str) -> Iterator[tuple[Reach, Item, Reachability]]:
    """The rules with one of these statuses, with the items they came from; repetitions are another matter."""
    for _, _, reachability in reachabilities(subject):
        for reach in reachability:
            if reach.status in statuses and reach.step not in repeated(subject):
                item = item_of(subject, reach.step)
                if item is not None:
                    yield reach, item, reachability


def item_of(subject: Subject, step: Step) -> Item | None:
    return maker(subject, step.rule)


def translating(subject: Subject, family: int) -> Item | None:
    """The command by which the host translates the addresses of others: it is a router."""
    for item in subject.items:
        if item.table != "nat" or item.family != family:
            continue
        for rule in item.rules:
            if rule.spec is not None and rule.spec.target is not None and rule.spec.target.name in ("SNAT", "MASQUERADE"):
                return item
    return None
