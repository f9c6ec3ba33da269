from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from pyiptables.analysis.program import VERDICT
from pyiptables.analysis.reachability import REACHED
from pyiptables.lint.causes import does, named, own_name, related
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import answers
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject
from pyiptables.lint.witness import witness

#: Rules of which a finding speaks; it names the first few.
_MOST = 20


class PartlyCovered(Check):
    """A rule that gets only part of its packets, because earlier rules decide otherwise about the others.

    What it does: for each rule with a verdict names the earlier rules of its chain that give some of its packets another
    one, and shows a packet that still gets to it (a line for `pyiptables trace`).

    Why it matters: often meant so (the exception first, then the rule), sometimes not: then the rule does less than it
    says.

    Instead: change the order if it is not meant so. Off by default.
    """

    code = "U112"
    name = "partly-covered"
    severity = "info"
    default = False
    bad = ("*filter\n-A INPUT -s 10.1.0.0/16 -j DROP\n-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",)
    good = (
        "*filter\n-A INPUT -s 10.1.0.0/16 -j DROP\n-A INPUT -s 192.168.0.0/16 -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "*filter\n-A INPUT -s 10.1.0.0/16 -j ACCEPT\n-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for reach, item, reachability in answers(subject, REACHED):
            step = reach.step
            if step.kind != VERDICT or {} in step.region.upper:
                continue
            deciding = (other for other in reachability.overlapping(step) if other.kind == VERDICT and other.label != step.label)
            others = list(islice(deciding, _MOST))
            packet = witness(reachability, step, others) if others else None
            if packet is None:
                continue
            cause = f"{named(subject, others, step)} before it {does(others, 'the others')}"
            message = f"{own_name(step, item)} gets only part of its packets: {cause}; '{packet}' gets there"
            yield Diagnostic(
                self.code, message, item.place, self.severity, item.text, related=related(subject, others, "takes some"),
            )  # fmt: skip


CHECKS = (PartlyCovered,)
