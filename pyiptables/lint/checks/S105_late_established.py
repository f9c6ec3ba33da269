from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject

_MANY = 20


class LateEstablished(Check):
    """ESTABLISHED accepted only after many other rules.

    What it does: finds a rule for established connections that stands behind more than twenty rules.

    Why it matters: nearly all packets belong to established connections; each is held against all the rules before.

    Instead: move it to the top. Rules that drop INVALID may stand before it.
    """

    code = "S105"
    name = "late-established"
    severity = "info"
    bad = (
        "*filter\n:INPUT DROP [0:0]\n"
        + "".join([f"-A INPUT -p tcp -m tcp --dport {port} -j ACCEPT\n" for port in range(1000, 1021)])
        + "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n",
    )
    good = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
        + "".join([f"-A INPUT -p tcp -m tcp --dport {port} -j ACCEPT\n" for port in range(1000, 1021)])
        + "COMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for ruleset in subject.rulesets.values():
            table = ruleset.tables.get("filter")
            for name in ("INPUT", "FORWARD"):
                chain = table.chains.get(name) if table else None
                for number, rule in enumerate(chain.rules if chain else (), 1):
                    if rule.spec is None or rule.spec.jump != "ACCEPT":
                        continue
                    if any(m.name in ("conntrack", "state") and "ESTABLISHED" in m.save() for m in rule.spec.matches):
                        item = subject.item_of_rule.get(id(rule))
                        if number > _MANY and item is not None:
                            message = f"established connections are accepted only by rule {number} of {name}"
                            yield Diagnostic(self.code, message, item.place, self.severity, item.text)
                        break


CHECKS = (LateEstablished,)
