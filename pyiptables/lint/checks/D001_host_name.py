from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.dependencies import needs
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class HostName(Check):
    """A host name instead of an address.

    What it does: finds names in `-s`, `-d` and other places that take an address, in rule files and in scripts.

    Why it matters: the name is looked up once, when the rule is added. At boot there is often no resolver yet, and
    then the rule (with iptables-restore: the whole table) is missing; later the address may have changed. Whoever
    answers the look-up writes a rule of the firewall.

    Instead: write the address, or keep a set (`ipset`) up to date from outside.
    """

    code = "D001"
    name = "host-name"
    bad = (
        "*filter\n-A INPUT -s example.org -j ACCEPT\nCOMMIT\n",
        "#!/bin/sh\niptables -A OUTPUT -d updates.example.org -j ACCEPT\n",
        "#!/bin/sh\nfor host in 192.0.2.1 ntp.example.org; do iptables -A OUTPUT -d $host -j ACCEPT; done\n",
    )
    good = (
        "*filter\n-A INPUT -s 192.0.2.1 -j ACCEPT\nCOMMIT\n",
        '*filter\n-A INPUT -m comment --comment "for example.org" -j ACCEPT\nCOMMIT\n',
        "#!/bin/sh\niptables -A OUTPUT -d $SERVER -j ACCEPT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for need in needs(subject):
            if need.kind == "host name":
                message = f"host name {need.name} is looked up once, when the rule is added"
                yield Diagnostic(
                    self.code,
                    message,
                    word_place(need.item, need.word),
                    self.severity,
                    need.item.text,
                    "write its address, or keep an ipset",
                )


CHECKS = (HostName,)
