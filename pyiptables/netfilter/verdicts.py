"""Verdicts only, for very many packets: each judged by itself, as the first of a connection nobody has seen yet.

No step is recorded, no connection remembered, no counter kept beyond the rules'. Where that would not be the same as the
whole way (rules that translate addresses, change what routes depend on, or give the connection something to remember) the
engine is asked for each packet instead, with its memory cleared in between.
"""

from __future__ import annotations

from pyiptables.netfilter.hooks import HOOKS
from pyiptables.netfilter.packet import Packet, Verdict
from pyiptables.netfilter.pipeline import Engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyiptables.netfilter.compiled import CompiledTable
    from pyiptables.ruleset import Ruleset

__all__ = ["Judge"]

#: Targets that leave the packet, its connection and its way as they are.
_HARMLESS = frozenset(("", "ACCEPT", "DROP", "RETURN", "REJECT", "LOG", "NFLOG", "ULOG", "AUDIT", "TRACE"))
_PATHS = {
    (True, True): ("PREROUTING", "FORWARD", "POSTROUTING"),
    (True, False): ("PREROUTING", "INPUT"),
    (False, True): ("OUTPUT", "POSTROUTING"),
}


class Judge:
    """Judges packets by a ruleset; a packet's ``iniface`` and ``outiface`` say which way it goes."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self.engine = Engine(ruleset, batch=True)
        self.engine.walker.steps = None
        self.simple = self._is_simple()
        self._ways = {ends: self._way(hooks) for ends, hooks in _PATHS.items()}

    def verdicts(self, packets: Iterable[Packet]) -> Iterator[str]:
        """ACCEPT, DROP, REJECT or QUEUE for each packet. Raises ValueError for one that neither comes in nor goes out."""
        if not self.simple:
            yield from map(self._whole_way, packets)
            return
        ways, ctx = self._ways, self.engine.ctx
        walk = self.engine.walker.walk
        accept = Verdict.ACCEPT
        for packet in packets:
            way = ways.get((packet.iniface != "", packet.outiface != ""))
            if way is None:
                raise ValueError("a packet needs an interface in or out")
            packet.ctstate = "NEW"
            iniface, outiface = packet.iniface, packet.outiface
            answer = "ACCEPT"
            for hook, table, shows_in, shows_out in way:
                ctx.hook = hook
                packet.iniface = iniface if shows_in else ""
                packet.outiface = outiface if shows_out else ""
                verdict = walk(table, hook, packet, ctx)
                if verdict is not accept:
                    answer = "REJECT" if ctx.rejects else verdict.name
                    ctx.rejects.clear()
                    break
            packet.iniface, packet.outiface = iniface, outiface
            yield answer

    def _way(self, hooks: tuple[str, ...]) -> list[tuple[str, CompiledTable, bool, bool]]:
        """The tables on a way that can say anything but ACCEPT or count something."""
        found = []
        for hook in hooks:
            for kind, name in self.engine.plan[hook]:
                table = self.engine.tables.get(name)
                if kind in ("engine", "nat") or table is None or hook not in table.chains:
                    continue
                chain = table.chains[hook]
                if chain.source.rules or chain.policy is not Verdict.ACCEPT:
                    found.append((hook, table, hook in HOOKS[:3], hook in HOOKS[2:]))
        return found

    def _is_simple(self) -> bool:
        from pyiptables.syntax.rule import typed

        for table, _, _, rule in self.ruleset.rules():
            at = rule.text.rfind("-j ")
            target = rule.text[at + 3 :].split(" ", 1)[0] if at >= 0 else ""
            if target in _HARMLESS or target in table.chains:
                continue
            if typed(rule, self.ruleset.family).target is not None:
                return False
        return True

    def _whole_way(self, packet: Packet) -> str:
        engine = self.engine
        engine.conntrack.flows.clear()
        engine.conntrack.by_source.clear()
        iniface, outiface = packet.iniface, packet.outiface
        whole = packet.copy()
        trip = engine.receive(whole, iniface, outiface) if iniface else engine.send(whole, outiface)
        engine.walker.steps = None
        return trip.verdict
