from __future__ import annotations

import re
from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.rewording import reworded
from pyiptables.lint.subject import Subject

__all__ = ["PostfixNegation", "behind"]

_BEHIND = re.compile(r"(?<=\s)(-{1,2}[A-Za-z][\w-]*)[ \t]+(?:!|'!')(?=[ \t]+[^-\s])")


def behind(text: str) -> Iterator[re.Match[str]]:
    """The options of a line behind which a ``!`` stands."""
    return _BEHIND.finditer(text)


class PostfixNegation(Check):
    """`!` behind the option (`-s ! 10.0.0.1`).

    What it does: finds the place of the `!` that iptables accepted until 1.4.

    Why it matters: iptables 1.8 refuses it, and the rule is not added.

    Instead: put it in front: `! -s 10.0.0.1`. `--fix` does that.
    """

    code = "P003"
    name = "postfix-negation"
    severity = "error"
    bad = (
        "*filter\n-A INPUT -s ! 10.0.0.1 -j DROP\nCOMMIT\n",
        "*filter\n-A INPUT -p tcp --dport ! 22 -j DROP\nCOMMIT\n",
        "#!/bin/sh\niptables -A FORWARD -i ! eth0 -j DROP\n",
    )
    good = (
        "*filter\n-A INPUT ! -s 10.0.0.1 -j DROP\nCOMMIT\n",
        '*filter\n-A INPUT -j LOG --log-prefix "oops ! "\nCOMMIT\n',
        "#!/bin/sh\niptables -A FORWARD ! -i eth0 -j DROP\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for item in subject.items:
            if item.error is None:
                continue
            for found in behind(item.text):
                place = word_place(item, found[1])
                message = f"the ! stands in front of {found[1]} since iptables 1.4.3: this is refused"
                fix = reworded(subject, item, "put ! in front", ((f"{found[1]} !", f"! {found[1]}"),))
                yield Diagnostic(self.code, message, place, self.severity, item.text, f"write ! {found[1]}", fix=fix)


CHECKS = (PostfixNegation,)
