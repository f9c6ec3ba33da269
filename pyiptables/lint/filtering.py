"""Questions the security and operation checks ask of a filter table: who gets in, and by which rule.

Packets are walked through one built-in chain rule by rule; conditions that only a live host could answer count the
careful way for the question asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pyiptables.ruleset import Chain, Rule, RuleSpec, Table

__all__ = ["Probe", "decide", "port_of", "source_is_world"]


@dataclass(frozen=True)
class Probe:
    """A packet in the few words the checks need: interface, protocol, destination port, source, state, TCP flags."""

    proto: int
    dport: int = 0
    iniface: str = "eth0"
    src: int | None = None
    state: str = "NEW"
    family: int = 4
    icmp_type: int | None = None
    flags: int = 0x02
    extra: dict[str, object] = field(default_factory=dict, hash=False, compare=False)


def decide(table: Table, chain: str, probe: Probe) -> tuple[str, Rule | None]:
    """(verdict, rule) for a packet: ACCEPT, DROP, REJECT …; the rule is None when the policy decided.

    A rule whose match cannot be answered is passed over.
    """
    start = table.chains.get(chain)
    if start is None:
        return "ACCEPT", None
    found = _walk(table, start, probe, 0)
    return found if found is not None else (start.policy or "ACCEPT", None)


def _walk(table: Table, chain: Chain, probe: Probe, depth: int) -> tuple[str, Rule | None] | None:
    if depth > 32:
        return None
    for rule in chain.rules:
        spec = rule.spec
        if spec is None or not applies(spec, probe):
            continue
        if spec.target is not None:
            if spec.target.terminal:
                return spec.target.name, rule
            continue
        if spec.jump == "RETURN":
            return None
        if spec.jump in ("ACCEPT", "DROP", "QUEUE"):
            return spec.jump, rule
        goal = table.chains.get(spec.jump)
        if goal is not None:
            found = _walk(table, goal, probe, depth + 1)
            if found is not None or spec.goto:
                return found
    return None


def applies(spec: RuleSpec, probe: Probe) -> bool:
    """Does the rule certainly match the probe?"""
    if spec.proto and (spec.proto == probe.proto) == spec.proto_inv:
        return False
    if spec.iniface and _interface(spec.iniface, probe.iniface) == spec.iniface_inv:
        return False
    if spec.outiface and not spec.outiface_inv:
        return False
    if spec.src_mask or spec.src_inv:
        inside = probe.src is not None and probe.src & spec.src_mask == spec.src
        if inside == spec.src_inv:
            return False
    if spec.fragment and not spec.fragment_inv:
        return False
    return all(_matches(match, probe) for match in spec.matches)


def _interface(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("+") else name == pattern


def _matches(match: object, probe: Probe) -> bool:
    name = getattr(match, "name", "")
    values = getattr(match, "values", {})
    inverted: set[str] = getattr(match, "inverted", set())
    if name == "comment":
        return True
    if name in ("tcp", "udp"):
        return _ports(name, values, inverted, probe)
    if name == "multiport":
        return probe.proto in (6, 17) and any(probe.dport in _as_range(r) for r in port_of(match)) != bool(inverted)
    if name in ("conntrack", "state"):
        states = _states(match)
        return states is not None and (probe.state in states) != bool(inverted)
    if name in ("icmp", "icmp6") and probe.icmp_type is not None:
        kind = next(iter(values.values()), None)
        number = kind[0] if isinstance(kind, tuple) else kind
        return (number in (probe.icmp_type, 255)) != bool(inverted)
    # A limit lets the first packet through.
    return name in ("limit", "hashlimit", "statistic") and not inverted


def _ports(name: str, values: dict[str, object], inverted: set[str], probe: Probe) -> bool:
    if probe.proto != {"tcp": 6, "udp": 17}[name]:
        return False
    if "source-port" in values:
        return False
    ports = values.get("destination-port")
    if isinstance(ports, tuple) and (ports[0] <= probe.dport <= ports[1]) == ("destination-port" in inverted):
        return False
    flags = values.get("tcp-flags")
    if isinstance(flags, tuple):
        mask, compare = flags
        return bool(((probe.flags & mask) == compare) != ("tcp-flags" in inverted))
    return "tcp-option" not in values


def _as_range(pair: tuple[int, int]) -> range:
    return range(pair[0], pair[1] + 1)


def port_of(match: object) -> Iterator[tuple[int, int]]:
    """The destination ports a tcp, udp or multiport match names, as ranges."""
    values = getattr(match, "values", {})
    for key in ("destination-port", "destination-ports", "ports"):
        value = values.get(key)
        if value is None:
            continue
        if isinstance(value, tuple) and len(value) == 2 and all(isinstance(v, int) for v in value):
            yield value
        elif isinstance(value, (tuple, list)):
            for item in value:
                yield (item, item) if isinstance(item, int) else tuple(item)


def _states(match: object) -> set[str] | None:
    """The states of a conntrack or state match by name, None when it asks for more than states."""
    values = getattr(match, "values", {})
    if set(values) - {"ctstate", "state"}:
        return None
    text = str(getattr(match, "save", str)())
    return set(text.split(" --", 1)[-1].rsplit(" ", maxsplit=1)[-1].split(",")) if text else None


def source_is_world(spec: RuleSpec) -> bool:
    """Is the rule for every sender: no source, interface, set or list narrows it?"""
    if spec.src_mask or spec.src_inv or (spec.iniface and not spec.iniface_inv and spec.iniface == "lo"):
        return False
    narrowing = {"set", "iprange", "mac", "recent", "policy", "physdev", "geoip", "string", "u32", "bpf", "owner", "mark", "connmark"}
    return not any(match.name in narrowing for match in spec.matches)
