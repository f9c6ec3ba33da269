from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import option_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject

_OTHER = {4: (58, "icmpv6", "icmp"), 6: (1, "icmp", "icmpv6")}


class WrongIcmp(Check):
    """ICMP of the other address family.

    What it does: finds `-p icmp` in rules for IPv6, and `-p icmpv6` in rules for IPv4.

    Why it matters: iptables takes it, since any protocol number can stand in a header, but the packets that are meant have
    another one: the rule matches nothing, and IPv6 without its ICMPv6 does not work.

    Instead: `-p icmpv6` with ip6tables, `-p icmp` with iptables.
    """

    code = "P006"
    name = "wrong-icmp"
    severity = "warning"
    bad = (
        "#!/bin/sh\nip6tables -A INPUT -p icmp -j ACCEPT\n",
        "#!/bin/sh\nfor ipt in iptables ip6tables; do $ipt -A INPUT -p icmp -j ACCEPT; done\n",
        "#!/bin/sh\niptables -A INPUT -p ipv6-icmp -j ACCEPT\n",
    )
    good = (
        "#!/bin/sh\nip6tables -A INPUT -p icmpv6 -j ACCEPT\niptables -A INPUT -p icmp -j ACCEPT\n",
        "*filter\n-A INPUT -p icmp -j ACCEPT\nCOMMIT\n",
        "*filter\n-A INPUT ! -p icmp -j ACCEPT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for item in subject.items:
            if item.command is None or item.action not in ("A", "I", "R"):
                continue
            number, wrong, right = _OTHER[item.family]
            spec = item.command.spec
            if spec.proto == number and not spec.proto_inv:
                message = f"{wrong} is not what IPv{item.family} uses: this matches nothing"
                place = option_place(item, "-p", "--protocol", "--proto")
                yield Diagnostic(self.code, message, place, self.severity, item.text, f"-p {right}")


CHECKS = (WrongIcmp,)
