"""Plays packets as they are described, one after the other, and answers in the words of the kernel's own trace.

What a description may say is in ``description``, and beside it where the packet comes from (``from``, ``in``, ``out``), when
(``at``), and which earlier packet it answers or is about (``reply_to``, ``related_to``, ``expected_by``). The documents that
such descriptions stand in are read by ``tools.scenario``, which has the whole list.
"""

from __future__ import annotations

from pyiptables.netfilter.conntrack import Expectation
from pyiptables.netfilter.conntrack_list import ConntrackError, read_connections
from pyiptables.netfilter.description import KEYS, OF_PROTOCOL, PacketError, describe, packet_of, protocol_number
from pyiptables.netfilter.host import Host
from pyiptables.netfilter.ipsets import IpSetError, IpSets
from pyiptables.netfilter.pipeline import Engine
from pyiptables.netfilter.routing import Routing
from pyiptables.netfilter.wire import size
from pyiptables.xtables.addresses import ALL_ONES, address_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from pyiptables.netfilter.packet import Packet
    from pyiptables.netfilter.traverse import Step
    from pyiptables.netfilter.trip import Trip
    from pyiptables.ruleset import Ruleset

    Json = dict[str, Any]

__all__ = ["Player", "ScenarioError", "ending_json", "left", "resolve", "step_json", "trip_json", "unknown_json"]

_SIDES = {"a": "eth0", "b": "eth1"}
_IFACES = {"eth0": "a", "eth1": "b"}
_SELF = ("fw", "host")
_STATES = ("NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED")
_REFERENCES = {"reply_to", "related_to"}
#: Link addresses of the default host and its neighbours, as the scenario's network has them.
_MACS = {"a": "02000000000a", "b": "02000000010b"}
_OWN_MACS = {"eth0": "020000000001", "eth1": "020000000101"}
_ANSWERS = {8: 0, 128: 129, 13: 14, 17: 18}
_SECOND = 1_000_000_000
_IFNAMSIZ = 16
#: 2024-01-01T00:00:00Z: when a scenario starts unless it says ``start``.
_EPOCH = 1_704_067_200 * _SECOND


#: Protocols that have keys of their own: ICMP, TCP, UDP, ICMPv6, UDP-Lite.
_DESCRIBED = (1, 6, 17, 58, 136)
_BODIES = frozenset(("payload", "payload_hex", "payload_known", "l4"))
_KEYS = KEYS | {"from", "in", "out", "at", "at_relative", "ctstate", "reply_to", "related_to", "expected_by"}
#: Keys that say which protocol was meant.
_TELLING = frozenset(("flags", "window", "mss", "tcp_options"))


class ScenarioError(ValueError):
    """A scenario that cannot be played; the text says where."""


