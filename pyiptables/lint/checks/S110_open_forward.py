from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.filtering import Probe, decide
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class OpenForward(Check):
    """A router that forwards everything.

    What it does: finds a file that translates addresses (SNAT, MASQUERADE) while FORWARD accepts a new connection from
    outside.

    Why it matters: MASQUERADE hides addresses, it does not protect: hosts behind the router can be reached from every
    network that can send packets to it.

    Instead: policy DROP for FORWARD, and rules for what may pass.
    """

    code = "S110"
    name = "open-forward"
    sets = ("cis",)
    bad = ("*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n*filter\n:FORWARD ACCEPT [0:0]\n:INPUT DROP [0:0]\nCOMMIT\n",)
    good = ("*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n*filter\n:FORWARD DROP [0:0]\n:INPUT DROP [0:0]\nCOMMIT\n",)

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for family, ruleset in subject.rulesets.items():
            filter_table = ruleset.tables.get("filter")
            if filter_table is None or "FORWARD" not in filter_table.chains:
                continue
            translating = next(
                (item for item in subject.items for rule in item.rules
                 if item.table == "nat" and rule.spec is not None and rule.spec.target is not None
                 and rule.spec.target.name in ("SNAT", "MASQUERADE")), None,
            )  # fmt: skip
            if translating is None:
                continue
            verdict, _ = decide(filter_table, "FORWARD", Probe(proto=6, dport=50124, family=family))
            if verdict == "ACCEPT":
                place = translating.place
                text = translating.text
                for item in subject.items:
                    if item.table == "filter" and item.chain == "FORWARD" and item.action in (":", "P"):
                        place, text = item.place, item.text
                message = "this router forwards new connections from anywhere to anywhere"
                yield Diagnostic(self.code, message, place, self.severity, text, related=((translating.place, "it translates addresses"),))


CHECKS = (OpenForward,)
