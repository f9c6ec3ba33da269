"""A trace as a drawing: the hooks with the packet's way through them, and below what happened at each.

The picture needs nothing from outside, and follows the reader's light or dark colours where it is shown by a browser.
"""

from __future__ import annotations

import textwrap
from html import escape
from typing import TYPE_CHECKING

from pyiptables.report.trace_reasons import hints
from pyiptables.report.trace_words import (
    cause,
    effect_text,
    event_text,
    line_of,
    outcome,
    packet_text,
    rule_text,
    shows_event,
    target_of,
    way_in,
)

if TYPE_CHECKING:
    from pyiptables.netfilter.host import Host
    from pyiptables.netfilter.traverse import Step
    from pyiptables.netfilter.trip import Trip
    from pyiptables.ruleset import Ruleset

__all__ = ["html", "svg"]

_WIDTH = 960
_MARGIN = 28
#: Width of a letter of the 12.5 px type face.
_LETTER = 7.55
_STYLE = """
text{font:12.5px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#1f2328}
.page{fill:#fff}.title{font-size:16px;font-weight:700}.muted{fill:#656d76}.hook{font-weight:700;fill:#0969da}
.box{fill:#f6f8fa;stroke:#d0d7de}.box.on{fill:#ddf4ff;stroke:#0969da;stroke-width:1.6}.box.drop{fill:#ffebe9;stroke:#cf222e;stroke-width:2}
.box.pass{fill:#dafbe1;stroke:#1a7f37;stroke-width:2}.way{fill:none;stroke:#d0d7de;stroke-width:1.6}.way.on{stroke:#0969da;stroke-width:2.6}
.rail{stroke:#d0d7de;stroke-width:2}.dot{fill:#0969da}.num{fill:#fff;font-size:11px;font-weight:700}.chip{fill:#eaeef2}
.chiptext{font-size:11px;fill:#424a53}.effect{fill:#8250df}.comment{fill:#1a7f37;font-style:italic}.good{fill:#1a7f37;font-weight:700}
.bad{fill:#cf222e;font-weight:700}.jump{fill:#0969da;font-weight:700}.ACCEPT{fill:#1a7f37}.DROP,.REJECT{fill:#cf222e}
.QUEUE,.STOLEN{fill:#9a6700}.verdict{fill:#fff;font-size:13.5px;font-weight:700}.small{font-size:11px}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.page{fill:#0d1117}.muted{fill:#8d96a0}.hook,.jump{fill:#4493f8}
.box{fill:#161b22;stroke:#30363d}.box.on{fill:#0c2d6b;stroke:#4493f8}.box.drop{fill:#490202;stroke:#f85149}.box.pass{fill:#04260f;stroke:#3fb950}
.way,.rail{stroke:#30363d}.way.on{stroke:#4493f8}.dot{fill:#1f6feb}.chip{fill:#21262d}.chiptext{fill:#b1bac4}.effect{fill:#ab7df8}
.comment,.good{fill:#3fb950}.bad{fill:#f85149}.ACCEPT{fill:#238636}.DROP,.REJECT{fill:#b62324}.QUEUE,.STOLEN{fill:#9e6a03}
.num,.verdict{fill:#fff}}
""".strip().replace("\n", "")
_GOOD = frozenset(("ACCEPT",))
_BAD = frozenset(("DROP", "REJECT"))
#: The map of hooks: name → (x, y, width) of its box.
_BOXES = {
    "PREROUTING": (96, 96, 118),
    "INPUT": (276, 24, 118),
    "this host": (432, 24, 118),
    "OUTPUT": (588, 24, 118),
    "FORWARD": (432, 96, 118),
    "POSTROUTING": (744, 96, 118),
}
_TALL = 34
#: Ways between boxes, in the map: from, to, drawing.
_WAYS = (
    ("", "PREROUTING", "M 20 113 H 94"),
    ("PREROUTING", "FORWARD", "M 214 113 H 430"),
    ("PREROUTING", "INPUT", "M 214 113 H 240 V 41 H 274"),
    ("INPUT", "this host", "M 394 41 H 430"),
    ("this host", "OUTPUT", "M 550 41 H 586"),
    ("OUTPUT", "POSTROUTING", "M 706 41 H 724 V 113 H 742"),
    ("FORWARD", "POSTROUTING", "M 550 113 H 742"),
    ("POSTROUTING", "", "M 862 113 H 938"),
)
#: The way of what the host sends to itself.
_LOOP = ("POSTROUTING", "PREROUTING", "M 803 130 V 150 H 155 V 132")


