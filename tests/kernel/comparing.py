"""What of a scenario's answer must equal the kernel's, and how a difference reads."""

from __future__ import annotations

from collections import Counter
from itertools import zip_longest
from typing import Any

Json = dict[str, Any]

_SAME = ("fate", "reason", "to", "ctstate", "ctdir", "mark", "final", "packet", "error")


def features(family: int) -> frozenset[str]:
    """The matches (``m:``) and targets (``t:``) that exist."""
    from pyiptables.extensions import names

    return frozenset([f"m:{n}" for n in names("match", family)] + [f"t:{n}" for n in names("target", family)])


def step_text(step: Json) -> str:
    ports = f" {step['sport']}>{step['dport']}" if "sport" in step else ""
    return (
        f"{step['hook']} {step['table']}:{step['chain']}:{step['kind']}:{step['num']} in={step['in']} out={step['out']}"
        f" {step['src']} {step['dst']}{ports} ttl={step['ttl']} tos={step['tos']:#x} mark={step['mark']:#x}"
    )


def differences(ours: Json, theirs: Json) -> list[str]:
    """Where our answer differs from the kernel's."""
    if "error" in theirs or "error" in ours:
        return [] if ("error" in theirs) == ("error" in ours) else [f"error: ours {ours.get('error')!r} kernel {theirs.get('error')!r}"]
    found: list[str] = []
    for number, (mine, real) in enumerate(zip(ours["packets"], theirs["packets"], strict=True)):
        if mine.get("lots") or any(reply.get("lots") for reply in mine.get("replies", ())):
            return found  # the kernel drew a port from here on
        found += [f"packet {number}: {text}" for text in _packet(mine, real)]
    if theirs.get("counters") is not None and not found:
        found += _counters(ours.get("counters", ""), theirs["counters"])
    return found


def copy_differences(case: Json, ours: Json, theirs: Json) -> list[str]:
    """The same for a scenario with TEE: the kernel's trace does not tell a packet from its copy, so all steps stand in one row."""
    copying = _rules_with(case["rules"], "-j TEE")
    found = []
    for number, (mine, real) in enumerate(zip(ours["packets"], theirs["packets"], strict=True)):
        a = [step_text(step) for step in _row(mine, copying, list(mine.get("replies", [])))]
        b = [step_text(step) for answer in (real, *real.get("replies", [])) for step in answer["steps"]]
        found += [f"packet {number}: ours {x}\n          kernel {y}" for x, y in zip_longest(a, b, fillvalue="-") if x != y][:1]
    return found or _counters(ours["counters"], theirs["counters"])


def _rules_with(rules: str, words: str) -> set[tuple[str, str, int]]:
    """Table, chain and number of the rules that have these words."""
    table, found = "", set()
    counted: Counter[tuple[str, str]] = Counter()
    for line in rules.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith("-A "):
            chain = line.split()[1]
            counted[table, chain] += 1
            if words in line:
                found.add((table, chain, counted[table, chain]))
    return found


def _row(mine: Json, copying: set[tuple[str, str, int]], replies: list[Json]) -> list[Json]:
    """A packet's steps, a copy's after the rule that made it, then those of what the host answered."""
    row = []
    for step in mine["steps"]:
        row.append(step)
        copied = step["kind"] == "rule" and (step["table"], step["chain"], step["num"]) in copying
        if copied and replies and all(replies[0]["packet"].get(key) == step[key] for key in ("src", "dst", "sport") if key in step):
            row += _row(replies.pop(0), set(), [])
    while "sent" in mine and replies:
        row += _row(replies.pop(0), copying, replies)
    return row


def _taken_over(mine: Json, real: Json) -> Json:
    """What SYNPROXY takes over is lost for the kernel's trace, and the sequence numbers that it answers with are secret."""
    replies = []
    for reply, told in zip(mine["replies"], real.get("replies", []), strict=False):
        secret = {"seq": told["packet"].get("seq")}
        replies.append({**reply, "packet": {**reply["packet"], **secret}, "final": reply.get("final") and {**reply["final"], **secret}})
    return {**mine, "fate": "dropped", "reason": "stack", "replies": replies}


def _packet(mine: Json, real: Json) -> list[str]:
    found = []
    if mine.get("fate") == "stolen" and len(mine.get("replies", [])) == len(real.get("replies", [])):
        mine = _taken_over(mine, real)
    for at in range(max(len(mine["steps"]), len(real["steps"]))):
        a = step_text(mine["steps"][at]) if at < len(mine["steps"]) else "-"
        b = step_text(real["steps"][at]) if at < len(real["steps"]) else "-"
        if a != b:
            found.append(f"step {at}: ours {a}\n          kernel {b}")
            break
    for key in _SAME:
        if mine.get(key) != real.get(key):
            found.append(f"{key}: ours {mine.get(key)} kernel {real.get(key)}")
    a, b = mine.get("replies", []), real.get("replies", [])
    if len(a) != len(b):
        found.append(f"replies: ours {[x['packet'] for x in a]} kernel {[x['packet'] for x in b]}")
    else:
        for number, (x, y) in enumerate(zip(a, b, strict=True)):
            found += [f"reply {number}: {text}" for text in _packet(x, y)]
    return found


def _counters(ours: str, theirs: str) -> list[str]:
    if ours == theirs:
        return []
    a, b = ours.splitlines(), theirs.splitlines()
    only = f"only ours {sorted(set(a) - set(b))} only kernel {sorted(set(b) - set(a))}"
    return [f"counters: {only if set(a) != set(b) else 'in another order'}"]
