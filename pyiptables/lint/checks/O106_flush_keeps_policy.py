from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import command_place
from pyiptables.lint.registry import Check
from pyiptables.lint.replay import stages
from pyiptables.lint.subject import Subject


class FlushKeepsPolicy(Check):
    """Rules flushed without a word about the policy.

    What it does: finds `-F` of INPUT, OUTPUT, FORWARD or the whole filter table in a script that sets no policy for the
    chain, before or after. (Where the script sets the policy itself, O101 follows what happens.)

    Why it matters: `-F` deletes rules and leaves policies. Where another program or an earlier script had set DROP, the
    flush cuts the host off, and whatever the script was to open stays shut.

    Instead: say what the policy is to be: `-P INPUT ACCEPT` before the flush, or `-P INPUT DROP` after the new rules.
    """

    code = "O106"
    name = "flush-keeps-policy"
    bad = (
        "#!/bin/sh\niptables -F\niptables -X\n",
        "#!/bin/sh\niptables -F INPUT\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\niptables -A INPUT -j DROP\n",
        '#!/bin/sh\ncase "$1" in\n  start) iptables -A INPUT -j LOG ;;\n  stop) iptables -F INPUT ;;\nesac\n',
    )
    good = (
        "#!/bin/sh\niptables -P INPUT ACCEPT\niptables -P FORWARD ACCEPT\niptables -P OUTPUT ACCEPT\niptables -F\n",
        "#!/bin/sh\niptables -F INPUT\niptables -P INPUT DROP\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\n",
        "#!/bin/sh\niptables -t nat -F\niptables -F web\n",
        "#!/bin/sh\niptables -F\niptables-restore < /etc/iptables/rules.v4\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        if subject.script is None:
            return
        found = stages(subject)
        # iptables-restore from a file sets all policies.
        if any(invocation.program.endswith("-restore") for invocation in subject.script.invocations):
            return
        told = set()
        for items in (found["up"], found["down"]):
            policies = {(item.family, item.chain) for item in items if item.action == "P" and item.table == "filter"}
            for item in items:
                if item.action != "F" or item.table != "filter" or item.chain not in (None, "INPUT", "OUTPUT", "FORWARD"):
                    continue
                chains = [item.chain] if item.chain else ["INPUT"]
                missing = [chain for chain in chains if (item.family, chain) not in policies]
                place = command_place(item)
                if missing and (place.line, missing[0]) not in told:
                    told.add((place.line, missing[0]))
                    message = f"-F leaves the policy of {missing[0]} as it is: where it is DROP, nothing gets through from here on"
                    if missing[0] == "INPUT":
                        message = "-F leaves the policy of INPUT as it is: where it is DROP, the host is cut off from here on"
                    yield Diagnostic(self.code, message, place, self.severity, item.text, f"put -P {missing[0]} ACCEPT in front")
                    break


CHECKS = (FlushKeepsPolicy,)
