from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.causes import own_name
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import item_of, redundancies
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class NoDifference(Check):
    """A rule that could go without any packet faring otherwise.

    What it does: finds rules that packets do reach, but whose packets would get the same verdict from all the rules and
    the policy behind them (where one later rule does that, see U110). Proven for each rule alone.

    Why it matters: it hides what the firewall does. An ACCEPT whose policy is ACCEPT is the usual case: it suggests that
    other packets were dropped.

    Instead: delete it, or change the policy that makes it pointless. Off by default: many keep such rules to say what
    they mean, or for their counters.
    """

    code = "U111"
    name = "no-difference"
    severity = "info"
    default = False
    bad = (
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n",
    )
    good = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate INVALID -j DROP\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n",
        "*filter\n:web - [0:0]\n-A INPUT -j web\n-A INPUT -j LOG\n-A INPUT -j DROP\n-A web -s 192.0.2.1/32 -j RETURN\n-A web -j DROP\n"
        "COMMIT\n",
        "*filter\n:web - [0:0]\n:end - [0:0]\n-A INPUT -j web\n-A INPUT -j LOG\n-A INPUT -j DROP\n-A web -s 192.0.2.1/32 -g end\n"
        "-A web -j DROP\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for redundancy in redundancies(subject):
            for step in redundancy.others():
                item = item_of(subject, step)
                if item is not None:
                    message = f"without {own_name(step, item)} every packet would fare the same"
                    yield Diagnostic(self.code, message, item.place, self.severity, item.text)


CHECKS = (NoDifference,)
