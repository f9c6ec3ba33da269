from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.dependencies import owner_of_chain, owners_seen
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import command_place
from pyiptables.lint.registry import Check
from pyiptables.lint.replay import short
from pyiptables.lint.subject import Item, Subject


class OthersFlushed(Check):
    """Rules of Docker, fail2ban, Kubernetes … thrown away.

    What it does: finds commands that empty or delete chains of other programs by name (`-F DOCKER`), and commands that
    empty a whole table (`-F`, `-X` without a chain, iptables-restore without `--noflush`). For those it names the program
    of which the script itself speaks (its chains, its interfaces, its service); where there is none, one remark for the
    script.

    Why it matters: published ports stop working, bans are lifted, pods lose their network, until that program is restarted;
    it does not notice by itself.

    Instead: keep rules in chains of one's own and flush only these; `iptables-restore --noflush`; or restart the other
    program afterwards.
    """

    code = "O107"
    name = "others-flushed"
    bad = (
        "#!/bin/sh\niptables -F DOCKER\n",
        "#!/bin/sh\niptables -F\niptables -A FORWARD -i docker0 -j ACCEPT\n",
        "#!/bin/sh\niptables -t nat -F\niptables -t nat -X\n",
        "#!/bin/sh\niptables -X f2b-sshd\n",
    )
    good = (
        "#!/bin/sh\niptables -F web\niptables -F INPUT\n",
        "#!/bin/sh\niptables -F DOCKER-USER\niptables -A DOCKER-USER -j RETURN\n",
        "#!/bin/sh\niptables -N f2b-own\niptables -A f2b-own -j RETURN\niptables -F f2b-own\n",
        "#!/bin/sh\niptables -F\nsystemctl restart docker\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        if subject.script is None or subject.script.kind == "dockerfile":
            return
        seen, restarted = owners_seen(subject)
        whole: list[Item] = []
        told = set()
        made = {(item.table, item.chain) for item in subject.items if item.action == "N"}
        for item in subject.items:
            if item.action not in ("F", "X") or item.invocation is None or item.invocation.netns:
                continue
            if item.chain is None:
                whole.append(item)
                continue
            owner = owner_of_chain(item.chain)
            # DOCKER-USER is there for one's own rules.
            if owner is None or item.chain == "DOCKER-USER" or (item.table, item.chain) in made or owner in restarted:
                continue
            place = command_place(item)
            if place not in told:
                told.add(place)
                what = "empties" if item.action == "F" else "deletes"
                message = f"{what} chain {item.chain} of {owner}, which does not notice until it is restarted"
                yield Diagnostic(self.code, message, place, self.severity, item.text)
        yield from self._whole(whole, [owner for owner in seen if owner not in restarted], restarted)

    def _whole(self, whole: list[Item], owners: list[str], restarted: set[str]) -> Iterator[Diagnostic]:
        places = list(dict.fromkeys(command_place(item) for item in whole if item.action == "F"))
        if not places or (restarted and not owners):
            return
        first = next(item for item in whole if item.action == "F")
        related = tuple([(place, "so does this") for place in places[1:4]])
        if owners:
            message = f"`{short(first)}` throws away the rules of {' and '.join(owners)} too"
            yield Diagnostic(self.code, message, places[0], self.severity, first.text, "flush only chains of your own", related)
        else:
            message = f"`{short(first)}` empties every chain of table {first.table}, those of Docker, fail2ban or libvirt included"
            yield Diagnostic(self.code, message, places[0], "info", first.text, "flush only chains of your own", related)


CHECKS = (OthersFlushed,)
