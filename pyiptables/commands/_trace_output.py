"""Where the traces of ``pyiptables trace`` go: a terminal, a document, a picture; one packet at a time."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from pyiptables.commands._input import Unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from typing import TextIO

    from rich.console import Console

    from pyiptables.commands._captures import Capture
    from pyiptables.netfilter.outcomes import Outcome
    from pyiptables.netfilter.player import Player
    from pyiptables.netfilter.trip import Trip

    Json = dict[str, Any]
    Show = Callable[[Json, Trip], None]

__all__ = ["MANY", "Output"]

#: More packets than these are summed up, and not drawn.
MANY = 20
_PICTURED = 100


class Output:
    """Shows packets in one of the styles tree, json, kernel, mermaid, svg, html, and keeps whether all ended as expected."""

    def __init__(self, style: str, path: str | None, colour: str, verbose: bool, expect: str | None) -> None:
        self.style = style
        self.verbose = verbose
        self.expect = expect.upper() if expect else None
        self._path = path
        self._colour = colour
        self._stream: TextIO | None = None
        self._console: Console | None = None
        self._unexpected = ""
        self._judged = self._otherwise = 0

    @property
    def wants_descriptions(self) -> bool:
        """Does it show packets as they were described?"""
        return self.style == "json"

    def explains(self, packets: int) -> bool:
        """Does it show rules that did not match, for so many packets?"""
        return self.style == "tree" and packets <= MANY

    # -- one flow ----------------------------------------------------------------------------------------
    @contextmanager
    def flow(self, player: Player, packets: int | Capture, title: str | None = None) -> Iterator[Show]:
        """Show the packets that a player plays, as they come; how many, or the capture they come from."""
        count = packets if isinstance(packets, int) else sys.maxsize
        with self._shown(player, count, title) as show:
            if count <= MANY:
                yield self._watched(show)
                return
            with self._progress(packets) as advance:
                watched = self._watched(show)

                def shown(packet: Json, trip: Trip) -> None:
                    watched(packet, trip)
                    advance()

                yield shown

    def _shown(self, player: Player, count: int, title: str | None) -> AbstractContextManager[Show]:
        if self.style == "tree":
            return self._tree(player, count, title)
        if self.style == "json":
            return self._json(count)
        return self._kernel() if self.style == "kernel" else self._picture(player)

    def _watched(self, show: Show) -> Show:
        if self.expect is None:
            return show

        def watched(packet: Json, trip: Trip) -> None:
            self.judge(trip)
            show(packet, trip)

        return watched

    def judge(self, trip: Trip) -> None:
        """Keep it when it ended otherwise than expected."""
        self._judged += 1
        if not self.expect or trip.verdict == self.expect:
            return
        self._otherwise += 1
        if not self._unexpected:
            from pyiptables.report.trace_words import outcome, packet_text

            self._unexpected = f"expected {self.expect}, but {packet_text(trip.first)}: {outcome(trip)}"

    @contextmanager
    def _tree(self, player: Player, count: int, title: str | None) -> Iterator[Show]:
        console = self._terminal()
        if title is not None:
            console.rule(title, align="left")
        if count > MANY:
            from pyiptables.report.trace_summary import Summary

            summary = Summary()
            yield lambda packet, trip: summary.add(trip)
            summary.show(console, player.engine, self.verbose)
            return
        from pyiptables.report.trace_tree import show as show_trip

        shown = 0

        def show(packet: Json, trip: Trip) -> None:
            nonlocal shown
            shown += 1
            if shown > 1:
                console.print()
            number = shown if count > 1 else None
            show_trip(trip, console, number=number, verbose=self.verbose, ruleset=player.engine.ruleset, host=player.host)

        yield show

    @contextmanager
    def _json(self, count: int) -> Iterator[Show]:
        from pyiptables.report.trace_document import SCHEMA, document, dumps, trip_line

        if count <= MANY:
            trips: list[tuple[Json, Trip]] = []
            yield lambda packet, trip: trips.append((packet, trip))
            self.write(dumps(document(trips)))
            return
        stream = self.stream()
        stream.write(f'{{"schema": "{SCHEMA}", "packets": [')
        separator = "\n"

        def show(packet: Json, trip: Trip) -> None:
            nonlocal separator
            stream.write(separator + trip_line(trip, packet))
            separator = ",\n"

        yield show
        stream.write("\n]}\n")

    @contextmanager
    def _kernel(self) -> Iterator[Show]:
        from pyiptables.report.trace_kernel import kernel_lines

        stream = self.stream()
        yield lambda packet, trip: stream.writelines([f"{line}\n" for line in kernel_lines(trip)])

    @contextmanager
    def _picture(self, player: Player) -> Iterator[Show]:
        trips: list[Trip] = []

        def show(packet: Json, trip: Trip) -> None:
            trips.append(trip)
            if len(trips) > _PICTURED:
                raise Unusable(f"more than {_PICTURED} packets are too many for a picture")

        yield show
        self.write(_draw(self.style, trips, player))

    @contextmanager
    def _progress(self, packets: int | Capture) -> Iterator[Callable[[], None]]:
        """A bar on stderr, where that is a terminal."""
        if not sys.stderr.isatty():
            yield lambda: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        known = isinstance(packets, int)
        counter = MofNCompleteColumn() if known else TextColumn("{task.fields[done]} packets")
        with Progress(BarColumn(), counter, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("", total=packets if isinstance(packets, int) else packets.size, done=0)
            done = 0

            def advance() -> None:
                nonlocal done
                done += 1
                if not done & 0xFF:
                    bar.update(task, completed=done if isinstance(packets, int) else packets.position, done=done)

            yield advance

    # -- other results -----------------------------------------------------------------------------------
    def outcomes(self, outcomes: list[Outcome], packets: list[Json], complete: bool) -> None:
        """Every outcome of the packets."""
        from pyiptables.report.trace_outcomes import outcomes_document, show_outcomes

        for each in outcomes:
            for trip in each.trips:
                self.judge(trip)
        if self.style == "json":
            from pyiptables.report.trace_document import dumps

            self.write(dumps(outcomes_document(outcomes, packets, complete)))
        elif self.style == "tree":
            show_outcomes(outcomes, self._terminal(), complete, self.verbose)
        elif self.style == "kernel":
            from pyiptables.report.trace_kernel import kernel_lines

            self.write("\n\n".join(["\n".join([line for trip in each.trips for line in kernel_lines(trip)]) for each in outcomes]))
        else:
            self.write(_draw(self.style, [trip for each in outcomes for trip in each.trips], outcomes[0].player))

    def answers(self, answers: Json | list[Json]) -> None:
        """The answers of scenarios, in the words of the kernel's trace."""
        from pyiptables.report.trace_document import dumps

        self.write(dumps(answers))

    # -- streams -----------------------------------------------------------------------------------------
    def stream(self) -> TextIO:
        """Where text goes."""
        if self._stream is None:
            if self._path:
                self._stream = open(self._path, "w", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
            else:
                self._stream = sys.stdout
        return self._stream

    def write(self, text: str) -> None:
        """A whole text."""
        self.stream().write(text + "\n")

    def _terminal(self) -> Console:
        if self._console is None:
            from rich.console import Console

            self._console = Console(
                file=self.stream(),
                force_terminal=True if self._colour == "always" else None,
                no_color=True if self._colour == "never" else None,
            )
        return self._console

    def close(self) -> None:
        """Finish; exits with 1 when a packet ended otherwise than expected."""
        if self._stream is not None:
            if self._path:
                self._stream.close()
            else:
                self._stream.flush()
        if self._unexpected:
            more = f" (the first of {self._otherwise} that ended otherwise, of {self._judged})" if self._otherwise > 1 else ""
            click.echo(f"pyiptables trace: {self._unexpected}{more}", err=True)
            sys.exit(1)


def _draw(style: str, trips: list[Trip], player: Player) -> str:
    if style == "mermaid":
        from pyiptables.report.trace_mermaid import mermaid

        return mermaid(trips)
    from pyiptables.report.trace_svg import html, svg

    draw = svg if style == "svg" else html
    return draw(trips, player.engine.ruleset, player.host)
