from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.dependencies import needs, sets_made
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class NeedsSet(Check):
    """A set that must exist beforehand.

    What it does: names the ipsets that rules use and that the file does not create, each at its first use.

    Why it matters: iptables refuses a rule whose set does not exist; at boot the sets must be restored first.

    Instead: run `ipset restore` (or `ipset create -exist …`) before these rules are loaded.
    """

    code = "D002"
    name = "needs-set"
    severity = "info"
    bad = (
        "*filter\n-A INPUT -m set --match-set blocked src -j DROP\nCOMMIT\n",
        "#!/bin/sh\nipset create blocked hash:ip\niptables -A INPUT -m set --match-set banned src -j DROP\n",
        "*raw\n-A PREROUTING -p tcp --dport 23 -j SET --add-set scanners src\nCOMMIT\n",
    )
    good = (
        "*filter\n-A INPUT -s 10.0.0.0/8 -j DROP\nCOMMIT\n",
        "#!/bin/sh\nipset create blocked hash:ip\niptables -A INPUT -m set --match-set blocked src -j DROP\n",
        "#!/bin/sh\nipset restore < /etc/ipset.conf\niptables -A INPUT -m set --match-set blocked src -j DROP\n",
        "#!/bin/sh\nipset -exist create blocked hash:ip\niptables -A INPUT -m set --match-set blocked src -j DROP\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        told = sets_made(subject)
        for need in needs(subject):
            if need.kind == "set" and need.name not in told and "*" not in told:
                told.add(need.name)
                message = f"set '{need.name}' must exist before this rule is added"
                yield Diagnostic(self.code, message, word_place(need.item, need.word), self.severity, need.item.text)


CHECKS = (NeedsSet,)
