"""A trace in a terminal: the path as a tree, the closing sentence, near misses, hints."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from rich.text import Text
from rich.tree import Tree

from pyiptables.report.trace_reasons import hints, near_misses, seen_instead
from pyiptables.report.trace_words import (
    COLOURS,
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
    from collections.abc import Iterator

    from rich.console import Console, ConsoleOptions, RenderableType

    from pyiptables.netfilter.host import Host
    from pyiptables.netfilter.traverse import Miss, Step
    from pyiptables.netfilter.trip import Trip
    from pyiptables.ruleset import Rule, Ruleset

__all__ = ["path", "show", "show_outcome"]

#: Near misses shown without -v.
_NEAR = 3
_GUIDES = "bright_black"
#: What happens between two hooks.
_BETWEEN = frozenset(("routing", "rerouted", "ttl"))
#: Columns of the labels below the closing sentence.
_REMARK = 12
#: Columns that a chain is indented by, and that are left for its rules.
_INDENT, _NARROW = 4, 48
#: The place of a rule stands in a column of its own where that leaves so many columns for the rule.
_WIDE = 40
#: Columns beyond which places are not pushed: they would stand alone.
_WIDEST = 120
_VERDICT = {"ACCEPT": "bold green", "DROP": "bold red", "REJECT": "bold red", "QUEUE": "bold yellow", "RETURN": "bold"}


def show(
    trip: Trip,
    console: Console,
    *,
    number: int | None = None,
    verbose: bool = False,
    ruleset: Ruleset | None = None,
    host: Host | None = None,
) -> None:
    """A packet: its path, its closing sentence, and what would have been; then what this host answered."""
    console.print(path(trip, console, number=number, verbose=verbose), highlight=False)
    show_outcome(trip, console, verbose=verbose, ruleset=ruleset, host=host)
    for reply in trip.replies:
        console.print()
        console.print(Text(cause(reply, trip), style="italic"))
        show(reply, console, verbose=verbose, host=host)


def show_outcome(trip: Trip, console: Console, *, verbose: bool = False, ruleset: Ruleset | None = None, host: Host | None = None) -> None:
    """The closing sentence and the lines below it."""
    colour = COLOURS[trip.verdict]
    console.print(Text(outcome(trip), style=f"bold {colour}"), soft_wrap=True)
    for unknown in trip.unknown:
        assumed = "" if unknown.match.startswith("-j") else f"; assumed that it {'matches' if unknown.assumed else 'does not match'}"
        _remark(console, "not known", "yellow", f"{unknown.table}/{unknown.chain} rule {unknown.num}: {unknown.reason}{assumed}")
    near = near_misses(trip)
    for miss in near if verbose else near[:_NEAR]:
        _remark(console, "near miss", "cyan", _near_text(miss, trip))
    if len(near) > _NEAR and not verbose:
        _remark(console, "near miss", "cyan", f"and {len(near) - _NEAR} more (-v)")
    for hint in hints(trip, ruleset, host):
        _remark(console, "hint", "magenta", hint)


def _remark(console: Console, label: str, colour: str, text: str) -> None:
    lines = textwrap.wrap(text, max(console.width - _REMARK, 20), break_on_hyphens=False)
    console.print(Text().append(f"  {label}".ljust(_REMARK), style=colour).append(f"\n{' ' * _REMARK}".join(lines)), soft_wrap=True)


def _near_text(miss: Miss, trip: Trip) -> str:
    rule = miss.code.rule
    where = f" ({line_of(rule)})" if line_of(rule) else ""
    seen = seen_instead(miss, trip)
    return f"{miss.table}/{miss.chain} rule {miss.num}{where} {target_of(rule)} fails only in {miss.failed[0]}" + (
        f" (here {seen})" if seen else ""
    )


# -- the tree --------------------------------------------------------------------------------------------------
def path(trip: Trip, console: Console, *, number: int | None = None, verbose: bool = False, since: int = 0) -> Tree:
    """The path of a packet, hook by hook; ``since`` leaves out the steps before that one."""
    return _Path(trip, verbose, since, (console.width - _NARROW) // _INDENT).tree(number)


class _Path:
    """Builds the tree of one trip."""

    def __init__(self, trip: Trip, verbose: bool, since: int, deepest: int) -> None:
        self.trip = trip
        self.deepest = deepest
        self.since = since
        self.events = [event for event in trip.events if shows_event(trip, event) and event.after >= since]
        self.misses: list[Miss] = list(trip.misses or ()) if verbose else []
        self.phase = 0
        self.hook: Tree | None = None
        self.name = ""
        #: The chains being walked, innermost last: name and where its rules are shown.
        self.chains: list[tuple[str, Tree]] = []
        self.last: Tree | None = None
        self.tracked = trip.ctstate is None or since > 0

    def tree(self, number: int | None) -> Tree:
        trip = self.trip
        title = Text(f"{number}. " if number is not None else "", style="bold")
        title.append(packet_text(trip.first).replace("->", "\N{RIGHTWARDS ARROW}"), style="bold")
        if way_in(trip):
            title.append(f"  in {way_in(trip)}", style="dim")
        self.top = Tree(title, guide_style=_GUIDES)
        if self.since:
            self.top.add(Text("as before", style="dim italic"))
        table = ""
        for at, step in enumerate(trip.steps):
            if at < self.since:
                continue
            self._events(at)
            if self.hook is None or step.hook != self.name:
                table = ""
                self._enter(step.hook)
            if step.table != table:
                self._track(step)
                table = step.table
                assert self.hook is not None
                name = Text(table, style="blue")
                if step.kind == "policy" and step.code is None and not self._missed(step):
                    # Nothing but the policy: it stands beside the table's name.
                    self.hook.add(Text.assemble(name, "  ", _end(step)))
                    continue
                self.chains = [(step.chain, self.hook.add(name))]
                self.last = None
            self._step(step)
        self._events(len(trip.steps) + 1)
        if not self.tracked:
            self._say("conntrack", self._state())
        if not trip.steps and not trip.events:
            self.top.add(Text("no rule was asked", style="dim"))
        return self.top

    def _enter(self, hook: str) -> None:
        self.phase += 1
        self.name = hook
        self.hook = self.top.add(Text.assemble((f"{self.phase} ", "bold cyan"), (hook, "bold blue")))

    def _track(self, step: Step) -> None:
        """Say what connection tracking made of it, where it did: behind raw."""
        if self.tracked or (step.table == "raw" and step.hook in ("PREROUTING", "OUTPUT")):
            return
        self.tracked = True
        self._say("conntrack", self._state())

    def _state(self) -> str:
        direction = {"ORIGINAL": ", original direction", "REPLY": ", reply direction"}.get(self.trip.ctdir or "", "")
        return f"{self.trip.ctstate}{direction}"

    def _events(self, at: int) -> None:
        while self.events and self.events[0].after <= at:
            event = self.events.pop(0)
            if event.what == "translate" and not self.tracked and event.hook in ("INPUT", "POSTROUTING"):
                self.tracked = True
                self._say("conntrack", self._state())
            if event.what == "translate" and event.hook != self.name:
                self._enter(event.hook)
            if (
                event.what != "reassembled"
                and not self.tracked
                and event.hook in ("PREROUTING", "OUTPUT")
                and (event.what == "translate" or event.hook == "PREROUTING")
            ):
                self.tracked = True
                self._say("conntrack", self._state())
            self._say(*event_text(event, self.trip.first.family), between=event.what in _BETWEEN)

    def _say(self, word: str, text: str, between: bool = False) -> None:
        node = self.top if self.hook is None or between else self.hook
        node.add(Text.assemble((word, "magenta"), f"  {text}"))

    def _missed(self, step: Step) -> bool:
        """Are there rules to show that did not match on the way to this step?"""
        return bool(self.misses) and _is_before(self.misses[0], step)

    def _step(self, step: Step) -> None:
        while len(self.chains) > 1 and self.chains[-1][0] != step.chain and any(name == step.chain for name, _ in self.chains):
            self.chains.pop()
        if self.chains[-1][0] != step.chain:
            # Reached by a jump: the chain's rules hang under the rule that names it, as long as there is room.
            below = self.last if self.last is not None and len(self.chains) < self.deepest else self.chains[-1][1]
            if below is not self.last:
                below.add(Text(step.chain, style="bold blue"))
            self.chains.append((step.chain, below))
        node = self.chains[-1][1]
        while self._missed(step):
            miss = self.misses.pop(0)
            node.add(_Row(miss.num, miss.code.rule, f"\N{MULTIPLICATION SIGN} {miss.failed[0]}", missed=True))
        if step.code is None:
            node.add(_end(step))
            return
        effect = effect_text(step.effect, self.trip.first.family) if step.effect else ""
        self.last = node.add(_Row(step.num, step.code.rule, effect))


def _end(step: Step) -> Text:
    if step.kind == "policy":
        return Text.assemble(("policy ", "italic"), (step.policy or "", _VERDICT.get(step.policy or "", "")))
    return Text("end of chain, back to the caller", style="italic dim")


class _Row:
    """A rule: number, text, place where there is room for it, and below it what it did, or why it did not match."""

    def __init__(self, num: int, rule: Rule, remark: str, *, missed: bool = False) -> None:
        self.num = num
        self.rule = rule
        self.remark = remark
        self.missed = missed

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        width = options.max_width - max(console.width - _WIDEST, 0)
        where = line_of(self.rule)
        number = f"{self.num:>2} "
        room = width - len(number) - len(where) - 1
        wide = bool(where) and room >= _WIDE
        if not wide:
            room = max(width - len(number), 10)
        text = self._text(room)
        if where and not wide and not self.missed:
            text.append(f"  {where}", style="dim")
        if self.remark:
            arrow = "" if self.missed else "\N{RIGHTWARDS DOUBLE ARROW} "
            text.append(f"\n{arrow}{self.remark}", style="red" if self.missed else "magenta")
        for at, line in enumerate(text.wrap(console, room, overflow="fold")):
            line.rstrip()
            shown = Text(no_wrap=True).append(number if at == 0 else " " * len(number), style="dim" if self.missed else "cyan")
            shown.append_text(line)
            if wide and at == 0:
                shown.append(where.rjust(width - shown.cell_len), style="dim")
            yield shown

    def _text(self, room: int) -> Text:
        plain, comment = rule_text(self.rule.text)
        text = Text(plain, style="dim" if self.missed else "")
        target = target_of(self.rule)
        at = max(plain.rfind(f"-j {target}"), plain.rfind(f"-g {target}"))
        if target and at >= 0 and not self.missed:
            text.stylize(_VERDICT.get(target, "bold blue"), at, at + 3 + len(target))
        if comment:
            gap = "  " if len(plain) + len(comment) + 4 <= room else "\n"
            text.append(f"{gap}# {comment}", style="italic green" if not self.missed else "dim italic")
        return text


def _is_before(miss: Miss, step: Step) -> bool:
    return (miss.hook, miss.table, miss.chain) == (step.hook, step.table, step.chain) and (step.code is None or miss.num < step.num)