class Player:
    """Plays packets one after the other through an engine; later packets may refer to earlier ones."""

    def __init__(self, ruleset: Ruleset, host: Json | Host | None, *, conntrack: str = "", ipset: str = "", **options: Any) -> None:
        self.host = Host.from_json(host) if isinstance(host, dict) else host
        self.start = options.setdefault("now", _EPOCH)
        self.family = ruleset.family
        if self.host is not None:
            conntrack, ipset = conntrack or self.host.conntrack, ipset or self.host.ipset
        if ipset:
            try:
                options["sets"] = IpSets.read(ipset, self.start)
            except IpSetError as error:
                raise ScenarioError(f"ipset: {error}") from error
        self.engine = Engine(ruleset, self.host, **options)
        try:
            for connection in read_connections(conntrack, self.family, self.start):
                self.engine.conntrack.insert(connection)
        except ConntrackError as error:
            raise ScenarioError(f"conntrack: {error}") from error
        self.delay = 0
        self.trips: list[Trip] = []
        self._sent: list[Json] = []
        self._answers: list[Json] = []
        self.local = frozenset(
            address_text(address.value, address.family)
            for interface in (self.host.interfaces.values() if self.host is not None else ())
            for address in interface.addresses
        )

    @property
    def answers(self) -> list[Json]:
        """What came of each packet so far, in the words of the kernel's trace."""
        for at in range(len(self._answers), len(self.trips)):
            self._answers.append({"sent": self._sent[at], **trip_json(self.trips[at])})
        return self._answers

    def play(self, packet: Json) -> Trip:
        """One packet. Raises ScenarioError for a description that cannot be."""
        index = len(self.trips)
        try:
            if not packet.keys() <= _KEYS:
                _check_keys(packet)
            sent = resolve(packet, self.answers, self.family, self.local) if packet.keys() & _REFERENCES else dict(packet)
            sent.setdefault("id", 0x1000 + index)
            if "at" in sent:
                self._clock(sent["at"], bool(sent.get("at_relative")))
            crafted = sent.get("from") in (*_SIDES, *_SELF)
            built = packet_of(_crafted(sent) if crafted else sent, self.family)
            if crafted:
                _as_if_whole(built)
            elif not sent.keys() & _BODIES and _carries(built):
                built.attrs["payload_open"] = True
            if "expected_by" in sent:
                self._expect(sent["expected_by"], built)
            trip = self._go(sent, built)
        except (PacketError, KeyError, TypeError, IndexError, AttributeError) as error:
            text = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise ScenarioError(f"packet {index + 1}: {text}") from error
        self._sent.append(sent)
        self.trips.append(trip)
        return trip

    def concrete(self, packet: Json) -> Json:
        """The description that was just played, with what its reference to an earlier packet stands for."""
        return {**self._sent[-1], **packet} if packet.keys() & _REFERENCES else packet

    def play_next(self, packet: Json) -> Trip:
        """One packet after the scenario's delay."""
        self.engine.now += self.delay
        return self.play(packet)

    def ends(self, packet: Packet, sent: bool, iface: str, outiface: str) -> tuple[str, str]:
        """Interfaces in and out of a captured packet: given for the first of a flow, the other way round for one ``sent`` back.

        A host's routing decides about the way out; what comes from an address of its own is made there.
        """
        if self.host is None:
            return (outiface, iface) if sent else (iface, outiface)
        if self.host.is_local(packet.src, self.family):
            return "", ""
        if iface and not sent:
            return iface, ""
        try:
            return self._towards(packet), ""
        except PacketError as error:
            if iface:
                return iface, ""
            raise ScenarioError(f"{address_text(packet.src, self.family)}: {error}") from error

    def note_offloading(self, packet: Packet, iface: str) -> None:
        """A TCP packet longer than its device takes is several segments that a capture shows as the one that the host sees."""
        if self.host is None or packet.proto != 6:
            return
        names = [iface] if iface else self.host.interfaces
        if packet.length > min([self.host.mtu(name, self.family) for name in names], default=packet.length):
            packet.attrs["offloaded"] = True

    def push(self, packet: Packet, iface: str, outiface: str, at: float) -> Trip:
        """A packet that is there already, of a capture; nothing can refer to it, and nothing of it is kept."""
        self.engine.now = max(self.engine.now, self.start + round(at * _SECOND))
        if iface:
            _link_layer(packet, self.host, iface)
            return self.engine.receive(packet, iface, outiface)
        return self.engine.send(packet, outiface)

    def _clock(self, at: Any, relative: bool) -> None:
        """Set the clock to seconds after the start (or after now), or to a date."""
        if isinstance(at, str) and "-" in at:
            from datetime import UTC, datetime

            try:
                when = datetime.fromisoformat(at)
            except ValueError:
                raise PacketError(f"at {at!r} is no date") from None
            self.engine.now = max(self.engine.now, round((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()) * _SECOND)
            return
        base = self.engine.now if relative else self.start
        try:
            self.engine.now = max(self.engine.now, base + round(float(at) * _SECOND))
        except (ValueError, OverflowError):
            raise PacketError(f"at {at!r} is no time") from None

    def _expect(self, number: Any, built: Packet) -> None:
        """The helper of an earlier packet's connection expects this one (``nf_ct_expect_related``)."""
        if not isinstance(number, int) or not 0 <= number < len(self.trips):
            raise PacketError(f"expected_by {number}: there is no such packet before")
        master = self.trips[number].packet.ct
        if master is None:
            raise PacketError(f"expected_by {number}: that packet has no connection")
        helper = str(built.attrs.pop("helper", ""))
        if helper:
            master.helper = helper
        self.engine.conntrack.expectations.append(Expectation(built.proto, built.src, built.dst, built.dport, master))

    def _go(self, sent: Json, built: Packet) -> Trip:
        origin = sent.get("from")
        if origin is not None and not isinstance(origin, str):
            raise PacketError(f"from {origin!r} is no side: a, b, fw or an interface")
        iface = str(sent.get("in") or _SIDES.get(str(origin), ""))
        if origin is not None and origin not in _SELF and origin not in _SIDES:
            iface = iface or str(origin)
        out = str(sent.get("out") or "")
        for name in (iface, out):
            if len(name) >= _IFNAMSIZ:
                raise PacketError(f"no interface has a name as long as {name!r}")
        if self.host is None:
            if not iface and not out:
                raise PacketError("where does it come in or go out? Say in, out or both, or describe the host")
        else:
            if not iface and origin is None and not out and not self.host.is_local(built.src, self.family):
                iface = sent["in"] = self._towards(built)
            for name in (iface, out):
                if name and name not in self.host.interfaces:
                    raise PacketError(f"the host has no interface {name!r} (it has {', '.join(self.host.interfaces)})")
            if origin in _SIDES or origin == "fw":
                for interface in self.host.interfaces.values():
                    interface.arp = False  # the scenario's own network does without address resolution
        if sent.get("ctstate"):
            built.attrs["ctstate"] = str(sent["ctstate"]).upper()
            if built.attrs["ctstate"] not in _STATES:
                raise PacketError(f"ctstate must be one of {', '.join(_STATES)}, not {sent['ctstate']!r}")
        if iface:
            if "l2" not in sent and origin not in _SIDES:
                built.pkttype = _frame(built, self.host)
            _link_layer(built, self.host, iface, str(origin) if origin in _SIDES else "")
            if origin in _SIDES and self.host is not None and built.length > self.host.mtu(iface):
                return self.engine.unsent(built)
            return self.engine.receive(built, iface, out)
        if origin in _SELF:
            # The scenario's own sender is root, with a raw socket.
            built.attrs["raw_socket"] = True
            built.attrs.setdefault("uid", 0)
            built.attrs.setdefault("gid", 0)
        return self.engine.send(built, out)

    def _towards(self, built: Packet) -> str:
        """The interface by which a packet arrives when nobody says so: the one that leads back to its source."""
        assert self.host is not None
        route = Routing(self.host).lookup(self.family, built.src, src=built.dst)
        if not isinstance(route, str) and route.iface and route.type == "unicast":
            return route.iface
        raise PacketError("no route leads to its source: say by which interface it comes in")


def _check_keys(packet: Json) -> None:
    """A key that looks like one of ours and is none would be passed over in silence."""
    from difflib import get_close_matches

    for key in packet.keys() - _KEYS:
        near = get_close_matches(str(key), _KEYS, 1, 0.75)
        if near and near[0][0] == str(key)[0]:
            raise PacketError(f"unknown key {key!r}: did you mean {near[0]!r}?")


def _carries(built: Packet) -> bool:
    """May there be more to it than its headers? Not to what opens or ends a TCP connection, nor to ICMP errors."""
    return built.inner is None and not (built.proto == 6 and built.tcp_flags & 7)


def _crafted(sent: Json) -> Json:
    """A packet as the scenario's network puts it together: it takes what the protocol has and passes over the rest.

    Protocols without fields of their own have just their ``l4``. What only TCP can have stays, to be complained about.
    """
    proto = protocol_number(sent.get("proto", "udp"))
    idle = {key for key, (_, numbers) in OF_PROTOCOL.items() if proto not in numbers} - _TELLING
    if proto in (33, 132):
        idle |= {"sport", "dport"}
    crafted = {key: value for key, value in sent.items() if key not in idle} if idle & sent.keys() else sent
    if proto not in _DESCRIBED and "l4" not in crafted:
        return {**crafted, "l4": ""}
    inner = crafted.get("inner")
    return {**crafted, "inner": _crafted(inner)} if isinstance(inner, dict) else crafted


def _as_if_whole(built: Packet) -> None:
    """A fragment as the scenario's network puts it together: with a transport header and a checksum of its own."""
    if built.inner is not None:
        _as_if_whole(built.inner)
        built.length = size(built)
    if built.fragment is not None or not (built.frag_offset or built.more_fragments):
        return
    plain = built.copy()
    plain.frag_offset = 0
    built.fragment = plain.transport()
    if built.frag_offset and built.fragment is not None and built.proto in _DESCRIBED:
        built.payload, built.payload_len, built.inner = built.fragment, len(built.fragment), None
        built.length = size(built)


def _link_layer(built: Packet, host: Host | None, iface: str, side: str = "") -> None:
    """Link addresses that the description left out: those of the neighbour that the packet comes from, and of the interface.

    A packet from a ``side`` of a scenario has those of the scenario's network.
    """
    if built.mac_src is None:
        built.mac_src = _neighbour(built, host, iface) or (bytes.fromhex(_MACS[side]) if side else None)
    if built.mac_dst is None and built.pkttype == "unicast":
        own = host.interfaces[iface].mac if host is not None and iface in host.interfaces else None
        built.mac_dst = own or (bytes.fromhex(_OWN_MACS[iface]) if side else None)
    elif built.mac_dst is None and built.pkttype == "broadcast":
        built.mac_dst = b"\xff" * 6
    elif built.mac_dst is None and built.pkttype == "multicast":
        built.mac_dst = _group(built)


def _frame(built: Packet, host: Host | None) -> str:
    """The kind of frame that the destination calls for."""
    if built.dst >> 28 == 14 if built.family == 4 else built.dst >> 120 == 0xFF:
        return "multicast"
    broadcast = built.dst == ALL_ONES[4] or (host is not None and host.address_type(built.dst) == "BROADCAST")
    return "broadcast" if built.family == 4 and broadcast else "unicast"


def _group(built: Packet) -> bytes:
    """The link address of a multicast group (RFC 1112, 6.4; RFC 2464, 7)."""
    if built.family == 4:
        return b"\x01\x00\x5e" + (built.dst & 0x7FFFFF).to_bytes(3, "big")
    return b"\x33\x33" + (built.dst & 0xFFFFFFFF).to_bytes(4, "big")


def _neighbour(built: Packet, host: Host | None, iface: str) -> bytes | None:
    """The link address of the packet's source, or of the gateway that leads there."""
    if host is None or not host.neighbours:
        return None
    via = next((route.via for route in host.routes[built.family] if route.iface == iface and route.covers(built.src)), None)
    for address in (built.src, via):
        if address is not None:
            found = host.neighbours.get((iface, address)) or host.neighbours.get(("", address))
            if found is not None:
                return found
    return None


def resolve(packet: Json, before: list[Json], family: int, local: Collection[str]) -> Json:
    """A packet that refers to an earlier one, made concrete."""
    packet = dict(packet)
    for key in ("reply_to", "related_to"):
        if key not in packet:
            continue
        number = packet.pop(key)
        if not isinstance(number, int) or not 0 <= number < len(before):
            raise PacketError(f"{key} {number}: there is no such packet before")
        earlier = before[number]
        packet = (_reply(earlier, local) if key == "reply_to" else _related(earlier, family, local)) | packet
    return packet


def _side(earlier: Json, local: Collection[str]) -> Json:
    """Where the receiver of an earlier packet stands."""
    sent = earlier["sent"]
    if "from" not in sent:
        if earlier["fate"] == "delivered":
            return {"out": sent["in"]} if sent.get("in") else {"from": "fw", "out": "lo"}
        if earlier.get("outiface"):
            return {"in": earlier["outiface"], **({"out": sent["in"]} if sent.get("in") else {})}
        if sent["dst"] not in local:
            return {"in": sent.get("out", ""), "out": sent.get("in", "")}
    if earlier["fate"] == "delivered":
        side = "fw"
    elif "to" in earlier:
        side = earlier["to"]
    elif sent["dst"] in local:
        side = "fw"
    else:
        side = "b" if sent.get("from") == "a" else "a"
    return {"from": side}


def _reply(earlier: Json, local: Collection[str]) -> Json:
    sent = earlier["sent"]
    seen: Json = earlier.get("final") or sent
    base: Json = {**_side(earlier, local), "src": seen["dst"], "dst": seen["src"], "proto": sent.get("proto", "udp")}
    number = protocol_number(base["proto"])
    if number in (6, 17, 136):
        base["sport"], base["dport"] = seen.get("dport", 0), seen.get("sport", 0)
    elif number in (1, 58):
        base["type"] = _ANSWERS.get(sent.get("type", 8 if number == 1 else 128), 0)
        base["icmp_id"], base["icmp_seq"] = seen.get("icmp_id", 0), seen.get("icmp_seq", 0)
    return base


def _related(earlier: Json, family: int, local: Collection[str]) -> Json:
    sent = earlier["sent"]
    seen: Json = earlier.get("final") or sent
    inner = {k: v for k, v in sent.items() if k not in ("from", "in", "out", "at", "l2", "uid", "gid")}
    for name in ("src", "dst", "sport", "dport", "ttl", "tos", "icmp_id"):
        if name in seen:
            inner[name] = seen[name]
    proto = "icmp" if family == 4 else "icmpv6"
    return {**_side(earlier, local), "src": seen["dst"], "dst": seen["src"], "proto": proto, "inner": inner}


def step_json(step: Step, family: int) -> Json:
    """One step in the words of the kernel's trace."""
    out: Json = {
        "hook": step.hook, "table": step.table, "chain": step.chain, "kind": step.kind, "num": step.num,
        "in": step.iniface, "out": step.outiface,
        "src": address_text(step.src, family), "dst": address_text(step.dst, family),
    }  # fmt: skip
    if step.sport >= 0:
        out["sport"], out["dport"] = step.sport, step.dport
    out["ttl"], out["tos"], out["mark"] = step.ttl, step.tos, step.mark
    return out


def unknown_json(trip: Trip) -> list[Json]:
    """The conditions that the description leaves open, and what was assumed."""
    return [
        {
            "hook": u.hook, "table": u.table, "chain": u.chain, "num": u.num, "match": u.match, "reason": u.reason,
            "assumed": "match" if u.assumed else "no match",
        }
        for u in trip.unknown
    ]  # fmt: skip


def trip_json(trip: Trip, replies: bool = True) -> Json:
    """What came of a packet, in the words of the kernel's trace; answers to answers stand beside their causes."""
    family = trip.first.family
    out: Json = {
        "steps": [step_json(step, family) for step in trip.steps],
        "ctstate": trip.ctstate,
        "mark": trip.mark,
    }
    if trip.ctdir is not None:
        out["ctdir"] = trip.ctdir
    out["verdict"], out["fate"] = trip.verdict, trip.fate
    if trip.reason is not None:
        out["reason"] = trip.reason
    out |= ending_json(trip)
    if trip.unknown:
        out["unknown"] = unknown_json(trip)
    if replies and trip.replies:
        out["replies"] = [{"packet": describe(reply.first), **trip_json(reply, False)} for reply in trip.all_replies()]
    return out


def left(trip: Trip) -> bool:
    """Did the packet get where it went, so that there is something to say of it at the end?"""
    return trip.fate in ("delivered", "forwarded", "sent")


def ending_json(trip: Trip) -> Json:
    """How a packet left, as far as it did."""
    out: Json = {}
    if left(trip):
        if trip.fate != "delivered":
            out["outiface"] = trip.outiface
            if trip.outiface in _IFACES:
                out["to"] = _IFACES[trip.outiface]
        out["final"] = describe(trip.packet)
    if trip.lots:
        out["lots"] = True
    if trip.error is not None:
        out["error"] = trip.error
    return out
