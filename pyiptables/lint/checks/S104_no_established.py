from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import chain_place, filterings
from pyiptables.lint.places import command_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject

_HIGH = (32768, 60999)
_ACK = 0x10


class NoEstablished(Check):
    """Answers to the host's own connections are dropped.

    What it does: asks what INPUT does with TCP packets of established connections that come to the ports from which the
    host makes its own, from whatever address and interface.

    Why it matters: the host cannot use the network: name look-ups, updates and time stop working.

    Instead: `-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT` near the top of INPUT.
    """

    code = "S104"
    name = "no-established"
    bad = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n:in - [0:0]\n-A INPUT -j in\n-A in -m conntrack ! --ctstate NEW -j DROP\n"
        "-A in -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
    )
    good = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n"
        "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n:in - [0:0]\n-A INPUT -j in\n-A in -m state --state ESTABLISHED -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack ! --ctstate NEW,INVALID -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp ! --syn -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 1024:65535 -j ACCEPT\nCOMMIT\n",
        "#!/bin/sh\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for filtering in filterings(subject):
            chain = filtering.table.chains.get("INPUT")
            if chain is None or not any(rule.spec is not None and rule.spec.jump for rule in chain.rules):
                continue
            answer = filtering.filter.packets(proto=6, dport=_HIGH, states=("ESTABLISHED",), flags=_ACK)
            fate = filtering.fate("INPUT", answer)
            if fate.accepted:
                continue
            item = filtering.item(fate.outcomes[-1].rule)
            place, text = (command_place(item), item.text) if item is not None else chain_place(subject, filtering, "INPUT")
            message = "answers to the host's own connections are dropped: INPUT accepts no established connections"
            hint = "accept -m conntrack --ctstate ESTABLISHED,RELATED first"
            yield Diagnostic(self.code, message, place, self.severity, text, hint)


CHECKS = (NoEstablished,)
