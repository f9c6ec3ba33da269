from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import command_place
from pyiptables.lint.registry import Check
from pyiptables.lint.replay import second_run
from pyiptables.lint.subject import Item, Subject

if TYPE_CHECKING:
    from pyiptables.lint.shell.source import Location


class ChainMadeAgain(Check):
    """A script whose `-N` fails when it is run again.

    What it does: carries the commands out twice and finds `-N` of a chain that is still there from the first run, where
    nothing takes the failure into account (`|| true`, `2>/dev/null` alone does not).

    Why it matters: iptables says "Chain already exists" and fails; under `set -e` the script ends there, with half of the
    rules.

    Instead: `iptables -N NAME 2>/dev/null || iptables -F NAME`, or delete the chain first (`-F`, then `-X`).
    """

    code = "O104"
    name = "chain-made-again"
    severity = "info"
    bad = (
        "#!/bin/sh\niptables -N web\niptables -A web -p tcp --dport 80 -j ACCEPT\n",
        "#!/bin/sh\nset -e\niptables -F\niptables -N web\niptables -A INPUT -j web\n",
    )
    good = (
        "#!/bin/sh\niptables -F\niptables -X\niptables -N web\niptables -A INPUT -j web\n",
        "#!/bin/sh\niptables -N web || true\niptables -F web\n",
        "#!/bin/sh\niptables -N web 2>/dev/null || iptables -F web\n",
        "#!/bin/sh\niptables -L web -n >/dev/null 2>&1 || iptables -N web\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        if subject.script is None or subject.script.kind == "dockerfile":
            return
        again = second_run(subject)
        if again.replaced:
            return
        failed = [moment for moment in again.moments if moment.item.action == "N" and moment.failed and moment.certain]
        invocations = [item.invocation for item in subject.items if item.invocation is not None]
        tests = {guard.location for invocation in invocations for guard in invocation.guard}
        failed = [moment for moment in failed if not moment.item.invocation.ignore_failure and not _tested(moment.item, tests)]
        if not failed:
            return
        item = failed[0].item
        stops = "errexit" in subject.script.options
        end = ", and the script stops here (set -e)" if stops else ""
        more = f" (so do {len(failed) - 1} more)" if len(failed) > 1 and not stops else ""
        message = f"run again, this fails because chain {item.chain} exists already{end}{more}"
        severity = "warning" if stops else self.severity
        hint = f"-N {item.chain} 2>/dev/null || … -F {item.chain}"
        yield Diagnostic(self.code, message, command_place(item), severity, item.text, hint)


def _tested(item: Item, tests: set[Location]) -> bool:
    """Does what comes after hang on the command's success?"""
    place = item.invocation.location
    return any(test.file == place.file and test.start <= place.start and place.end <= test.end for test in tests)


CHECKS = (ChainMadeAgain,)
