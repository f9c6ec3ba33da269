from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.dependencies import needs
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject

_HOW = {
    "accounting object": "nfacct add {}",
    "timeout policy": "nfct add timeout {} …",
    "security context": "it must be known to the loaded security policy",
    "cgroup": "it must be there below the cgroup2 mount",
    "pinned BPF program": "bpftool prog load … {}",
    "interface group": "a name of /etc/iproute2/group",
    "routing realm": "a name of /etc/iproute2/rt_realms",
    "connection label": "a name of connlabel.conf",
    "rate estimator": "-j RATEEST --rateest-name {} makes it",
    "user": "an account of the host",
    "group": "a group of the host",
    "IP virtual server": "the module ip_vs must be loaded",
}


class NeedsObject(Check):
    """An object or a name that only the host has.

    What it does: names accounting objects (nfacct), timeout policies, security contexts, cgroups, pinned BPF programs,
    users, groups, interface groups, realms, labels and the like that rules refer to, each at its first use.

    Why it matters: iptables refuses the rule where the object does not exist; with iptables-restore the whole table is lost.
    A rule file that loads on one host then fails on another, or at boot, before the object is made.

    Instead: make the object first, and order the units at boot accordingly; numbers instead of names need nobody to know
    them.
    """

    code = "D005"
    name = "needs-object"
    severity = "info"
    bad = (
        "*filter\n-A INPUT -m nfacct --nfacct-name web\nCOMMIT\n",
        "*filter\n-A OUTPUT -m owner --uid-owner tor -j ACCEPT\nCOMMIT\n",
        "*filter\n-A OUTPUT -m cgroup --path vpn -j ACCEPT\nCOMMIT\n",
        "*raw\n-A PREROUTING -p tcp -j CT --timeout short\nCOMMIT\n",
    )
    good = (
        "*filter\n-A OUTPUT -m owner --uid-owner 1000 -j ACCEPT\nCOMMIT\n",
        "*mangle\n-A PREROUTING -j RATEEST --rateest-name r1 --rateest-interval 250ms --rateest-ewmalog 500ms\n"
        "-A PREROUTING -m rateest --rateest1 r1 --rateest-gt --rateest-bps2 1000kbit -j DROP\nCOMMIT\n",
        "*filter\n-A OUTPUT -m owner --uid-owner root -j ACCEPT\nCOMMIT\n",
        "*filter\n-A INPUT -m devgroup --src-group 1 -j ACCEPT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        told = set()
        for need in needs(subject):
            how = _HOW.get(need.kind)
            if how is None or (need.kind, need.name) in told or need.name == "root":
                continue
            told.add((need.kind, need.name))
            message = f"{need.kind} '{need.name}' must exist before this rule is added"
            place = word_place(need.item, need.word)
            yield Diagnostic(self.code, message, place, self.severity, need.item.text, how.format(need.name))


CHECKS = (NeedsObject,)
