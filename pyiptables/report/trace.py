"""Traces for people and programs: a tree, the JSON document, the kernel's log lines, and the closing sentence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pyiptables.netfilter.description import describe
from pyiptables.netfilter.scenario import step_json, trip_json
from pyiptables.xtables.addresses import address_text

if TYPE_CHECKING:
    from typing import Any

    from rich.console import Console
    from rich.tree import Tree

    from pyiptables.netfilter.packet import Packet
    from pyiptables.netfilter.traverse import Miss, Step
    from pyiptables.netfilter.trip import Trip
    from pyiptables.ruleset import Rule

    Json = dict[str, Any]

__all__ = ["document", "kernel_lines", "near_misses", "outcome", "packet_text", "show", "summary", "trip_document"]

_DONE = {
    "delivered": "delivered to this host",
    "forwarded": "forwarded",
    "sent": "sent",
    "dropped": "dropped",
    "rejected": "rejected",
    "queued": "queued to a program",
    "stolen": "taken over",
}
_COLOURS = {"ACCEPT": "green", "DROP": "red", "REJECT": "red", "QUEUE": "yellow", "STOLEN": "yellow"}
_NAMES = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp", 33: "dccp", 136: "udplite"}
_PORTS = (6, 17, 33, 132, 136)


# -- words ---------------------------------------------------------------------------------------------------
def packet_text(packet: Packet) -> str:
    """A packet in one line: ``tcp 10.0.0.2:40000 -> 192.0.2.10:443 SYN``."""
    proto = _NAMES.get(packet.proto, f"protocol {packet.proto}")
    ends = []
    for address, port in ((packet.src, packet.sport), (packet.dst, packet.dport)):
        text = address_text(address, packet.family)
        if packet.proto in _PORTS and not packet.frag_offset:
            text = f"[{text}]:{port}" if packet.family == 6 else f"{text}:{port}"
        ends.append(text)
    more = ""
    if packet.proto == 6 and not packet.frag_offset:
        flags = describe(packet).get("flags", "")
        more = f" {flags}" if flags else ""
    elif packet.proto in (1, 58):
        more = f" type {packet.icmp_type} code {packet.icmp_code}"
    return f"{proto} {ends[0]} -> {ends[1]}{more}"


def _place(rule: Rule | None) -> str:
    return "" if rule is None or rule.source is None or rule.source[0] == "-" else f"{rule.source[0]}:{rule.source[1]}"


def _decided_by(trip: Trip) -> Json | None:
    step = trip.decided
    if step is None:
        return None
    rule = step.rule
    out: Json = {"table": step.table, "chain": step.chain, "kind": step.kind, "num": step.num}
    if rule is not None:
        out["text"] = f"-A {step.chain} {rule.text}".rstrip()
        if rule.source is not None:
            out["file"], out["line"] = rule.source
    return out


def outcome(trip: Trip) -> str:
    """The closing sentence: ``DROP by filter/INPUT rule 7 (rules.v4:23)``."""
    step = trip.decided
    verdict = trip.verdict
    where = f" ({_place(step.rule)})" if step is not None and _place(step.rule) else ""
    if step is not None and (verdict != "ACCEPT" or step.kind == "rule"):
        what = f"rule {step.num}" if step.kind == "rule" else "policy"
        by = f" by {step.table}/{step.chain} {what}{where}"
    elif trip.reason == "stack":
        by = f" by the kernel: {trip.why}" if trip.why else " by the kernel"
    else:
        by = f" by {step.table}/{step.chain} policy" if step is not None else " (no rule was asked)"
    out = f", {_DONE[trip.fate]}"
    if trip.outiface and trip.fate in ("forwarded", "sent"):
        out += f" by {trip.outiface}"
    first, last = trip.first, trip.packet
    if verdict == "ACCEPT" and (first.src, first.sport, first.dst, first.dport) != (last.src, last.sport, last.dst, last.dport):
        out += f" as {packet_text(last)}"
    return verdict + by + out


def near_misses(trip: Trip) -> list[Miss]:
    """Rules that would have decided otherwise and failed in exactly one condition."""
    found = []
    for miss in trip.misses or ():
        if len(miss.failed) != 1:
            continue
        text = miss.code.rule.text
        target = text.rpartition(" -j ")[2].partition(" ")[0] if " -j " in f" {text}" else ""
        fate = {"ACCEPT": "ACCEPT", "DROP": "DROP", "REJECT": "REJECT", "DNAT": "NAT", "SNAT": "NAT", "MASQUERADE": "NAT"}.get(target)
        if fate is not None and fate != trip.verdict:
            found.append(miss)
    return found


# -- documents -----------------------------------------------------------------------------------------------
def _step_document(step: Step, family: int) -> Json:
    out = step_json(step, family)
    rule = step.rule
    if rule is not None:
        out["text"] = f"-A {step.chain} {rule.text}".rstrip()
        _, jump, target = f" {rule.text}".rpartition(" -j ")
        if not jump:
            _, jump, target = f" {rule.text}".rpartition(" -g ")
        out["target"] = target.partition(" ")[0] if jump else ""
        if rule.source is not None:
            out["file"], out["line"] = rule.source
    if step.effect:
        out["effect"] = {key: _plain(value) for key, value in step.effect.items()}
    return out


def _plain(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool, list, dict)) or value is None else str(value)


def trip_document(trip: Trip, described: Json | None = None) -> Json:
    """One packet's answer in the form of ``pyiptables.trace/1``."""
    family = trip.first.family
    out: Json = {"packet": described if described is not None else describe(trip.first), "verdict": trip.verdict}
    out |= trip_json(trip, replies=False)
    out["steps"] = [_step_document(step, family) for step in trip.steps]
    decided = _decided_by(trip)
    if decided is not None:
        out["decided_by"] = decided
    if trip.why:
        out["why"] = trip.why
    if trip.replies:
        out["replies"] = [trip_document(reply) for reply in trip.all_replies()]
    out["unknown"] = [
        {
            "hook": u.hook, "table": u.table, "chain": u.chain, "num": u.num, "match": u.match, "reason": u.reason,
            "assumed": "match" if u.assumed else "no match",
        }
        for u in trip.unknown
    ]  # fmt: skip
    return out


