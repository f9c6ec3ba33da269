from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import Filtering, chain_place, filterings, translating
from pyiptables.lint.outside import STRANGER, doubtful
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class OpenPolicy(Check):
    """INPUT or FORWARD that lets through what no rule decided.

    What it does: finds a filter table whose INPUT (or FORWARD) accepts something by a rule, while packets that no rule
    decides come to policy ACCEPT. A chain that only blocks (a ban list) is left alone, and so is one that a script adds
    to without setting its policy or emptying it, or that drops the rest of what comes in by some interface (zones).

    Why it matters: every service that somebody starts later is reachable at once, whatever the rules list.

    Instead: policy DROP, or a last rule that drops.
    """

    code = "S101"
    name = "open-policy"
    bad = (
        "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT ACCEPT [0:0]\n:in - [0:0]\n-A INPUT -j in\n-A in -p tcp -m tcp --dport 22 -j ACCEPT\n"
        "-A in -s 192.0.2.0/24 -j DROP\nCOMMIT\n",
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -i eth1 -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "#!/bin/sh\niptables -F\niptables -P INPUT ACCEPT\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\n",
    )
    good = (
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -j DROP\nCOMMIT\n",
        "*filter\n:INPUT ACCEPT [0:0]\n:in - [0:0]\n-A INPUT -j in\n-A in -p tcp -m tcp --dport 22 -j ACCEPT\n"
        "-A in ! -i lo -j DROP\nCOMMIT\n",
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 192.0.2.0/24 -j DROP\nCOMMIT\n",
        "*filter\n:INPUT ACCEPT [0:0]\n:wan - [0:0]\n-A INPUT -i eth1 -j ACCEPT\n-A INPUT -i eth0 -j wan\n"
        "-A wan -p tcp -m tcp --dport 22 -j ACCEPT\n-A wan -j DROP\nCOMMIT\n",
        "#!/bin/sh\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\n",
        "#!/bin/sh\niptables -P INPUT DROP\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for filtering in filterings(subject):
            for name in ("INPUT", "FORWARD"):
                # A router that forwards everything is S110's.
                if name == "FORWARD" and translating(subject, filtering.family):
                    continue
                if _open(filtering, name):
                    place, text = chain_place(subject, filtering, name)
                    message = f"{name} accepts whatever no rule decides"
                    yield Diagnostic(self.code, message, place, self.severity, text, f"end it with -P {name} DROP")


def _open(filtering: Filtering, name: str) -> bool:
    chain = filtering.table.chains.get(name)
    if chain is None or not chain.rules or chain.policy != "ACCEPT" or name not in filtering.owned or name in filtering.unsure:
        return False
    # A packet of a protocol that no rule is likely to name comes to the policy.
    fate = filtering.fate(name, filtering.filter.packets(proto=254, src=STRANGER[filtering.family]))
    if any(outcome.rule is not None and doubtful(outcome.rule) for outcome in fate.outcomes):
        return False
    if not any(outcome.rule is None for outcome in fate.outcomes) or _closes_some_interface(filtering, name):
        return False
    # Something new is let in by name: so the rest was to stay out.
    named = filtering.fate(name, filtering.filter.packets())
    return any(outcome.rule is not None and outcome.verdict == "ACCEPT" for outcome in named.outcomes)


def _closes_some_interface(filtering: Filtering, name: str) -> bool:
    """Is the default decided interface by interface, as with zones, the policy being for none of them?"""
    names = {
        rule.spec.iniface
        for chain in filtering.table.chains.values()
        for rule in chain.rules
        if rule.spec is not None and rule.spec.iniface not in ("", "lo", "+") and not rule.spec.iniface_inv
    }
    for interface in sorted(names)[:_MANY]:
        packets = filtering.filter.packets(proto=254, src=STRANGER[filtering.family], iniface=interface.replace("+", "0"))
        if not filtering.fate(name, packets).accepted:
            return True
    return False


#: Interfaces asked for.
_MANY = 30

CHECKS = (OpenPolicy,)
