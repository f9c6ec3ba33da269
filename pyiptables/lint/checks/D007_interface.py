from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.dependencies import needs
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class NamesInterface(Check):
    """An interface by name.

    What it does: names the interfaces and bridge ports that rules match, each at its first use.

    Why it matters: iptables takes any name. On a host where the interface is called otherwise (`eth0` became `enp1s0`) the
    rule is there and matches nothing.

    Instead: give interfaces fixed names, or match addresses. Off by default: this is for taking stock before a move
    (`--dependencies` prints the same as a list).
    """

    code = "D007"
    name = "names-interface"
    severity = "info"
    default = False
    bad = ("*filter\n-A INPUT -i eth0 -j ACCEPT\nCOMMIT\n", "*filter\n-A FORWARD -m physdev --physdev-in vnet0 -j ACCEPT\nCOMMIT\n")
    good = ("*filter\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n", "*filter\n-A INPUT -s 10.0.0.0/8 -j ACCEPT\nCOMMIT\n")

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        told = set()
        for need in needs(subject):
            if need.kind in ("interface", "bridge port") and need.name not in told:
                told.add(need.name)
                message = f"{need.kind} {need.name} must have this name on the host"
                yield Diagnostic(self.code, message, word_place(need.item, need.word), self.severity, need.item.text)


CHECKS = (NamesInterface,)
