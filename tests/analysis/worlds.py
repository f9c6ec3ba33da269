"""Tiny worlds: random rulesets over a handful of headers, and their meaning by trying every packet.

The rules carry their typed form, so nothing here depends on the parser. The headers tried contain at least
one value of every class that the rules can tell apart; so "no packet of the world" is "no packet at all".
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from hypothesis import strategies as st

from pyiptables.analysis.region import Region
from pyiptables.analysis.space import CT_STATES, Space, interface_number
from pyiptables.ruleset import Chain, Rule, Ruleset, RuleSpec, Table

Packet = dict[str, Any]

INTERFACES = ("lo", "eth0", "eth1", "wan")
SOURCES = (0x0A000000, 0x0A000001, 0x0A000002, 0x0A000003, 0xC0000201)
PORTS = (1, 2, 3, 9)
STATES = (2, 4)


class Told:
    """What every match says of itself unless it knows better."""

    obscure = False
    instead_of = ""

    def volatile(self) -> tuple[str, ...]:
        return ()


class Ports(Told):
    """-m tcp --dport low:high, or (either) multiport's --ports."""

    name = "ports"
    deterministic = True

    def __init__(self, low: int, high: int, invert: bool, either: bool) -> None:
        self.low, self.high, self.invert, self.either = low, high, invert, either

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        region = space.values("dport", (self.low, self.high))
        if self.either:
            region |= space.values("sport", (self.low, self.high))
        return space.values("fragment", (0, 0)) & (~region if self.invert else region)

    def meets(self, packet: Packet) -> bool:
        if packet["fragment"]:
            return False
        hit = self.low <= packet["dport"] <= self.high
        if self.either:
            hit = hit or self.low <= packet["sport"] <= self.high
        return hit != self.invert

    def save(self) -> str:
        return f"{' !' if self.invert else ''} --{'ports' if self.either else 'dport'} {self.low}:{self.high}"


class State(Told):
    name = "state"
    deterministic = True

    def __init__(self, states: frozenset[int]) -> None:
        self.states = states

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        return space.values("ctstate", *((state, state) for state in sorted(self.states)))

    def meets(self, packet: Packet) -> bool:
        return packet["ctstate"] in self.states

    def save(self) -> str:
        return " --state " + ",".join(CT_STATES[state] for state in sorted(self.states))


class Mark(Told):
    name = "mark"
    deterministic = True

    def __init__(self, value: int, mask: int, invert: bool) -> None:
        self.value, self.mask, self.invert = value & mask, mask, invert

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        return space.bits("mark", self.value, self.mask, self.invert)

    def meets(self, packet: Packet) -> bool:
        return (packet["mark"] & self.mask == self.value) != self.invert

    def save(self) -> str:
        return f"{' !' if self.invert else ''} --mark {self.value}/{self.mask}"


class Opaque(Told):
    name = "opaque"
    deterministic = True

    def packet_set(self, space: Space, spec: RuleSpec) -> None:
        return None

    def meets(self, packet: Packet) -> bool:
        return bool(packet["atom"])

    def save(self) -> str:
        return " --it"


class Limit(Told):
    """May match, may not."""

    name = "limit"
    deterministic = False

    def packet_set(self, space: Space, spec: RuleSpec) -> None:
        return None

    def meets(self, packet: Packet) -> None:
        return None

    def save(self) -> str:
        return " --limit 1/s"


class SetMark:
    terminal = False
    idempotent = False

    def __init__(self, clear: int, flip: int, forget: bool) -> None:
        self.clear, self.flip, self.forget = clear, flip, forget

    def changes(self) -> dict[str, tuple[int, int] | None]:
        return {"mark": None if self.forget else (self.clear, self.flip)}

    def outcomes(self, packet: Packet) -> list[Packet]:
        # An opaque match may depend on anything a target changes.
        marks = range(4) if self.forget else [packet["mark"] & ~self.clear ^ self.flip]
        return [{**packet, "mark": mark, "atom": atom} for mark in marks for atom in (0, 1)]

    def save(self) -> str:
        return f" --{self.clear}/{self.flip}/{self.forget}"


def matched(spec: RuleSpec, packet: Packet) -> bool | None:
    """True, False, or None for "may be"."""
    if (packet["src"] & spec.src_mask == spec.src) == spec.src_inv:
        return False
    if spec.iniface:
        name = packet["iniface"]
        same = name.startswith(spec.iniface[:-1]) if spec.iniface.endswith("+") else name == spec.iniface
        if same == spec.iniface_inv:
            return False
    if spec.proto and (packet["proto"] == spec.proto) == spec.proto_inv:
        return False
    answers = [match.meets(packet) for match in spec.matches]
    return False if False in answers else None if None in answers else True


Outcome = tuple[str, Packet]


