from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.filtering import Probe, decide
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class NoEstablished(Check):
    """Answers to the host's own connections are dropped.

    What it does: asks what INPUT does with a TCP packet of an established connection to a high port.

    Why it matters: the host cannot use the network: name look-ups, updates and time stop working.

    Instead: `-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT` near the top of INPUT.
    """

    code = "S104"
    name = "no-established"
    sets = ("cis",)
    bad = ("*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",)
    good = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n"
        "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for family, ruleset in subject.rulesets.items():
            table = ruleset.tables.get("filter")
            chain = table.chains.get("INPUT") if table else None
            if table is None or chain is None or not chain.rules:
                continue
            if not any(rule.spec is not None and rule.spec.jump for rule in chain.rules):
                continue
            answer = Probe(proto=6, dport=50123, state="ESTABLISHED", flags=0x10, family=family)
            verdict, rule = decide(table, "INPUT", answer)
            if verdict in ("DROP", "REJECT") and not _conditional(chain.rules):
                item = subject.item_of_rule.get(id(rule)) if rule is not None else None
                first = item or subject.item_of_rule.get(id(chain.rules[0]))
                if first is not None:
                    message = "answers to the host's own connections are dropped: INPUT accepts no established connections"
                    yield Diagnostic(self.code, message, first.place, self.severity, first.text)


def _conditional(rules: Sequence[object]) -> bool:
    """Some rule accepts established connections under a condition the question did not fulfil."""
    for rule in rules:
        spec = getattr(rule, "spec", None)
        if spec is None or spec.jump not in ("ACCEPT",):
            continue
        for match in spec.matches:
            if match.name in ("conntrack", "state") and "ESTABLISHED" in match.save():
                return True
            if match.name == "tcp" and "tcp-flags" in match.values:
                return True
    return False


CHECKS = (NoEstablished,)
