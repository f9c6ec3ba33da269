from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class InterfaceAlias(Check):
    """An alias where an interface is meant.

    What it does: finds names such as `eth0:1` after `-i` and `-o`.

    Why it matters: an alias is only a label of a second address. Packets come in by `eth0`, whatever address they go to: the
    rule matches nothing.

    Instead: `-i eth0 -d ADDRESS` with the address of the alias (for `-o`: `-s`).
    """

    code = "P007"
    name = "interface-alias"
    bad = ("*filter\n-A INPUT -i eth0:1 -j ACCEPT\nCOMMIT\n", "#!/bin/sh\niptables -A OUTPUT -o eth0:web -j ACCEPT\n")
    good = (
        "*filter\n-A INPUT -i eth0 -j ACCEPT\nCOMMIT\n",
        "*filter\n-A INPUT -i eth0.1 -j ACCEPT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for item in subject.items:
            if item.command is None:
                continue
            for name, option in ((item.command.spec.iniface, "-i"), (item.command.spec.outiface, "-o")):
                device, colon, _ = name.partition(":")
                if colon:
                    message = f"{name} is a label of {device}, no interface: this matches nothing"
                    hint = f"{option} {device} {'-d' if option == '-i' else '-s'} ADDRESS"
                    yield Diagnostic(self.code, message, word_place(item, name), self.severity, item.text, hint)


CHECKS = (InterfaceAlias,)
