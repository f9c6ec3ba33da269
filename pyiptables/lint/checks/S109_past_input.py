from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import Filtering, filterings
from pyiptables.lint.filtering import ports_of, states_of
from pyiptables.lint.places import command_place, option_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Item, Subject
from pyiptables.ruleset import Rule
from pyiptables.xtables.addresses import address_text

_DPORT = ("--dport", "--dports", "--destination-port", "--destination-ports", "--ports")


class PastInput(Check):
    """A filter rule for a port that address translation takes past it.

    What it does: finds rules in INPUT for a port that DNAT sends to another host or container (Docker's published ports,
    say), rules in INPUT for a port that REDIRECT or DNAT has already turned into another one, and rules in FORWARD for the
    port before DNAT.

    Why it matters: the filter table sees packets after PREROUTING has translated them. What goes to another host meets
    FORWARD and never INPUT; what keeps its host arrives with the new port. The rule protects, or permits, nothing.

    Instead: put the rule into FORWARD (with Docker: into DOCKER-USER), for the port after DNAT, or match
    `-m conntrack --ctorigdstport` for the port before.
    """

    code = "S109"
    name = "past-input"
    bad = (
        "*nat\n-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\nCOMMIT\n"
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 8080 -j DROP\nCOMMIT\n",
        "*nat\n:fwd - [0:0]\n-A PREROUTING -j fwd\n"
        "-A fwd -i eth0 -p tcp -m multiport --dports 25,143 -j DNAT --to-destination 10.0.0.2\nCOMMIT\n"
        "*filter\n:INPUT DROP [0:0]\n:mail - [0:0]\n-A INPUT -p tcp -j mail\n"
        "-A mail -s 192.0.2.0/24 -p tcp -m tcp --dport 25 -j ACCEPT\nCOMMIT\n",
        "*nat\n-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080\nCOMMIT\n"
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT\nCOMMIT\n",
        "*nat\n-A PREROUTING -i eth0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.2:80\nCOMMIT\n"
        "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -d 10.0.0.2/32 -p tcp -m tcp --dport 8080 -j ACCEPT\nCOMMIT\n",
    )
    good = (
        "*nat\n-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\nCOMMIT\n"
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 9090 -j DROP\nCOMMIT\n",
        "*nat\n-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\nCOMMIT\n"
        "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -p tcp -m tcp --dport 80 -j DROP\nCOMMIT\n",
        "*nat\n-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080\nCOMMIT\n"
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 8080 -j ACCEPT\nCOMMIT\n",
        "*nat\n-A PREROUTING -i eth0 -p tcp -m tcp --dport 22 -j DNAT --to-destination 10.0.0.2\nCOMMIT\n"
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -i eth1 -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "*nat\n-A PREROUTING -p udp -m udp --dport 53 -j DNAT --to-destination 10.0.0.2\nCOMMIT\n"
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 53 -j ACCEPT\nCOMMIT\n",
        "*nat\n-A OUTPUT -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\nCOMMIT\n"
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 8080 -j ACCEPT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for filtering in filterings(subject):
            taken = list(_translations(filtering))
            if not taken:
                continue
            for name in ("INPUT", "FORWARD"):
                for rule, item in _port_rules(filtering, name):
                    assert rule.spec is not None
                    ranges = list(ports_of(rule.spec))
                    for taking in taken:
                        what = _missed(name, taking, ranges, filtering.family)
                        if what and _meets(filtering, name, rule, taking):
                            yield self._finding(filtering, name, item, ranges, taking, what)
                            break

    def _finding(self, filtering: Filtering, name: str, item: Item, ranges: list[tuple[int, int]], taking: Taking, what: str) -> Diagnostic:
        ports = ", ".join([str(low) if low == high else f"{low}:{high}" for low, high in ranges])
        message = f"packets to port {ports} {what}: this rule never sees them"
        if taking.local:
            hint = "filter the port after the translation"
        elif name == "FORWARD":
            hint = f"match port {taking.port}, or -m conntrack --ctorigdstport {ports}"
        else:
            hint = "filter them in FORWARD (Docker: DOCKER-USER)"
        by = filtering.item(taking.rule)
        related = ((command_place(by), "takes them"),) if by is not None else ()
        return Diagnostic(self.code, message, option_place(item, *_DPORT), self.severity, item.text, hint, related)


class Taking(NamedTuple):
    """A rule of nat that gives packets another destination."""

    rule: Rule
    ranges: list[tuple[int, int]]
    local: bool
    #: The new port, None when it stays.
    port: int | None
    address: int | None


def _translations(filtering: Filtering) -> Iterator[Taking]:
    nat = filtering.ruleset.tables.get("nat")
    for chain in nat.chains.values() if nat is not None else ():
        if chain.name in ("OUTPUT", "POSTROUTING", "INPUT"):
            continue
        for rule in chain.rules:
            target = rule.spec.target if rule.spec is not None else None
            if rule.spec is None or target is None or target.name not in ("DNAT", "REDIRECT"):
                continue
            ranges = list(ports_of(rule.spec))
            if not ranges:
                continue
            addresses, ports = target.range()
            address = addresses[0] if addresses is not None else None
            local = target.name == "REDIRECT" or (filtering.family == 4 and address is not None and address >> 24 == 127)
            yield Taking(rule, ranges, local, ports[0] if ports is not None else None, address)


def _meets(filtering: Filtering, name: str, rule: Rule, taking: Taking) -> bool:
    """Is the rule about packets that are taken: in FORWARD by their new address, in INPUT by all they came with?"""
    spec, other = rule.spec, taking.rule.spec
    assert spec is not None and other is not None
    if name == "INPUT":
        return filtering.filter.overlap(rule, taking.rule)
    to_it = taking.address is not None and (taking.address & spec.dst_mask == spec.dst) != spec.dst_inv
    return spec.proto == other.proto and to_it and spec.iniface in ("", other.iniface)


def _missed(name: str, taking: Taking, ranges: list[tuple[int, int]], family: int) -> str:
    """What happens to packets for these ports before a chain, '' when they may come to it as they are."""
    if not ranges or any(low == 0 and high == 65535 for low, high in ranges):
        return ""
    if not all(any(first <= low and high <= last for first, last in taking.ranges) for low, high in ranges):
        return ""
    moved = taking.port is not None and not any(low <= taking.port <= high for low, high in ranges)
    if name == "FORWARD" or taking.local:
        if moved and (name == "FORWARD") != taking.local:
            return f"have port {taking.port} after translation"
        return ""
    if taking.address is None:
        return ""
    return f"are sent on to {address_text(taking.address, family)} by DNAT and meet FORWARD, not INPUT"


def _port_rules(filtering: Filtering, name: str) -> Iterator[tuple[Rule, Item]]:
    """The rules of a built-in chain, and of those it calls, that decide about new packets by their port."""
    seen = {name}
    pending = [name]
    while pending:
        chain = filtering.table.chains.get(pending.pop(0))
        for rule in chain.rules if chain is not None else ():
            spec = rule.spec
            if spec is None:
                continue
            if spec.target is None and spec.jump in filtering.table.chains and spec.jump not in seen:
                seen.add(spec.jump)
                pending.append(spec.jump)
            item = filtering.item(rule)
            asks_origin = any(match.name == "conntrack" and set(match.values) - {"ctstate"} for match in spec.matches)
            decides = spec.jump in ("ACCEPT", "DROP") or (spec.target is not None and spec.target.name == "REJECT")
            if item is not None and decides and not asks_origin and "NEW" in (states_of(spec) or {"NEW"}):
                yield rule, item


CHECKS = (PastInput,)
