"""The ways of a packet through the host: received, forwarded, delivered, made here, looped back.

The engine is pure: what it knows of the world are the ruleset, the host description, the clock it is given and a seed.
It calls what stands on each hook in order (``nf_iterate``, ``net/netfilter/core.c``), and between the hooks does what
``ip_input.c``, ``ip_forward.c`` and ``ip_output.c`` do. The host's own packets (REJECT's answers, ICMP errors, echo
replies) make trips of their own.
"""

from __future__ import annotations

from copy import copy as shallow_copy

from pyiptables.netfilter import answers
from pyiptables.netfilter.compiled import CompiledChain, CompiledTable, compile_table, loaded
from pyiptables.netfilter.connection import DST_NAT, SRC_NAT, Connection
from pyiptables.netfilter.conntrack import Conntrack, is_icmp_error
from pyiptables.netfilter.fragments import Fragments, is_fragment, leave
from pyiptables.netfilter.hooks import TABLES, TRANSLATES, plan
from pyiptables.netfilter.index import candidates
from pyiptables.netfilter.nat import Nat
from pyiptables.netfilter.packet import Context, Packet, Verdict
from pyiptables.netfilter.routing import Decision, GivenPath, Routing, is_loopback
from pyiptables.netfilter.traverse import Step, Walker
from pyiptables.netfilter.trip import Event, Trip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyiptables.netfilter.host import Host
    from pyiptables.netfilter.packet import PacketSets, Random
    from pyiptables.ruleset import Ruleset

__all__ = ["Engine"]

_STOPPED = {Verdict.QUEUE: "queued", Verdict.STOLEN: "stolen"}
#: Answers to answers to answers … end here; a real kernel ends them by silence rules.
_DEPTH = 8
#: IPPROTO_RAW: what routing rules see of a packet sent through a raw socket.
_RAW = 255
#: fe80::/10 as its first ten bits.
_LINK_LOCAL = 0x3FA
_TOO_LONG = "longer than the MTU of the device that should send it"


