from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.administration import lockouts
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import command_place
from pyiptables.lint.registry import Check
from pyiptables.lint.replay import told
from pyiptables.lint.subject import Subject


class SshLockedOut(Check):
    """A script after which no new SSH connection comes in.

    What it does: carries the commands out and reports the one after which every new connection to port 22 (`ssh-ports` in
    the configuration) is dropped until the end. Also `stop` after `start`: flushed rules under a policy that still drops.

    Why it matters: on a host that is administered over the network, the script is the last thing that was done there.

    Instead: accept SSH from where it is needed before anything is dropped. Where nobody logs in over the network, ignore
    this code in the file.
    """

    code = "O102"
    name = "ssh-locked-out"
    severity = "info"
    bad = (
        "#!/bin/sh\niptables -A INPUT -i lo -j ACCEPT\niptables -P INPUT DROP\n",
        "#!/bin/sh\niptables -A INPUT -j DROP\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\n",
        '#!/bin/sh\ncase "$1" in\n  start)\n    iptables -A INPUT -p tcp --dport 22 -j ACCEPT\n    iptables -P INPUT DROP ;;\n'
        "  stop)\n    iptables -F ;;\nesac\n",
    )
    good = (
        "#!/bin/sh\niptables -A INPUT -s 192.0.2.0/24 -p tcp --dport 22 -j ACCEPT\niptables -P INPUT DROP\n",
        "#!/bin/sh\niptables -A INPUT -m set --match-set admins src -j ACCEPT\niptables -P INPUT DROP\n",
        "#!/bin/sh\niptables -A INPUT -p tcp --dport 23 -j DROP\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for lockout in lockouts(subject):
            if lockout.opened is not None:
                continue
            severity = "warning" if lockout.meant_open else self.severity
            again = f"{lockout.when}, " if lockout.when else ""
            message = f"{again}after {told(lockout.shut, lockout.total)} a new {lockout.what}, and no later command opens it"
            related = ((lockout.meant_open, "meant to let it in"),) if lockout.meant_open else ()
            yield Diagnostic(
                self.code, message, command_place(lockout.shut.item), severity, lockout.shut.item.text, lockout.advice, related,
                data={"closed_after": lockout.shut.number, "commands": lockout.total},
            )  # fmt: skip


CHECKS = (SshLockedOut,)
