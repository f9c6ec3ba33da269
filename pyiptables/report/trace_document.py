"""The JSON document of a trace, ``pyiptables.trace/1``."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from pyiptables.netfilter.description import describe, shown_address
from pyiptables.netfilter.player import ending_json, left, step_json, unknown_json
from pyiptables.report.trace_words import target_of

if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.traverse import Step
    from pyiptables.netfilter.trip import Trip
    from pyiptables.ruleset import Rule

    Json = dict[str, Any]

__all__ = ["SCHEMA", "decided_by", "document", "dumps", "trip_document", "trip_line"]

SCHEMA = "pyiptables.trace/1"
_line = json.JSONEncoder(ensure_ascii=False).encode
#: What differs between steps at one place of the ruleset, and between packets that fare alike.
_SAID = ("num", "text", "target", "file", "line")
_OF_A_STEP = (*_SAID, "src", "dst", "sport", "dport", "ttl", "tos", "mark")
_OF_A_TRIP = ("packet", "decided_by", "steps", "final", "mark")
#: Stands in a form for what differs: no text has it.
_GAP = "\0gap"
_GAP_TEXT = _line(_GAP)
#: Lines with gaps, by what they have in common; of these, and of the words of rules, so many are kept.
_forms: dict[tuple[Any, ...], str] = {}
_FORMS = 50_000


def decided_by(trip: Trip) -> Json | None:
    """The rule or policy that decided; None when the kernel did by itself."""
    return None if trip.decided is None else _decision(trip.decided)


def _decision(step: Step) -> Json:
    return {"table": step.table, "chain": step.chain, "kind": step.kind, "num": step.num, **_said_by(step.rule, step.chain, step.policy)}


@lru_cache(maxsize=_FORMS)
def _said_by(rule: Rule | None, chain: str, policy: str | None) -> Json:
    """Text and target of a rule, or of a policy as ``-P`` sets it, and the place; None at the end of another chain."""
    if rule is not None:
        file, line = rule.source if rule.source is not None and rule.source[0] != "-" else (None, None)
        return {"text": f"-A {chain} {rule.text}".rstrip(), "target": target_of(rule), "file": file, "line": line}
    text = None if policy is None else f"-P {chain} {policy}"
    return {"text": text, "target": policy, "file": None, "line": None}


def _step_document(step: Step, family: int) -> Json:
    effect = {key: _plain(key, value, family) for key, value in step.effect.items()} if step.effect else {}
    return {**step_json(step, family), **_said_by(step.rule, step.chain, step.policy), "effect": effect}


def _plain(key: str, value: Any, family: int) -> Any:
    if key in ("src", "dst") and isinstance(value, int):
        return shown_address(value, family)
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


def trip_line(trip: Trip, described: Json) -> str:
    """:func:`trip_document` as one line of JSON, for many packets: what those that fare alike have in common is put into words once."""
    if trip.replies or trip.unknown:
        return _line(trip_document(trip, described))
    key = (trip.fate, trip.reason, trip.why, trip.ctstate, trip.ctdir, trip.outiface, trip.error, trip.lots, trip.copy)
    form = _forms.get(key) or _form(key, trip_document(trip, described), _OF_A_TRIP)
    family = trip.first.family
    by = "null" if trip.decided is None else _decided_line(trip.decided)
    steps = ", ".join([_step_line(step, family) for step in trip.steps])
    final = _line(describe(trip.packet)) if left(trip) else "null"
    return form % (_line(described), by, f"[{steps}]", final, trip.mark)


def _decided_line(step: Step) -> str:
    key = (step.table, step.chain, step.kind)
    form = _forms.get(key) or _form(key, _decision(step), _SAID)
    return form % (step.num, *_said_lines(step.rule, step.chain, step.policy))


@lru_cache(maxsize=_FORMS)
def _said_lines(rule: Rule | None, chain: str, policy: str | None) -> tuple[str, ...]:
    return tuple([_line(value) for value in _said_by(rule, chain, policy).values()])


def _step_line(step: Step, family: int) -> str:
    if step.effect:
        return _line(_step_document(step, family))
    key = (step.hook, step.table, step.chain, step.kind, step.iniface, step.outiface, step.sport >= 0)
    form = _forms.get(key) or _form(key, _step_document(step, family), _OF_A_STEP)
    ports = (step.sport, step.dport) if step.sport >= 0 else ()
    words = _said_lines(step.rule, step.chain, step.policy)
    ends = f'"{shown_address(step.src, family)}"', f'"{shown_address(step.dst, family)}"'
    return form % (step.num, *ends, *ports, step.ttl, step.tos, step.mark, *words)


def _form(key: tuple[Any, ...], document: Json, varying: tuple[str, ...]) -> str:
    """The line of a document with a gap for everything that varies."""
    if len(_forms) >= _FORMS:
        _forms.clear()
    text = _line({name: _GAP if name in varying else value for name, value in document.items()})
    form = _forms[key] = text.replace("%", "%%").replace(_GAP_TEXT, "%s")
    return form


def document(trips: list[tuple[Json, Trip]]) -> Json:
    """The whole answer, packet by packet; each pair is the description and what came of it."""
    return {"schema": SCHEMA, "packets": [trip_document(trip, sent) for sent, trip in trips]}


def dumps(value: Any) -> str:
    """JSON as all of these documents are written."""
    return json.dumps(value, indent=2, ensure_ascii=False)
