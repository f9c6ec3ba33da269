from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.dependencies import owner_of_chain
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import chain_place, filterings, translating
from pyiptables.lint.outside import STRANGER, doubtful, outer_interfaces, stranger_interface
from pyiptables.lint.places import command_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject
from pyiptables.ruleset import RuleSpec

_SYN = 0x02


class OpenForward(Check):
    """A router that forwards everything.

    What it does: takes a file that translates addresses (SNAT, MASQUERADE) and asks whether FORWARD leaves a new connection
    from outside to a policy of ACCEPT, or accepts it by a rule that names neither a service nor a host.

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
        "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n*filter\n:FORWARD DROP [0:0]\n"
        "-A FORWARD -i eth1 -j ACCEPT\n-A FORWARD -i eth0 -d 192.168.0.0/16 -j ACCEPT\nCOMMIT\n",
        "#!/bin/sh\niptables -F\niptables -P FORWARD ACCEPT\niptables -t nat -A POSTROUTING -o ppp0 -j MASQUERADE\n",
    )
    good = (
        "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n*filter\n:FORWARD DROP [0:0]\n:INPUT DROP [0:0]\nCOMMIT\n",
        "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n*filter\n:FORWARD ACCEPT [0:0]\n"
        "-A FORWARD -i eth0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A FORWARD -i eth0 -j DROP\nCOMMIT\n",
        "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n*filter\n:FORWARD DROP [0:0]\n-A FORWARD -i eth1 -o eth0 -j ACCEPT\n"
        "-A FORWARD -i eth0 -d 192.168.0.5/32 -p tcp -m tcp --dport 443 -j ACCEPT\nCOMMIT\n",
        "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n*filter\n:FORWARD DROP [0:0]\n-A FORWARD -o eth0 -j ACCEPT\nCOMMIT\n",
        "#!/bin/sh\niptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE\niptables -A FORWARD -i wg0 -j ACCEPT\n",
        "*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n",
        "*nat\n-A POSTROUTING -s 192.168.1.0/24 -d 192.168.1.10/32 -o eth1 -j MASQUERADE\n-A POSTROUTING -o eth0 -j MASQUERADE\n"
        "COMMIT\n*filter\n:FORWARD DROP [0:0]\n-A FORWARD -i eth1 -j ACCEPT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for filtering in filterings(subject):
            chain = filtering.table.chains.get("FORWARD")
            router = translating(subject, filtering.family)
            if chain is None or router is None or owner_of_chain(router.chain or ""):
                continue
            outer = outer_interfaces(filtering)
            packets = filtering.filter.packets(
                proto=6, dport=(1024, 65535), flags=_SYN, src=STRANGER[filtering.family], iniface=stranger_interface(filtering),
                outiface=f"!{outer[0]}" if outer else "",
            )  # fmt: skip
            outcomes = filtering.fate("FORWARD", packets).outcomes
            if any(outcome.rule is not None and doubtful(outcome.rule) for outcome in outcomes):
                continue
            related = ((command_place(router), "it translates addresses"),)
            message = "this router forwards new connections from outside to whatever is behind it"
            if outer:
                for _, item in filtering.accepting("FORWARD", packets, _wide):
                    yield Diagnostic(self.code, message, command_place(item), self.severity, item.text, _HINT, related)
            owned = "FORWARD" in filtering.owned and "FORWARD" not in filtering.unsure
            if owned and any(outcome.rule is None and outcome.verdict == "ACCEPT" for outcome in outcomes):
                place, text = chain_place(subject, filtering, "FORWARD")
                yield Diagnostic(self.code, message, place, self.severity, text, "-P FORWARD DROP", related)


_HINT = "from outside only --ctstate ESTABLISHED,RELATED, and what is published by name"


def _wide(spec: RuleSpec) -> bool:
    """Does the rule ask neither for a service nor for a host?"""
    hosts = spec.dst_mask.bit_count() > 24 if spec.dst < 1 << 32 else spec.dst_mask.bit_count() > 64
    return not (spec.src_mask or spec.proto or hosts) and all(match.name in ("comment", "conntrack", "state") for match in spec.matches)


CHECKS = (OpenForward,)
