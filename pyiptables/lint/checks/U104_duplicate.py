from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic, Edit, Fix
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Item, Subject


class Duplicate(Check):
    """The same rule twice in a chain.

    What it does: finds rules whose saved form is the same as that of an earlier rule of the chain. Rules that count,
    limit or choose at random are left alone: for them twice is not once.

    Why it matters: it costs time for every packet, and whoever deletes the rule later deletes only one of them.

    Instead: delete the second. `--fix` does that in rule files.
    """

    code = "U104"
    name = "duplicate"
    bad = ("*filter\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -p udp -j ACCEPT\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n",)
    good = ("*filter\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -p udp -j ACCEPT\n-A OUTPUT -p tcp -j ACCEPT\nCOMMIT\n",)

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for ruleset in subject.rulesets.values():
            for table in ruleset.tables.values():
                for chain in table.chains.values():
                    seen: dict[str, int] = {}
                    for number, rule in enumerate(chain.rules, 1):
                        first = seen.setdefault(rule.text, number)
                        item = subject.item_of_rule.get(id(rule))
                        if first == number or item is None or not _steady(rule.spec):
                            continue
                        other = subject.item_of_rule.get(id(chain.rules[first - 1]))
                        related = ((other.place, f"the first (rule {first})"),) if other is not None else ()
                        message = f"rule {number} of {chain.name} is the same as rule {first}"
                        yield Diagnostic(
                            self.code, message, item.place, self.severity, item.text,
                            related=related, fix=_fix(subject, item),
                        )  # fmt: skip


def _steady(spec: object) -> bool:
    matches = getattr(spec, "matches", ())
    target = getattr(spec, "target", None)
    changing = target is not None and not target.terminal and bool(target.changes())
    return all(match.deterministic for match in matches) and not changing


def _fix(subject: Subject, item: Item) -> Fix | None:
    if subject.script is not None or not item.end or len(item.rules) != 1 or item.action != "A":
        return None
    end = item.end + 1 if subject.data[item.end : item.end + 1] == b"\n" else item.end
    return Fix("delete the repetition", (Edit(item.start, end, ""),))


CHECKS = (Duplicate,)
