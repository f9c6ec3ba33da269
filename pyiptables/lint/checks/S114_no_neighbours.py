from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import chain_place, filterings
from pyiptables.lint.places import command_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject

_ICMPV6 = 58
#: Types that the link itself needs (RFC 4890, 4.4.1).
_NEEDED = ((135, "neighbour solicitation"), (136, "neighbour advertisement"))


class NoNeighbours(Check):
    """IPv6 without neighbour discovery.

    What it does: asks INPUT of an IPv6 filter about neighbour solicitations and advertisements (which connection tracking
    leaves UNTRACKED), and OUTPUT about sending them.

    Why it matters: IPv6 has no ARP: where these ICMPv6 packets are dropped, the host cannot be reached by IPv6 at all and
    reaches nobody, as soon as the neighbours' caches run out.

    Instead: accept `-p icmpv6` (or at least `--icmpv6-type neighbour-solicitation`, `neighbour-advertisement`,
    `router-advertisement` and `packet-too-big`) without asking for a state.
    """

    code = "S114"
    name = "no-neighbours"
    bad = (
        "#!/bin/sh\nip6tables -P INPUT DROP\nip6tables -A INPUT -i lo -j ACCEPT\n"
        "ip6tables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nip6tables -A INPUT -p tcp --dport 22 -j ACCEPT\n",
        "#!/bin/sh\nip6tables -P INPUT DROP\nip6tables -A INPUT -p icmpv6 --icmpv6-type echo-request -j ACCEPT\n",
    )
    good = (
        "#!/bin/sh\nip6tables -P INPUT DROP\nip6tables -A INPUT -p icmpv6 -j ACCEPT\n",
        "#!/bin/sh\nip6tables -P INPUT DROP\nip6tables -A INPUT -s fe80::/10 -p icmpv6 --icmpv6-type neighbour-solicitation -j ACCEPT\n"
        "ip6tables -A INPUT -p icmpv6 --icmpv6-type neighbour-advertisement -j ACCEPT\n",
        "#!/bin/sh\nip6tables -P INPUT DROP\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for filtering in filterings(subject):
            chain = filtering.table.chains.get("INPUT")
            # Where nothing is let in, IPv6 is shut off on purpose.
            if filtering.family != 6 or chain is None or not any(rule.spec is not None and rule.spec.jump for rule in chain.rules):
                continue
            if all(rule.spec is None or rule.spec.iniface == "lo" for rule in chain.rules):
                continue
            for name, way in (("INPUT", ""), ("OUTPUT", "!lo")):
                lost = []
                fate = None
                for kind, what in _NEEDED:
                    packets = filtering.filter.packets(
                        proto=_ICMPV6, icmp=kind << 8, states=("UNTRACKED",), iniface="!lo" if name == "INPUT" else "", outiface=way
                    )
                    fate = filtering.fate(name, packets)
                    if not fate.accepted:
                        lost.append(what)
                if not lost or fate is None:
                    continue
                item = filtering.item(fate.outcomes[-1].rule) if fate.outcomes else None
                place, text = (command_place(item), item.text) if item is not None else chain_place(subject, filtering, name)
                message = f"{' and '.join(lost)} dropped in {name}: IPv6 stops working"
                yield Diagnostic(self.code, message, place, self.severity, text, "accept -p icmpv6 without asking for a state")


CHECKS = (NoNeighbours,)