def svg(trips: list[Trip], ruleset: Ruleset | None = None, host: Host | None = None) -> str:
    """One drawing of all packets, one below the other."""
    drawing = _Drawing()
    for at, trip in enumerate(trips):
        if at:
            drawing.y += 26
        drawing.packet(trip, ruleset, host)
    height = round(drawing.y + 20)
    title = escape("; ".join([outcome(trip) for trip in trips[:3]]))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" role="img">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n"
        f"<defs>{_arrowhead('a', 7, '#d0d7de')}{_arrowhead('b', 9, '#0969da')}</defs>\n"
        f'<rect class="page" width="{_WIDTH}" height="{height}" rx="10"/>\n' + "\n".join(drawing.parts) + "\n</svg>"
    )


def _arrowhead(name: str, size: int, colour: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="6.5" refY="4" markerWidth="{size}" markerHeight="{size}" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" fill="{colour}"/></marker>'
    )


def html(trips: list[Trip], ruleset: Ruleset | None = None, host: Host | None = None) -> str:
    """A page that needs nothing from outside."""
    title = escape(packet_text(trips[0].first)) if trips else "trace"
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n'
        f"<title>{title} - pyiptables trace</title>\n<style>:root{{color-scheme:light dark}}body{{margin:2rem auto;max-width:{_WIDTH}px;"
        "padding:0 1rem}svg{max-width:100%;height:auto}</style>\n</head>\n<body>\n"
        f"{svg(trips, ruleset, host)}\n</body>\n</html>"
    )


