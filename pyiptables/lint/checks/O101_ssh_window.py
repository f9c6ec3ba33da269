from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.administration import lockouts
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import command_place
from pyiptables.lint.registry import Check
from pyiptables.lint.replay import told
from pyiptables.lint.subject import Subject


class SshWindow(Check):
    """A script that locks SSH out for a while.

    What it does: carries the commands out one after the other, twice (the second time on what the first run left), and
    asks after each whether any new connection to port 22 can still come in and be answered (`ssh-ports` in the
    configuration names other ports; a variable such as `SSH_PORT=2222` does so too). `case "$1"` is followed as `start`.

    Why it matters: if the script stops in between (an error, a lost connection that was its terminal, a name that does not
    resolve), the host is out of reach until somebody sits down before it.

    Instead: set the policy to DROP last, after the rules that let SSH in; begin with `-P INPUT ACCEPT` before `-F`; or load
    everything at once with iptables-restore.
    """

    code = "O101"
    name = "ssh-window"
    bad = (
        "#!/bin/sh\niptables -P INPUT DROP\niptables -A INPUT -i lo -j ACCEPT\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\n",
        "#!/bin/sh\niptables -F\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\niptables -P INPUT DROP\n",
        "#!/bin/sh\nstart() {\n  iptables -A INPUT -j DROP\n  iptables -I INPUT -p tcp --dport 22 -j ACCEPT\n}\n"
        'case "$1" in\n  start) start ;;\n  stop) iptables -F ;;\nesac\n',
        "#!/bin/sh\niptables -P OUTPUT DROP\niptables -A OUTPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n",
    )
    good = (
        "#!/bin/sh\niptables -P INPUT ACCEPT\niptables -F\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\niptables -P INPUT DROP\n",
        "#!/bin/sh\niptables-restore <<EOF\n*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\nEOF\n",
        "#!/bin/sh\niptables -A INPUT -s 10.0.0.0/8 -p tcp --dport 22 -j ACCEPT\niptables -P INPUT DROP\n",
        "#!/bin/sh\niptables -P INPUT DROP\niptables -A INPUT -i lo -j ACCEPT\n",
        "#!/bin/sh\nSSH_PORT=2222\niptables -A INPUT -p tcp --dport $SSH_PORT -j ACCEPT\niptables -P INPUT DROP\n",
        "#!/bin/sh\niptables -P FORWARD DROP\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for lockout in lockouts(subject):
            if lockout.opened is None:
                continue
            shut, opened = lockout.shut, lockout.opened
            again = f"{lockout.when}, " if lockout.when else ""
            message = (
                f"{again}after {told(shut, lockout.total)} a new {lockout.what}; "
                f"open again after command {opened.number} (line {command_place(opened.item).line})"
            )
            yield Diagnostic(
                self.code, message, command_place(shut.item), self.severity, shut.item.text, lockout.advice,
                ((command_place(opened.item), "opens it again"),),
                data={"closed_after": shut.number, "opened_after": opened.number, "commands": lockout.total},
            )  # fmt: skip


CHECKS = (SshWindow,)
