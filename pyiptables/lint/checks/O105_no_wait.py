from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import command_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Item, Subject


class NoWait(Check):
    """Commands of a script that do not wait for the lock.

    What it does: counts the commands that change something without `-w`. One finding for a script, at the first of them.
    Single commands of a unit or an interface's configuration count likewise.

    Why it matters: iptables-legacy takes a lock for each command. While Docker, fail2ban or another script holds it, a
    command without `-w` fails at once ("Another app is currently holding the xtables lock") and its rule is missing.
    iptables-nft needs no lock and takes `-w` without a word, so it can always be written.

    Instead: `iptables -w …` (put it into the variable that holds the program's name), or one iptables-restore.
    """

    code = "O105"
    name = "no-wait"
    severity = "info"
    bad = (
        "#!/bin/sh\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\n",
        "#!/bin/sh\niptables -w -F INPUT\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\n",
    )
    good = (
        "#!/bin/sh\niptables -w -A INPUT -p tcp --dport 22 -j ACCEPT\n",
        "#!/bin/sh\niptables --wait 5 -A INPUT -p tcp --dport 22 -j ACCEPT\n",
        "#!/bin/sh\niptables-nft -A INPUT -p tcp --dport 22 -j ACCEPT\n",
        "#!/bin/sh\niptables -L -n\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        if subject.script is None or subject.script.kind == "dockerfile":
            return
        changing = [item for item in subject.items if _changes(item)]
        hasty = [item for item in changing if item.command is not None and item.command.wait is None]
        if not hasty:
            return
        item = hasty[0]
        more = len(hasty) - 1
        count = f"this and {more} more command{'s' if more > 1 else ''} do" if more else "this command does"
        some = ", others do" if len(hasty) < len(changing) else ""
        message = f"{count} not wait for the xtables lock{some}: with iptables-legacy they fail while another program holds it"
        yield Diagnostic(self.code, message.replace("they fail", "it fails") if len(hasty) == 1 else message,
                         command_place(item), self.severity, item.text, "add -w")  # fmt: skip


def _changes(item: Item) -> bool:
    invocation = item.invocation
    if invocation is None or item.command is None or "-restore" in invocation.program or "-nft" in invocation.program:
        return False
    return bool(set(item.action) & set("AIRDNXFPE"))


CHECKS = (NoWait,)
