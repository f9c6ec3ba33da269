"""Many packets at a glance: verdicts, what decided them, hits of every rule, rules never hit."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from pyiptables.report.trace_words import COLOURS, decider, line_of, rule_text

if TYPE_CHECKING:
    from rich.console import Console

    from pyiptables.netfilter.pipeline import Engine
    from pyiptables.netfilter.trip import Trip
    from pyiptables.ruleset import Rule

__all__ = ["Summary"]

#: Lines of a table shown without -v.
_LINES = 15


class Summary:
    """Counts packets as they come; ``show`` prints the tables."""

    def __init__(self) -> None:
        self.packets = 0
        self.verdicts: Counter[str] = Counter()
        self.deciders: Counter[tuple[str, str]] = Counter()
        self.unknown: Counter[str] = Counter()

    def add(self, trip: Trip) -> None:
        """Count a packet."""
        verdict = trip.verdict
        self.packets += 1
        self.verdicts[verdict] += 1
        self.deciders[verdict, decider(trip.decided) or f"the kernel: {trip.why}"] += 1
        for unknown in trip.unknown:
            self.unknown[f"{unknown.table}/{unknown.chain} rule {unknown.num}: {unknown.reason}"] += 1

    def show(self, console: Console, engine: Engine, verbose: bool = False) -> None:
        """Everything, on a terminal; ``engine`` is the one that the packets went through."""
        line = Text(f"{self.packets} packets: ", style="bold")
        for at, (verdict, count) in enumerate(self.verdicts.most_common()):
            line.append(", " if at else "")
            line.append(f"{count} {verdict}", style=f"bold {COLOURS[verdict]}")
        console.print(line)
        self._deciders(console, verbose)
        hit, never = _hits(engine)
        _rules(console, "hits per rule", hit, verbose, counted=True)
        _rules(console, "never hit", never, verbose, counted=False)
        for text, count in self.unknown.most_common(None if verbose else _LINES):
            console.print(Text.assemble(("not known ", "yellow"), f"{text} ({count} packets; assumed not to match)"), soft_wrap=True)

    def _deciders(self, console: Console, verbose: bool) -> None:
        table = _table("what decided", "packets", "verdict", "decided by")
        shown = self.deciders.most_common(None if verbose else _LINES)
        for (verdict, by), count in shown:
            table.add_row(str(count), Text(verdict, style=COLOURS[verdict]), Text(by))
        _rest(table, len(self.deciders) - len(shown))
        console.print(table)


def _hits(engine: Engine) -> tuple[list[tuple[int, str, Rule]], list[tuple[int, str, Rule]]]:
    """Rules that were hit, most hit first, and rules that were not, in their order."""
    hit: list[tuple[int, str, Rule]] = []
    never: list[tuple[int, str, Rule]] = []
    for table in engine.tables.values():
        for chain in table.chains.values():
            for num, rule in enumerate(chain.source.rules, 1):
                code = chain.codes.get(num)
                count = 0 if code is None else code.packets
                (hit if count else never).append((count, f"{table.name}/{chain.name} {num}", rule))
    hit.sort(key=lambda each: -each[0])
    return hit, never


def _rules(console: Console, title: str, rules: list[tuple[int, str, Rule]], verbose: bool, *, counted: bool) -> None:
    if not rules:
        return
    columns = ("packets", "rule", "text", "at") if counted else ("rule", "text", "at")
    table = _table(f"{title} ({len(rules)})", *columns)
    shown = rules if verbose else rules[:_LINES]
    for count, name, rule in shown:
        plain, comment = rule_text(rule.text)
        text = Text(plain)
        if comment:
            text.append(f"  # {comment}", style="italic green")
        row = (Text(name), text, Text(line_of(rule), style="dim"))
        table.add_row(*((str(count), *row) if counted else row))
    _rest(table, len(rules) - len(shown))
    console.print(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for name in columns:
        table.add_column(name, justify="right" if name == "packets" else "left", overflow="fold", no_wrap=name in ("packets", "verdict"))
    return table


def _rest(table: Table, left: int) -> None:
    if left > 0:
        table.add_row(*["…"] * (len(table.columns) - 1), f"and {left} more (-v)")