class Meaning:
    """A table's meaning for single packets, every uncertain branch followed; ``hits``: the rules ever met."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.hits: set[Rule] = set()
        self._known: dict[Any, list[Outcome]] = {}

    def outcomes(self, name: str, packet: Packet, start: int = 0) -> list[Outcome]:
        """Every way the packet may leave the chain: ("", packet) back to the caller, or a verdict."""
        key = (name, start, *packet.values())
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = []
            for outcome in self._outcomes(name, packet, start):
                if outcome not in known:
                    known.append(outcome)
        return known

    def _outcomes(self, name: str, packet: Packet, start: int) -> Iterator[Outcome]:
        rules = self.table.chains[name].rules
        for at in range(start, len(rules)):
            rule = rules[at]
            spec = rule.spec
            assert spec is not None
            answer = matched(spec, packet)
            if answer is False:
                continue
            self.hits.add(rule)
            if answer is None:
                yield from self.outcomes(name, packet, at + 1)
            if spec.target is not None:
                if spec.target.terminal:
                    yield spec.jump, packet
                else:
                    for changed in spec.target.outcomes(packet):
                        yield from self.outcomes(name, changed, at + 1)
                return
            if spec.jump in ("ACCEPT", "DROP"):
                yield spec.jump, packet
                return
            if spec.jump == "RETURN":
                yield "", packet
                return
            if spec.jump:
                for verdict, after in self.outcomes(spec.jump, packet):
                    if verdict or spec.goto:
                        yield verdict, after
                    else:
                        yield from self.outcomes(name, after, at + 1)
                return
        yield "", packet


def packets(root: str, ruleset: Ruleset) -> Iterator[Packet]:
    """One packet at least of every kind that the ruleset can tell apart, as they may come to a built-in
    chain.
    """
    tested: set[str] = set()
    for _, _, _, rule in ruleset.rules():
        spec = rule.spec
        assert spec is not None
        tested |= {match.name for match in spec.matches}
        tested |= {name for name in ("src_mask", "src_inv", "iniface", "proto", "target") if getattr(spec, name)}
    either = any(isinstance(match, Ports) and match.either for _, _, _, r in ruleset.rules() for match in (r.spec or RuleSpec()).matches)
    for iniface, src, proto, dport, sport, state, mark, atom, fragment in product(
        ("",) if root == "OUTPUT" else INTERFACES if "iniface" in tested else ("lo",),
        SOURCES if tested & {"src_mask", "src_inv"} else SOURCES[:1],
        (6, 17, 1) if "proto" in tested else (6,),
        PORTS if "ports" in tested else (1,),
        PORTS if either else (9,),
        (0, *STATES) if "state" in tested else (2,),
        range(4) if tested & {"mark", "target"} else (0,),
        (0, 1) if "opaque" in tested else (0,),
        (0, 1) if "ports" in tested else (0,),
    ):
        yield {
            "iniface": iniface, "src": src, "proto": proto, "dport": dport, "sport": sport,
            "ctstate": state, "mark": mark, "atom": atom, "fragment": fragment,
        }  # fmt: skip


def point_of(space: Space, packet: Packet) -> dict[int, int]:
    """The packet's values by level."""
    point = {}
    for name in ("src", "proto", "dport", "sport", "ctstate", "fragment"):
        level = space.level(name)
        assert level is not None
        point[level] = packet[name]
    point[0] = interface_number(packet["iniface"])
    for bit in range(2):
        level = space.level(f"mark:{bit}")
        if level is not None:
            point[level] = packet["mark"] >> bit & 1
    level = space.level("-m opaque --it")
    if level is not None:
        point[level] = packet["atom"]
    return point


@st.composite
def specs(draw: st.DrawFn, chains: tuple[str, ...], marks: bool, unsure: bool) -> RuleSpec:
    spec = RuleSpec()
    kinds = draw(st.sets(st.sampled_from(["src", "in", "proto", "ports", "state", "mark", "opaque", "limit"]), max_size=3))
    flag = st.booleans()
    if "src" in kinds:
        spec.src_mask = draw(st.sampled_from([0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFF00]))
        spec.src = draw(st.sampled_from(SOURCES[:4])) & spec.src_mask
        spec.src_inv = draw(flag)
    if "in" in kinds:
        spec.iniface = draw(st.sampled_from(["lo", "eth0", "eth+", "eth1", "+"]))
        spec.iniface_inv = draw(flag)
    if "proto" in kinds:
        spec.proto = draw(st.sampled_from([6, 17]))
        spec.proto_inv = draw(flag)
    if "ports" in kinds:
        low = draw(st.integers(1, 3))
        spec.matches.append(Ports(low, draw(st.integers(low, 3)), draw(flag), draw(flag)))
    if "state" in kinds:
        spec.matches.append(State(draw(st.frozensets(st.sampled_from(STATES)))))
    if "mark" in kinds and marks:
        spec.matches.append(Mark(draw(st.integers(0, 3)), draw(st.integers(0, 3)), draw(flag)))
    if "opaque" in kinds:
        spec.matches.append(Opaque())
    if "limit" in kinds and unsure:
        spec.matches.append(Limit())
    if marks and draw(st.integers(0, 4)) == 0:
        spec.jump = "MARK"
        spec.target = SetMark(draw(st.integers(0, 3)), draw(st.integers(0, 3)), unsure and draw(flag))
    else:
        spec.jump = draw(st.sampled_from(["ACCEPT", "DROP", "RETURN", "", *chains, *chains]))
        spec.goto = spec.jump in chains and draw(st.integers(0, 3)) == 0
    return spec


@st.composite
def rulesets(draw: st.DrawFn, marks: bool = False, unsure: bool = False, rules: int = 5) -> Ruleset:
    """A filter table with INPUT, OUTPUT and up to three user chains, jumping only downwards."""
    ruleset = Ruleset(4)
    table = ruleset.tables["filter"] = Table("filter")
    users = ("one", "two", "three")
    for name, below in (
        ("INPUT", users),
        ("OUTPUT", users),
        ("one", users[1:]),
        ("two", users[2:]),
        ("three", ()),
    ):
        policy = draw(st.sampled_from(["ACCEPT", "DROP"])) if name.isupper() else None
        chain = table.chains[name] = Chain(name, policy)
        for number in range(draw(st.integers(0, rules))):
            spec = draw(specs(below, marks, unsure))
            chain.rules.append(Rule(f"{name}-{number}", spec=spec))
    return ruleset
