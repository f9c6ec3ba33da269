from __future__ import annotations

import re
from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic, Edit, Fix
from pyiptables.lint.places import command_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Item, Subject

#: A program's name as it stands in scripts: a path, or a variable with it.
_PLAIN = re.compile(rb"[\w/.-]+|\"?\$\{?\w+\}?\"?")


class NoWait(Check):
    """Commands of a script that do not wait for the lock.

    What it does: counts the commands that change something without `-w`. One finding for a script, at the first of them.
    Single commands of a unit or an interface's configuration count likewise.

    Why it matters: iptables-legacy takes a lock for each command. While Docker, fail2ban or another script holds it, a
    command without `-w` fails at once ("Another app is currently holding the xtables lock") and its rule is missing.
    iptables-nft needs no lock and takes `-w` without a word, so it can always be written.

    Instead: `iptables -w …`, or one iptables-restore. `--fix` puts `-w` behind the program's name.
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
        if not more:
            message = message.replace("they fail", "it fails")
        yield Diagnostic(self.code, message, command_place(item), self.severity, item.text, "add -w", fix=_fix(subject, hasty))


def _fix(subject: Subject, hasty: list[Item]) -> Fix | None:
    """``-w`` behind the name of the program in each of the commands; None unless all of them are plainly written."""
    edits: dict[int, Edit] = {}
    # A variable that is another program's name in another round of a loop must not get the option.
    others = {command.location.start for command in subject.script.other_commands}
    for item in hasty:
        location = item.invocation.command.location
        if location is None or location.file != subject.file or location.start in others:
            return None
        word, behind = subject.data[location.start : location.end], subject.data[location.end : location.end + 1]
        if not _PLAIN.fullmatch(word) or behind not in (b" ", b"\t"):
            return None
        behind_it = next(
            (word for word in item.invocation.argv if word.location is not None and word.location.start > location.start), None
        )
        if behind_it is None or behind_it.text is None or not behind_it.text.startswith(("-", "!")):
            # `$IPT 1 …`, with the rest of the command in the variable: it would wait that long.
            return None
        edits[location.end] = Edit(location.end, location.end, " -w")
    return Fix("wait for the lock", tuple(edits.values()))


def _changes(item: Item) -> bool:
    invocation = item.invocation
    if invocation is None or item.command is None or "-restore" in invocation.program or "-nft" in invocation.program:
        return False
    return bool(set(item.action) & set("AIRDNXFPE"))


CHECKS = (NoWait,)
