"""Change one rule of a large state without reading the others: find its place in the bytes, write around it.

Only for files that are as :class:`State` left them: rules of a chain stand together, chains in listing order, each
rule as ``[packets:bytes] -A CHAIN …``. Anything a glance at the chain headers cannot settle is left to the ordinary
way (``None``).
"""

from __future__ import annotations

from pyiptables.ruleset import Chain, Ruleset, Table
from pyiptables.syntax.arguments import VERDICTS
from pyiptables.syntax.command import Command
from pyiptables.syntax.rule import rule_of
from pyiptables.syntax.savefile import MARK, ROOM, chain_order, room
from pyiptables.tools.kernel import limits_hooks
from pyiptables.tools.tables import Tables, tables_for
from pyiptables.xtables.errors import CommandFailure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mmap import mmap

    from pyiptables.tools.run import Program

__all__ = ["SPLICED", "WORTH_IT", "Splice", "splice"]

#: The line above a rule that is not in its save form.
_MARK = f"{MARK}\n".encode()
#: How a line begins behind a rule that stands for rules to come.
_ROOM = ROOM.encode()
_COMMIT = b"COMMIT\n"
#: So much of a mapped file is copied to be searched.
_STRETCH = 1 << 18
#: Commands that change one rule.
SPLICED = frozenset("AID")
#: Below this size reading everything is as fast.
WORTH_IT = 1 << 13


class Splice:
    """A table inside the bytes of a state: its chain headers, and where each chain's rules are."""

    __slots__ = ("_order", "data", "end", "rules_start", "table")

    def __init__(self, data: bytes | mmap, name: str) -> None:
        self.data = data
        self.table = Table(name)
        head = f"*{name}\n".encode()
        start = 0 if data[: len(head)] == head else data.find(b"\n" + head) + 1
        if start == 0 and data[: len(head)] != head:
            raise KeyError(name)
        at = start + len(head)
        while data[at : at + 1] == b":":
            newline = self._next(b"\n", at)
            chain, policy, numbers = data[at + 1 : newline].decode("utf-8", "surrogateescape").split(" ")
            packets, _, octets = numbers[1:-1].partition(":")
            self.table.chains[chain] = Chain(chain, None if policy == "-" else policy, int(packets), int(octets))
            at = newline + 1
        self.rules_start = at
        self.end = self._next_table(at) - len(_COMMIT)
        if data[self.end : self.end + len(_COMMIT)] != _COMMIT:
            raise ValueError(name)
        self._order = {chain.name: place for place, chain in enumerate(chain_order(self.table))}

    def _next_table(self, at: int) -> int:
        """Where the next table begins, or the end of the data. A search of bytes for one octet is the fastest by far."""
        data, size = self.data, len(self.data)
        while at < size:
            star = data[at : at + _STRETCH].find(b"*")
            if star < 0:
                at += _STRETCH
            elif data[at + star - 1] == 10:
                return at + star
            else:
                at += star + 1
        return size

    def first_of(self, chain: str) -> int:
        """The first byte of the chain's first rule."""
        return self._border(self._order[chain], self.rules_start)

    def behind_last_of(self, chain: str, low: int = 0) -> int:
        """The first byte behind the chain's last rule, which stands at ``low`` or later."""
        return self._border(self._order[chain] + 1, low or self.rules_start)

    def _border(self, place: int, low: int) -> int:
        """Where the rules of the chains from this place in the order on begin: rules stand in the order of the chains."""
        data, high = self.data, self.end
        # The last rule is asked first: rules are mostly appended, and to few chains.
        probe = high - 1
        while low < high:
            middle = data.rfind(b"\n", low, probe) + 1 or low
            if self._roomy(middle):
                middle = data.rfind(b"\n", low, middle - 1) + 1 or low
            if middle >= len(_MARK) and self._marked(middle - len(_MARK)):
                middle -= len(_MARK)
            after = self._behind(middle)
            if self._place(middle) < place:
                low = after
            else:
                high = middle
            probe = (low + high) // 2
        return low

    def _place(self, at: int) -> int:
        """The place of the chain that the rule here belongs to. Raises KeyError, ValueError where there is no rule."""
        data = self.data
        if self._marked(at):
            at += len(_MARK)
        head = self._next(b"] -A ", at) + 5
        newline = self._next(b"\n", head)
        blank = data.find(b" ", head, newline)
        return self._order[data[head : newline if blank < 0 else blank].decode("utf-8", "surrogateescape")]

    def _behind(self, at: int) -> int:
        """Where the next rule begins."""
        end = self._next(b"\n", at + len(_MARK) if self._marked(at) else at) + 1
        return self._next(b"\n", end) + 1 if self._roomy(end) else end

    def _marked(self, at: int) -> bool:
        return self.data[at : at + len(_MARK)] == _MARK

    def _roomy(self, at: int) -> bool:
        return self.data[at : at + len(_ROOM)] == _ROOM

    def room_before(self, at: int) -> int | None:
        """Where the room begins that ends here, None when there is none."""
        begin = self.data.rfind(b"\n", 0, at - 1) + 1
        return begin if self._roomy(begin) else None

    def _next(self, wanted: bytes, at: int) -> int:
        """Where the next of these stands. Raises ValueError where there is none."""
        found = self.data.find(wanted, at)
        if found < 0:
            raise ValueError(wanted)
        return found

    def rule_at(self, chain: str, number: int) -> tuple[int, int] | None:
        """Where rule ``number`` (from 1) of a chain stands, None when there are fewer."""
        begin = self.first_of(chain)
        end = self.behind_last_of(chain, begin)
        for _ in range(number - 1):
            if begin >= end:
                return None
            begin = self._behind(begin)
        return None if begin >= end else (begin, self._behind(begin))