class Engine:
    """Sends packets through one family's ruleset on one host, one after the other.

    ``host`` None: packets say themselves where they come in and go out. ``explain`` also keeps the rules that did not
    match, with ``near`` only those where little was wrong. ``now`` (nanoseconds) may be set between packets. ``choose``
    decides what descriptions leave open. ``batch`` prepares for many packets: chains get an index. ``facts`` are attributes
    of every packet that says nothing else.
    """

    def __init__(
        self,
        ruleset: Ruleset,
        host: Host | None = None,
        *,
        explain: bool = False,
        near: bool = False,
        now: int = 0,
        rng: Random | None = None,
        sets: PacketSets | None = None,
        choose: Callable[[str, float | None], bool] | None = None,
        defragment: bool = True,
        batch: bool = False,
        facts: dict[str, Any] | None = None,
    ) -> None:
        self.ruleset = ruleset
        self.family = ruleset.family
        self.host = host
        self.now = now
        self.explain = explain
        self.defragment = defragment
        self.facts = facts or {}
        settings = {} if host is None else host.sysctl
        self.conntrack = Conntrack(self.family, settings)
        self.nat = Nat(self.conntrack)
        self.ctx = Context(
            self.family,
            host=host,
            now=now,
            rng=rng,
            nat=self.nat.setup,
            tracked=lambda flow, zone, zone_dir: self.conntrack.lookup(flow, zone, zone_dir, self.now),
            sets=sets,
            rules=lambda name: loaded(ruleset, name),
        )
        self.ctx.chooser = choose
        self.walker = Walker()
        self.walker.choose = choose
        self.walker.near = explain and near
        if batch and not explain:
            self.walker.indexed = candidates
        self.tables: dict[str, CompiledTable] = {name: compile_table(ruleset, name) for name in ruleset.tables if name in TABLES}
        #: What stands on each hook, in order; a table's chain only where there is one, nat's turn always.
        self.plan = {hook: self._standing(hook, entries) for hook, entries in plan().items()}
        self._fragments = Fragments()
        #: The host's ICMP socket is busy sending: what stops that packet cannot be complained about (icmp_xmit_lock).
        self._speaking = False
        #: Address translation has just changed where a packet goes.
        self._redirected = False
        #: TEE's copy is on its way.
        self._copying = False
        self.stack_replies = host is not None and host.stack_replies
        ignored = "net.ipv4.icmp_echo_ignore_" if self.family == 4 else "net.ipv6.icmp.echo_ignore_"
        #: Are echo requests answered: to this host alone, to all.
        self._echoes = (not settings.get(f"{ignored}all"), self.family == 6 or not settings.get(f"{ignored}broadcasts", 1))

    # -- public ------------------------------------------------------------------------------------------
    def receive(self, packet: Packet, iface: str, outiface: str = "") -> Trip:
        """A packet that arrives on an interface; ``outiface`` is for traces without a host."""
        packet.attrs.setdefault("socket_exists", False)
        if self.host is None and not outiface:
            packet.attrs["for_host"] = True
        trip = self._begin(packet)
        packet.iniface, packet.outiface = iface, ""
        path = self._path(iface, outiface)
        refused = path.refused_frame(packet)
        if refused is not None:
            self._lost(trip, refused)
        else:
            self._prerouting(trip, path)
        return self._end(trip)

    def send(self, packet: Packet, outiface: str = "") -> Trip:
        """A packet that the host makes; ``outiface`` is for traces without a host."""
        trip = self._begin(packet)
        packet.iniface = ""
        path = self._path("", outiface)
        flow = (_RAW, 0, 0) if packet.attrs.get("raw_socket") else None
        way = path.leave(packet, mark=packet.mark, flow=flow, uid=packet.attrs.get("uid") or 0)
        if way.kind == "drop":
            self._lost(trip, way.reason)
            trip.error = way.error
        elif way.cast == "broadcast" and not packet.attrs.get("broadcast"):
            self._lost(trip, "a socket must ask for broadcasting (SO_BROADCAST)")
            trip.error = "EACCES"
        elif self.host is not None and packet.attrs.get("raw_socket") and packet.length > self.host.mtu(way.iface):
            self._lost(trip, _TOO_LONG)
            trip.error = "EMSGSIZE"
        else:
            if packet.src == 0 and self.family == 4 and way.src is not None:
                packet.src = trip.first.src = way.src
                if packet.attrs.get("raw_socket") and packet.proto in (6, 17, 136):
                    # Its sender summed it up without the address that the kernel filled in.
                    packet.bad_checksum = trip.first.bad_checksum = True
            self._output(trip, path, way, by_process=True)
        return self._end(trip)

    def unsent(self, packet: Packet) -> Trip:
        """A packet that is too long for its sender's device."""
        trip = self._begin(packet)
        self._lost(trip, _TOO_LONG)
        trip.error = "EMSGSIZE"
        return self._end(trip)

    def forget(self) -> None:
        """Forget every connection, as if none had been seen; counters and what rules remember stay."""
        self.conntrack.flush()
        self.nat.flush()
        self._fragments.flush()

    def counters(self) -> Ruleset:
        """A copy of the ruleset with the counters that the packets left."""
        copy = self.ruleset.copy()
        for name, table in self.tables.items():
            for chain_name, compiled in table.chains.items():
                chain = copy.tables[name].chains[chain_name]
                chain.packets += compiled.packets
                chain.bytes += compiled.octets
                for num, code in compiled.codes.items():
                    if code.packets:
                        chain.rules[num - 1] = rule = shallow_copy(code.rule)
                        rule.packets += code.packets
                        rule.bytes += code.octets
        return copy

    def _standing(self, hook: str, entries: list[tuple[str, str]]) -> list[tuple[str, str, CompiledChain | None]]:
        found = []
        for kind, name in entries:
            chain = self.tables[name].chains.get(hook) if name in self.tables else None
            if chain is not None or kind in ("engine", "nat"):
                found.append((kind, name, chain))
        return found

    # -- trips -------------------------------------------------------------------------------------------
    def _path(self, iniface: str, outiface: str) -> Routing | GivenPath:
        return GivenPath(iniface, outiface) if self.host is None else Routing(self.host)

    def _begin(self, packet: Packet) -> Trip:
        self.ctx.now = self.now
        self.ctx.moment += 1
        if self.facts:
            packet.attrs = {**self.facts, **packet.attrs}
        trip = Trip(packet)
        self.walker.steps = trip.steps
        self.walker.unknown = trip.unknown
        if self.explain:
            trip.misses = []
        self.walker.misses = trip.misses
        return trip

    def _end(self, trip: Trip) -> Trip:
        trip.mark = trip.packet.mark
        if trip.decided is None and trip.fate in ("delivered", "forwarded", "sent") and trip.steps:
            trip.decided = next((s for s in reversed(trip.steps) if s.table == "filter"), trip.steps[-1])
        return trip

    def _own(self, trip: Trip, packet: Packet, *, src: int, iniface: str, oif: str = "", by_stack: bool = True) -> None:
        """A packet that the host sends because of ``trip``; ``by_stack``: not by a target."""
        icmp = packet.proto == (1 if packet.family == 4 else 58)
        if packet.family == 4 and packet.dst == 0:
            packet.dst = packet.src  # to nobody means to oneself
        if len(trip.replies) >= _DEPTH:
            return
        # The kernel speaks through sockets of its own, which no process has a file of; TCP over IPv6 and REJECT do without.
        socket = icmp or (packet.family == 4 and by_stack)
        packet.attrs = {**self.facts, "socket_exists": socket, "socket_file": False}
        self._speaking = icmp
        answer = Trip(packet)
        kept = self.walker.steps, self.walker.unknown, self.walker.misses
        self.walker.steps, self.walker.unknown = answer.steps, answer.unknown
        if self.explain:
            answer.misses = []
        self.walker.misses = answer.misses
        packet.iniface = ""
        path = self._path("", iniface)
        if self.host is not None and self.host.sysctl.get(f"net.ipv{self.family}.fwmark_reflect"):
            packet.mark = answer.first.mark = trip.packet.mark
        known = None if by_stack or icmp or self.family == 6 else path.flow_again(packet)
        # Over IPv6 nothing that the kernel itself sends tells the look-up its traffic class.
        tos = packet.tos if self.family == 4 else 0
        mute = src and self.family == 4 and (by_stack or icmp) and not path.is_source(src)
        way = path.leave(packet, src=src, mark=packet.mark, tos=tos, oif=oif, flow=known)
        if not mute and way.kind != "drop" and not (way.cast == "anycast" and is_icmp_error(packet)):
            if self.host is not None:
                packet.ttl = answer.first.ttl = self.host.hop_limit(self.family, way.iface)
            if packet.src == 0 and (by_stack or icmp):
                packet.src = way.src or 0
                answer.first.src = packet.src
            if way.cast == "multicast" and self.family == 4:
                packet.ttl = answer.first.ttl = 1
            trip.replies.append(answer)
            self._output(answer, path, way)
            self._end(answer)
        self._speaking = False
        self.walker.steps, self.walker.unknown, self.walker.misses = kept

    def _choose_speaker(self, answer: Packet, packet: Packet) -> None:
        """The source of an ICMPv6 error: the destination if an interface has it, whatever routes say, else preferably an address
        of the interface that the packet came by (``icmp6_send``)."""
        if self.host is None:
            return
        if answer.src and not self.host.has_address6(answer.src):
            answer.src = 0
        if answer.src == 0 and packet.iniface:
            answer.src = self.host.select_source(packet.iniface, answer.dst, 6) or 0

    def _cast_of(self, address: int) -> str:
        """anycast for the anycast addresses of this host (IPv6), else unicast."""
        if self.family == 6 and self.host is not None and self.host.address_type(address, family=6) == "ANYCAST":
            return "anycast"
        return "unicast"

    def _lost(self, trip: Trip, why: str) -> None:
        trip.fate, trip.reason, trip.why = "dropped", "stack", why

    def _event(self, trip: Trip, hook: str, what: str, **detail: Any) -> None:
        trip.events.append(Event(len(trip.steps), hook, what, detail))

    # -- the ways ----------------------------------------------------------------------------------------
    def _prerouting(self, trip: Trip, path: Routing | GivenPath, looped: bool = False) -> None:
        packet = trip.packet
        self._redirected = False
        if not self._pass("PREROUTING", trip, path):
            return
        if not looped:
            where = path.arrive(packet)
        elif self._redirected:
            where = path.arrive_anew(packet)
        else:
            where = path.arrive_again(packet) or Decision("local", cast=self._cast_of(packet.dst))
        if where.kind == "drop":
            self._lost(trip, where.reason)
            self._event(trip, "PREROUTING", "routing", dropped=where.reason)
            if where.code is not None:
                self._complain(trip, 3 if self.family == 4 else 1, where.code, where.cast)
        elif where.kind == "local":
            self._event(trip, "PREROUTING", "routing", to="local")
            self._input(trip, path, where)
        else:
            self._event(trip, "PREROUTING", "routing", to=where.iface)
            self._forward(trip, path, where)
            if looped and trip.fate == "forwarded":
                trip.fate = "sent"  # made here, although it took the way of others

    def _input(self, trip: Trip, path: Routing | GivenPath, where: Decision) -> None:
        packet = trip.packet
        if not self._pass("INPUT", trip, path, where.cast):
            return
        trip.fate = "delivered"
        if self.stack_replies and not _listens(packet):
            arrived = packet.copy()
            answer = answers.local_answer(arrived, where.cast, self._echoes)
            if answer is not None:
                if self.family == 6 and is_icmp_error(answer):
                    self._choose_speaker(answer, packet)
                unread = packet.proto not in (6, 17, 136) or (self.family == 6 and answer.icmp_type == 4)
                if unread and is_icmp_error(answer):
                    # Sockets see a packet without its connection (nf_reset_ct), the search for a protocol does not.
                    _attach(answer, packet)
                free = is_icmp_error(answer) and packet.src >> 118 != _LINK_LOCAL
                device = "" if free else path.answer_device(packet, answer)
                self._own(trip, answer, src=answer.src, iniface=packet.iniface, oif=device)

    def _forward(self, trip: Trip, path: Routing | GivenPath, way: Decision) -> None:
        packet = trip.packet
        if packet.pkttype != "unicast":
            return self._lost(trip, "a broadcast frame is not forwarded")
        if packet.ttl <= 1:
            self._lost(trip, "TTL exceeded" if packet.family == 4 else "hop limit exceeded")
            self._event(trip, "FORWARD", "ttl", expired=True)
            return self._complain(trip, 11 if packet.family == 4 else 3, 0, way.cast)
        if packet.family == 6 and way.iface != packet.iniface and (packet.src in (0, 1) or packet.src >> 118 == _LINK_LOCAL):
            if packet.src > 1:
                self._complain(trip, 1, 2, way.cast)
            return self._lost(trip, "a source address that is not forwarded")
        packet.outiface = way.iface
        mtu = self._mtu(way)
        if self.family == 6 and self.host is not None and not way.locked:
            mtu = self.host.mtu(way.iface, 6)  # that of the route counts once the packet leaves (ip6_dst_mtu_maybe_forward)
        length = min(packet.length, packet.attrs.get("largest_fragment", packet.length))
        if self._is_too_long(packet, length, mtu) and (packet.df or packet.family == 6):
            self._lost(trip, f"longer than the MTU of {way.iface} ({mtu})")
            return self._complain(trip, *((3, 4) if packet.family == 4 else (2, 0)), way.cast, rest=mtu)
        packet.ttl -= 1
        self.ctx.gateway, self.ctx.mtu = way.gateway, way.mtu
        if not self._pass("FORWARD", trip, path, way.cast) or not self._pass("POSTROUTING", trip, path, way.cast):
            return None
        if self._leaves(trip, way):
            trip.fate, trip.outiface = "forwarded", way.iface
        return None

    def _output(self, trip: Trip, path: Routing | GivenPath, way: Decision, device: str = "", by_process: bool = False) -> None:
        """``by_process``: not in answer to a packet. ``device`` is the one that the packet has already: TEE's copies show it
        as the interface in (``ip_output``)."""
        packet = trip.packet
        packet.outiface = way.iface
        self._event(trip, "OUTPUT", "routing", to=way.iface)
        self.ctx.gateway, self.ctx.mtu = way.gateway, way.mtu
        found = self._pass("OUTPUT", trip, path, way.cast, way)
        if not found:
            trip.error = way.error if by_process and way.error else None
            return None
        packet.iniface, packet.outiface = device, way.iface
        self.ctx.gateway, self.ctx.mtu = way.gateway, way.mtu
        if self.family == 4 and path.comes_back(packet, way):
            copy = self._loop_back(trip, path, way)
            if copy is not None and by_process:
                # The kernel's log tells packets apart by their order only: what follows the copy's steps counts as the copy's.
                self.walker.steps = copy.steps
        passed = self._pass("POSTROUTING", trip, path, way.cast)
        self.walker.steps = trip.steps
        if not passed:
            return None
        if self.family == 6 and path.comes_back(packet, way):
            self._loop_back(trip, path, way)
        if self.family == 6 and packet.dst >> 120 == 0xFF and packet.dst >> 112 & 15 < 2 and way.iface != "lo":
            return self._lost(trip, "a multicast scope that does not leave a host")
        if way.iface == "lo" and (not path.given or packet.dst == trip.first.dst or is_loopback(packet.dst, self.family)):
            packet.iniface, packet.outiface = "lo", ""
            packet.attrs["socket_exists"] = False
            self._speaking = False
            refused = path.refused_frame(packet) if packet.family == 6 and (packet.ext_headers or packet.src >> 120 == 0xFF) else None
            if refused is not None:
                return self._lost(trip, refused)
            return self._prerouting(trip, path, looped=True)
        if self._leaves(trip, way, cuts=not by_process):
            trip.fate, trip.outiface = "sent", way.iface
        elif by_process:
            trip.error = "EMSGSIZE"
        return None

    def _mtu(self, way: Decision) -> int:
        return way.mtu or (1500 if self.host is None else self.host.mtu(way.iface, self.family))

    def _is_too_long(self, packet: Packet, length: int, mtu: int) -> bool:
        return self.host is not None and length > mtu and not packet.attrs.get("offloaded")

    def _leaves(self, trip: Trip, way: Decision, cuts: bool = False) -> bool:
        """Cut what is too long for its way, if that may be (``ip_finish_output``, ``ip6_finish_output``). ``cuts``: an answer of the
        IPv6 stack, which may."""
        packet, mtu = trip.packet, self._mtu(way)
        whole = "fragments" not in packet.attrs
        if whole and not self._is_too_long(packet, packet.length, mtu):
            return True
        if whole and (packet.df or (self.family == 6 and not cuts)):
            self._lost(trip, f"longer than the MTU of its way ({mtu})")
            self._complain(trip, *((3, 4) if self.family == 4 else (2, 0)), way.cast, rest=mtu)
            return False
        leave(packet, mtu)
        return True

    def _loop_back(self, trip: Trip, path: Routing | GivenPath, way: Decision) -> Trip | None:
        """A copy of what the host sends to many, itself among them, passes POSTROUTING too and comes in by the same device."""
        original, copy = trip.packet, trip.packet.copy()
        copy.attrs["socket_exists"] = False
        trip.packet = copy
        passed = self._pass("POSTROUTING", trip, path, way.cast)
        trip.packet = original
        if not passed:
            trip.fate, trip.reason, trip.decided = "dropped", None, None
            return None
        copy.pkttype, copy.iniface, copy.outiface = "loopback", way.iface, ""
        if path.refused_frame(copy) is not None:
            return None
        answer = Trip(copy)
        answer.copy = "received"
        kept = self.walker.steps, self.walker.unknown, self.walker.misses
        self.walker.steps, self.walker.unknown, self.walker.misses = answer.steps, answer.unknown, answer.misses
        trip.replies.append(answer)
        speaking, self._speaking = self._speaking, False
        if self._pass("PREROUTING", answer, path):
            self._input(answer, path, Decision("local", cast=way.cast))
        self._speaking = speaking
        self._end(answer)
        self.walker.steps, self.walker.unknown, self.walker.misses = kept
        return answer

    # -- hooks -------------------------------------------------------------------------------------------
    def _pass(self, hook: str, trip: Trip, path: Routing | GivenPath, cast: str = "unicast", way: Decision | None = None) -> bool:
        """Call what stands on a hook; False when the packet ends there. ``way`` is changed by rerouting in OUTPUT."""
        packet, ctx = trip.packet, self.ctx
        ctx.hook = hook
        for kind, name, chain in self.plan[hook]:
            if kind == "engine":
                if not self._engine_callback(name, hook, trip):
                    return False
                continue
            if chain is None or kind == "nat":
                verdict = self._nat(chain, hook, trip)
                moved = way is not None and _moved(packet)
            else:
                before = _route_key(packet) if way is not None and kind == "route" else None
                verdict = self.walker.walk(chain, packet, ctx)
                moved = before is not None and before != _route_key(packet)
            if ctx.rejects or ctx.sent:
                self._side_effects(trip, hook, cast, path)
                ctx.hook = hook
            if verdict is not Verdict.ACCEPT:
                self._stopped(trip, verdict, None if chain is None else chain.table)
                return False
            if moved and way is not None and not self._reroute(trip, path, way):
                return False
        return True

    def _engine_callback(self, name: str, hook: str, trip: Trip) -> bool:
        packet = trip.packet
        if name == "track":
            if not self.conntrack.track(packet, hook, self.now):
                self._lost(trip, "connection tracking could not place it")
                return False
            if trip.ctstate is None:
                trip.ctstate = packet.ctstate
                if packet.ct is not None:
                    trip.ctdir = "REPLY" if packet.ctdir else "ORIGINAL"
        elif name == "confirm":
            if not self.conntrack.confirm(packet, self.now):
                self._lost(trip, "its tuples were taken meanwhile")
                return False
        elif self.defragment and (packet.frag_offset or packet.more_fragments or packet.ext_headers) and is_fragment(packet):
            refused = self._fragments.complete(packet, self.now)
            if refused is not None:
                self._lost(trip, refused)
                return False
            if is_fragment(packet):
                return True
            trip.first = packet.copy()
            self._event(trip, hook, "reassembled", length=packet.length)
        return True

    def _nat(self, chain: CompiledChain | None, hook: str, trip: Trip) -> Verdict:
        packet = trip.packet
        ct = packet.ct
        if ct is None:
            return Verdict.ACCEPT
        walked = len(trip.steps)
        lots = self.nat.lots
        if self.nat.wanted(packet, hook):
            if chain is not None:
                verdict = self.walker.walk(chain, packet, self.ctx)
                if verdict is not Verdict.ACCEPT:
                    return verdict
            if not self.nat.done(ct, TRANSLATES[hook]):
                verdict = self.nat.bind_null(packet, hook, self.ctx)
                if verdict is not Verdict.ACCEPT:
                    return verdict
        elif hook == "POSTROUTING" and packet.ctdir == 0 and not is_icmp_error(packet):
            if ct.extra.get("masquerade", packet.outiface) != packet.outiface:
                self.conntrack.forget(ct)
                return Verdict.DROP
        trip.lots = trip.lots or self.nat.lots > lots
        self._redirected = False
        if not ct.status & (SRC_NAT | DST_NAT) and packet.ctstate != "RELATED":
            return Verdict.ACCEPT
        before = _headers(packet)
        if not self.nat.translate(packet, hook):
            return Verdict.DROP
        after = _headers(packet)
        self._redirected = before[1] != after[1]
        if before != after:
            change = {key: new for key, old, new in zip(_HEADERS, before, after, strict=True) if old != new}
            if len(trip.steps) > walked and trip.steps[-1].code is not None:
                trip.steps[-1].effect = {**(trip.steps[-1].effect or {}), **change}
            self._event(trip, hook, "translate", **change)
        return Verdict.ACCEPT

    def _reroute(self, trip: Trip, path: Routing | GivenPath, way: Decision) -> bool:
        new = path.reroute(trip.packet, way.iface)
        if new.kind == "drop":
            self._lost(trip, f"no way out after rerouting: {new.reason}")
            way.error = new.error
            return False
        if new.iface != way.iface:
            self._event(trip, "OUTPUT", "rerouted", to=new.iface)
        way.iface, way.gateway, way.src, way.cast, way.mtu = new.iface, new.gateway, new.src, new.cast, new.mtu
        return True

    def _stopped(self, trip: Trip, verdict: Verdict, table: CompiledTable | None) -> None:
        if verdict in _STOPPED:
            trip.fate = _STOPPED[verdict]
            trip.decided = trip.steps[-1] if trip.steps else None
            return
        if trip.fate == "rejected":
            return
        self._lost(trip, "")
        last = trip.steps[-1] if trip.steps else None
        if last is None or table is None or last.table != table.name:
            return
        if _drops(last, table):
            trip.reason = "rule" if last.code is not None else "policy"
            trip.decided = last
        else:
            trip.why = "no mapping was possible" if table.name == "nat" else "a match or target gave it up"

    # -- the host's own packets --------------------------------------------------------------------------
    def _side_effects(self, trip: Trip, hook: str, cast: str, path: Routing | GivenPath) -> None:
        """Send what targets asked for while a table was walked."""
        ctx = self.ctx
        copies, ctx.sent = ctx.sent, []
        refused, ctx.rejects = ctx.rejects, []
        for kind, packet, detail in copies:
            if kind == "tee":
                self._tee(trip, hook, packet, detail)
            else:
                self._shake(trip, packet, detail)
        for reject in refused:
            trip.fate = "rejected"
            trip.decided = trip.steps[-1] if trip.steps else None
            if reject.kind == "tcp-reset":
                answer = answers.reset(reject.packet, cast)
                if answer is not None:
                    _attach(answer, reject.packet)
                    if reject.packet.ct is not None:
                        self.conntrack.close(reject.packet.ct, self.now)
                    self._own(trip, answer, src=answer.src, iniface=reject.packet.iniface, by_stack=False)
            elif answers.checksum_holds(reject.packet):
                self._complain(trip, reject.type, reject.code, cast, delivered=hook == "INPUT")

    def _shake(self, trip: Trip, packet: Packet, offered: dict[str, Any]) -> None:
        """SYNPROXY answers for the server (``synproxy_send_client_synack``)."""
        answer = answers.handshake(packet, offered)
        if packet.ct is not None:
            answer.ct, answer.ctstate, answer.ctdir = packet.ct, "ESTABLISHED", 1
        self._own(trip, answer, src=answer.src, iniface=packet.iniface, by_stack=False)

    def _tee(self, trip: Trip, hook: str, packet: Packet, detail: dict[str, Any]) -> None:
        """TEE's copy: untracked, one hop less where the packet had not been forwarded yet (``nf_dup_ipv4.c``).

        A copy is not copied again (``nf_skb_duplicated``).
        """
        if self._copying:
            return
        packet.ct = None
        packet.ctstate = "UNTRACKED"
        packet.attrs["socket_exists"] = False
        if hook in ("PREROUTING", "INPUT"):
            packet.ttl = packet.ttl - 1 & 0xFF
        gateway = Packet(packet.family, packet.src, int(detail.get("gateway", packet.dst)), packet.proto)
        path = self._path("", str(detail.get("oif") or packet.outiface or packet.iniface))
        # For IPv6 the flow label is told in the wrong byte order, and so lands where the traffic class is read.
        tos = packet.tos if self.family == 4 else packet.flow_label << 4 & 0xF0 | packet.flow_label >> 12 & 0xF
        way = path.leave(gateway, tos=tos, oif=str(detail.get("oif") or ""))
        if way.kind == "drop":
            return
        answer = Trip(packet)
        answer.copy = "sent"
        kept = self.walker.steps, self.walker.unknown, self.walker.misses
        self.walker.steps, self.walker.unknown, self.walker.misses = answer.steps, answer.unknown, answer.misses
        packet.iniface = ""
        trip.replies.append(answer)
        self._copying = True
        self._output(answer, path, way, device=way.iface)
        self._copying = False
        self._end(answer)
        self.walker.steps, self.walker.unknown, self.walker.misses = kept

    def _complain(self, trip: Trip, type: int, code: int, cast: str, rest: int = 0, delivered: bool = False) -> None:
        """Send an ICMP error about the packet as it stands. ``delivered``: a route, of whatever table, says it is for the host."""
        packet = trip.packet
        if self._speaking:
            return
        local = delivered or self.host is None or self.host.is_local(packet.dst, packet.family)
        answer = answers.icmp_error(packet, type, code, cast, rest=rest, local=local)
        if answer is not None:
            _attach(answer, packet)
            if packet.family == 4 and not local and self.host is not None and packet.iniface:
                if self.host.sysctl.get("net.ipv4.icmp_errors_use_inbound_ifaddr"):
                    answer.src = self.host.select_source(packet.iniface, packet.src, 4) or 0
            if packet.family == 6:
                self._choose_speaker(answer, packet)
            device = packet.iniface if packet.family == 6 and packet.src >> 118 == _LINK_LOCAL else ""
            self._own(trip, answer, src=answer.src, iniface=packet.iniface, oif=device)


