"""Verdicts only, for very many packets: each judged by itself, as the first of a connection nobody has seen yet.

No step is recorded, no connection remembered. Where a packet or the ruleset needs more than the tables on its way (rules
that translate addresses, change what routes depend on, look at the connection; fragments, ICMP errors, broadcast frames,
packets about to expire) the engine is asked instead, with its memory of connections cleared in between.
"""

from __future__ import annotations

from pyiptables.netfilter.compiled import CompiledChain
from pyiptables.netfilter.hooks import HOOKS
from pyiptables.netfilter.packet import Packet, Verdict
from pyiptables.netfilter.pipeline import Engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyiptables.netfilter.compiled import Code
    from pyiptables.netfilter.traverse import Unknown
    from pyiptables.ruleset import Rule, Ruleset

    #: hook, table, chain, has no rules, where it stands, shows the interface in, shows the interface out
    Place = tuple[str, str, CompiledChain, bool, int, bool, bool]

__all__ = ["Decided", "Judge"]

#: Targets that leave the packet, its connection and its way as they are.
_HARMLESS = frozenset(("", "ACCEPT", "DROP", "RETURN", "QUEUE", "REJECT", "LOG", "NFLOG", "ULOG", "AUDIT", "TRACE"))
#: Matches that look at nothing but the packet's own fields, the state of its connection and memories of their own.
_PLAIN = frozenset((
    "comment", "conntrack", "cpu", "devgroup", "dscp", "ecn", "eui64", "hashlimit", "icmp", "icmp6", "iprange", "length",
    "limit", "mac", "mark", "multiport", "physdev", "pkttype", "quota", "realm", "state", "statistic", "string", "tcp",
    "tcpmss", "time", "tos", "udp", "udplite",
))  # fmt: skip
_PATHS = {
    (True, True): ("PREROUTING", "FORWARD", "POSTROUTING"),
    (True, False): ("PREROUTING", "INPUT"),
    (False, True): ("OUTPUT", "POSTROUTING"),
}
#: Where a table stands: before connection tracking, after it, among what only the first packet of a connection sees.
_BEFORE, _AFTER, _FIRST = range(3)


class Decided:
    """What decided about a packet: ``table``, ``chain``, and ``kind`` and ``num`` as the kernel's TRACE has them.

    ``kind`` is rule, return or policy. ``rule`` is None where no rule did: at the end of a built-in chain.
    """

    __slots__ = ("chain", "kind", "num", "rule", "table")

    def __init__(self, table: str, chain: str, kind: str, num: int, rule: Rule | None) -> None:
        self.table = table
        self.chain = chain
        self.kind = kind
        self.num = num
        self.rule = rule

    def __repr__(self) -> str:
        return f"{self.table}/{self.chain} {self.kind} {self.num}"


