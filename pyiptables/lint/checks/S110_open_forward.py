from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import chain_place, filterings, translating
from pyiptables.lint.outside import STRANGER, doubtful, stranger_interface
from pyiptables.lint.places import command_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject

_SYN = 0x02


class OpenForward(Check):
    """A router that forwards everything.

    What it does: takes a file that translates addresses (SNAT, MASQUERADE) and asks whether FORWARD leaves a new connection
    from outside to a policy of ACCEPT.

    Why it matters: MASQUERADE hides addresses, it does not protect: hosts behind the router can be reached from every
    network that can send packets to it.

    Instead: policy DROP for FORWARD, and rules for what may pass.
    """

    code = "S110"
    name = "open-forward"
    bad = (
        "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n*filter\n:FORWARD ACCEPT [0:0]\n:INPUT DROP [0:0]\nCOMMIT\n",
        "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n*filter\n:FORWARD ACCEPT [0:0]\n"
        "-A FORWARD -i eth1 -o eth0 -j ACCEPT\n-A FORWARD -s 192.0.2.0/24 -j DROP\nCOMMIT\n",
        "#!/bin/sh\niptables -F\niptables -P FORWARD ACCEPT\niptables -t nat -A POSTROUTING -o ppp0 -j MASQUERADE\n",
    )
    good = (
        "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n*filter\n:FORWARD DROP [0:0]\n:INPUT DROP [0:0]\nCOMMIT\n",
        "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n*filter\n:FORWARD ACCEPT [0:0]\n"
        "-A FORWARD -i eth0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A FORWARD -i eth0 -j DROP\nCOMMIT\n",
        "#!/bin/sh\niptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE\niptables -A FORWARD -i wg0 -j ACCEPT\n",
        "*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for filtering in filterings(subject):
            chain = filtering.table.chains.get("FORWARD")
            router = translating(subject, filtering.family)
            if chain is None or router is None or chain.policy != "ACCEPT":
                continue
            if "FORWARD" not in filtering.owned or "FORWARD" in filtering.unsure:
                continue
            packets = filtering.filter.packets(
                proto=6, dport=(1024, 65535), flags=_SYN, src=STRANGER[filtering.family], iniface=stranger_interface(filtering)
            )
            fate = filtering.fate("FORWARD", packets)
            if any(outcome.rule is not None and doubtful(outcome.rule) for outcome in fate.outcomes):
                continue
            if any(outcome.rule is None for outcome in fate.outcomes):
                place, text = chain_place(subject, filtering, "FORWARD")
                message = "this router forwards new connections from outside to whatever is behind it"
                related = ((command_place(router), "it translates addresses"),)
                yield Diagnostic(self.code, message, place, self.severity, text, "-P FORWARD DROP", related)


CHECKS = (OpenForward,)