def _listens(packet: Packet) -> bool:
    """Is there said to be a program that takes it?"""
    return packet.proto in (6, 17) and packet.attrs.get("socket") is not None


def _attach(answer: Packet, packet: Packet) -> None:
    """The answer belongs to the packet's connection, the other way (``nf_conntrack_attach``)."""
    ct: Connection | None = packet.ct
    if ct is not None:
        answer.ct = ct
        answer.ctstate = "RELATED"
        answer.ctdir = 1 - packet.ctdir
    elif packet.ctstate == "UNTRACKED":
        # The mark of the untracked is passed on, but no longer means it: raw rules leave the answer alone.
        answer.template = {}


def _moved(packet: Packet) -> bool:
    """Does the connection send this packet elsewhere than it was headed (``nf_nat_ipv4_local_fn``)?"""
    ct = packet.ct
    return ct is not None and ct.tuple(packet.ctdir)[2] != ct.tuple(1 - packet.ctdir)[0]


def _route_key(packet: Packet) -> tuple[int, ...]:
    """What ``ipt_mangle_out`` and ``ip6t_mangle_out`` compare."""
    if packet.family == 4:
        return (packet.src, packet.dst, packet.mark, packet.tos)
    return (packet.src, packet.dst, packet.mark, packet.tos, packet.ttl, packet.flow_label)


_HEADERS = ("src", "dst", "sport", "dport", "icmp_id")


def _headers(packet: Packet) -> tuple[int, ...]:
    return (packet.src, packet.dst, packet.sport, packet.dport, packet.icmp_id)


def _drops(step: Step, table: CompiledTable) -> bool:
    if step.code is not None:
        return step.code.verdict is Verdict.DROP
    return step.kind == "policy" and table.chains[step.chain].policy is Verdict.DROP