def document(trips: list[tuple[Json, Trip]]) -> Json:
    """The whole answer, packet by packet; each pair is the description and what came of it."""
    return {"schema": "pyiptables.trace/1", "packets": [trip_document(trip, sent) for sent, trip in trips]}


def as_json(trips: list[tuple[Json, Trip]]) -> str:
    return json.dumps(document(trips), indent=2, ensure_ascii=False)


def kernel_lines(trip: Trip) -> list[str]:
    """What dmesg would show of a traced packet (``nf_log_trace``)."""
    lines = []
    for step in trip.steps:
        fields = [f"TRACE: {step.table}:{step.chain}:{step.kind}:{step.num}", f"IN={step.iniface}", f"OUT={step.outiface}"]
        family = trip.first.family
        fields += [f"SRC={address_text(step.src, family)}", f"DST={address_text(step.dst, family)}"]
        fields += [f"LEN={trip.first.length}"]
        fields += (
            [f"TOS=0x{step.tos & 0xFC:02X} PREC=0x{step.tos & 0xE0:02X} TTL={step.ttl}"]
            if family == 4
            else [f"TC={step.tos} HOPLIMIT={step.ttl}"]
        )
        fields.append(f"PROTO={_NAMES.get(trip.first.proto, str(trip.first.proto)).upper()}")
        if step.sport >= 0:
            fields += [f"SPT={step.sport}", f"DPT={step.dport}"]
        if step.mark:
            fields.append(f"MARK=0x{step.mark:x}")
        lines.append(" ".join(fields))
    for reply in trip.replies:
        lines += kernel_lines(reply)
    return lines


# -- pictures of a terminal --------------------------------------------------------------------------------------
def show(trip: Trip, console: Console, number: int | None = None, verbose: bool = False) -> None:
    """The tree of a packet, its closing sentence, and what would have been."""
    from rich.markup import escape
    from rich.text import Text

    title = f"packet {number}: " if number is not None else ""
    console.print(Text(title + packet_text(trip.first), style="bold"))
    console.print(_tree(trip, verbose), highlight=False)
    colour = _COLOURS[trip.verdict]
    console.print(f"[bold {colour}]{escape(outcome(trip))}[/]", highlight=False, soft_wrap=True)
    for unknown in trip.unknown:
        assumed = "that it matches" if unknown.assumed else "that it does not match"
        where = f"{unknown.table}/{unknown.chain} rule {unknown.num}"
        console.print(f"  [yellow]not known[/] {escape(f'{where}: {unknown.reason}; assumed {assumed}')}", highlight=False, soft_wrap=True)
    for miss in near_misses(trip)[:5]:
        text = f"{miss.table}/{miss.chain} rule {miss.num} ({miss.code.rule.text}) failed only in: {miss.failed[0]}"
        console.print(f"  [cyan]near miss[/] {escape(text)}", highlight=False, soft_wrap=True)
    for hint in _hints(trip):
        console.print(f"  [cyan]hint[/] {escape(hint)}", highlight=False, soft_wrap=True)
    for reply in trip.replies:
        console.print()
        console.print("[bold]this host answers:[/]")
        show(reply, console, verbose=verbose)


