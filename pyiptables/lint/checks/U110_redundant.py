from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import item_of, reachabilities
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class Redundant(Check):
    """A rule that could go without any packet faring otherwise.

    What it does: finds rules that packets do reach, but whose packets would get the same verdict from the rules and the
    policy behind them. Proven for each rule alone.

    Why it matters: harmless, but it hides what the firewall does. An ACCEPT whose policy is ACCEPT is the usual case: it
    suggests that other packets were dropped.

    Instead: delete it, or change the policy that makes it pointless. Off by default: many keep such rules for their
    counters.
    """

    code = "U110"
    name = "redundant"
    severity = "info"
    default = False
    bad = ("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n",)
    good = ("*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n",)

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        from pyiptables.analysis.redundancy import redundant

        for _, _, reachability in reachabilities(subject):
            for step in redundant(reachability):
                item = item_of(subject, step)
                if item is not None:
                    message = f"without rule {step.number} of {step.chain.name} every packet would fare the same"
                    yield Diagnostic(self.code, message, item.place, self.severity, item.text)


CHECKS = (Redundant,)
