from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import offending_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class Notice(Check):
    """A line that iptables takes with a warning.

    What it does: repeats what iptables 1.8.11 itself remarks on a line it accepts.

    Why it matters: the rule is there but hardly means what was meant (`-p ah` never matches in IPv6), or uses a
    form that later versions drop.

    Instead: follow the remark.
    """

    code = "P004"
    name = "notice"
    bad = ("*filter\n-A FORWARD -i eth/0 -j ACCEPT\nCOMMIT\n",)
    good = ("*filter\n-A FORWARD -i eth0 -j ACCEPT\nCOMMIT\n",)

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for item in subject.items:
            target = item.command.spec.target if item.command is not None else None
            # P008 has more to say of a target that no kernel has any more.
            for notice in dict.fromkeys(item.notices) if target is None or not target.gone else ():
                text = " ".join(notice.split())
                yield Diagnostic(self.code, text, offending_place(item, text), self.severity, item.text)


CHECKS = (Notice,)