def _tree(trip: Trip, verbose: bool) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    top = Tree(Text(f"{trip.ctstate or 'not tracked'}{f', {trip.ctdir}' if trip.ctdir else ''}", style="dim"))
    hook_node: Tree | None = None
    hook = table = ""
    chains: list[tuple[str, Tree]] = []
    events = list(trip.events)
    misses = list(trip.misses or ()) if verbose else []
    for at, step in enumerate(trip.steps):
        while events and events[0].after <= at:
            event = events.pop(0)
            (hook_node or top).add(Text(_event_text(event.what, event.detail, trip), style="magenta"))
        if hook_node is None or step.hook != hook:
            hook, table = step.hook, ""
            hook_node = top.add(Text(hook, style="bold blue"))
        if step.table != table:
            table = step.table
            chains = [(step.chain, hook_node.add(Text(table, style="blue")))]
        while len(chains) > 1 and chains[-1][0] != step.chain and any(name == step.chain for name, _ in chains):
            chains.pop()
        if chains[-1][0] != step.chain:
            chains.append((step.chain, chains[-1][1].add(Text(step.chain, style="blue"))))
        node = chains[-1][1]
        while misses and _is_before(misses[0], step):
            miss = misses.pop(0)
            node.add(Text(f"{miss.num:>3}  -A {miss.chain} {miss.code.rule.text}   no: {', '.join(miss.failed)}", style="dim"))
        node.add(_step_text(step, trip))
    for event in events:
        (hook_node or top).add(Text(_event_text(event.what, event.detail, trip), style="magenta"))
    if not trip.steps and not trip.events:
        top.add(Text("no rule was asked", style="dim"))
    return top


def _is_before(miss: Miss, step: Step) -> bool:
    return (miss.hook, miss.table, miss.chain) == (step.hook, step.table, step.chain) and (step.kind != "rule" or miss.num < step.num)


def _step_text(step: Step, trip: Trip) -> Any:
    from rich.text import Text

    if step.kind == "policy":
        return Text.assemble(("    ", ""), (f"policy of {step.chain}", "italic"))
    rule = step.rule
    if step.kind == "return" and rule is None:
        return Text("    end of chain, return", style="italic dim")
    text = Text.assemble((f"{step.num:>3}  ", "cyan"), (f"-A {step.chain} {rule.text if rule else ''}".rstrip(), ""))
    if rule is not None and _place(rule):
        text.append(f"   {_place(rule)}", style="dim")
    if step.effect:
        parts = [f"{key} {_effect(key, value, trip.first.family)}" for key, value in step.effect.items()]
        text.append("   " + ", ".join(parts), style="magenta")
    return text


def _effect(key: str, value: Any, family: int) -> str:
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return f"{_effect(key, value[0], family)} -> {_effect(key, value[1], family)}"
    if key in ("src", "dst") and isinstance(value, int):
        return address_text(value, family)
    if key in ("mark", "connmark", "tos") and isinstance(value, int):
        return f"0x{value:x}"
    return str(value)


def _event_text(what: str, detail: Json, trip: Trip) -> str:
    if what == "routing":
        if "dropped" in detail:
            return f"routing: dropped, {detail['dropped']}"
        return "routing: for this host" if detail["to"] == "local" else f"routing: out by {detail['to']}"
    if what == "rerouted":
        return f"routed anew: out by {detail['to']}"
    if what == "ttl":
        return "TTL is over" if detail.get("expired") else f"TTL {detail.get('ttl', '')}".rstrip()
    parts = [f"{key} {_effect(key, value, trip.first.family)}" for key, value in detail.items()]
    return f"{what}: {', '.join(parts)}"


def _hints(trip: Trip) -> list[str]:
    """The usual causes of surprise."""
    hints = []
    translated = any(event.what == "translate" and ("dst" in event.detail or "dport" in event.detail) for event in trip.events)
    decided = trip.decided
    if translated and trip.verdict in ("DROP", "REJECT") and decided is not None and decided.hook == "FORWARD":
        hints.append("DNAT worked, but the packet is then forwarded, and filter/FORWARD does not let it pass")
    hooks = {step.hook for step in trip.steps}
    if "OUTPUT" in hooks and "PREROUTING" not in hooks and trip.first.iniface == "":
        return hints
    if translated and trip.fate == "forwarded":
        hints.append("a packet that DNAT sends on to another host never meets filter/INPUT")
    return hints


def summary(trips: list[tuple[Json, Trip]], console: Console) -> None:
    """Many packets: verdicts and the rules that decided."""
    from collections import Counter

    from rich.table import Table

    verdicts = Counter(trip.verdict for _, trip in trips)
    deciders = Counter((trip.verdict, _decider(trip)) for _, trip in trips)
    table = Table(title=f"{len(trips)} packets", title_justify="left")
    for name in ("packets", "verdict", "decided by"):
        table.add_column(name, justify="right" if name == "packets" else "left")
    for (verdict, decider), count in deciders.most_common():
        table.add_row(str(count), f"[{_COLOURS[verdict]}]{verdict}[/]", decider)
    console.print(table)
    console.print(", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common()))


def _decider(trip: Trip) -> str:
    step = trip.decided
    if step is None:
        return trip.why or "the kernel"
    what = f"rule {step.num}" if step.kind == "rule" else "policy"
    where = _place(step.rule)
    return f"{step.table}/{step.chain} {what}{f' ({where})' if where else ''}"
