"""A trace as a Mermaid flow chart, for Markdown pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyiptables.report.trace_words import effect_text, event_text, line_of, outcome, packet_text, rule_text, shows_event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyiptables.netfilter.traverse import Step
    from pyiptables.netfilter.trip import Trip

__all__ = ["mermaid"]

_CLASSES = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "drop", "QUEUE": "other", "STOLEN": "other"}


def mermaid(trips: list[Trip]) -> str:
    """One chart; each packet is a chain of nodes, hook by hook."""
    out = [
        "flowchart TD",
        "  classDef accept fill:#2e7d32,color:#fff,stroke:none",
        "  classDef drop fill:#c62828,color:#fff,stroke:none",
        "  classDef other fill:#b26a00,color:#fff,stroke:none",
    ]
    for number, trip in enumerate(trips):
        out += [f"  {line}" for line in _packet(trip, f"p{number}")]
    return "\n".join(out)


def _packet(trip: Trip, name: str) -> Iterator[str]:
    yield f'{name}(["{_quoted(_arrowed(packet_text(trip.first)))}"])'
    before = name
    events = [event for event in trip.events if shows_event(trip, event)]
    hook = ""
    for at, step in enumerate(trip.steps):
        while events and events[0].after <= at:
            event = events.pop(0)
            if hook and event.what == "routing":
                yield "end"
                hook = ""
            node = f"{name}e{at}{len(events)}"
            yield f'{node}{{"{_quoted(": ".join(event_text(event, trip.first.family)))}"}}'
            yield f"{before} --> {node}"
            before = node
        if step.hook != hook:
            if hook:
                yield "end"
            hook = step.hook
            yield f'subgraph {name}h{at}["{hook}"]'
        node = f"{name}s{at}"
        yield f'{node}["{_step(step, trip)}"]'
        yield f"{before} --> {node}"
        before = node
    if hook:
        yield "end"
    yield f'{name}z(["{_quoted(_arrowed(outcome(trip)))}"]):::{_CLASSES[trip.verdict]}'
    yield f"{before} --> {name}z"


def _step(step: Step, trip: Trip) -> str:
    if step.rule is None:
        return f"{step.table}/{step.chain}<br/>{f'policy {step.policy}' if step.kind == 'policy' else 'end of chain'}"
    text, comment = rule_text(step.rule.text)
    parts = [f"{step.table}/{step.chain} {step.num}" + (f" · {line_of(step.rule)}" if line_of(step.rule) else ""), text]
    if comment:
        parts.append(f"# {comment}")
    if step.effect:
        parts.append("⇒ " + effect_text(step.effect, trip.first.family))
    return "<br/>".join([_quoted(part) for part in parts])


def _arrowed(text: str) -> str:
    return text.replace("->", "\N{RIGHTWARDS ARROW}")


def _quoted(text: str) -> str:
    """Text within a node's quotes: entities as Mermaid reads them."""
    for char, entity in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;"), ("\n", " ")):
        text = text.replace(char, entity)
    return text
