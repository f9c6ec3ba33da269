"""Scenarios: rules, host and packets in one document, answered packet by packet.

A scenario is a dict: ``family`` (4 or 6), ``rules`` (iptables-save text), ``host`` (see ``host``), ``packets``, and optionally
``name``, ``counters`` (also answer the ruleset with counters), ``conntrack`` (``conntrack -L`` text), ``seed``. A packet has
``from`` (``a``, ``b`` for the sides of eth0 and eth1, ``fw`` or ``host`` for the host itself) or ``in``/``out`` interfaces;
``src``, ``dst``, ``proto`` and the keys of ``description``; ``at`` seconds after the start (``at_relative``: after the packet
before); ``reply_to: N`` answers packet N as its receiver saw it, ``related_to: N`` is an ICMP error about it. The answers'
fields are those of the kernel's own trace: steps, fate, final, ctstate, ctdir, mark, reason, replies.
"""

from __future__ import annotations

from pyiptables.netfilter.description import PacketError, describe, packet_of, protocol_number
from pyiptables.netfilter.host import Host
from pyiptables.netfilter.pipeline import Engine
from pyiptables.xtables.addresses import address_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from pyiptables.netfilter.packet import Packet
    from pyiptables.netfilter.traverse import Step
    from pyiptables.netfilter.trip import Trip
    from pyiptables.ruleset import Ruleset

    Json = dict[str, Any]

__all__ = ["DEFAULT_HOST", "Player", "ScenarioError", "resolve", "run_scenario", "step_json", "trip_json"]

#: What the host is when a scenario does not say: two networks, forwarding, no services.
DEFAULT_HOST: Json = {
    "interfaces": {
        "lo": ["127.0.0.1/8", "::1/128"],
        "eth0": ["10.0.0.1/24", "10.0.0.254/24", "fd00:0:0:0::1/64"],
        "eth1": ["10.0.1.1/24", "203.0.113.1/24", "fd00:0:0:1::1/64"],
    },
    "routes": [
        "default via 10.0.1.2 dev eth1",
        "192.0.2.0/24 via 10.0.0.2 dev eth0",
        "default via fd00:0:0:1::2 dev eth1",
        "2001:db8:a::/48 via fd00:0:0:0::2 dev eth0",
    ],
    "rules": [],
    "forwarding": True,
    "rp_filter": 0,
    "stack_replies": True,
    "sysctl": {},
}
_SIDES = {"a": "eth0", "b": "eth1"}
_IFACES = {"eth0": "a", "eth1": "b"}
_SELF = ("fw", "host")
#: Link addresses of the default host and its neighbours, as the scenario's network has them.
_MACS = {"a": "02000000000a", "b": "02000000010b"}
_OWN_MACS = {"eth0": "020000000001", "eth1": "020000000101"}
_ANSWERS = {8: 0, 128: 129, 13: 14, 17: 18}
_SECOND = 1_000_000_000
#: 2024-01-01T00:00:00Z: when a scenario starts unless it says ``start``.
_EPOCH = 1_704_067_200 * _SECOND


#: What a host that is described in full does not have: IPsec, sockets, realms, listening programs, fingerprints, control
#: groups, a time zone.
_NOTHING_MORE: Json = {
    "policy": [], "socket": None, "realm": 0, "queues": (), "tproxy_listener": False, "os": None, "classid": 0, "timezone": 0,
}  # fmt: skip


class ScenarioError(ValueError):
    """A scenario that cannot be played; the text says where."""


