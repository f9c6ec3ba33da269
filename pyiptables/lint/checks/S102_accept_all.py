from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import filterings
from pyiptables.lint.filtering import states_of
from pyiptables.lint.places import command_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject
from pyiptables.ruleset import RuleSpec


class AcceptAll(Check):
    """A rule that accepts everything.

    What it does: finds the rule by which INPUT or FORWARD certainly accepts every new packet that comes to it from any
    interface but lo, directly or by way of user chains.

    Why it matters: nothing behind it counts, and a policy of DROP is without effect.

    Instead: say what is to be accepted.
    """

    code = "S102"
    name = "accept-all"
    bad = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -j ACCEPT\nCOMMIT\n",
        '*filter\n:INPUT DROP [0:0]\n-A INPUT -m comment --comment "all of it" -j ACCEPT\nCOMMIT\n',
        "*filter\n:INPUT DROP [0:0]\n:in - [0:0]\n-A INPUT -j in\n-A in -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate NEW,RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT ! -i lo -j ACCEPT\nCOMMIT\n",
    )
    good = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n:in - [0:0]\n-A INPUT -i lo -j in\n-A in -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -i eth1 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT ! -i eth0 -j ACCEPT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for filtering in filterings(subject):
            if not any(_wide(rule.spec) for chain in filtering.table.chains.values() for rule in chain.rules):
                continue
            for name in ("INPUT", "FORWARD"):
                if name not in filtering.table.chains:
                    continue
                fate = filtering.fate(name, filtering.filter.packets())
                last = fate.outcomes[-1] if fate.outcomes else None
                item = filtering.item(last.rule) if last is not None and last.verdict == "ACCEPT" else None
                if item is not None:
                    message = f"accepts every new packet that comes to it in {name}"
                    yield Diagnostic(self.code, message, command_place(item), self.severity, item.text, "say what is to be accepted")


def _wide(spec: RuleSpec | None) -> bool:
    """Can the rule be one that accepts everything?"""
    if spec is None or spec.jump != "ACCEPT" or spec.src_mask or spec.dst_mask or spec.proto or spec.outiface:
        return False
    by_name = spec.iniface not in ("", "+") and not spec.iniface_inv
    return not by_name and "NEW" in (states_of(spec) or ("NEW",))


CHECKS = (AcceptAll,)
