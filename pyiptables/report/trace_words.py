"""A trace in words: packets, rules and their places, effects, and the closing sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyiptables.netfilter.description import describe
from pyiptables.xtables.addresses import address_text

if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Packet
    from pyiptables.netfilter.traverse import Step
    from pyiptables.netfilter.trip import Event, Trip
    from pyiptables.ruleset import Rule

__all__ = [
    "COLOURS",
    "cause",
    "decider",
    "effect_text",
    "event_text",
    "flags_text",
    "icmp_name",
    "line_of",
    "outcome",
    "packet_text",
    "place",
    "rule_text",
    "shows_event",
    "target_of",
    "way_in",
]

_DONE = {
    "delivered": "delivered to this host",
    "forwarded": "forwarded",
    "sent": "sent",
    "queued": "queued to a program",
    "stolen": "taken over",
}
COLOURS = {"ACCEPT": "green", "DROP": "red", "REJECT": "red", "QUEUE": "yellow", "STOLEN": "yellow"}
_NAMES = {1: "icmp", 6: "tcp", 17: "udp", 33: "dccp", 47: "gre", 50: "esp", 51: "ah", 58: "icmpv6", 132: "sctp", 136: "udplite"}
_PORTS = (6, 17, 33, 132, 136)
_COMMENT = re.compile(r' ?-m comment --comment ("(?:[^"\\]|\\.)*"|\S+)')
_TARGET = re.compile(r"(?:^| )-[jg] (\S+)")
_UNITS = {"src": "address", "dst": "address", "mark": "hex", "ctmark": "hex", "tos": "hex", "priority": "hex", "secmark": "hex"}


def packet_text(packet: Packet) -> str:
    """A packet in one line, in the packet language: ``tcp 10.0.0.2:40000 -> 192.0.2.10:443 syn``."""
    proto = _NAMES.get(packet.proto, str(packet.proto))
    ends = []
    for address, port in ((packet.src, packet.sport), (packet.dst, packet.dport)):
        text = address_text(address, packet.family)
        if packet.proto in _PORTS and not packet.frag_offset:
            text = f"[{text}]:{port}" if packet.family == 6 else f"{text}:{port}"
        ends.append(text)
    more = ""
    if packet.frag_offset:
        more = f" frag {packet.frag_offset}"
    elif packet.proto == 6:
        more = f" {flags_text(packet)}"
    elif packet.proto in (1, 58):
        more = f" {icmp_name(packet)}"
    return f"{proto} {ends[0]} -> {ends[1]}{more}"


def flags_text(packet: Packet) -> str:
    """TCP flags as the packet language writes them."""
    return describe(packet).get("flags", "").lower() or "flags none"


def icmp_name(packet: Packet) -> str:
    """What an ICMP packet is, by name if it has one."""
    from pyiptables.xtables.icmp_types import ICMP, ICMPV6

    known = ICMPV6 if packet.family == 6 else ICMP
    kind, code = packet.icmp_type, packet.icmp_code
    exact = [name for name, type_, low, high in known if type_ == kind and low == high == code]
    whole = [name for name, type_, low, high in known if type_ == kind and low < high and name != "any"]
    return exact[0] if exact else whole[0] if whole and code == 0 else f"type {kind} code {code}"


def cause(reply: Trip, trip: Trip) -> str:
    """Why this host sends another packet because of ``trip``."""
    if reply.copy:
        return "A copy that this host sends:" if reply.copy == "sent" else "The host is among those it is for:"
    if trip.fate == "delivered" and trip.first.proto in (6, 17):
        return "This host answers (as if no program listened there):"
    return "This host answers:"


def way_in(trip: Trip) -> str:
    """The interface that the packet came by, '' when this host made it."""
    if trip.copy == "sent":
        return ""
    return trip.steps[0].iniface if trip.steps else trip.packet.iniface


def place(rule: Rule | None) -> str:
    """``rules.v4:23``, '' when it is not known."""
    return "" if rule is None or rule.source is None or rule.source[0] == "-" else f"{rule.source[0]}:{rule.source[1]}"


def line_of(rule: Rule | None) -> str:
    """The place in few columns: without the folders on the way to the file."""
    return place(rule).rpartition("/")[2]


def target_of(rule: Rule) -> str:
    """The name after ``-j`` or ``-g``, '' when there is none."""
    found = _TARGET.findall(rule.text)
    return found[-1] if found else ""


def rule_text(text: str) -> tuple[str, str]:
    """A rule's text without its comments, and the comments."""
    comments = [word[1:-1].replace('\\"', '"') if word.startswith('"') else word for word in _COMMENT.findall(text)]
    return _COMMENT.sub("", text).strip(), ", ".join(comments)


def decider(step: Step | None) -> str:
    """``filter/INPUT rule 7 (rules.v4:23)``."""
    if step is None:
        return ""
    what = f"rule {step.num}" if step.code is not None else "policy"
    where = place(step.rule)
    return f"{step.table}/{step.chain} {what}{f' ({where})' if where else ''}"


def outcome(trip: Trip) -> str:
    """The closing sentence: ``DROP by filter/INPUT rule 7 (rules.v4:23)``; for what passes, also what becomes of it."""
    verdict = trip.verdict
    if trip.decided is not None:
        out = f"{verdict} by {decider(trip.decided)}"
    elif trip.reason is not None:
        out = f"{verdict} by the kernel{f': {trip.why}' if trip.why else ''}"
    else:
        out = f"{verdict}: no rule was asked"
    if trip.fate not in _DONE:
        return out
    out += f", {_DONE[trip.fate]}"
    if trip.outiface and trip.fate in ("forwarded", "sent"):
        out += f" by {trip.outiface}"
    first, last = trip.first, trip.packet
    if (first.src, first.sport, first.dst, first.dport) != (last.src, last.sport, last.dst, last.dport):
        out += f" as {packet_text(last)}"
    return out


def effect_text(effect: dict[str, Any], family: int) -> str:
    """What a rule changed, in a line."""
    told = [f"{key.replace('_', ' ')} {_value(key, value, family)}".rstrip() for key, value in effect.items()]
    return ", ".join(told).replace("tcp options mss ", "mss ")


def _value(key: str, value: Any, family: int) -> str:
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return f"{_value(key, value[0], family)} -> {_value(key, value[1], family)}"
    if isinstance(value, int) and not isinstance(value, bool):
        unit = _UNITS.get(key)
        return address_text(value, family) if unit == "address" else f"0x{value:x}" if unit == "hex" else str(value)
    if isinstance(value, bytes):
        if key == "tcp_options" and value[:2] == b"\x02\x04":
            return f"mss {int.from_bytes(value[2:4], 'big')}"
        return value.hex()
    return "" if value is True else str(value)


def event_text(event: Event, family: int) -> tuple[str, str]:
    """What happened between the steps: a word, and the rest."""
    what, detail = event.what, event.detail
    if what == "routing":
        if "dropped" in detail:
            return "routing", f"dropped: {detail['dropped']}"
        return "routing", "for this host" if detail["to"] == "local" else f"out by {detail['to']}"
    if what == "rerouted":
        return "routing", f"again, out by {detail['to']}"
    if what == "ttl":
        return "ttl", "has run out" if detail.get("expired") else str(detail.get("ttl", ""))
    return ("nat" if what == "translate" else what), effect_text(detail, family)


def shows_event(trip: Trip, event: Event) -> bool:
    """Is it news? A translation that the rule before it shows as its effect is not."""
    if event.what != "translate" or not event.after:
        return True
    effect = trip.steps[event.after - 1].effect
    return not effect or not event.detail.keys() <= effect.keys()
