"""Conditions: ``&&``, ``||``, ``if``, ``case``; one way if they are known, else every way from a copy of
the state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from pyiptables.lint.shell.arithmetic import NotKnown
from pyiptables.lint.shell.patterns import matches
from pyiptables.lint.shell.reading import Guard, Word
from pyiptables.lint.shell.state import LIKELY, SUCCESS, UNKNOWN, Flow, Output, State, Status, join
from pyiptables.lint.shell.tree import AndOr, Case, If, Node, RawWord, Simple
from pyiptables.lint.shell.words import pieces_of

if TYPE_CHECKING:
    from pyiptables.lint.shell.evaluator import Shell
    from pyiptables.lint.shell.source import Location

__all__ = ["Option", "alternatives", "run_and_or", "run_case", "run_if"]

#: A guard, and what holds at the end of its way.
End = tuple[Guard, "State", "Flow | None", tuple[Guard, ...], "Status"]
#: A guard, what runs under it (None: nothing), and the iptables check whose failure it depends on.
Option = tuple[Guard, Callable[[], Flow | None] | None, "Location | None"]

# Where every way ends the course of things, the one that ends least of it goes on.
_WEAKNESS = {"continue": 0, "break": 1, "return": 2, "exit": 3}
_LONGEST_ROW = 16


def alternatives(shell: Shell, options: Sequence[Option]) -> Flow | None:
    """Walk each option from here; go on with what holds after those that do not end the script's course."""
    base, check, start = shell.guards, shell.check, shell.state
    ends: list[End] = []
    before = shell.status
    out = shell.out if shell.out is not None and shell.out.one_way else None
    written = 0 if out is None else len(out.chunks)
    ways: list[list[Word]] = []
    for guard, run, checked in options:
        shell.state, shell.guards, shell.status = start.copy(), (*base, guard), before
        shell.check = checked or check
        flow = run() if run is not None else None
        ends.append((guard, shell.state, flow, shell.guards, shell.status))
        if out is not None:
            ways.append(out.take_back(written))
    shell.guards, shell.check = base, check
    alive = [end for end in ends if end[2] is None]
    going = alive or [min(ends, key=lambda end: _WEAKNESS[end[2][0]] if end[2] else 0)]
    if out is not None:
        _write(out, ends, ways, going)
    for _, state, flow, _, _ in ends:
        if flow is not None and alive:
            shell.pending.append((flow[0], state))
    if not alive:
        weakest = going[0]
        for end in ends:
            if end is not weakest and end[2] is not None:
                shell.pending.append((end[2][0], end[1]))
        shell.state, shell.status = weakest[1], weakest[4]
        return weakest[2]
    codes = {end[4].code for end in alive}
    shell.status = alive[0][4] if len(codes) == 1 else UNKNOWN
    if len(alive) < len(ends) and len(alive) == 1:
        # What follows runs only on this side, too.
        guard = alive[0][0]
        failed = all(end[2] is None or (end[2][0] in ("exit", "return") and end[2][1] > 0) for end in ends)
        follows = guard.branch in ("success", "failure", "else", "")
        kept = Guard(guard.condition, guard.branch, guard.location, guard.assumed or failed, follows)
        shell.guards = (*_following(base, kept), *alive[0][3][len(base) + 1 :])
    usual = [end for end in alive if end[0].assumed]
    shell.state = usual[0][1] if len(usual) == 1 else join([end[1] for end in alive])
    return None


def _write(out: Output, ends: Sequence[End], ways: list[list[Word]], going: Sequence[End]) -> None:
    """Write what one of the ways has written that go on, and keep what the others have."""
    written = []
    for end, way in zip(ends, ways, strict=True):
        if end[2] is None or end is going[0]:
            written.append(way)
        else:
            out.ended.append((end[2][0], out.chunks + way))
    out.write_either(written)


def _following(base: tuple[Guard, ...], kept: Guard) -> tuple[Guard, ...]:
    """The guards of what follows a condition whose other side left. Of a long row (every command ends in ``|| exit``) the
    last ones do: whoever knows that they did not hold knows it of what stands below them."""
    row = base[-_LONGEST_ROW:]
    if len(row) == _LONGEST_ROW and all([guard.follows for guard in row]):
        if row[0].assumed or not all([guard.assumed for guard in row[1:]]):
            base = (*base[:-_LONGEST_ROW], *row[1:])
    return (*base, kept)


def _ignores(node: Simple) -> bool:
    """``|| true``, ``|| :``."""
    return not node.assigns and len(node.words) == 1 and node.words[0].literal in ("true", ":")


