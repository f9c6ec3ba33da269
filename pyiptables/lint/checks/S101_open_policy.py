from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.filtering import Probe, decide
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class OpenPolicy(Check):
    """INPUT or FORWARD that lets through what no rule decided.

    What it does: finds a filter table with rules whose INPUT (or FORWARD, when it has rules) ends in policy ACCEPT, with
    no rule that drops or rejects the rest.

    Why it matters: every service that somebody starts later is reachable at once, whatever the rules list.

    Instead: policy DROP, or a last rule that drops.
    """

    code = "S101"
    name = "open-policy"
    sets = ("cis",)
    bad = ("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",)
    good = (
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -j DROP\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for family, ruleset in subject.rulesets.items():
            table = ruleset.tables.get("filter")
            if table is None:
                continue
            for name in ("INPUT", "FORWARD"):
                chain = table.chains.get(name)
                if chain is None or not chain.rules or chain.policy != "ACCEPT":
                    continue
                # An unremarkable packet of a protocol that no rule is likely to name.
                verdict, rule = decide(table, name, Probe(proto=254, family=family))
                if verdict == "ACCEPT" and rule is None:
                    place, text = _policy_place(subject, name)
                    message = f"{name} accepts whatever no rule decides"
                    yield Diagnostic(self.code, message, place, self.severity, text, f"end it with -P {name} DROP")


def _policy_place(subject: Subject, chain: str):  # type: ignore[no-untyped-def]
    fallback = None
    for item in subject.items:
        if item.chain != chain or item.table != "filter":
            continue
        if item.action in (":", "P"):
            return item.place, item.text
        fallback = fallback or item
    return (fallback.place, fallback.text) if fallback else (subject.line_place(1), "")


CHECKS = (OpenPolicy,)
