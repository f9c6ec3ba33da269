from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import chain_place, filterings
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class DefaultDeny(Check):
    """A built-in chain of the filter table that does not refuse by default.

    What it does: asks INPUT, FORWARD and OUTPUT about a new packet of a protocol that no rule is likely to name, and
    reports the chains that accept it by their policy.

    Why it matters: benchmark item "default deny firewall policy": whatever is not allowed by a rule is to be dropped, in all
    three directions.

    Instead: `-P INPUT DROP`, `-P FORWARD DROP`, `-P OUTPUT DROP` (or a last rule that drops), after the rules that allow.
    """

    code = "C101"
    name = "default-deny"
    default = False
    sets = ("cis",)
    bad = (
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n",
        "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\n-A INPUT -p tcp -j DROP\nCOMMIT\n",
    )
    good = (
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\nCOMMIT\n",
        "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -j REJECT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for filtering in filterings(subject):
            for name in ("INPUT", "FORWARD", "OUTPUT"):
                outward = name == "OUTPUT"
                packets = filtering.filter.packets(proto=254, iniface="" if outward else "!lo", outiface="!lo" if outward else "")
                outcomes = filtering.fate(name, packets).outcomes
                if name in filtering.unsure or not any(each.rule is None and each.verdict == "ACCEPT" for each in outcomes):
                    continue
                place, text = chain_place(subject, filtering, name)
                message = f"the default of {name} is to accept"
                yield Diagnostic(self.code, message, place, self.severity, text, f"-P {name} DROP, after rules for what is needed")


CHECKS = (DefaultDeny,)
