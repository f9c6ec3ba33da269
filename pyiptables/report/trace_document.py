"""The JSON document of a trace, ``pyiptables.trace/1``."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from pyiptables.netfilter.description import describe
from pyiptables.netfilter.player import ending_json, step_json, unknown_json
from pyiptables.report.trace_words import target_of
from pyiptables.xtables.addresses import address_text

if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.traverse import Step
    from pyiptables.netfilter.trip import Trip
    from pyiptables.ruleset import Rule

    Json = dict[str, Any]

__all__ = ["SCHEMA", "decided_by", "document", "dumps", "trip_document"]

SCHEMA = "pyiptables.trace/1"
_line = json.JSONEncoder(ensure_ascii=False).encode


def decided_by(trip: Trip) -> Json | None:
    """The rule or policy that decided; None when the kernel did by itself."""
    step = trip.decided
    if step is None:
        return None
    return {"table": step.table, "chain": step.chain, "kind": step.kind, "num": step.num, **_said_by(step)}


def _said_by(step: Step) -> Json:
    """Text and target of a rule, or of a policy as ``-P`` sets it, and the place; None at the end of another chain."""
    if step.rule is not None:
        return _said_by_rule(step.rule, step.chain)
    if step.kind == "policy" and step.policy is not None:
        return {"text": f"-P {step.chain} {step.policy}", "target": step.policy, "file": None, "line": None}
    return {"text": None, "target": None, "file": None, "line": None}


@lru_cache(maxsize=10_000)
def _said_by_rule(rule: Rule, chain: str) -> Json:
    file, line = rule.source if rule.source is not None and rule.source[0] != "-" else (None, None)
    return {"text": f"-A {chain} {rule.text}".rstrip(), "target": target_of(rule), "file": file, "line": line}


def _step_document(step: Step, family: int) -> Json:
    effect = {key: _plain(key, value, family) for key, value in step.effect.items()} if step.effect else {}
    return {**step_json(step, family), **_said_by(step), "effect": effect}


def _plain(key: str, value: Any, family: int) -> Any:
    if key in ("src", "dst") and isinstance(value, int):
        return address_text(value, family)
    if isinstance(value, bytes):
        return value.hex()
    return value if isinstance(value, (str, int, float, bool, list, dict)) or value is None else str(value)


def trip_document(trip: Trip, described: Json | None = None) -> Json:
    """One packet's answer; ``described`` is what the user said of it."""
    family = trip.first.family
    ending = ending_json(trip)
    out: Json = {
        "packet": described if described is not None else describe(trip.first),
        "verdict": trip.verdict,
        "fate": trip.fate,
        "reason": trip.reason,
        "why": trip.why or None,
        "decided_by": decided_by(trip),
        "steps": [_step_document(step, family) for step in trip.steps],
        "final": ending.get("final"),
        "ctstate": trip.ctstate,
        "ctdir": trip.ctdir,
        "mark": trip.mark,
    }
    out |= {key: ending[key] for key in ("outiface", "error", "lots") if key in ending}
    if trip.copy:
        out["copy"] = trip.copy
    out["replies"] = [trip_document(reply) for reply in trip.replies]
    out["unknown"] = unknown_json(trip)
    return out


def document(trips: list[tuple[Json, Trip]]) -> Json:
    """The whole answer, packet by packet; each pair is the description and what came of it."""
    return {"schema": SCHEMA, "packets": [trip_document(trip, sent) for sent, trip in trips]}


def dumps(value: Any, indent: int | None = 2) -> str:
    """JSON as all of these documents are written."""
    return _line(value) if indent is None else json.dumps(value, indent=indent, ensure_ascii=False)
