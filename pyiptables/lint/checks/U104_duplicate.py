from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.causes import named, own_name, related
from pyiptables.lint.diagnostic import Diagnostic, Edit, Fix
from pyiptables.lint.effect import item_of, repeated
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Item, Subject


class Duplicate(Check):
    """The same rule twice in a chain.

    What it does: finds rules that match the same packets as an earlier rule of the chain and do the same to them, be it
    in other words (`--dport 80`, `-m multiport --dports 80`). Rules for which twice is not once are left alone: with
    limits, lists, counters of sets or chance, targets that change a packet once more, and those before which a target
    changes what they look at.

    Why it matters: it costs time for every packet, and whoever deletes the rule later deletes only one of them.

    Instead: delete the second. `--fix` does that in rule files.
    """

    code = "U104"
    name = "duplicate"
    bad = (
        "*filter\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -p udp -j ACCEPT\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n",
        "*filter\n-A INPUT -p tcp -m tcp --dport 80 -j DROP\n-A INPUT -p tcp -m multiport --dports 80 -j DROP\nCOMMIT\n",
        "*mangle\n-A FORWARD -p tcp -j MARK --set-mark 1\n-A FORWARD -p tcp -j MARK --set-mark 1\nCOMMIT\n",
        "*filter\n:log - [0:0]\n-A INPUT -p tcp -j log\n-A INPUT -p tcp -j log\n-A log -j LOG\nCOMMIT\n",
    )
    good = (
        "*filter\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -p udp -j ACCEPT\n-A OUTPUT -p tcp -j ACCEPT\nCOMMIT\n",
        "*filter\n-A INPUT -m limit --limit 1/sec -j ACCEPT\n-A INPUT -m limit --limit 1/sec -j ACCEPT\nCOMMIT\n",
        "*filter\n:few - [0:0]\n-A INPUT -j few\n-A INPUT -j few\n-A few -m limit --limit 1/sec -j ACCEPT\nCOMMIT\n",
        "*mangle\n-A INPUT -m mark --mark 1 -j ACCEPT\n-A INPUT -p tcp -j MARK --set-mark 1\n-A INPUT -m mark --mark 1 -j ACCEPT\nCOMMIT\n",
        "*mangle\n-A INPUT -j MARK --set-mark 1\n-A INPUT -p tcp -j MARK --set-mark 2\n-A INPUT -j MARK --set-mark 1\nCOMMIT\n",
        "*mangle\n-A INPUT -j MARK --xor-mark 1\n-A INPUT -j MARK --xor-mark 1\nCOMMIT\n",
        "*filter\n-A INPUT -s a.example.org -j ACCEPT\n-A INPUT -s b.example.org -j ACCEPT\nCOMMIT\n",
        "*filter\n-A OUTPUT -m owner --uid-owner 1000 -j ACCEPT\n-A OUTPUT -m owner --uid-owner 1001 -j ACCEPT\nCOMMIT\n",
        "#!/bin/sh\niptables -A INPUT -p tcp -j f2b-sshd\niptables -A INPUT -p tcp -j f2b-nginx\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for step, first in repeated(subject).items():
            item = item_of(subject, step)
            if item is None:
                continue
            how = "is the same as" if step.rule.text == first.rule.text else "says in other words the same as"
            yield Diagnostic(
                self.code, f"{own_name(step, item)} {how} {named(subject, [first], step)}", item.place, self.severity, item.text,
                related=related(subject, [first], "the first"), fix=_fix(subject, item),
            )  # fmt: skip


def _fix(subject: Subject, item: Item) -> Fix | None:
    if subject.script is not None or not item.end or len(item.rules) != 1 or item.action != "A":
        return None
    end = item.end + 1 if subject.data[item.end : item.end + 1] == b"\n" else item.end
    return Fix("delete the repetition", (Edit(item.start, end, ""),))


CHECKS = (Duplicate,)
