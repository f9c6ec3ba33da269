"""A packet's walk through one table: ``ipt_do_table`` (``net/ipv4/netfilter/ip_tables.c``).

The walker knows rules, chains, the jump stack, counters, and how the kernel's TRACE numbers what it sees; it knows no
hook and no table by name. A step is recorded when a rule's tests hold, before its target acts. Falling off a chain is a
step too: ``return`` in a user chain, ``policy`` in a built-in one, numbered one past the last rule.
"""

from __future__ import annotations

from pyiptables.netfilter.compiled import Code, CompiledChain, Path, header_tests, test_holds
from pyiptables.netfilter.packet import Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from pyiptables.netfilter.compiled import Flat
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import Rule

__all__ = ["Miss", "Step", "Unknown", "Walker", "header_text"]

_WITH_PORTS = frozenset((6, 17, 132, 136))
#: So many paths are kept for each built-in chain.
_PATHS = 50_000
#: Deeper than any chain of jumps that a kernel accepts.
_STACK_LIMIT = 10_000


class Step:
    """One line of the kernel's TRACE. ``kind`` is rule, return or policy; ``code`` the rule, None at a chain's end.

    ``policy`` is that of the chain where its end decided, else None.
    """

    __slots__ = (
        "chain", "code", "dport", "dst", "effect", "hook", "iniface", "inner", "kind", "length", "mark", "num", "outiface",
        "owned", "policy", "sport", "src", "table", "tcp_flags", "tcp_options", "tos", "ttl",
    )  # fmt: skip

    def __init__(self, ctx: Context, chain: str, kind: str, num: int, packet: Packet, code: Code | None) -> None:
        self.hook = ctx.hook
        self.table = ctx.table
        self.chain = chain
        self.kind = kind
        self.num = num
        self.code = code
        self.iniface = packet.iniface
        self.outiface = packet.outiface
        self.src = packet.src
        self.dst = packet.dst
        self.inner = packet.inner
        self.length = packet.length
        self.tcp_flags = packet.tcp_flags
        self.tcp_options = packet.tcp_options
        self.owned = packet.attrs.get("socket_exists", True)
        if packet.proto in _WITH_PORTS and not packet.frag_offset and not packet.lacks(8) and not packet.hidden_by:
            self.sport = packet.sport
            self.dport = packet.dport
        else:
            self.sport = self.dport = -1
        self.ttl = packet.ttl
        self.tos = packet.tos
        self.mark = packet.mark
        self.effect: dict[str, Any] | None = None
        self.policy: str | None = None

    @property
    def rule(self) -> Rule | None:
        return self.code.rule if self.code is not None else None


class Miss:
    """A rule that did not match: ``failed`` are the tests that failed, in rule syntax, the first one first."""

    __slots__ = ("chain", "code", "failed", "hook", "num", "table")

    def __init__(self, ctx: Context, chain: str, code: Code, failed: list[str]) -> None:
        self.hook = ctx.hook
        self.table = ctx.table
        self.chain = chain
        self.num = code.num
        self.code = code
        self.failed = failed


class Unknown:
    """A match that the description does not decide, and what was assumed."""

    __slots__ = ("assumed", "chain", "code", "hook", "match", "num", "reason", "table")

    def __init__(self, ctx: Context, code: Code, match: str, reason: str, assumed: bool) -> None:
        self.hook = ctx.hook
        self.table = ctx.table
        self.chain = ctx.chain
        self.num = code.num
        self.code = code
        self.match = match
        self.reason = reason
        self.assumed = assumed


