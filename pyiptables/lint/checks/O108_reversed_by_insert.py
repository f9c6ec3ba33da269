from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.filtering import Filter
from pyiptables.lint.places import command_place
from pyiptables.lint.registry import Check
from pyiptables.lint.replay import first_run, short
from pyiptables.lint.subject import Item, Subject
from pyiptables.ruleset import Rule


class ReversedByInsert(Check):
    """Rules that `-I` puts into the opposite order.

    What it does: finds a rule inserted at the head of a chain that takes all packets of a rule inserted there before, with
    another target; and a loop that inserts rules of different targets, some of whose packets are the same.

    Why it matters: each `-I` puts its rule above the one before: the chain reads from the last line of the script to the
    first. An exception written first ends up behind the rule it is an exception from.

    Instead: `-A` in the order in which they are to be looked at, or `-I CHAIN 1`, `-I CHAIN 2` …
    """

    code = "O108"
    name = "reversed-by-insert"
    bad = (
        "#!/bin/sh\niptables -I INPUT -s 192.0.2.1 -p tcp --dport 22 -j ACCEPT\niptables -I INPUT -p tcp --dport 22 -j DROP\n",
        "#!/bin/sh\nfor rule in '-s 192.0.2.1 -j ACCEPT' '-s 192.0.2.0/24 -j DROP'; do\n  iptables -I INPUT $rule\ndone\n",
    )
    good = (
        "#!/bin/sh\niptables -I INPUT -p tcp --dport 22 -j DROP\niptables -I INPUT -s 192.0.2.1 -p tcp --dport 22 -j ACCEPT\n",
        "#!/bin/sh\nfor ip in 192.0.2.1 192.0.2.2; do\n  iptables -I INPUT -s $ip -j DROP\ndone\n",
        "#!/bin/sh\niptables -I INPUT 1 -s 192.0.2.1 -j ACCEPT\niptables -I INPUT 2 -s 192.0.2.0/24 -j DROP\n",
        "#!/bin/sh\niptables -I INPUT -p tcp --dport 22 -j ACCEPT\niptables -I INPUT -p tcp --dport 22 -j LOG\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        if subject.script is None:
            return
        filters = {4: Filter(4), 6: Filter(6)}
        inserted: dict[tuple[int, str, str], list[tuple[Rule, Item]]] = {}
        told = set()
        for moment in first_run(subject).moments:
            item = moment.item
            if item.action != "I" or item.command is None or (item.command.number or 1) != 1 or not moment.certain:
                continue
            before = inserted.setdefault((item.family, item.table, item.chain or ""), [])
            for rule in moment.rules:
                for other, earlier in reversed(before[-50:]):
                    if _turned(filters[item.family], rule, other, item, earlier):
                        place = command_place(item)
                        if place not in told:
                            told.add(place)
                            yield self._finding(item, earlier)
                        break
            before += [(rule, item) for rule in moment.rules]

    def _finding(self, item: Item, earlier: Item) -> Diagnostic:
        if command_place(item) == command_place(earlier):
            message = f"-I puts each round's rule above the one before: `{short(item)}` is looked at before `{short(earlier)}`"
        else:
            line = command_place(earlier).line
            message = f"-I puts this rule above `{short(earlier)}` (line {line}) and takes its packets"
        related = ((command_place(earlier), "ends up below"),)
        return Diagnostic(self.code, message, command_place(item), self.severity, item.text, "use -A, or -I with a number", related)


def _turned(filter: Filter, rule: Rule, other: Rule, item: Item, earlier: Item) -> bool:
    """Would the earlier rule have decided otherwise about packets that the later one, now above it, takes?"""
    one, two = rule.spec, other.spec
    if one is None or two is None or one.jump == two.jump or not _decides(one) or not _decides(two):
        return False
    if command_place(item) == command_place(earlier):
        return filter.overlap(rule, other)
    return filter.covers(rule, other)


def _decides(spec: object) -> bool:
    target = getattr(spec, "target", None)
    return bool(target.terminal) if target is not None else getattr(spec, "jump", "") in ("ACCEPT", "DROP")


CHECKS = (ReversedByInsert,)