class Judge:
    """Judges packets by a ruleset; a packet's ``iniface`` and ``outiface`` say which way it goes.

    ``Judge(ruleset).verdicts(packets)`` yields ACCEPT, DROP, REJECT or QUEUE for each packet, ``judged(packets)`` pairs of
    the verdict and what decided it. Both may be called again and again; what rules count and remember (limits, quotas)
    goes on. ``hits()`` then tells how often every rule was hit, ``counters()`` gives the ruleset with its counters, and
    ``unknown`` has the matches that the packets leave open (taken as not matching), once each. Packets that the host
    would answer with (REJECT) are not judged. Verdicts and deciders are those of the engine.
    """

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self.engine = Engine(ruleset, batch=True)
        self.unknown: list[Unknown] = []
        self._open: set[tuple[int, str]] = set()
        self._ways = {ends: self._way(hooks) for ends, hooks in _PATHS.items()} if self._is_simple() else {}
        self._states: dict[tuple[int, int, int, bool], str] = {}
        self._known: dict[Code | CompiledChain, Decided] = {}

    @property
    def simple(self) -> bool:
        """Whether ordinary packets need not go the whole way."""
        return bool(self._ways)

    def verdicts(self, packets: Iterable[Packet]) -> Iterator[str]:
        """ACCEPT, DROP, REJECT or QUEUE for each packet. Raises ValueError for one that neither comes in nor goes out."""
        for answer, _ in self.judged(packets):
            yield answer

    def judged(self, packets: Iterable[Packet]) -> Iterator[tuple[str, Decided | None]]:
        """The verdict on each packet and what decided it.

        For ACCEPT that is the last word of the filter table, or of the last table where there is no filter. None: the
        decision fell between the tables (a packet that expires), in a match, or there was no table to ask.
        Raises ValueError for a packet that neither comes in nor goes out.
        """
        ways, states, known = self._ways, self._states, self._known
        engine = self.engine
        ctx, walker = engine.ctx, engine.walker
        walk = walker.walk
        accept = Verdict.ACCEPT
        for packet in packets:
            iniface, outiface = packet.iniface, packet.outiface
            way = ways.get((iniface != "", outiface != ""))
            if (
                way is None
                or packet.frag_offset
                or packet.more_fragments
                or packet.ext_headers
                or packet.ttl <= 1
                or packet.l4 is not None
                or packet.inner is not None
                or packet.bad_checksum
                or packet.pkttype != "unicast"
                or packet.attrs
                or outiface == "lo"
            ):
                yield self._whole_way(packet)
                continue
            kind = (packet.proto, packet.tcp_flags, packet.icmp_type, iniface != "")
            state = states.get(kind) or self._state(packet, kind)
            walker.steps = None
            answer, told = "ACCEPT", ""
            decided: Code | CompiledChain | None = None
            for hook, table, chain, empty, where, shows_in, shows_out in way:
                if where == _FIRST and state != "NEW":
                    continue
                if empty:
                    chain.packets += 1
                    chain.octets += packet.length
                    verdict = chain.policy
                    last: Code | CompiledChain | None = chain
                else:
                    packet.ctstate = "INVALID" if where == _BEFORE else state
                    packet.iniface = iniface if shows_in else ""
                    packet.outiface = outiface if shows_out else ""
                    ctx.hook = hook
                    verdict = walk(chain, packet, ctx)
                    last = walker.decided
                if verdict is not accept:
                    answer = "REJECT" if ctx.rejects else verdict.name
                    ctx.rejects.clear()
                    decided = last
                    break
                if told != "filter" or table == "filter":
                    decided, told = last, table
            packet.iniface, packet.outiface, packet.ctstate = iniface, outiface, state
            if walker.unknown:
                self._keep_unknown()
            yield answer, None if decided is None else known.get(decided) or self._decided(decided)

    def hits(self) -> Iterator[tuple[str, str, int, Rule, int, int]]:
        """Every rule as (table, chain, number, rule, packets, bytes) with what it has counted here."""
        for table in self.engine.tables.values():
            for chain in table.chains.values():
                codes = chain.codes
                for num, rule in enumerate(chain.source.rules, 1):
                    code = codes.get(num)
                    yield table.name, chain.name, num, rule, *((0, 0) if code is None else (code.packets, code.octets))

    def counters(self) -> Ruleset:
        """A copy of the ruleset with the counters that the packets left."""
        return self.engine.counters()

    # -- the fast way ------------------------------------------------------------------------------------
    def _way(self, hooks: tuple[str, ...]) -> list[Place]:
        """The tables on a way, in order."""
        found: list[Place] = []
        for hook in hooks:
            where = _BEFORE
            for kind, name, chain in self.engine.plan[hook]:
                if kind == "engine" or hook in ("INPUT", "FORWARD", "POSTROUTING"):
                    where = _AFTER if name != "defragment" else where
                if chain is not None:
                    stands = _FIRST if kind == "nat" else where
                    found.append((hook, name, chain, not chain.source.rules, stands, hook in HOOKS[:3], hook in HOOKS[2:]))
        return found

    def _is_simple(self) -> bool:
        import re

        words = re.compile(r" -m (\S+)")
        beyond = re.compile(r" --ct(?!state )|SNAT|DNAT")
        for table, _, _, rule in self.ruleset.rules():
            text = " " + rule.text
            if " -m " in text:
                names = set(words.findall(text))
                if not names <= _PLAIN or ("conntrack" in names and beyond.search(text)):
                    return False
            at = text.rfind(" -j ")
            target = text[at + 4 :].split(" ", 1)[0] if at >= 0 else ""
            if target not in _HARMLESS and target not in table.chains:
                return False
        return True

    def _state(self, packet: Packet, kind: tuple[int, int, int, bool]) -> str:
        """What connection tracking makes of the first packet of this kind."""
        probe = packet.copy()
        self.engine.conntrack.track(probe, "PREROUTING" if packet.iniface else "OUTPUT", self.engine.now)
        self._states[kind] = probe.ctstate
        return probe.ctstate

    def _decided(self, by: Code | CompiledChain) -> Decided:
        if isinstance(by, CompiledChain):
            found = Decided(by.table.name, by.name, "policy", by.end, None)
        else:
            found = Decided(by.chain.table.name, by.chain.name, by.kind, by.num, by.rule)
        self._known[by] = found
        return found

    def _keep_unknown(self) -> None:
        """Keep each open match once, however many packets leave it open."""
        found = self.engine.walker.unknown
        for each in found:
            key = (id(each.code), each.match)
            if key not in self._open:
                self._open.add(key)
                self.unknown.append(each)
        found.clear()

    # -- the whole way -----------------------------------------------------------------------------------
    def _whole_way(self, packet: Packet) -> tuple[str, Decided | None]:
        if not packet.iniface and not packet.outiface:
            raise ValueError("a packet needs an interface in or out")
        engine = self.engine
        engine.forget()
        whole = packet.copy()
        trip = engine.receive(whole, packet.iniface, packet.outiface) if packet.iniface else engine.send(whole, packet.outiface)
        self._keep_unknown()
        step = trip.decided
        if step is None:
            return trip.verdict, None
        by = step.code if step.code is not None else engine.tables[step.table].chains[step.chain]
        return trip.verdict, self._known.get(by) or self._decided(by)