class Walker:
    """Walks packets through tables and keeps what it saw.

    ``steps``, ``misses``, ``unknown`` collect; any of ``steps`` and ``misses`` may be None to leave it out. ``choose`` decides
    what a description leaves open (default: does not match). ``decided`` is the rule that gave the last verdict, the chain
    where its policy did, None where a match dropped the packet. With ``near``, ``misses`` has only rules that are worth a
    closer look: where at most one header test failed.
    """

    __slots__ = ("_plain", "choose", "decided", "indexed", "misses", "near", "steps", "unknown")

    def __init__(self) -> None:
        self.steps: list[Step] | None = []
        self.misses: list[Miss] | None = None
        self.near = False
        self.unknown: list[Unknown] = []
        self.choose: Callable[[str, float | None], bool] | None = None
        self.decided: Code | CompiledChain | None = None
        #: Finds a faster way to the rules of a chain that may match, for batches (``index.py``).
        self.indexed: Callable[[CompiledChain], Callable[[Packet], Iterator[Flat]]] | None = None
        #: Whether a walk has seen nothing but tests of the packet's fields, and verdicts.
        self._plain = True

    def walk(self, base: CompiledChain, packet: Packet, ctx: Context) -> Verdict:
        """The verdict of a built-in chain: ACCEPT, DROP, QUEUE, STOLEN or REPEAT.

        In batches, packets that are the same to all rules on their way take the path that the first of them found.
        """
        if self.indexed is None or packet.frag_offset or packet.l4 is not None:
            return self._walk(base, packet, ctx)
        path = base.paths.get(base.table.key(packet))
        if path is None:
            return self._explore(base, packet, ctx)
        length = packet.length
        for code in path.codes:
            code.packets += 1
            code.octets += length
        decided = self.decided = path.decided
        if decided is base:
            base.packets += 1
            base.octets += length
        steps = self.steps
        if steps is not None:
            ctx.table = base.table.name
            for chain, kind, num, rule in path.steps:
                steps.append(Step(ctx, chain, kind, num, packet, rule))
            if decided is base:
                steps[-1].policy = base.policy.name
        return path.verdict

    def _explore(self, base: CompiledChain, packet: Packet, ctx: Context) -> Verdict:
        """Walk, and keep the path for others if it is a plain one."""
        kept = self.steps
        found: list[Step] = []
        self.steps, self._plain = found, True
        verdict = self._walk(base, packet, ctx)
        self.steps = kept
        if kept is not None:
            kept += found
        if self._plain:
            if len(base.paths) >= _PATHS:
                base.paths.clear()
            steps = [(step.chain, step.kind, step.num, step.code) for step in found]
            base.paths[base.table.key(packet)] = Path(steps, self.decided, verdict)
        return verdict

    def _walk(self, base: CompiledChain, packet: Packet, ctx: Context) -> Verdict:
        """Go from rule to rule."""
        ctx.table = base.table.name
        ctx.hotdrop = False
        self.decided = None
        chain = base
        steps = self.steps
        explaining, near = self.misses is not None, self.near
        stack: list[tuple[CompiledChain, Iterator[Flat]]] = []
        current = chain.way(packet) if chain.way is not None else self._enter(chain, packet)
        src, dst, proto, iniface, outiface = packet.src, packet.dst, packet.proto, packet.iniface, packet.outiface
        while True:
            for smask, saddr, dmask, daddr, wanted, iniface_, outiface_, num in current:
                if (
                    src & smask != saddr
                    or dst & dmask != daddr
                    or (wanted and wanted != proto)
                    or (iniface_ and iniface_ != iniface)
                    or (outiface_ and outiface_ != outiface)
                ):
                    if near:
                        wrong = (src & smask != saddr) + (dst & dmask != daddr) + bool(wanted and wanted != proto)
                        wrong += bool(iniface_ and iniface_ != iniface) + bool(outiface_ and outiface_ != outiface)
                        if wrong == 1 and not _for_another_port(chain.source.rules[num - 1].text, packet):
                            self._holds(chain.codes.get(num) or chain.code(num), chain, packet, ctx)
                    continue
                code = chain.codes.get(num) or chain.code(num)
                if (code.more or explaining) and not self._holds(code, chain, packet, ctx):
                    if ctx.hotdrop:
                        return Verdict.DROP
                    continue
                code.packets += 1
                code.octets += packet.length
                if steps is not None:
                    steps.append(Step(ctx, chain.name, code.kind, code.num, packet, code))
                if ctx.hotdrop:
                    if code.target is not None:
                        self._act(code, chain, packet, ctx)
                    return Verdict.DROP
                if code.target is not None:
                    verdict = self._act(code, chain, packet, ctx)
                    if verdict is Verdict.CONTINUE:
                        if packet.src != src or packet.dst != dst:
                            src, dst = packet.src, packet.dst
                            current = iter((chain.explained() if explaining and not near else chain.entries())[num:])
                            break
                        continue
                elif code.jump is not None:
                    if not code.spec.goto:
                        if len(stack) >= _STACK_LIMIT:
                            return Verdict.DROP
                        stack.append((chain, current))
                    chain = code.jump
                    current = chain.way(packet) if chain.way is not None else self._enter(chain, packet)
                    break
                else:
                    assert code.verdict is not None
                    verdict = code.verdict
                if verdict is Verdict.CONTINUE:
                    continue
                if verdict is not Verdict.RETURN:
                    self.decided = code
                    return verdict
                if not stack:
                    return self._policy(base, packet, ctx)
                chain, current = stack.pop()
                break
            else:
                if chain is base and not stack:
                    return self._policy(base, packet, ctx)
                if steps is not None:
                    steps.append(Step(ctx, chain.name, "return", chain.end, packet, None))
                if not stack:
                    return self._policy(base, packet, ctx)
                chain, current = stack.pop()

    def _enter(self, chain: CompiledChain, packet: Packet) -> Iterator[Flat]:
        if self.misses is not None and not self.near:
            return iter(chain.explained())
        if self.indexed is not None:
            chain.way = self.indexed(chain)
            return chain.way(packet)
        return chain.entries_in_turn()

    def _policy(self, chain: CompiledChain, packet: Packet, ctx: Context) -> Verdict:
        chain.packets += 1
        chain.octets += packet.length
        self.decided = chain
        if self.steps is not None:
            step = Step(ctx, chain.name, "policy", chain.end, packet, None)
            step.policy = chain.policy.name
            self.steps.append(step)
        return chain.policy

    def _holds(self, code: Code, chain: CompiledChain, packet: Packet, ctx: Context) -> bool:
        ctx.chain = chain.name
        ctx.rulenum = code.num
        if self.misses is not None:
            failed = self._failures(code, packet, ctx)
            if failed:
                self.misses.append(Miss(ctx, chain.name, code, failed))
            return not failed
        if code.odd and not code.odd_holds(packet):
            return False
        if not code.plain:
            self._plain = False
        for match in code.matches:
            answer = match.matches(packet, ctx)
            if answer is None:
                answer = self._assume(code, match, ctx)
            if not answer:
                return False
        return True

    def _assume(self, code: Code, match: Any, ctx: Context) -> bool:
        reason = "; ".join(ctx.reasons) or f"{match.name} cannot be decided"
        ctx.reasons.clear()
        self._plain = False
        assumed = False if self.choose is None else self.choose(f"-m {match.name}{match.save()}", None)
        self.unknown.append(Unknown(ctx, code, f"-m {match.name}{match.save()}", reason, assumed))
        return assumed

    def _failures(self, code: Code, packet: Packet, ctx: Context) -> list[str]:
        """Every test that fails; tests with a memory are asked only while nothing failed, as in the kernel."""
        failed = [header_text(test, code.family) for test in header_tests(code) if not test_holds(test, packet)]
        for match in code.matches:
            if failed and not match.deterministic:
                continue
            answer = match.matches(packet, ctx)
            if answer is None:
                answer = self._assume(code, match, ctx) if not failed else True
            ctx.reasons.clear()
            if ctx.hotdrop and not failed and not answer:
                return [f"-m {match.name}{match.save()}"]
            if ctx.hotdrop and failed:
                # The kernel would not have asked this match.
                ctx.hotdrop = False
            elif not answer:
                failed += _failed_options(match, packet, ctx)
        return failed

    def _act(self, code: Code, chain: CompiledChain, packet: Packet, ctx: Context) -> Verdict:
        ctx.chain = chain.name
        ctx.rulenum = code.num
        self._plain = False
        if self.steps is None:
            verdict: Verdict = code.target.apply(packet, ctx)
            ctx.notes.clear()
            return verdict
        before = _facts(packet)
        verdict = code.target.apply(packet, ctx)
        after = _facts(packet)
        if before != after or ctx.notes:
            effect = {k: new for k, old, new in zip(_FACTS, before, after, strict=True) if old != new}
            effect.update(ctx.notes)
            ctx.notes.clear()
            self.steps[-1].effect = effect
        if ctx.reasons:
            reason = "; ".join(ctx.reasons)
            ctx.reasons.clear()
            self.unknown.append(Unknown(ctx, code, f"-j {code.target.name}", reason, True))
        return verdict


