from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import word_place
from pyiptables.lint.refusals import chains_reached
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject
from pyiptables.ruleset import RuleSpec, Table

_SLOWING = frozenset(("limit", "hashlimit", "recent", "quota", "statistic"))
_OWN = frozenset(("OUTPUT", "POSTROUTING"))


class LogWithoutLimit(Check):
    """LOG without a limit.

    What it does: finds LOG (and NFLOG) rules for packets from outside that no `limit`, `hashlimit` or the like slows down,
    neither in the rule nor in the rules that jump to its chain. Chains that only the host's own packets enter are left
    alone.

    Why it matters: whoever sends packets writes the log: it fills the disk and hides what matters.

    Instead: `-m limit --limit 5/min -j LOG …`.
    """

    code = "S107"
    name = "log-without-limit"
    bad = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -j LOG\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n:logdrop - [0:0]\n-A INPUT -p tcp -j logdrop\n-A logdrop -j LOG\n-A logdrop -j DROP\nCOMMIT\n",
    )
    good = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -m limit --limit 5/min -j LOG\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A OUTPUT -j LOG\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n:log - [0:0]\n-A INPUT -m limit --limit 5/min -j log\n-A log -j LOG\nCOMMIT\n",
        "*filter\n:OUTPUT DROP [0:0]\n:log - [0:0]\n-A OUTPUT -j log\n-A log -j LOG\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for family, ruleset in subject.rulesets.items():
            for table in ruleset.tables.values():
                reached = chains_reached(table, family, "legacy") or {}
                slowed = _slowed(table)
                for chain in table.chains.values():
                    hooks = reached.get(chain.name, frozenset())
                    if chain.name in slowed or (hooks and hooks <= _OWN):
                        continue
                    for rule in chain.rules:
                        spec, item = rule.spec, subject.item_of_rule.get(id(rule))
                        if spec is None or item is None or spec.target is None or spec.target.name not in ("LOG", "NFLOG"):
                            continue
                        if _is_slowed(spec):
                            continue
                        message = f"{spec.target.name} without a limit lets a sender fill the log"
                        place = word_place(item, spec.target.name)
                        yield Diagnostic(self.code, message, place, self.severity, item.text, "-m limit --limit 5/min")


def _is_slowed(spec: RuleSpec) -> bool:
    return any(match.name in _SLOWING for match in spec.matches)


def _slowed(table: Table) -> set[str]:
    """The chains that are entered only by rules with a limit, or from such chains."""
    callers: dict[str, list[tuple[str, bool]]] = {}
    for chain in table.chains.values():
        for rule in chain.rules:
            if rule.spec is not None and rule.spec.target is None and rule.spec.jump in table.chains:
                callers.setdefault(rule.spec.jump, []).append((chain.name, _is_slowed(rule.spec)))
    slowed: set[str] = set()
    grown = True
    while grown:
        more = {name for name, calls in callers.items() if all(limit or caller in slowed for caller, limit in calls)}
        grown = not more <= slowed
        slowed |= more
    return slowed


CHECKS = (LogWithoutLimit,)