class _Drawing:
    """Elements from top to bottom; ``y`` is where the next goes."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.y = 26.0

    # -- elements ----------------------------------------------------------------------------------------
    def text(self, x: float, y: float, text: str, kind: str = "", anchor: str = "") -> None:
        attributes = (f' class="{kind}"' if kind else "") + (f' text-anchor="{anchor}"' if anchor else "")
        self.parts.append(f'<text x="{x:g}" y="{y:g}"{attributes} xml:space="preserve">{escape(text, quote=False)}</text>')

    def _rect(self, x: float, y: float, width: float, height: float, kind: str, radius: float = 6) -> None:
        self.parts.append(f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}"/>')

    # -- a packet ----------------------------------------------------------------------------------------
    def packet(self, trip: Trip, ruleset: Ruleset | None, host: Host | None) -> None:
        self.text(_MARGIN, self.y + 12, packet_text(trip.first).replace("->", "\N{RIGHTWARDS ARROW}"), "title")
        if trip.ctstate:
            direction = {"REPLY": ", reply", "ORIGINAL": ""}.get(trip.ctdir or "", "")
            self.text(_WIDTH - _MARGIN, self.y + 12, f"conntrack: {trip.ctstate}{direction}", "muted", "end")
        self.y += 26
        phases = _phases(trip)
        self._map(trip, [hook for hook, _ in phases])
        self.y += 178 if "lo" in {step.iniface for step in trip.steps} else 160
        for number, (hook, steps) in enumerate(phases, 1):
            self._phase(number, hook, steps, trip)
        self._end(trip, ruleset, host)
        for reply in trip.replies:
            self.y += 20
            self.text(_MARGIN, self.y + 12, cause(reply, trip), "muted")
            self.y += 22
            self.packet(reply, None, host)

    def _map(self, trip: Trip, visited: list[str]) -> None:
        """The five hooks and the way through them; the last one coloured by what became of the packet."""
        top = self.y
        self.parts.append(f'<g transform="translate(0 {top:g})">')
        way = _way(trip, visited)
        pairs = set(zip(way, way[1:], strict=False))
        ways = (*_WAYS, _LOOP) if _LOOP[:2] in pairs else _WAYS
        ordered = sorted(ways, key=lambda each: (each[0], each[1]) in pairs)
        for start, end, drawn in ordered:
            on = (start, end) in pairs
            self.parts.append(f'<path class="way{" on" if on else ""}" d="{drawn}" marker-end="url(#{"b" if on else "a"})"/>')
        last = visited[-1] if visited else ""
        for name, (x, y, width) in _BOXES.items():
            kind = "box"
            if name in way:
                kind += " on"
            if name == last and trip.verdict in _BAD:
                kind = "box drop"
            elif name == "this host" and trip.fate == "delivered":
                kind = "box pass"
            self._rect(x, y, width, _TALL, kind)
            self.text(x + width / 2, y + 22, name, "muted small" if name == "this host" else "small", "middle")
            if name in visited:
                self.parts.append(f'<circle class="dot" cx="{x + 1:g}" cy="{y + 1:g}" r="9"/>')
                self.text(x + 1, y + 5, str(visited.index(name) + 1), "num", "middle")
        if _LOOP[:2] in pairs:
            self.text(_WIDTH / 2, 164, "lo", "small", "middle")
        self.text(20, 104, way_in(trip) or "in", "small" if way_in(trip) else "muted small")
        self.text(938, 104, trip.outiface or "out", "small" if trip.outiface else "muted small", "end")
        self.parts.append("</g>")

    def _phase(self, number: int, hook: str, steps: list[tuple[int, Step]], trip: Trip) -> None:
        x = _MARGIN + 10
        start = self.y
        at = len(self.parts)
        self.text(x + 24, self.y + 13, hook, "hook")
        self.y += 24
        table, chains = "", [""]
        for index, step in steps:
            if step.table != table:
                self.y += 3 if table else 0
                table, chains = step.table, [step.chain]
                width = 14 + 6.7 * len(table)
                self._rect(x + 24, self.y, width, 18, "chip", 9)
                self.text(x + 31, self.y + 13, table, "chiptext")
                if step.rule is None and step.kind == "policy":
                    # Nothing but the policy: it stands beside the table's name.
                    self._policy(step, x + 24 + width + 12)
                    self._events(trip, index + 1, x + 24)
                    continue
                self.y += 24
            while len(chains) > 1 and chains[-1] != step.chain and step.chain in chains:
                chains.pop()
            if chains[-1] != step.chain:
                self.text(x + 24 + 20 * len(chains), self.y + 12, step.chain, "jump")
                self.y += 19
                chains.append(step.chain)
            self._step(step, x + 24 + 20 * (len(chains) - 1), trip)
            self._events(trip, index + 1, x + 24)
        self.parts[at:at] = [
            f'<line class="rail" x1="{x:g}" y1="{start + 9:g}" x2="{x:g}" y2="{self.y:g}"/>',
            f'<circle class="dot" cx="{x:g}" cy="{start + 9:g}" r="10"/>',
            f'<text class="num" x="{x:g}" y="{start + 13:g}" text-anchor="middle">{number}</text>',
        ]
        self.y += 8

    def _step(self, step: Step, x: float, trip: Trip) -> None:
        rule = step.rule
        if rule is None:
            if step.kind == "policy":
                self._policy(step, x + 30)
                return
            self.text(x + 30, self.y + 12, "end of chain, back to the caller", "muted")
            self.y += 19
            return
        where = line_of(rule)
        self.text(x + 20, self.y + 12, str(step.num), "muted", "end")
        if where:
            self.text(_WIDTH - _MARGIN, self.y + 12, where, "muted small", "end")
        plain, comment = rule_text(rule.text)
        room = _WIDTH - _MARGIN - x - 30 - (8 * len(where) + 16 if where else 0)
        target = target_of(rule)
        for line in textwrap.wrap(plain, max(int(room / _LETTER), 20), break_on_hyphens=False) or [""]:
            self._rule_line(x + 30, line, target)
        if comment:
            self.text(x + 30, self.y + 12, f"# {comment}", "comment")
            self.y += 19
        if step.effect:
            for line in textwrap.wrap("⇒ " + effect_text(step.effect, trip.first.family), max(int(room / _LETTER), 20)):
                self.text(x + 30, self.y + 12, line, "effect")
                self.y += 19

    def _policy(self, step: Step, x: float) -> None:
        self.text(x, self.y + 13, f"policy {step.policy}", "bad" if step.policy == "DROP" else "good")
        self.y += 21

    def _rule_line(self, x: float, line: str, target: str) -> None:
        at = max(line.rfind(f"-j {target}"), line.rfind(f"-g {target}")) if target else -1
        if at < 0:
            self.text(x, self.y + 12, line)
        else:
            kind = "good" if target in _GOOD else "bad" if target in _BAD else "jump"
            end = at + 3 + len(target)
            before, shown, after = (escape(part, quote=False) for part in (line[:at], line[at:end], line[end:]))
            self.parts.append(
                f'<text x="{x:g}" y="{self.y + 12:g}" xml:space="preserve">{before}<tspan class="{kind}">{shown}</tspan>{after}</text>'
            )
        self.y += 19

    def _events(self, trip: Trip, after: int, x: float) -> None:
        for event in trip.events:
            if event.after == after and shows_event(trip, event):
                self.text(x, self.y + 12, ": ".join(event_text(event, trip.first.family)), "muted")
                self.y += 21

    def _end(self, trip: Trip, ruleset: Ruleset | None, host: Host | None) -> None:
        lines = textwrap.wrap(outcome(trip), int((_WIDTH - 2 * _MARGIN - 32) / 8.2))
        height = 16 + 19 * len(lines)
        self._rect(_MARGIN, self.y, _WIDTH - 2 * _MARGIN, height, trip.verdict, 8)
        for number, line in enumerate(lines):
            self.text(_MARGIN + 16, self.y + 22 + 19 * number, line, "verdict")
        self.y += height + 8
        for hint in hints(trip, ruleset, host):
            for line in textwrap.wrap(hint, int((_WIDTH - 2 * _MARGIN - 16) / _LETTER), break_on_hyphens=False):
                self.text(_MARGIN + 16, self.y + 12, line, "muted")
                self.y += 18


def _phases(trip: Trip) -> list[tuple[str, list[tuple[int, Step]]]]:
    """The hooks in order, with their steps and the number of each."""
    found: list[tuple[str, list[tuple[int, Step]]]] = []
    for at, step in enumerate(trip.steps):
        if not found or found[-1][0] != step.hook:
            found.append((step.hook, []))
        found[-1][1].append((at, step))
    return found


def _way(trip: Trip, visited: list[str]) -> list[str]:
    """The boxes that the packet came through, '' for outside; hooks without rules are passed too."""
    last = visited[-1] if visited else ""
    if way_in(trip) not in ("", "lo"):
        way = ["", "PREROUTING"]
    else:
        way = ["this host", "OUTPUT"]
        if trip.fate == "delivered" or last in ("PREROUTING", "INPUT"):
            way += ["POSTROUTING", "PREROUTING"]
        elif last == "POSTROUTING" or trip.fate in ("sent", "forwarded"):
            way.append("POSTROUTING")
    if trip.fate == "delivered" or last == "INPUT":
        way.append("INPUT")
    elif last == "FORWARD" or (last == "POSTROUTING" and way[0] == "") or trip.fate == "forwarded":
        way.append("FORWARD")
    if way[-1] == "FORWARD" and (last == "POSTROUTING" or trip.fate == "forwarded"):
        way.append("POSTROUTING")
    if trip.fate == "delivered":
        way.append("this host")
    if trip.fate in ("forwarded", "sent"):
        way.append("")
    return way
