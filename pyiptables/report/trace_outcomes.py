"""Every outcome of a packet: what each depends on, where the ways part, and how likely they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from pyiptables.report.trace_document import document
from pyiptables.report.trace_tree import path, show_outcome
from pyiptables.report.trace_words import COLOURS, outcome, packet_text

if TYPE_CHECKING:
    from typing import Any

    from rich.console import Console

    from pyiptables.netfilter.outcomes import Open, Outcome
    from pyiptables.netfilter.trip import Trip

    Json = dict[str, Any]

__all__ = ["outcomes_document", "show_outcomes"]

#: More outcomes than these are only tabled without -v.
_TREES = 8


def outcomes_document(outcomes: list[Outcome], packets: list[Json], complete: bool) -> Json:
    """The JSON document; ``complete`` is whether these are all outcomes."""
    return {
        "schema": "pyiptables.trace-outcomes/1",
        "complete": complete,
        "outcomes": [
            {
                "if": [
                    {"table": q.table, "chain": q.chain, "num": q.num, "what": q.what, "chance": q.chance, "holds": q.holds}
                    for q in each.asked
                ],
                "probability": each.probability,
                "packets": document(list(zip(packets, each.trips, strict=False)))["packets"],
            }
            for each in outcomes
        ],
    }


def show_outcomes(outcomes: list[Outcome], console: Console, complete: bool, verbose: bool = False) -> None:
    """Trees of the outcomes, each from where it parts from the one before, then all in a table."""
    if len(outcomes) <= _TREES or verbose:
        before: list[Trip] = []
        for number, each in enumerate(outcomes, 1):
            _heading(number, each, console)
            for at in range(len(each.trips)):
                if at:
                    console.print()
                _show(each, at, before[at] if at < len(before) else None, console, verbose)
            before = each.trips
            console.print()
    console.print(_table(outcomes, complete))


def _heading(number: int, each: Outcome, console: Console) -> None:
    odds = f", {each.probability:.1%}" if each.probability is not None and each.asked else ""
    console.print(Text(f"outcome {number}{odds}", style="bold underline"))
    for question in each.asked:
        console.print(Text.assemble("  ", _condition(question)), soft_wrap=True)


def _condition(question: Open) -> Text:
    sign = ("yes", "green") if question.holds else ("no", "red")
    return Text.assemble(f"{question.table}/{question.chain} rule {question.num}: {question.what} ", sign)


def _show(each: Outcome, at: int, before: Trip | None, console: Console, verbose: bool) -> None:
    trip = each.trips[at]
    number = at + 1 if len(each.trips) > 1 else None
    since = 0
    if before is not None:
        since = _common(trip, before)
        if since == len(trip.steps) == len(before.steps) and outcome(trip) == outcome(before):
            text = packet_text(trip.first).replace("->", "\N{RIGHTWARDS ARROW}")
            console.print(Text(f"{f'{number}. ' if number else ''}{text}: as before", style="dim"), soft_wrap=True)
            return
    console.print(path(trip, console, number=number, verbose=verbose, since=since), highlight=False)
    show_outcome(trip, console, verbose=verbose, ruleset=each.player.engine.ruleset, host=each.player.host)


def _common(trip: Trip, before: Trip) -> int:
    """How many steps two trips share, but for the last of them: it shows where they part."""
    at = 0
    for a, b in zip(trip.steps, before.steps, strict=False):
        if (a.hook, a.table, a.chain, a.num, a.kind) != (b.hook, b.table, b.chain, b.num, b.kind):
            break
        at += 1
    return at if at == len(trip.steps) == len(before.steps) else max(at - 1, 0)


def _table(outcomes: list[Outcome], complete: bool) -> Table:
    title = f"{len(outcomes)} outcomes" if complete else f"the first {len(outcomes)} outcomes; there are more"
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    odds = any(each.probability is not None and each.asked for each in outcomes)
    table.add_column("", justify="right", style="cyan")
    if odds:
        table.add_column("odds", justify="right")
    table.add_column("depends on", overflow="fold")
    table.add_column("result", overflow="fold")
    for number, each in enumerate(outcomes, 1):
        depends = Text("\n").join([_condition(question) for question in each.asked]) if each.asked else Text("nothing")
        several = len(each.trips) > 1
        told = [f"{f'{at}. ' if several else ''}{outcome(trip)}" for at, trip in enumerate(each.trips, 1)]
        results = Text("\n").join([Text(text, style=COLOURS[trip.verdict]) for text, trip in zip(told, each.trips, strict=True)])
        row: list[str | Text] = [str(number)]
        if odds:
            row.append(f"{each.probability:.1%}" if each.probability is not None else "?")
        table.add_row(*row, depends, results)
    return table
