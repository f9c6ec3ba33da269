from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.checks.P003_postfix_negation import behind
from pyiptables.lint.dependencies import of_the_host
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.hints import hint_for
from pyiptables.lint.places import offending_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class Refused(Check):
    """A command that iptables refuses.

    What it does: reads each line as iptables 1.8.11 would and repeats its own words.

    Why it matters: iptables-restore stops at the first such line and changes nothing; a script goes on without the
    rule, and the packets it was meant for go elsewhere.

    Instead: the hint names the option, match or value that was probably meant.
    """

    code = "E001"
    name = "refused"
    severity = "error"
    bad = (
        "*filter\n-A INPUT -p tcp --dprot 22 -j ACCEPT\nCOMMIT\n",
        "*filter\n-A INPUT -p tcp --dport 70000 -j ACCEPT\nCOMMIT\n",
        "*filter\n-A INPUT -s 10.0.0.0/33 -j ACCEPT\nCOMMIT\n",
        "*filter\n-A INPUT -s 10.0.0.256 -j ACCEPT\nCOMMIT\n",
        "*filter\n-A INPUT -m conntrak --ctstate NEW -j ACCEPT\nCOMMIT\n",
        "#!/bin/sh\niptables -A INPUT --dport 22 -j ACCEPT\n",
        "#!/bin/sh\nopen() { iptables -A INPUT -p tcp --dport $1 -j ACCEPT; }\nopen 22,80\n",
    )
    good = (
        "*filter\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "*filter\n-A INPUT -p tcp --dport ssh -m state --state new,est -j ACCEPT\nCOMMIT\n",
        '*filter\n-A INPUT -p tcp -m multiport --dports 22,80 -m comment --comment "-m conntrak" -j ACCEPT\nCOMMIT\n',
        "*filter\n-A INPUT -s ntp.example.org -j ACCEPT\nCOMMIT\n",
        "#!/bin/sh\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\n",
        "#!/bin/sh\niptables -A INPUT -p tcp --dport $PORT -j ACCEPT\n",
        '#!/bin/sh\nfor port in 22 80; do iptables -A INPUT -p tcp --dport "$port" -j ACCEPT; done\n',
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        negations = "P003" in subject.settings.codes()
        for item in subject.items:
            if item.error is None or of_the_host(item) or (negations and next(behind(item.text), None) is not None):
                continue
            text = " ".join(item.error.text.split()) or "not understood"
            yield Diagnostic(self.code, text, offending_place(item, text), self.severity, item.text, hint_for(item, text))


CHECKS = (Refused,)