def run_and_or(shell: Shell, node: Node) -> Flow | None:
    assert isinstance(node, AndOr)
    ignores = node.op == "||" and isinstance(node.right, Simple) and _ignores(node.right)
    before, shell.ignored = shell.ignored, shell.ignored or ignores
    out = shell.out if shell.out is not None and shell.out.one_way and isinstance(node.left, Simple) else None
    written = 0 if out is None else len(out.chunks)
    flow = shell.run(node.left)
    shell.ignored = before
    if flow is not None:
        return flow
    left = shell.status
    wanted = node.op == "&&"
    if left.code is not None:
        return shell.run(node.right) if (left.code == 0) == wanted else None
    place = shell.place(node.left)
    shown = shell.shown(node.left)
    success, failure = ("success", "failure") if wanted else ("failure", "success")
    taken = left.likely is not None and (left.likely == 0) == wanted
    skipped = left.likely is not None and not taken
    checked = left.check if wanted == left.inverted else None
    if ignores:
        shell.status = SUCCESS
        return None
    # A program that fails has written nothing.
    answer = [] if out is None else out.take_back(written)

    def go_on() -> Flow | None:
        if out is not None and wanted:
            out.chunks += answer
        return shell.run(node.right)

    def leave() -> None:
        if out is not None and not wanted:
            out.chunks += answer

    flow = alternatives(
        shell,
        [(Guard(shown, success, place, taken), go_on, checked), (Guard(shown, failure, place, skipped), leave, None)],
    )
    if flow is None and shell.status.code is not None and not wanted and shell.status.code == 0:
        shell.status = LIKELY
    return flow


def run_if(shell: Shell, node: Node) -> Flow | None:
    assert isinstance(node, If)
    return _arm(shell, node, 0)


def _arm(shell: Shell, node: If, arm: int) -> Flow | None:
    if arm == len(node.arms):
        if node.otherwise is not None:
            return shell.run(node.otherwise)
        shell.status = SUCCESS
        return None
    condition, body = node.arms[arm]
    flow = shell.run(condition)
    if flow is not None:
        return flow
    status = shell.status
    if status.code is not None:
        return shell.run(body) if status.code == 0 else _arm(shell, node, arm + 1)
    place, shown = shell.place(condition), shell.shown(condition)
    failing, holding = (None, status.check) if status.inverted else (status.check, None)
    yes = Guard(shown, "then", place, status.likely == 0)
    no = Guard(shown, "else", place, status.likely is not None and status.likely != 0)
    return alternatives(shell, [(yes, lambda: shell.run(body), holding), (no, lambda: _arm(shell, node, arm + 1), failing)])


def run_case(shell: Shell, node: Node) -> Flow | None:
    assert isinstance(node, Case)
    word = shell.expander.scalar(node.word)
    shell.status = SUCCESS
    texts: tuple[str, ...] = (word.text,) if word.text is not None else ()
    unknown = word.unknown
    if unknown is not None and len(word.pieces) == 1 and unknown.candidates:
        texts = unknown.candidates
    options: list[Option] = []
    place, shown = shell.place(node.word), shell.shown(node.word)
    certain = False
    for index, item in enumerate(node.items):
        verdict = _matches(shell, item.patterns, word, texts)
        if verdict is False:
            continue
        guard = Guard(shown, "|".join(shell.shown(pattern) for pattern in item.patterns), place)
        options.append((guard, partial(_body, shell, node, index, word, texts), None))
        if verdict:
            certain = True
            break
    if len(options) == 1 and certain:
        run = options[0][1]
        return run() if run is not None else None
    if not options:
        return None
    if not certain:
        options.append((Guard(shown, "", place), None, None))
    return alternatives(shell, options)


def _body(shell: Shell, node: Case, index: int, word: Word, texts: tuple[str, ...]) -> Flow | None:
    items = node.items
    while True:
        flow = shell.run(items[index].body)
        ending = items[index].ending
        index += 1
        if ending == ";;&":
            while index < len(items) and not _matches(shell, items[index].patterns, word, texts):
                index += 1
        if flow is not None or ending == ";;" or index >= len(items):
            return flow


def _matches(shell: Shell, patterns: list[RawWord], word: Word, texts: tuple[str, ...]) -> bool | None:
    """Whether a word matches one of the patterns; None if that is not known."""
    result: bool | None = False
    for pattern in patterns:
        try:
            expression = shell.expander.pattern(pieces_of(shell.source.view, pattern))
        except NotKnown:
            result = None
            continue
        if expression == ".*":
            return True
        if not texts:
            if all(not isinstance(part, str) for part in word.pieces) or matches(expression, word.prefix, True):
                result = None
            continue
        verdicts = {matches(expression, text) for text in texts}
        if verdicts == {True}:
            return True
        if verdicts != {False}:
            result = None
    return result
