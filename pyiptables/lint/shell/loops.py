"""``for``, ``while`` and ``until``: rounds as long as what they depend on is known, else the body once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyiptables.lint.shell.arithmetic import NotKnown
from pyiptables.lint.shell.branches import alternatives
from pyiptables.lint.shell.patterns import has_glob
from pyiptables.lint.shell.reading import ELEMENT, Binding, Frame, Guard, Unknown, Word
from pyiptables.lint.shell.source import Location
from pyiptables.lint.shell.state import SUCCESS, Variable, join
from pyiptables.lint.shell.tree import CountingFor, For, Node, Simple, While

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyiptables.lint.shell.evaluator import Shell
    from pyiptables.lint.shell.state import Flow, State

__all__ = ["run_counting", "run_for", "run_while"]

# Variables that a body changes from their own value: what they are in some round is not known.
_COUNTERS = re.compile(
    r"\b(\w+)\+?=\S*?\$[({ ]*\1\b|\b(\w+)(?:\+\+|--|\+=|-=)|(?:\+\+|--)(\w+)"
    r"|\blet\s+[\"']?(\w+)|`expr \$(\w+)"
)


#: Rounds of `while true` that are gone through if one may have been the last.
_ROUNDS = 32


def _round(shell: Shell, place: Location) -> bool:
    """Count a round; False (and a note) if there were too many."""
    shell.rounds += 1
    if shell.rounds > shell.limits.rounds:
        shell.unresolve(place, "loop", "more rounds than the limit; the rest is not read")
        return False
    return True


def _body(shell: Shell, body: Node) -> tuple[bool, Flow | None]:
    """One round: whether the loop goes on, and what leaves it."""
    pending, shell.pending = shell.pending, []
    guards = shell.guards
    flow = shell.run(body)
    joined = [shell.state, *(state for kind, state in shell.pending if kind == "continue")]
    rest = [(kind, state) for kind, state in shell.pending if kind != "continue"]
    shell.pending = pending + rest
    if flow is not None and flow[0] in ("break", "continue"):
        shell.guards = guards
        if flow[1] > 1:
            return False, (flow[0], flow[1] - 1)
        return flow[0] == "continue", None
    if len(joined) > 1:
        shell.state = join(joined)
    shell.guards = guards
    return flow is None, flow


def _left(shell: Shell, before: int) -> None:
    """Behind a loop: what held at a ``break`` may hold too."""
    broken = [state for kind, state in shell.pending[before:] if kind == "break"]
    rest = [(kind, state) for kind, state in shell.pending[before:] if kind != "break"]
    shell.pending[before:] = rest
    if broken:
        shell.state = join([shell.state, *broken])


def run_for(shell: Shell, node: Node) -> Flow | None:
    assert isinstance(node, For)
    place = shell.place(node)
    if node.words is None:
        words = list(shell.state.arguments)
    else:
        words = shell.expander.all_fields(node.words)
    shell.status = SUCCESS
    if node.selects:
        words = [Word((Unknown(f"${node.name}", "chosen by the user"),), place)]
    bindings, before = shell.bindings, len(shell.pending)
    flow: Flow | None = None
    with shell.framed(Frame("loop", node.name, place)):
        for value, guard in _values(shell, node, words, place):
            if not _round(shell, place):
                break
            shell.state.variables[node.name] = Variable(value)
            shell.bindings = (*bindings, Binding(node.name, value, value.location or place))
            if guard is None:
                on, flow = _body(shell, node.body)
            else:
                on, flow = _perhaps(shell, guard, node.body)
            if not on:
                break
    shell.bindings = bindings
    _left(shell, before)
    return flow


def _values(shell: Shell, node: For, words: list[Word], place: Location) -> list[tuple[Word, Guard | None]]:
    """The values of the variable, each with the condition under which it comes up."""
    values: list[tuple[Word, Guard | None]] = []
    for word in words:
        unknown = word.unknown
        if unknown is None:
            text = word.text or ""
            if not word.quoted and has_glob(text):
                value = Word((Unknown(text, "names of files"),), word.location)
                values.append((value, None))
            else:
                values.append((word, None))
            continue
        if len(word.pieces) == 1 and unknown.candidates:
            split = unknown.many and unknown.reason != ELEMENT
            texts = [part for text in unknown.candidates for part in (text.split() if split else [text])]
            guard = Guard(f"{node.name} in {unknown.source_text}", "loop", place)
            values += [(Word(text, word.location), guard) for text in dict.fromkeys(texts)]
        elif unknown.many:
            shell.unresolve(
                word.location or place,
                f"list of `for {node.name}`",
                f"{unknown.source_text}: {unknown.reason}",
            )
            parts = tuple(part if isinstance(part, str) else Unknown(f"${node.name}", ELEMENT) for part in word.pieces)
            values.append((Word(parts, word.location), None))
        else:
            values.append((word, None))
    return values


def _perhaps(shell: Shell, guard: Guard, body: Node) -> tuple[bool, Flow | None]:
    """A round that may take place or not."""
    going: list[tuple[bool, Flow | None]] = []

    def run() -> Flow | None:
        going.append(_body(shell, body))
        return going[0][1]

    no = Guard(guard.condition, "none", guard.location)
    flow = alternatives(shell, [(guard, run, None), (no, None, None)])
    return flow is None, flow


def run_counting(shell: Shell, node: Node) -> Flow | None:
    assert isinstance(node, CountingFor)
    place = shell.place(node)
    expander = shell.expander
    clauses = [*node.clauses, (node.start, node.start), (node.start, node.start)]

    def compute(clause: int) -> int | None:
        begin, end = clauses[clause]
        if not shell.source.view[begin:end].strip():
            return 1
        try:
            return expander.compute(expander.span((begin, end)))
        except NotKnown:
            return None

    first = compute(0)
    name = re.match(r"\s*(\w*)", shell.source.view[clauses[0][0] : clauses[0][1]])
    counter = name.group(1) if name else ""
    if first is None and counter:
        shell.state.variables[counter] = Variable(Word((Unknown(f"${counter}", "start of the loop"),)))
    shell.status = SUCCESS
    bindings, before = shell.bindings, len(shell.pending)
    flow: Flow | None = None
    with shell.framed(Frame("loop", counter, place)):
        while True:
            verdict = compute(1)
            if verdict == 0:
                break
            if not _round(shell, place):
                break
            if verdict is None:
                shell.unresolve(place, "loop", "its condition is not known")
                _forget_counters(shell, node, counter)
            value = expander.variable(counter) if counter else Word("")
            shell.bindings = (*bindings, Binding(counter, value, place))
            on, flow = _body(shell, node.body)
            if not on or verdict is None:
                break
            if compute(2) is None:
                break
            if len(shell.source.view[clauses[1][0] : clauses[1][1]].strip()) == 0 and shell.rounds % 100 == 0:
                shell.unresolve(place, "loop", "ends only from inside")
                break
    shell.bindings = bindings
    _left(shell, before)
    return flow


def _forget_counters(shell: Shell, node: Node, *more: str) -> None:
    text = shell.source.view[node.start : node.end]
    names = {name for found in _COUNTERS.findall(text) for name in found if name} | set(more)
    for name in names:
        variable = shell.state.variables.get(name)
        if variable is not None and variable.items is None:
            shell.state.variables[name] = Variable(Word((Unknown(f"${name}", "changes in a loop"),)))


def run_while(shell: Shell, node: Node) -> Flow | None:
    assert isinstance(node, While)
    place = shell.place(node)
    before = len(shell.pending)
    flow: Flow | None = None
    endless = isinstance(node.condition, Simple) and [word.literal for word in node.condition.words] in ([":"], ["true"])
    rounds = 0
    with shell.framed(Frame("loop", shell.shown(node.condition), place)):
        while _round(shell, place):
            rounds += 1
            last = endless and rounds > _ROUNDS and len(shell.pending) > before
            if last:
                shell.unresolve(place, "loop", "ends from inside, nobody knows when")
                _forget_counters(shell, node)
            before_round = shell.state.copy()
            flow = shell.run(node.condition)
            if flow is not None:
                break
            code = shell.status.code
            if code is not None and (code == 0) == node.until:
                break
            if code is None:
                flow = _unknown_rounds(shell, node, place)
                break
            on, flow = _body(shell, node.body)
            if not on or last:
                break
            if _same(before_round, shell.state):
                # Nothing changed: every further round is like this one.
                break
        else:
            flow = None
    _left(shell, before)
    shell.status = SUCCESS
    return flow


def _same(one: State, two: State) -> bool:
    """Whether two states look alike: what is not known is again what was not known there."""
    if one.arguments != two.arguments or one.stdin != two.stdin or one.variables.keys() != two.variables.keys():
        return False
    if one.files != two.files and {name: _looks(text) for name, text in one.files.items()} != {
        name: _looks(text) for name, text in two.files.items()
    }:
        return False
    for name, variable in two.variables.items():
        old = one.variables[name]
        if old is variable:
            continue
        if (old.items is None) != (variable.items is None) or _looks((old.value,)) != _looks((variable.value,)):
            return False
        if old.items is not None and variable.items is not None:
            if old.items.keys() != variable.items.keys() or _looks(old.items.values()) != _looks(variable.items.values()):
                return False
    return True


def _looks(words: Iterable[Word | None] | None) -> object:
    """What words look like, whichever unknown values stand in them."""
    if words is None:
        return None
    return [
        None
        if word is None
        else tuple([part if isinstance(part, str) else (part.source_text, part.reason, part.many) for part in word.pieces])
        for word in words
    ]


def _unknown_rounds(shell: Shell, node: While, place: Location) -> Flow | None:
    """The body once, under the loop's condition."""
    condition, status = shell.shown(node.condition), shell.status
    shell.unresolve(place, "loop", "its condition is not known")
    _forget_counters(shell, node)
    at = shell.place(node.condition)
    checked = status.check if status.inverted != node.until else None
    yes, no = Guard(condition, "loop", at), Guard(condition, "end", at)
    ended: list[Flow | None] = []

    def run() -> Flow | None:
        ended.append(_body(shell, node.body)[1])
        return ended[0]

    return alternatives(shell, [(yes, run, checked), (no, None, None)])
