"""Rule lines that differ from one already read in nothing but chain, addresses, ports and the like.

A file has thousands of rules and few kinds of them. What the parser said about ``-A web -s 10.0.0.1/32 -p tcp -m tcp
--dport 80 -j ACCEPT`` it would say about the same line with other addresses and ports, as long as each is a plain one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pyiptables.ruleset import Rule, RuleSpec
from pyiptables.syntax.canonical import text_pattern
from pyiptables.syntax.command import Command
from pyiptables.xtables.addresses import ALL_ONES, ip4_text, ip6_text, parse_ip6, prefix_mask

if TYPE_CHECKING:
    from pyiptables.xtables.option import Match

__all__ = ["Kind", "Recurring"]

_BEGINNING = re.compile(r'-A ([^\s"!-][^\s"]{0,27})(?= |\Z)')
#: The options whose values the lines of a kind may differ in.
_VALUES = re.compile(r"( -[sd] | --[sd]?ports? | --mac-source | --comment )(\S+)")
_SOURCE: Final = " -s "
_DESTINATION: Final = " -d "
_MAC: Final = " --mac-source "
_COMMENT: Final = " --comment "
#: The names under which matches keep what the others give.
_NAMES: Final = {
    " --sport ": "source-port", " --dport ": "destination-port", _MAC: "mac-source", _COMMENT: "comment",
    " --sports ": "source-ports", " --dports ": "destination-ports", " --ports ": "ports",
}  # fmt: skip
#: Matches that are nothing but their ``values``, and print a plain one as it was given.
_MATCHES = frozenset(("tcp", "udp", "multiport", "mac", "comment"))
_PLAIN_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}")
_PLAIN_COMMENT = re.compile(text_pattern(1, 255))
#: Ports in a list; a range takes two places.
_MOST_PORTS: Final = 15

_HOOKS = frozenset(("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"))
#: Kinds kept, and variants of each; a file with more has few rules of each.
_MOST: Final = 20_000
_OCTETS = {str(octet): octet for octet in range(256)}
_LENGTHS = frozenset([str(length) for length in range(1, 129)])
#: Address, mask, as saved.
_Address = tuple[int, int, str]


class Kind:
    """The rule that lines of one kind make: as parsed, as it is kept, and its text behind the addresses.

    ``kept`` says of the values besides the addresses, in the order of the line, which match keeps each, and as what.
    """

    __slots__ = ("command", "kept", "spec", "tail", "variants")

    def __init__(self, command: Command, spec: RuleSpec, tail: list[str], kept: list[tuple[int, str]]) -> None:
        self.command = command
        self.spec = spec
        #: The text between those values.
        self.tail = tail
        self.kept = kept
        #: By the values as written: matches and text.
        self.variants: dict[tuple[str, ...], tuple[list[Match], str]] = {}

    def variant(self, words: tuple[str, ...], values: list[Any]) -> tuple[list[Match], str]:
        """The matches, and the text behind the addresses, with other values."""
        known = self.variants.get(words)
        if known is None:
            matches = self.spec.matches.copy()
            text = self.tail[0]
            for (place, name), word, value, after in zip(self.kept, words, values, self.tail[1:], strict=True):
                matches[place] = _with_value(matches[place], name, value)
                text += word + after
            known = matches, text
            if len(self.variants) < _MOST:
                self.variants[words] = known
        return known


def _with_value(match: Match, name: str, value: Any) -> Match:
    other = type(match)(match.family)
    other.values = {**match.values, name: value}
    other.inverted = match.inverted
    return other


class Recurring:
    """The kinds of rules met so far in one table of a file."""

    def __init__(self, family: int) -> None:
        self._family = family
        self._kinds: dict[str, Kind] = {}
        #: By option and word: what a plain value says, None for any other.
        self._plain: dict[tuple[str, str], Any] = {}
        #: What :meth:`find` made of the last line, if it may be of a kind: its name, addresses, other options and values.
        self._last: tuple[str, _Address | None, _Address | None, list[tuple[str, str, Any]]] | None = None

    def forget(self) -> None:
        """Another table: other things are allowed there."""
        self._kinds.clear()
        self._last = None

    def find(self, line: str) -> tuple[Command, str, RuleSpec, str] | None:
        """For a line of a kind that is known: the command of the first line of its kind, chain, rule and text."""
        self._last = None
        beginning = _BEGINNING.match(line)
        if beginning is None:
            return None
        chain = beginning[1]
        if not chain.isascii():
            return None
        parts, rest = _split(line[beginning.end() :])
        source = destination = None
        options, words, values = [], [], []
        for at in range(1, len(parts), 3):
            option, word = key = parts[at], parts[at + 1]
            try:
                value = self._plain[key]
            except KeyError:
                value = self._plain[key] = self._read(option, word)
            if option == _SOURCE:
                if value is None or source is not None:
                    return None
                source = value
            elif option == _DESTINATION:
                if value is None or destination is not None:
                    return None
                destination = value
            elif value is not None:
                options.append(option)
                words.append(word)
                values.append(value)
            else:
                continue
            parts[at + 1] = ""
        # In some chains -i or -o is refused.
        name = "\0".join((chain if chain in _HOOKS else "", *parts, rest))
        kind = self._kinds.get(name)
        if kind is None:
            self._last = name, source, destination, list(zip(options, words, values, strict=True))
            return None
        spec = kind.spec.copy()
        spec.matches, tail = kind.variant(tuple(words), values)
        if source is not None:
            spec.src, spec.src_mask, _ = source
        if destination is not None:
            spec.dst, spec.dst_mask, _ = destination
        head = _head(spec, source, destination)
        return kind.command, chain, spec, f"{head} {tail}" if head and tail else head or tail

    def learn(self, command: Command, rule: Rule) -> None:
        """Remember what became of the line that :meth:`find` did not know."""
        spec = rule.spec
        if self._last is None or spec is None or len(self._kinds) >= _MOST:
            return
        name, source, destination, others = self._last
        for address, taken in ((source, command.sources), (destination, command.destinations)):
            if address is not None and taken != [address[:2]]:
                return
        head = _head(spec, source, destination)
        if head and rule.text != head and not rule.text.startswith(f"{head} "):
            return
        tail, kept = [rule.text[len(head) :].removeprefix(" ")], []
        for option, word, value in others:
            place = _place(command, spec, _NAMES[option], value)
            before, found, after = tail.pop().partition(f"{option[1:]}{word}")
            if place is None or not found or after[:1] not in ("", " "):
                return
            kept.append((place, _NAMES[option]))
            tail += [before + option[1:], after]
        self._kinds[name] = Kind(command, spec, tail, kept)

    def _read(self, option: str, word: str) -> Any:
        """What a plain value says, None for any other."""
        if option in (_SOURCE, _DESTINATION):
            return self._address(word)
        if option == _MAC:
            return bytes.fromhex(word.replace(":", "")) if _PLAIN_MAC.fullmatch(word) else None
        if option == _COMMENT:
            return word.strip('"') if _PLAIN_COMMENT.fullmatch(word) else None
        return _ranges(word) if option.endswith("s ") else _range(word)

    def _address(self, text: str) -> _Address | None:
        """A single address, with a prefix length or none, that is not everything."""
        address, slash, length = text.partition("/")
        full = 32 if self._family == 4 else 128
        value = _dotted(address) if self._family == 4 else parse_ip6(address)
        if value is None or (slash and (length not in _LENGTHS or int(length) > full)):
            return None
        mask = prefix_mask(int(length), self._family) if slash else ALL_ONES[self._family]
        value &= mask
        shown = ip4_text(value) if self._family == 4 else ip6_text(value)
        return value, mask, f"{shown}/{int(length) if slash else full}"


def _split(line: str) -> tuple[list[str], str]:
    """Text, option, value, text, option, value … text; and all that begins with quotes around anything but a comment."""
    plain, quote, rest = line.partition('"')
    parts = _VALUES.split(plain)
    while quote and parts[-1].endswith(_COMMENT):
        comment, closing, after = rest.partition('"')
        if not closing or "\\" in comment or after[:1] not in ("", " "):
            break
        parts[-1] = parts[-1].removesuffix(_COMMENT)
        plain, quote, rest = after.partition('"')
        parts += [_COMMENT, f'"{comment}"', *_VALUES.split(plain)]
    return parts, quote + rest


def _head(spec: RuleSpec, source: _Address | None, destination: _Address | None) -> str:
    """The addresses as a saved rule begins with them."""
    head = "" if source is None else f"! -s {source[2]}" if spec.src_inv else f"-s {source[2]}"
    if destination is None:
        return head
    return f"{head}{' ' if head else ''}{'! ' if spec.dst_inv else ''}-d {destination[2]}"


def _place(command: Command, spec: RuleSpec, name: str, value: Any) -> int | None:
    """Which match of a rule keeps the value, None unless it is one only, kept as it was read."""
    if len(spec.matches) != len(command.spec.matches):
        return None
    found = None
    for place, (match, read) in enumerate(zip(spec.matches, command.spec.matches, strict=True)):
        if name in match.values:
            if found is not None or match is not read or match.name not in _MATCHES or match.values[name] != value:
                return None
            found = place
    return found


def _dotted(text: str) -> int | None:
    try:
        first, second, third, fourth = text.split(".")
        return _OCTETS[first] << 24 | _OCTETS[second] << 16 | _OCTETS[third] << 8 | _OCTETS[fourth]
    except (KeyError, ValueError):
        return None


def _ranges(text: str) -> tuple[tuple[int, int], ...] | None:
    parts = text.split(",")
    ranges = [found for part in parts if (found := _range(part)) is not None]
    return tuple(ranges) if len(ranges) == len(parts) and len(parts) + text.count(":") <= _MOST_PORTS else None


def _range(text: str) -> tuple[int, int] | None:
    """A port or a range of ports, but for port 0: it is written in several ways."""
    low, colon, high = text.partition(":")
    first = _port(low)
    last = _port(high) if colon else first
    return (first, last) if first and (first < last or not colon) else None


def _port(text: str) -> int:
    return int(text) if text.isdecimal() and text.isascii() and text[0] != "0" and len(text) < 6 and int(text) < 65536 else 0
