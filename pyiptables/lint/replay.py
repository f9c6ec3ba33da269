"""A script's commands carried out in order, on a firewall that keeps what one run leaves for the next.

What the reader calls uncertain (a branch, a word that is not known) stays so: such a rule is there perhaps, such a
policy is one or the other. ``case "$1" in start) … stop) …`` and the hooks of wg-quick, systemd and ifupdown are
stages: a run is what one stage does.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from pyiptables.lint.filtering import REFUSING, Filter, verdict_of
from pyiptables.lint.places import command_place
from pyiptables.lint.subject import Item, Perhaps, Subject, carry_out, table_of
from pyiptables.ruleset import Chain, Rule, Ruleset, Table

if TYPE_CHECKING:
    from pyiptables.lint.shell import Guard
    from pyiptables.lint.shell.source import Location

__all__ = [
    "ASIDE",
    "Firewall", "FirstRun", "Moment", "SecondRun", "Watch", "first_run", "moments", "second_run", "settled", "short", "stages", "told",
]  # fmt: skip

_UP = re.compile(r"\b(start|up|on|enable|load|apply|restart|reload)\b", re.IGNORECASE)
_DOWN = re.compile(r"\b(stop|down|off|disable|unload|clear|flush)\b", re.IGNORECASE)
#: Commands that may change rules.
_CHANGING = frozenset("AIRDNXFPE")
#: Branches that are no patterns of ``case``.
_SIDES = ("then", "else", "loop", "success", "failure")
#: Branches of what nobody runs by running the script, or not yet.
ASIDE = ("uncalled", "trap", "later")


@dataclass(slots=True, eq=False, repr=False)
class Moment:
    """One command that was carried out. ``failed`` tells why the real program would complain, '' when it would not."""

    item: Item
    number: int
    certain: bool
    failed: str = ""
    #: The rules as they stand in the firewall.
    rules: list[Rule] = field(default_factory=list)
    #: Whether the chain had the same rules already.
    repeated: bool = False


class Firewall:
    """The rules of both families and what is not known about them; where each rule came from."""

    def __init__(self) -> None:
        self.rulesets: dict[int, Ruleset] = {}
        #: (family, table, chain) of built-in chains whose policy is one or the other.
        self.unsure: set[tuple[int, str, str]] = set()
        #: (family, table, chain) of built-in chains that the script emptied or gave a policy: it answers for all of them.
        self.owned: set[tuple[int, str, str]] = set()
        self.origin: dict[int, Item] = {}
        self._texts: dict[int, tuple[Chain, set[str]]] = {}

    def copy(self) -> Firewall:
        """The same rules, to go on from without a change to this one."""
        other = Firewall()
        other.rulesets = {family: ruleset.copy() for family, ruleset in self.rulesets.items()}
        other.unsure, other.owned, other.origin = self.unsure.copy(), self.owned.copy(), self.origin.copy()
        return other

    def table(self, family: int, name: str) -> Table:
        ruleset = self.rulesets.get(family)
        if ruleset is None:
            ruleset = self.rulesets[family] = Ruleset(family)
        return table_of(ruleset, name)

    def texts(self, chain: Chain) -> set[str]:
        """The rules of a chain as text."""
        known = self._texts.get(id(chain))
        if known is None or known[0] is not chain:
            known = self._texts[id(chain)] = chain, {rule.text for rule in chain.rules}
        return known[1]

    def changed(self, chain: Chain | None, added: list[Rule] | None = None) -> None:
        """Rules were added to a chain; or it (None: every chain) was changed otherwise."""
        if chain is not None and added is not None:
            self.texts(chain).update([rule.text for rule in added])
        elif chain is not None:
            self._texts.pop(id(chain), None)
        else:
            self._texts.clear()

    def rewrote(self, pairs: Sequence[tuple[Rule, Rule]]) -> None:
        """Some rules were made others of."""
        for before, after in pairs:
            if id(before) in self.origin:
                self.origin[id(after)] = self.origin[id(before)]

    def unsure_in(self, family: int, table: str) -> set[str]:
        return {chain for known, name, chain in self.unsure if (known, name) == (family, table)}


def stages(subject: Subject) -> dict[str, list[Item]]:
    """The items of a run, by stage: ``up``, and ``down`` for scripts that know how to undo themselves.

    Of several branches of one ``case`` that bring the firewall up, only one is run: ``start``, else the first.
    """
    known: dict[str, list[Item]] | None = subject.cache.get("stages")
    if known is None:
        known = subject.cache["stages"] = _stages(subject)
    return known


def _stages(subject: Subject) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {"up": [], "down": []}
    chosen: dict[Location, str] = {}
    for item in subject.items:
        for guard in item.invocation.guard if item.invocation is not None else ():
            if _direction(guard.branch, guard.condition) == "up" and guard.branch not in _SIDES:
                first = chosen.setdefault(guard.location, guard.branch)
                if "start" in guard.branch.split("|") and "start" not in first.split("|"):
                    chosen[guard.location] = guard.branch
    for item in subject.items:
        invocation = item.invocation
        if invocation is None or invocation.netns or any(guard.branch in ASIDE for guard in invocation.guard):
            continue
        turned = [_direction(guard.branch, guard.condition) for guard in invocation.guard]
        if "down" in turned:
            found["down"].append(item)
        elif "again" not in turned and all(chosen.get(guard.location, guard.branch) == guard.branch for guard in invocation.guard):
            found["up"].append(item)
    return found


def _direction(branch: str, condition: str) -> str:
    """Which stage a side of a condition belongs to, '' when it belongs to none."""
    if branch in _SIDES:
        if branch == "then" and re.search(r"\$\{?1\b", condition):
            return "up" if _UP.search(condition) else "down" if _DOWN.search(condition) else ""
        return ""
    if branch in ("PostDown", "PreDown", "ExecStop", "ExecStopPost", "post-down", "pre-down", "down"):
        return "down"
    words = branch.split("|")
    if any(_DOWN.fullmatch(word.strip("\"' -")) for word in words):
        return "down"
    if any(word.strip("\"' -") in ("restart", "reload", "force-reload", "status", "panic", "save") for word in words):
        return "up" if any(word.strip("\"' -") == "start" for word in words) else "again"
    return "up" if any(_UP.fullmatch(word.strip("\"' -")) for word in words) else ""


def moments(subject: Subject, items: list[Item], firewall: Firewall) -> Iterator[Moment]:
    """Carry the items out on the firewall, giving each that may change something, after it is done.

    What hangs on the success of a command (``-N web || -F web``) is done or left accordingly.
    """
    pending: dict[int, Table] = {}
    results = _Results()
    number = 0
    for item in items:
        taken = [_taken(guard, results) for guard in item.invocation.guard]
        if False in taken:
            # What hangs on it is not done either.
            results.note(item.invocation.location, False)
            continue
        certain = _certain(item, taken)
        if "-restore" in item.invocation.program:
            if any(text in ("-t", "--test") for text in item.invocation.texts):
                continue
            done = _restore_line(item, pending, firewall, certain)
            if done is not None:
                number += 1
                done.number = number
                yield done
            continue
        if item.command is None or item.error is not None:
            continue
        failed = _complaint(item, firewall)
        results.note(item.invocation.location, not failed)
        if _CHANGING.isdisjoint(item.action):
            continue
        number += 1
        moment = Moment(item, number, certain, failed)
        _carry_out(item, moment, firewall)
        yield moment


class _Results:
    """Which of the commands carried out succeeded, by where they stand."""

    def __init__(self) -> None:
        #: By file: the places so far, ascending.
        self._places: dict[str, list[tuple[int, int]]] = {}
        #: By file and place: how many results came before the last one there, and that one.
        self._last: dict[tuple[str, tuple[int, int]], tuple[int, bool]] = {}
        self._count = 0

    def note(self, location: Location, succeeded: bool) -> None:
        place = location.start, location.end
        key = location.file, place
        if key not in self._last:
            insort(self._places.setdefault(location.file, []), place)
        self._last[key] = self._count, succeeded
        self._count += 1

    def last_within(self, outer: Location) -> bool | None:
        """Whether the last command within a place succeeded; None when there was none."""
        places = self._places.get(outer.file, [])
        found = []
        for at in range(bisect_left(places, (outer.start, 0)), len(places)):
            if places[at][0] > outer.end:
                break
            if places[at][1] <= outer.end:
                found.append(self._last[outer.file, places[at]])
        return max(found)[1] if found else None


def _taken(guard: Guard, results: _Results) -> bool | None:
    """Is the side of a condition taken? None when the condition is not a single command that was carried out before."""
    if guard.branch not in ("then", "else", "success", "failure"):
        return None
    last = results.last_within(guard.location)
    if last is None or any(sign in guard.condition for sign in ("&&", "||", ";", "|")):
        return None
    succeeded = last != guard.condition.lstrip().startswith("! ")
    return succeeded == (guard.branch in ("then", "success"))


def _certain(item: Item, taken: list[bool | None]) -> bool:
    invocation = item.invocation
    if not invocation.resolved:
        return False
    for guard, known in zip(invocation.guard, taken, strict=True):
        if not guard.assumed and not known and not _direction(guard.branch, guard.condition):
            return invocation.guarded_by_check is not None and guard is invocation.guard[-1]
    return True


def _carry_out(item: Item, moment: Moment, firewall: Firewall) -> None:
    command = item.command
    assert command is not None
    table = firewall.table(item.family, item.table)
    chain = table.chains.get(item.chain or "")
    if chain is not None and item.rules:
        moment.repeated = firewall.texts(chain).issuperset([rule.text for rule in item.rules])
        if moment.repeated and item.invocation.guarded_by_check is not None:
            moment.repeated = False
            return
    rules = moment.rules = [_fresh(rule, moment.certain, item.family) for rule in item.rules]
    for rule in rules:
        firewall.origin[id(rule)] = item
    if moment.certain or command.action in ("A", "I", "N"):
        firewall.rewrote(carry_out(item, rules, table))
        firewall.changed(chain if command.action != "E" else None, rules if command.action in ("A", "I") else None)
    elif command.action != "P":
        _doubt(table, item.chain, item.family)
    names = [item.chain] if item.chain else list(table.chains)
    for name in names:
        key = (item.family, item.table, str(name))
        if command.action in ("F", "P"):
            firewall.owned.add(key)
        if command.action == "P":
            if moment.certain:
                firewall.unsure.discard(key)
            elif chain is not None and chain.policy != command.policy:
                firewall.unsure.add(key)


def _complaint(item: Item, firewall: Firewall) -> str:
    """Why the real program would fail, '' when it would not (or when that is not followed here)."""
    command = item.command
    assert command is not None
    chains = firewall.table(item.family, item.table).chains
    name = item.chain or ""
    chain = chains.get(name)
    if command.action == "N" and chain is not None:
        return f"chain {name} exists already"
    if command.action in ("L", "S", "F") and name and chain is None:
        return f"there is no chain {name}"
    if command.action in ("C", "D") and command.number is None:
        if chain is None or not firewall.texts(chain).issuperset([rule.text for rule in item.rules]):
            return f"there is no such rule in {name}"
    return ""


def _fresh(rule: Rule, certain: bool, family: int) -> Rule:
    """The rule for this run, there for certain or perhaps; a rule of its own where that is not what it is already."""
    assert rule.spec is not None
    if certain != any([type(match) is Perhaps for match in rule.spec.matches]):
        return rule
    spec = rule.spec.copy()
    spec.matches = [match for match in spec.matches if type(match) is not Perhaps]
    if not certain:
        spec.matches.append(Perhaps(family))
    return Rule(rule.text, 0, 0, rule.source, spec)


def _doubt(table: Table, name: str | None, family: int) -> None:
    for chain in table.chains.values():
        if name in (None, chain.name):
            chain.rules = [_fresh(rule, False, family) for rule in chain.rules]


def _restore_line(item: Item, pending: dict[int, Table], firewall: Firewall, certain: bool) -> Moment | None:
    """Take a line for iptables-restore; its table changes at COMMIT, all at once."""
    invocation = item.invocation
    key = id(invocation)
    family = item.family
    if item.action == "*":
        keep = any(text in ("-n", "--noflush") for text in invocation.texts)
        table = table_of(Ruleset(family), item.table)
        if keep or not certain:
            table = firewall.table(family, item.table).copy()
        else:
            firewall.owned.update((family, item.table, name) for name in table.chains)
        if not certain:
            _doubt(table, None, family)
        pending[key] = table
        return None
    found = pending.get(key)
    if found is None:
        return None
    if item.action == ":" and item.chain:
        chain = found.chains.setdefault(item.chain, Chain(item.chain))
        if item.policy in ("ACCEPT", "DROP"):
            chain.policy = item.policy
            firewall.owned.add((family, found.name, item.chain))
    elif item.command is not None and item.error is None:
        rules = [_fresh(rule, certain, family) for rule in item.rules]
        for rule in rules:
            firewall.origin[id(rule)] = item
        firewall.rewrote(carry_out(item, rules, found))
    elif item.action == "COMMIT":
        ruleset = firewall.rulesets.setdefault(family, Ruleset(family))
        ruleset.tables[found.name] = pending.pop(key)
        firewall.changed(None)
        return Moment(item, 0, certain)
    return None


class Watch:
    """The fate of some packets in a chain, kept up to date while commands are carried out."""

    def __init__(self, firewall: Firewall, filter: Filter, chain: str, packets: dict[int, tuple[int, ...]]) -> None:
        self.firewall = firewall
        self.filter = filter
        self.chain = chain
        self.packets = packets
        #: Rules looked at so far; beyond ``MOST`` of them the fate is no longer followed.
        self.work = 0
        self._ask()

    #: A script of a thousand branches would ask about a thousand rules a thousand times.
    MOST = 60_000

    @property
    def exhausted(self) -> bool:
        return self.work > self.MOST

    def _ask(self) -> None:
        family = self.filter.family
        table = self.firewall.table(family, "filter")
        self.work += sum([len(chain.rules) for chain in table.chains.values()])
        fate = self.filter.fate(table, self.chain, self.packets, self.firewall.unsure_in(family, "filter"))
        #: May some of the packets come through?
        self.is_open = fate.accepted
        #: How many outcomes come before the first that lets some through.
        self._closed = next((at for at, outcome in enumerate(fate.outcomes) if outcome.verdict not in REFUSING), len(fate.outcomes))
        self._ends = fate.ends

    def after(self, moment: Moment) -> bool:
        """Whether it is open after a command; asked anew only if the command can have changed that."""
        item = moment.item
        if item.family != self.filter.family or item.table != "filter":
            return self.is_open
        action = item.action
        if action in ("A", "I") and item.chain:
            before = self._ends.get(item.chain)
            if action == "A" and before is None:
                return self.is_open
            if action == "A" and before is not None and before > self._closed:
                # What lets some of them through comes before.
                for rule in moment.rules:
                    self._enter(rule, before)
                return self.is_open
            if not any(self._decides(rule) for rule in moment.rules):
                return self.is_open
        elif action in ("N", "E") or (action == "P" and item.chain != self.chain):
            return self.is_open
        self._ask()
        return self.is_open

    def _enter(self, rule: Rule, before: int) -> None:
        """Note that packets may see the ends of the chains that a new rule jumps to, where so many outcomes come before."""
        chains = self.firewall.table(self.filter.family, "filter").chains
        pending = [rule]
        while pending:
            spec = pending.pop().spec
            goal = chains.get(spec.jump) if spec is not None and spec.target is None else None
            if goal is not None and self._ends.get(goal.name, before + 1) > before:
                self._ends[goal.name] = before
                pending += goal.rules

    def _decides(self, rule: Rule) -> bool:
        """Can a new rule change whether the packets are accepted? Another ACCEPT cannot where they are, another DROP where
        they are not, nor a LOG ever."""
        spec = rule.spec
        if spec is not None and spec.target is not None and not spec.target.terminal:
            return False
        verdict = None if spec is None else verdict_of(spec)
        if verdict == "ACCEPT" if self.is_open else verdict in REFUSING:
            return False
        return self.filter.may_match(rule, self.packets)


class FirstRun(NamedTuple):
    """What the commands do on a machine without rules, and what they leave there."""

    moments: list[Moment]
    firewall: Firewall


class SecondRun(NamedTuple):
    """What the commands do when the script is run once more. ``replaced``: it loads a file that may do all anew."""

    moments: list[Moment]
    replaced: bool


def first_run(subject: Subject) -> FirstRun:
    """Run the script (``start``, ``up``) on a machine without rules."""
    known: FirstRun | None = subject.cache.get("first run")
    if known is None:
        firewall = Firewall()
        known = subject.cache["first run"] = FirstRun(list(moments(subject, stages(subject)["up"], firewall)), firewall)
    return known


def second_run(subject: Subject) -> SecondRun:
    """Run the script, undo it where it knows how to, and run it again."""
    known: SecondRun | None = subject.cache.get("second run")
    if known is None:
        found = stages(subject)
        first = first_run(subject)
        firewall = first.firewall.copy()
        if found["down"] and subject.script.kind != "shell":
            for _ in moments(subject, found["down"], firewall):
                pass
        kept = {id(rule) for moment in first.moments for rule in moment.rules}
        left = {
            (family, table.name, chain.name, rule.text)
            for family, ruleset in firewall.rulesets.items()
            for table, chain, _, rule in ruleset.rules()
            if id(rule) in kept
        }
        again = []
        for moment in moments(subject, found["up"], firewall):
            # What the script repeats within one run is not the second run's doing.
            item = moment.item
            keys = [(item.family, item.table, item.chain, rule.text) for rule in item.rules]
            moment.repeated = moment.repeated and left.issuperset(keys)
            again.append(moment)
        # A file from elsewhere may flush everything and load it anew.
        elsewhere = any("-restore" in each.program and each.stdin is None for each in subject.script.invocations)
        known = subject.cache["second run"] = SecondRun(again, elsewhere)
    return known


def settled(subject: Subject) -> Firewall:
    """What a script leaves when it is run (``start``, ``up``) on a machine without rules."""
    return first_run(subject).firewall


def told(moment: Moment, total: int) -> str:
    """A command as a sentence names it: ``command 3 of 14 (`-P INPUT DROP`, line 8)``."""
    return f"command {moment.number} of {total} (`{short(moment.item)}`, line {command_place(moment.item).line})"


def short(item: Item) -> str:
    """A command without the program's name, cut where it is long."""
    invocation = item.invocation
    if "-restore" in invocation.program:
        return f"{invocation.program}, table {item.table}"
    text = item.text.partition(" ")[2]
    return text if len(text) <= 60 else text[:57] + "…"
