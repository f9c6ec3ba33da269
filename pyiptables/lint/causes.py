"""How findings about rules name other rules, and say what those do with the packets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyiptables.lint.effect import item_of
from pyiptables.lint.subject import Item, Subject

if TYPE_CHECKING:
    from pyiptables.analysis.program import Step
    from pyiptables.lint.diagnostic import Place

__all__ = ["does", "ends_all", "named", "own_name", "related"]

_VERBS = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "reject", "RETURN": "send back"}


def ends_all(by: Sequence[Step]) -> bool:
    """Is the reason one rule without conditions?"""
    return len(by) == 1 and {} in by[0].region.lower


def own_name(step: Step, item: Item) -> str:
    """``rule 3 of INPUT``; of a line that makes several rules also which of them."""
    name = f"rule {step.number} of {step.chain.name}"
    return name if len(item.rules) < 2 else f"{name} ({step.rule.text}; one of the {len(item.rules)} that this line makes)"


def named(subject: Subject, steps: Sequence[Step], here: Step, limit: int = 5) -> str:
    """``rule 2 (line 7)``, ``rules 2, 3 and 5 (lines 7, 8 and 10)``; with their chains if not that of ``here``."""
    shown = list(steps[:limit])
    same = all(step.chain is here.chain for step in shown)
    names = [str(step.number) if same else f"{step.number} of {step.chain.name}" for step in shown]
    own = item_of(subject, here)
    places = [item.place for item in [item_of(subject, step) for step in shown] if item is not None]
    files = {place.file for place in places}
    lines = [str(place.line) if own is None or files == {own.place.file} else f"{place.file}:{place.line}" for place in places]
    if len(steps) > limit:
        names.append("others")
        lines.append("…")
    where = f" ({_plural('line', len(shown))} {_list(lines)})" if places else ""
    return f"{_plural('rule', len(shown))} {_list(names)}{where}"


def does(steps: Sequence[Step], what: str) -> str:
    """What rules do with packets: ``drops all of them``, in the plural for several; ``what`` are the packets."""
    verbs = {_VERBS.get(step.label.partition(" ")[0] or step.rule.text.rpartition(" ")[2], "take") for step in steps}
    verb = verbs.pop() if len(verbs) == 1 else "take"
    first, _, rest = verb.partition(" ")
    if len(steps) == 1:
        first += "s"
    tail = f" {rest}" if rest else ""
    return f"{first} {what}{tail}"


def related(subject: Subject, steps: Sequence[Step], what: str, limit: int = 5) -> tuple[tuple[Place, str], ...]:
    """Places of other rules, at most ``limit``."""
    places = []
    for step in steps[:limit]:
        item = item_of(subject, step)
        if item is not None:
            places.append((item.place, f"{what} (rule {step.number} of {step.chain.name})"))
    return tuple(places)


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"


def _list(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
