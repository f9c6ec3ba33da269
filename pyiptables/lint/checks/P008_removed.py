from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject

_GONE = {
    "CLUSTERIP": ("left the kernel in 2023", "-m cluster, or a virtual address moved by keepalived"),
    "ULOG": ("left the kernel in 3.17", "-j NFLOG"),
}


class Removed(Check):
    """A target that iptables still reads and kernels of today do not have.

    What it does: finds `-j CLUSTERIP` and `-j ULOG`.

    Why it matters: on an older kernel the rule works, after an upgrade it is refused, and with iptables-restore the whole
    table with it.

    Instead: the finding names what took its place.
    """

    code = "P008"
    name = "removed"
    bad = (
        "*filter\n-A INPUT -d 192.0.2.1 -i eth0 -j CLUSTERIP --new --hashmode sourceip --clustermac 01:00:5E:00:00:20 "
        "--total-nodes 2 --local-node 1\nCOMMIT\n",
        "*filter\n-A INPUT -j ULOG --ulog-nlgroup 1\nCOMMIT\n",
    )
    good = (
        "*filter\n-A INPUT -m cluster --cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 1 -j ACCEPT\nCOMMIT\n",
        "*filter\n-A INPUT -j NFLOG --nflog-group 1\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for item in subject.items:
            gone = _GONE.get(item.command.spec.jump) if item.command is not None else None
            if item.command is not None and gone is not None and item.command.spec.target is not None:
                name = item.command.spec.jump
                message = f"{name} {gone[0]}: newer kernels refuse this rule"
                yield Diagnostic(self.code, message, word_place(item, name), self.severity, item.text, gone[1])


CHECKS = (Removed,)