_FACTS = (
    "src", "dst", "sport", "dport", "ttl", "tos", "mark", "priority", "length", "flow_label", "tcp_options", "secmark",
    "ctstate", "ctmark", "ctsecmark", "ctlabels",
)  # fmt: skip


def _facts(packet: Packet) -> tuple[Any, ...]:
    ct = None if packet.template else packet.ct
    known = (None, None, None) if ct is None else (ct.mark, ct.secmark, ct.labels)
    state = packet.ctstate if ct is not None or packet.ct is None else "INVALID"
    return (
        packet.src, packet.dst, packet.sport, packet.dport, packet.ttl, packet.tos, packet.mark, packet.priority,
        packet.length, packet.flow_label, packet.tcp_options, packet.secmark, state, *known,
    )  # fmt: skip


def _for_another_port(text: str, packet: Packet) -> bool:
    """Does a rule's text say another destination port than the packet has? Saves typing rules that fail twice."""
    at = text.find(" --dport ")
    if at < 0 or packet.proto not in _WITH_PORTS or text.endswith(" !", 0, at):
        return False
    word = text[at + 9 :].split(" ", 1)[0]
    return word.isdigit() and int(word) != packet.dport


#: Matches whose options are tests of their own, so that a near miss can name just one.
_SEPARABLE = frozenset(("tcp", "udp", "udplite", "sctp", "dccp", "ah", "esp", "conntrack"))


def _failed_options(match: Any, packet: Packet, ctx: Context) -> list[str]:
    """Which options of a failed match fail on their own; the whole match when that cannot be told."""
    if match.name in _SEPARABLE and len(match.values) > 1:
        found = []
        for name, value in match.values.items():
            alone = type(match)(match.family)
            alone.values = {name: value}
            alone.inverted = match.inverted & {name}
            if alone.matches(packet, ctx) is False:
                found.append(f"-m {match.name}{alone.save()}")
        if found:
            return found
    return [f"-m {match.name}{match.save()}"]


def header_text(test: tuple[str, Any, bool], family: int) -> str:
    """A header test in rule syntax."""
    from pyiptables.xtables.addresses import address_text, mask_prefix
    from pyiptables.xtables.names import chain_protocol_name

    what, value, inverted = test
    mark = "! " if inverted else ""
    if what in "sd":
        length = mask_prefix(value[1], family)
        return f"{mark}-{what} {address_text(value[0], family)}/{address_text(value[1], family) if length is None else length}"
    if what == "p":
        return f"{mark}-p {chain_protocol_name(value) or value}"
    return f"{mark}-f" if what == "f" else f"{mark}-{what} {value}"
