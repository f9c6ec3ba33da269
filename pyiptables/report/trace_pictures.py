"""Pictures of a packet's path: Mermaid text, SVG, and a page of HTML, each complete in itself."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from pyiptables.report.trace import outcome, packet_text

if TYPE_CHECKING:
    from pyiptables.netfilter.trip import Trip

__all__ = ["html", "mermaid", "svg"]

_ROW, _WIDTH, _LEFT = 26, 900, 170
_FILL = {"ACCEPT": "#2e7d32", "DROP": "#c62828", "REJECT": "#c62828", "QUEUE": "#b26a00", "STOLEN": "#b26a00"}


def _lines(trip: Trip) -> list[tuple[str, str]]:
    """(hook and table, what happened there), in order."""
    found = []
    for step in trip.steps:
        rule = step.rule
        if step.kind == "policy":
            text = f"policy of {step.chain}"
        elif rule is None:
            text = f"end of {step.chain}"
        else:
            text = f"{step.chain} {step.num}: {rule.text}"
        found.append((f"{step.hook} {step.table}", text))
    return found


def mermaid(trips: list[Trip]) -> str:
    """A flow chart for Markdown pages."""
    out = ["flowchart TD"]
    for number, trip in enumerate(trips):
        before = f"p{number}"
        out.append(f'  {before}(["{_quoted(packet_text(trip.first))}"])')
        for at, (place, text) in enumerate(_lines(trip)):
            node = f"p{number}s{at}"
            out.append(f'  {node}["{_quoted(place)}<br/>{_quoted(text)}"]')
            out.append(f"  {before} --> {node}")
            before = node
        out.append(f'  p{number}e{{{{"{_quoted(outcome(trip))}"}}}}')
        out.append(f"  {before} --> p{number}e")
    return "\n".join(out)


def _quoted(text: str) -> str:
    return escape(text, quote=False).replace('"', "#quot;")


def svg(trips: list[Trip]) -> str:
    """The path as a drawing, top to bottom."""
    rows: list[str] = []
    y = 10
    for trip in trips:
        rows.append(_text(10, y + 17, packet_text(trip.first), "font-weight:bold"))
        y += _ROW
        last = ""
        for place, text in _lines(trip):
            if place != last:
                rows.append(_text(10, y + 17, place, "fill:#1565c0"))
                last = place
            rows.append(f'<rect x="{_LEFT}" y="{y}" width="{_WIDTH - _LEFT - 10}" height="{_ROW - 4}" rx="4" fill="#eef3f8"/>')
            rows.append(_text(_LEFT + 8, y + 16, text if len(text) < 105 else text[:104] + "…"))
            y += _ROW
        rows.append(f'<rect x="10" y="{y}" width="{_WIDTH - 20}" height="{_ROW - 2}" rx="4" fill="{_FILL[trip.verdict]}"/>')
        rows.append(_text(18, y + 17, outcome(trip), "fill:white;font-weight:bold"))
        y += _ROW + 14
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{y}" viewBox="0 0 {_WIDTH} {y}" '
        f'font-family="monospace" font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(rows) + "\n</svg>"
    )


def _text(x: int, y: int, text: str, style: str = "") -> str:
    return f'<text x="{x}" y="{y}"{f" style={chr(34)}{style}{chr(34)}" if style else ""}>{escape(text)}</text>'


def html(trips: list[Trip]) -> str:
    """A page that needs nothing from outside."""
    head = '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>pyiptables trace</title>'
    return f"{head}\n<body>\n{svg(trips)}\n</body>\n</html>"
