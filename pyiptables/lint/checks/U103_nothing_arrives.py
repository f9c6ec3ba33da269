from __future__ import annotations

from collections.abc import Iterator

from pyiptables.analysis.reachability import UNREACHED
from pyiptables.lint.causes import does, named, own_name, related
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import answers
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class NothingArrives(Check):
    """A rule of a user chain for packets that never enter the chain.

    What it does: follows every packet from the built-in chains through all jumps; reports rules that would match some
    packet, but none of those that come into the chain.

    Why it matters: the rule has no effect where the chain is called from now.

    Instead: widen the jump to the chain, move the rule, or delete it.
    """

    code = "U103"
    name = "nothing-arrives"
    bad = (
        "*filter\n:web - [0:0]\n-A INPUT -p tcp -j web\n-A web -p udp -j ACCEPT\nCOMMIT\n",
        "*filter\n:web - [0:0]\n-A INPUT -p udp -j DROP\n-A INPUT -j web\n-A web -p udp -j ACCEPT\nCOMMIT\n",
        "*nat\n-A PREROUTING -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n",
    )
    good = (
        "#!/bin/sh\niptables -N web\niptables -A INPUT -p tcp -j web\niptables -A INPUT $X -j web\niptables -A web -p udp -j DROP\n",
        "*filter\n:web - [0:0]\n-A INPUT -j web\n-A web -p udp -j ACCEPT\nCOMMIT\n",
        "*filter\n:web - [0:0]\n-A INPUT -p udp -m limit --limit 1/sec -j DROP\n-A INPUT -j web\n-A web -p udp -j ACCEPT\nCOMMIT\n",
        "*nat\n-A PREROUTING -m conntrack --ctstate RELATED -j ACCEPT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for reach, item, reachability in answers(subject, UNREACHED):
            step = reach.step
            chain = step.chain
            if not reachability.entered(chain):
                continue  # all its rules are in the same case: U105
            if reach.by:
                cause = f"{named(subject, reach.by, step)} {does(reach.by, 'what would match')} before"
                others = reach.by
            elif chain.callers:
                others = chain.callers
                cause = f"{named(subject, others, step)} {'calls' if len(others) == 1 else 'call'} the chain for other packets only"
            elif reachability.program.table == "nat":
                cause, others = "nat sees connections only when they begin", []
            else:
                cause, others = "other packets come to this hook", []
            message = f"no packet that enters {chain.name} matches {own_name(step, item)}: {cause}"
            yield Diagnostic(
                self.code, message, item.place, self.severity, item.text, related=related(subject, others, "decides about them"),
            )  # fmt: skip


CHECKS = (NothingArrives,)
