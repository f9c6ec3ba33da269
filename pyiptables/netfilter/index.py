"""A way to the rules that may match a packet without asking each: bit vectors over header fields.

For every field, the values that its tests tell apart are cut into intervals, and each interval holds one big integer
whose bits are the rules that a value in it can match. A packet's candidates are the conjunction of one such integer a
field, taken by bisection; they come in the order of the rules and are evaluated as always, so the index only ever leaves
out rules that cannot match. Fields: source, destination, protocol, interfaces, and the ports of ``-m tcp``/``-m udp``.
Long chains are cut into blocks, so that no integer grows with the whole chain.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import chain as joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyiptables.netfilter.compiled import CompiledChain, Flat
    from pyiptables.netfilter.packet import Packet
    from pyiptables.ruleset import Rule

__all__ = ["candidates"]

_BLOCK = 16384
#: Chains shorter than this are walked as they are.
_SHORT = 12
#: So many rules are better asked themselves than the index about them.
_FEW = 6
_PORTS = (0, 65535)
_NONE: Iterator[Flat] = iter(())


def candidates(chain: CompiledChain) -> Callable[[Packet], Iterator[Flat]]:
    """What gives the entries of a chain that may match a packet, in order."""
    entries = chain.entries()
    if len(entries) < _SHORT:
        return lambda packet: iter(entries)
    rules, family = chain.source.rules, chain.table.family
    blocks = [_Block(entries[at : at + _BLOCK], rules[at : at + _BLOCK], family) for at in range(0, len(entries), _BLOCK)]
    if len(blocks) == 1:
        return blocks[0].candidates
    return lambda packet: joined.from_iterable(block.candidates(packet) for block in blocks)


class _Field:
    """One interval field of one block: where its values change, and the rules of each interval."""

    __slots__ = ("bounds", "rules")

    def __init__(self, ranges: list[tuple[int, int]], everything: tuple[int, int]) -> None:
        changes: dict[int, int] = {}
        always = 0
        for bit, (low, high) in enumerate(ranges):
            mask = 1 << bit
            if (low, high) == everything:
                always |= mask
                continue
            changes[low] = changes.get(low, 0) ^ mask
            changes[high + 1] = changes.get(high + 1, 0) ^ mask
        self.bounds = sorted(changes)
        self.rules = [always]
        current = always
        for bound in self.bounds:
            current ^= changes[bound]
            self.rules.append(current)


class _Names:
    """One field of names or numbers that are equal or not; '' and 0 match any."""

    __slots__ = ("any", "rules")

    def __init__(self, wanted: list[int] | list[str]) -> None:
        self.any = 0
        self.rules: dict[object, int] = {}
        for bit, value in enumerate(wanted):
            if value:
                self.rules[value] = self.rules.get(value, 0) | 1 << bit
            else:
                self.any |= 1 << bit
        for value in self.rules:
            self.rules[value] |= self.any


class _Block:
    """Up to ``_BLOCK`` rules and their fields; fields that tell nothing apart are left out."""

    __slots__ = ("entries", "few", "first", "full", "names", "ranges")

    def __init__(self, entries: list[Flat], rules: list[Rule], family: int) -> None:
        self.entries = entries
        self.full = (1 << len(entries)) - 1
        top = (1 << (32 if family == 4 else 128)) - 1
        ranges = {
            "src": _addresses([(entry[1], entry[0]) for entry in entries], top),
            "dst": _addresses([(entry[3], entry[2]) for entry in entries], top),
            "dport": _Field([_port_range(rule.text, " --dport ") for rule in rules], _PORTS),
            "sport": _Field([_port_range(rule.text, " --sport ") for rule in rules], _PORTS),
        }
        names = {
            "proto": _Names([entry[4] for entry in entries]),
            "iniface": _Names([entry[5] for entry in entries]),
            "outiface": _Names([entry[6] for entry in entries]),
        }
        #: The most telling first: what leaves nothing ends the search.
        telling = sorted(((name, f) for name, f in ranges.items() if f.bounds), key=lambda pair: -len(pair[1].bounds))
        self.ranges = [(name, found.bounds, found.rules) for name, found in telling]
        self.names = [(name, found.rules, found.any) for name, found in names.items() if found.rules]
        self.first = self.ranges.pop(0) if self.ranges else ("ttl", [], [self.full])
        #: By interval of the first field: the entries, if they are so few that asking the other fields is not worth it,
        #: None where they are many. Found out when a packet first comes by.
        self.few: dict[int, tuple[Flat, ...] | None] = {}

    def candidates(self, packet: Packet) -> Iterator[Flat]:
        name, bounds, rules = self.first
        at = bisect_right(bounds, getattr(packet, name))
        try:
            few = self.few[at]
        except KeyError:
            few = self.few[at] = tuple(self._chosen(rules[at])) if rules[at].bit_count() <= _FEW else None
        if few is not None:
            return iter(few)
        left = rules[at]
        for name, bounds, rules in self.ranges:
            left &= rules[bisect_right(bounds, getattr(packet, name))]
            if not left:
                return _NONE
        for name, known, others in self.names:
            left &= known.get(getattr(packet, name), others)
        if not left & (left - 1):
            return iter((self.entries[left.bit_length() - 1],)) if left else _NONE
        return self._chosen(left)

    def _chosen(self, left: int) -> Iterator[Flat]:
        """The entries of some bits, lowest first."""
        entries = self.entries
        while left:
            lowest = left & -left
            yield entries[lowest.bit_length() - 1]
            left ^= lowest


def _addresses(tests: list[tuple[int, int]], top: int) -> _Field:
    """Prefixes as ranges; a mask with holes matches anything here and is left to the entry's own test."""
    ranges = []
    for address, mask in tests:
        hosts = mask ^ top
        ranges.append((address, address | hosts) if not hosts & (hosts + 1) else (0, top))
    return _Field(ranges, (0, top))


def _port_range(text: str, option: str) -> tuple[int, int]:
    """The ports that a rule's tcp or udp match asks for, everything when it does not say so plainly."""
    at = text.find(option)
    if at < 0 or text[at - 1] == "!":
        return _PORTS
    quote = text.find('"')
    if 0 <= quote < at or not (" -m tcp" in text or " -m udp" in text):
        return _PORTS
    low, colon, high = text[at + len(option) :].split(" ", 1)[0].partition(":")
    if not low.isdigit() or not (high or low).isdigit():
        return _PORTS
    return int(low), int(high) if colon else int(low)
