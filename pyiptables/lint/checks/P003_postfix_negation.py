from __future__ import annotations

import re
from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic, Edit, Fix
from pyiptables.lint.hints import word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject

_BEHIND = re.compile(r"(?<=\s)(-{1,2}[\w-]+)[ \t]+!(?=[ \t]+[^-\s])")


class PostfixNegation(Check):
    """`!` behind the option (`-s ! 10.0.0.1`).

    What it does: finds the place of the `!` that iptables accepted until 1.4.

    Why it matters: iptables 1.8 refuses it, and the rule is not added.

    Instead: put it in front: `! -s 10.0.0.1`. `--fix` does that.
    """

    code = "P003"
    name = "postfix-negation"
    severity = "error"
    bad = ("*filter\n-A INPUT -s ! 10.0.0.1 -j DROP\nCOMMIT\n",)
    good = ("*filter\n-A INPUT ! -s 10.0.0.1 -j DROP\nCOMMIT\n",)

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for item in subject.items:
            if item.error is None:
                continue
            for found in _BEHIND.finditer(item.text):
                fix = None
                raw = found[0].encode("utf-8", "surrogateescape")
                if item.end and subject.data[item.start : item.end].count(raw) == 1:
                    at = subject.data.index(raw, item.start)
                    fix = Fix("put ! in front", (Edit(at, at + len(raw), f"! {found[1]}"),))
                message = f"the ! stands in front of {found[1]} since iptables 1.4.3"
                yield Diagnostic(self.code, message, word_place(item, found[1]), self.severity, item.text, fix=fix)


CHECKS = (PostfixNegation,)
