"""Why a packet fared as it did: rules that nearly decided otherwise, and the usual causes of surprise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyiptables.netfilter.compiled import header_tests
from pyiptables.netfilter.pipeline import Engine
from pyiptables.netfilter.routing import Routing, is_loopback
from pyiptables.report.trace_words import flags_text, icmp_name, line_of, target_of
from pyiptables.xtables.addresses import address_text
from pyiptables.xtables.names import chain_protocol_name

if TYPE_CHECKING:
    from pyiptables.netfilter.host import Host
    from pyiptables.netfilter.packet import Packet
    from pyiptables.netfilter.traverse import Miss
    from pyiptables.netfilter.trip import Trip
    from pyiptables.ruleset import Ruleset

__all__ = ["hints", "near_misses", "seen_instead"]

_DECIDE = frozenset(("ACCEPT", "DROP", "REJECT"))
_TRANSLATE = frozenset(("DNAT", "REDIRECT", "NETMAP", "SNAT", "MASQUERADE"))
_OPTION = re.compile(r"^(?:-m \S+ )?(?:! )?(--?[\w-]+)")


# -- near misses -----------------------------------------------------------------------------------------------
def near_misses(trip: Trip) -> list[Miss]:
    """Rules that would have decided otherwise and failed in exactly one condition, and not for want of knowledge; the nearest first.

    A rule is the nearer the more of its other conditions held; translations come after verdicts.
    """
    found = []
    unsure = {(unknown.table, unknown.chain, unknown.num) for unknown in trip.unknown}
    for miss in trip.misses or ():
        if len(miss.failed) != 1 or (miss.table, miss.chain, miss.num) in unsure:
            continue
        target = target_of(miss.code.rule)
        if target in _DECIDE and target != trip.verdict:
            found.append(miss)
        elif target in _TRANSLATE and "port" not in miss.failed[0]:
            # For another port is for another service.
            found.append(miss)
    return sorted(found, key=lambda miss: _distance(miss, trip))


def _distance(miss: Miss, trip: Trip) -> tuple[bool, bool, bool, int]:
    """Far are translations, rules for other states and for lo, other chains than the one that decided; then few conditions."""
    decided = trip.decided
    here = decided is not None and (decided.table, decided.chain) == (miss.table, miss.chain)
    other_kind = miss.failed[0].rpartition(" ")[2] == "lo" or "state " in miss.failed[0]
    return target_of(miss.code.rule) in _TRANSLATE, other_kind, not here, -_conditions(miss)


def _conditions(miss: Miss) -> int:
    """How many conditions the rule has."""
    return len(header_tests(miss.code)) + sum(max(len(match.values), 1) for match in miss.code.matches)


def seen_instead(miss: Miss, trip: Trip) -> str:
    """What the packet had where the rule wanted something else; '' when that is not one value."""
    step = next((step for step in trip.steps if (step.hook, step.table) == (miss.hook, miss.table)), None)
    option = _OPTION.match(miss.failed[0])
    if step is None or option is None:
        return ""
    family = trip.first.family
    name = option[1]
    if name in ("-s", "-d"):
        return address_text(step.src if name == "-s" else step.dst, family)
    if name == "-p":
        return chain_protocol_name(trip.first.proto) or str(trip.first.proto)
    if name in ("-i", "-o"):
        return (step.iniface if name == "-i" else step.outiface) or "none"
    if name in ("--sport", "--dport", "--sports", "--dports") and step.sport >= 0:
        return str(step.sport if name.startswith("--s") else step.dport)
    if name in ("--ctstate", "--state"):
        return trip.ctstate or ""
    if name in ("--icmp-type", "--icmpv6-type"):
        return icmp_name(trip.first)
    if name in ("--ttl-eq", "--ttl-lt", "--ttl-gt", "--hl-eq", "--hl-lt", "--hl-gt"):
        return str(step.ttl)
    if name == "--tcp-flags":
        return flags_text(trip.first)
    return f"0x{step.mark:x}" if name == "--mark" else ""


# -- usual causes ------------------------------------------------------------------------------------------------
def hints(trip: Trip, ruleset: Ruleset | None = None, host: Host | None = None) -> list[str]:
    """The usual causes of surprise, as far as they apply to this packet."""
    found = [*_forwarded_after_dnat(trip), *_input_never_asked(trip, ruleset), *_answer_elsewhere(trip, host)]
    found += _local_client(trip, ruleset, host) + _translated_away(trip, host) + _routed_by_user(trip, host)
    if trip.lots:
        found.append("the kernel draws lots for this translation: it may choose another address or port")
    decided = trip.decided
    if trip.verdict == "DROP" and decided is not None:
        if trip.ctstate == "ESTABLISHED" and decided.table == "filter":
            found.append(
                f"this belongs to a connection that was let in: -A {decided.hook} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
            )
        elif decided.iniface == "lo" and decided.hook == "INPUT":
            found.append("the host talks to itself over lo: -A INPUT -i lo -j ACCEPT")
    return found


def _made_here(trip: Trip) -> bool:
    return bool(trip.events) and trip.events[0].hook == "OUTPUT"


def _translated(trip: Trip) -> bool:
    """Was the destination changed?"""
    first, last = trip.first, trip.packet
    return any(event.what == "translate" and event.hook in ("PREROUTING", "OUTPUT") for event in trip.events) and (
        first.dst != last.dst or first.dport != last.dport
    )


def _forwarded_after_dnat(trip: Trip) -> list[str]:
    decided = trip.decided
    if trip.verdict not in ("DROP", "REJECT") or decided is None or decided.hook != "FORWARD" or not _translated(trip):
        return []
    text = "DNAT worked, but the packet is then forwarded, and filter/FORWARD does not let it pass"
    if decided.sport >= 0:
        proto = {6: "tcp", 17: "udp", 132: "sctp"}.get(trip.first.proto, str(trip.first.proto))
        end = f"-d {address_text(decided.dst, trip.first.family)} -p {proto} --dport {decided.dport}"
        return [f"{text}: -A FORWARD {end} -j ACCEPT would"]
    return [text]


def _input_never_asked(trip: Trip, ruleset: Ruleset | None) -> list[str]:
    """A published port is forwarded: rules about it in INPUT are in vain."""
    if ruleset is None or not _translated(trip) or "FORWARD" not in {step.hook for step in trip.steps}:
        return []
    chain = ruleset.tables["filter"].chains.get("INPUT") if "filter" in ruleset.tables else None
    port = re.compile(rf"--dports? (?:\d+,)*{trip.first.dport}(?:,|$| )")
    for number, rule in enumerate(chain.rules if chain is not None else (), 1):
        if port.search(rule.text):
            where = f" ({line_of(rule)})" if line_of(rule) else ""
            return [f"a packet that DNAT sends on to another host never meets filter/INPUT: rule {number}{where} there is not asked"]
    return []


def _answer_elsewhere(trip: Trip, host: Host | None) -> list[str]:
    """Hairpin without SNAT, or a way back that leads elsewhere."""
    last = trip.packet
    if trip.fate != "forwarded":
        return []
    entered = next((step.iniface for step in trip.steps if step.iniface), "")
    if trip.ctdir == "REPLY":
        return _answer_turned_back(trip, host) if entered == trip.outiface else []
    source_kept = trip.first.src == last.src
    if _translated(trip) and source_kept and entered and entered == trip.outiface:
        return [
            "client and server are on the same side of this host: the server answers the client directly, past this host and its "
            f"translation; -t nat -A POSTROUTING -o {trip.outiface} -d {address_text(last.dst, last.family)} -j MASQUERADE would help"
        ]
    if host is not None and source_kept and entered:
        back = Routing(host).lookup(last.family, last.src, src=last.dst, iif=trip.outiface, flow=(last.proto, last.dport, last.sport))
        if not isinstance(back, str) and back.type == "unicast" and back.iface != entered:
            return [f"the answer goes back by {back.iface}, not by {entered} where the packet came in (asymmetric routing)"]
    return []


def _answer_turned_back(trip: Trip, host: Host | None) -> list[str]:
    """An answer leaves by the interface that it came in by, because of its mark."""
    last = trip.packet
    if host is None or not last.mark:
        return []
    unmarked = Routing(host).lookup(last.family, last.dst, src=last.src, iif=last.iniface, tos=last.tos)
    if isinstance(unmarked, str) or unmarked.iface in ("", trip.outiface):
        return []
    return [
        f"the answer turns back to where it came from: its mark 0x{last.mark:x} chooses a routing table that lacks the route "
        f"to {address_text(last.dst, last.family)} by {unmarked.iface}"
    ]


def _translated_away(trip: Trip, host: Host | None) -> list[str]:
    """Without a description of the host, a translation does not change where the packet goes."""
    last = trip.packet
    if host is not None or trip.first.dst == last.dst or trip.ctdir == "REPLY" or not _translated(trip):
        return []
    where = address_text(last.dst, last.family)
    if trip.fate == "sent":
        return [f"no host is described: whether {where} is reached by {trip.outiface} too is not known (--host says)"]
    if any(step.hook == "INPUT" for step in trip.steps):
        return [
            f"the packet was said to stay here (in, and no out), but its destination became {where}: if that is another host, it meets "
            "FORWARD and not INPUT; say out INTERFACE, or describe the host (--host)"
        ]
    return []


def _routed_by_user(trip: Trip, host: Host | None) -> list[str]:
    """Whose packet it is decides about its way, and nobody said so."""
    attrs = trip.first.attrs
    if not _made_here(trip) or attrs.get("uid") is not None or attrs.get("socket_file") is False:
        return []
    if host is not None and any(rule.uids for rule in host.rules[trip.first.family]):
        return ["this host has routing rules for users: this packet was routed as one of user 0; say uid NUMBER for another"]
    return []


def _local_client(trip: Trip, ruleset: Ruleset | None, host: Host | None) -> list[str]:
    """A packet of this host meets OUTPUT; would PREROUTING have translated it?"""
    if ruleset is None or not _made_here(trip) or _translated(trip) or trip.ctdir == "REPLY":
        return []
    chain = ruleset.tables["nat"].chains.get("PREROUTING") if "nat" in ruleset.tables else None
    if chain is None or not chain.rules:
        return []
    if host is not None:
        entrances = {name for name in host.interfaces if name != "lo"}
    else:
        entrances = {word for rule in chain.rules for word in re.findall(r"(?:^| )-i (\S+)", rule.text)} | {"eth0"}
    for entrance in sorted(entrances):
        packet: Packet = trip.first.copy()
        packet.ct, packet.ctstate = None, "INVALID"
        arrived = Engine(ruleset, host).receive(packet, entrance.rstrip("+"))
        step = next(
            (step for step in arrived.steps if step.hook == "PREROUTING" and step.effect and step.effect.keys() & {"dst", "dport"}), None
        )
        if step is not None and step.rule is not None:
            if is_loopback(trip.first.src, trip.first.family) and target_of(step.rule) != "REDIRECT":
                return []  # such a source does not leave the host, wherever its packet is sent
            where = f" ({line_of(step.rule)})" if line_of(step.rule) else ""
            return [
                f"a packet that this host makes itself meets OUTPUT, never PREROUTING: nat/{step.chain} rule {step.num}{where} is for "
                "packets that arrive; the same rule in nat/OUTPUT would translate this one"
            ]
    return []