def splice(program: Program, command: Command, data: bytes | mmap) -> tuple[bytes | memoryview, ...] | None:
    """The pieces of the new state, or None when the ordinary way must be gone. Errors as the tables raise them.

    There are no pieces when all has been done in the file's place.
    """
    action, chain = command.action, command.chain
    if action not in SPLICED or command.verbose or chain is None:
        return None
    if len(command.sources) * len(command.destinations) > 1:
        return None
    try:
        place = Splice(data, command.table)
    except (KeyError, ValueError):
        return None
    if chain not in place.table.chains:
        return None
    if action == "D":
        return _delete(place, command, chain)
    return _add(program, place, command, chain)


def _delete(place: Splice, command: Command, chain: str) -> tuple[bytes | memoryview, ...] | None:
    if command.number is None:
        return None
    found = place.rule_at(chain, command.number)
    if found is None:
        raise CommandFailure("Index of deletion too big", 7)
    view = memoryview(place.data)
    return view[: found[0]], view[found[1] :]


def _add(program: Program, place: Splice, command: Command, chain: str) -> tuple[bytes | memoryview, ...] | None:
    from pyiptables.tools.iptables import settle

    headers = Ruleset(program.family)
    headers.tables[command.table] = place.table
    tables: Tables = tables_for(program.variant, headers)
    settle(program, tables, command)
    spec = command.spec
    jumps = spec.target is None and spec.jump and (spec.goto or spec.jump not in VERDICTS)
    if jumps or (limits_hooks(spec) and place.table.chains[chain].policy is None):
        # Whether such a rule may stand here depends on all the others.
        return None
    (spec.src, spec.src_mask), (spec.dst, spec.dst_mask) = command.sources[0], command.destinations[0]
    rule = rule_of(spec, program.family, command)
    if rule.stored:
        return None
    if command.action == "I":
        at = _insertion(place, chain, command.number or 1)
        # The chain without its rules stands for the chain; where in it makes no difference to what is checked.
        tables.insert(command.table, chain, 1, [rule], command.parsing)
    else:
        at = place.behind_last_of(chain)
        tables.append(command.table, chain, [rule], command.parsing)
    tables.commit(command.table, command.parsing)
    text = f" {rule.text}" if rule.text else ""
    line = f"[{rule.packets}:{rule.bytes}] -A {chain}{text}\n".encode("utf-8", "surrogateescape")
    view = memoryview(place.data)
    if isinstance(place.data, bytes) or command.action == "I":
        return view[:at], line, view[at:]
    room_at = place.room_before(at)
    if room_at is None:
        return view[:at], line, room().encode(), view[at:]
    # While only a part of these bytes is there, they are the end of the comment that the room is.
    if len(line) < at - room_at - len(_ROOM) and program.state.overwrite(program.family, room_at, line + _ROOM):
        return ()
    return view[:room_at], line, room().encode(), view[at:]


def _insertion(place: Splice, chain: str, number: int) -> int:
    if number == 1:
        return place.first_of(chain)
    before = place.rule_at(chain, number - 1)
    if before is None:
        raise CommandFailure("Index of insertion too big", 7)
    return before[1]