class Player:
    """Plays packets one after the other through an engine; later packets may refer to earlier ones."""

    def __init__(self, ruleset: Ruleset, host: Json | Host | None, **options: Any) -> None:
        self.host = Host.from_json(host) if isinstance(host, dict) else host
        self.engine = Engine(ruleset, self.host, **options)
        self.engine.now = options.get("now", _EPOCH)
        self.start = self.engine.now
        self.family = ruleset.family
        self.answers: list[Json] = []
        self.trips: list[Trip] = []
        self.local = frozenset(
            address_text(address.value, address.family)
            for interface in (self.host.interfaces.values() if self.host is not None else ())
            for address in interface.addresses
        )

    def play(self, packet: Json) -> Trip:
        """One packet. Raises ScenarioError for a description that cannot be."""
        index = len(self.answers)
        try:
            sent = resolve(packet, self.answers, self.family, self.local)
            sent.setdefault("id", 0x1000 + index)
            self._clock(sent)
            built = packet_of(sent, self.family)
        except (PacketError, KeyError, TypeError, IndexError) as error:
            text = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise ScenarioError(f"packet {index + 1}: {text}") from error
        trip = self._go(sent, built, index)
        self.trips.append(trip)
        self.answers.append({"sent": sent, **trip_json(trip)})
        return trip

    def _clock(self, sent: Json) -> None:
        if "at" in sent:
            base = self.engine.now if sent.get("at_relative") else self.start
            self.engine.now = max(self.engine.now, base + round(float(sent["at"]) * _SECOND))

    def _go(self, sent: Json, built: Packet, index: int) -> Trip:
        origin = sent.get("from")
        iface = str(sent.get("in") or _SIDES.get(str(origin), ""))
        if origin is not None and origin not in _SELF and origin not in _SIDES:
            iface = iface or str(origin)
        out = str(sent.get("out") or "")
        if self.host is not None and iface and iface not in self.host.interfaces:
            raise ScenarioError(f"packet {index + 1}: the host has no interface {iface!r}")
        if self.host is not None and not iface and origin is None and not out:
            raise ScenarioError(f"packet {index + 1}: say where it comes from (from, in, or out for a packet of the host)")
        if self.host is None and not iface and not out:
            raise ScenarioError(f"packet {index + 1}: without a host, say in, out or both")
        if sent.get("ctstate"):
            built.attrs["ctstate"] = str(sent["ctstate"]).upper()
        if iface:
            _link_layer(built, sent, iface)
            return self.engine.receive(built, iface, out)
        if origin in _SELF:
            # The scenario's own sender is root.
            built.attrs.setdefault("uid", 0)
            built.attrs.setdefault("gid", 0)
        return self.engine.send(built, out)


def _link_layer(built: Packet, sent: Json, iface: str) -> None:
    side = _IFACES.get(iface)
    if side is None:
        return
    if built.mac_src is None:
        built.mac_src = bytes.fromhex(_MACS[side])
    if built.mac_dst is None and built.pkttype == "unicast":
        built.mac_dst = bytes.fromhex(_OWN_MACS[iface])


def run_scenario(case: Json, ruleset: Ruleset | None = None, *, explain: bool = False) -> Json:
    """Play a whole scenario. ``ruleset`` saves parsing its ``rules``. Raises ScenarioError.

    The answer has ``name``, ``packets`` and, when asked for, ``counters``; a ruleset that iptables-restore would refuse
    gives ``error`` and no packets.
    """
    family = int(case.get("family", 4))
    if family not in (4, 6):
        raise ScenarioError(f"no such family: {family} (4 or 6)")
    out: Json = {"name": case.get("name")}
    if ruleset is None:
        from pyiptables.tools.load import load

        try:
            ruleset = load(str(case.get("rules", "")) + "\n", f"ipv{family}", variant="legacy")
        except ValueError as error:
            return {**out, "error": str(error)}
    host = {**DEFAULT_HOST, **(case.get("host") or {})}
    try:
        player = Player(ruleset, host, explain=explain, facts=_NOTHING_MORE)
    except ValueError as error:
        raise ScenarioError(f"host: {error}") from error
    if case.get("conntrack"):
        from pyiptables.netfilter.conntrack_list import read_connections

        for ct in read_connections(str(case["conntrack"]), family, player.engine.now):
            player.engine.conntrack.insert(ct)
    if case.get("seed") is not None:
        from random import Random

        player.engine.ctx.reseed(Random(case["seed"]))
    delay = round(float(case.get("delay_ms", 0)) * 1_000_000)
    for packet in case.get("packets", ()):
        player.engine.now += delay
        player.play(packet)
    out["packets"] = player.answers
    if case.get("counters"):
        out["counters"] = player.engine.counters().save(counters=True)
    return out


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
    if earlier["fate"] == "delivered":
        side = "fw"
    elif "to" in earlier:
        side = earlier["to"]
    elif earlier.get("outiface"):
        return {"in": earlier["outiface"], **({"out": sent["in"]} if sent.get("in") else {})}
    elif sent["dst"] in local:
        side = "fw"
    elif "from" not in sent:
        return {"in": sent.get("out", ""), "out": sent.get("in", "")}
    else:
        side = "b" if sent["from"] == "a" else "a"
    if side == "fw" and "from" not in sent:
        return {"out": sent.get("in", "")}
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
    out["fate"] = trip.fate
    if trip.reason is not None:
        out["reason"] = trip.reason
    if trip.fate in ("delivered", "forwarded", "sent"):
        if trip.fate != "delivered":
            out["outiface"] = trip.outiface
            if trip.outiface in _IFACES:
                out["to"] = _IFACES[trip.outiface]
        out["final"] = describe(trip.packet)
    if trip.lots:
        out["lots"] = True
    if trip.error is not None:
        out["error"] = trip.error
    if replies and trip.replies:
        out["replies"] = [{"packet": describe(reply.first), **trip_json(reply, False)} for reply in trip.all_replies()]
    return out
