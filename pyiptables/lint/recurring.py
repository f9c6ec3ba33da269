"""Rule lines that differ from one already read in nothing but chain and addresses.

A file has thousands of rules and few kinds of them. What the parser said about ``-A web -s 10.0.0.1/32 -p tcp -m tcp
--dport 80 -j ACCEPT`` it would say about the same line with other addresses, as long as each is one plain address.
"""

from __future__ import annotations

import re

from pyiptables.ruleset import Rule, RuleSpec
from pyiptables.syntax.command import Command
from pyiptables.xtables.addresses import ALL_ONES, ip4_text, ip6_text, parse_ip6, prefix_mask

__all__ = ["Kind", "Recurring"]

#: The beginning of a rule: options that take one word each.
_HEAD = re.compile(r'-A ([^\s"!-][^\s"]{0,27})((?: (?:! )?-[sdiop] [^\s"!][^\s"]*)*)(?= |\Z)')
_ADDRESS = re.compile(r"( -[sd] )(\S+)")

_HOOKS = frozenset(("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"))
#: Kinds kept; a file with more has few rules of each.
_MOST = 20_000
_OCTETS = {str(octet): octet for octet in range(256)}
_LENGTHS = frozenset([str(length) for length in range(1, 129)])
#: Address, mask, as saved.
_Address = tuple[int, int, str]


def _dotted(text: str) -> int | None:
    value = 0
    parts = text.split(".")
    for part in parts:
        octet = _OCTETS.get(part)
        if octet is None:
            return None
        value = value << 8 | octet
    return value if len(parts) == 4 else None


class Kind:
    """The rule that lines of one kind make: as parsed, as it is kept, and its text behind the addresses."""

    __slots__ = ("command", "spec", "tail")

    def __init__(self, command: Command, spec: RuleSpec, tail: str) -> None:
        self.command = command
        self.spec = spec
        self.tail = tail


class Recurring:
    """The kinds of rules met so far in one table of a file."""

    def __init__(self, family: int) -> None:
        self._family = family
        self._kinds: dict[str, Kind] = {}
        self._addresses: dict[str, _Address | None] = {}
        #: What :meth:`find` made of the last line, if it may be of a kind: the kind's name, the addresses.
        self._last: tuple[str, _Address | None, _Address | None] | None = None

    def forget(self) -> None:
        """Another table: other things are allowed there."""
        self._kinds.clear()
        self._last = None

    def find(self, line: str) -> tuple[Command, RuleSpec, str] | None:
        """The command, the rule and its text, for a line of a kind that is known."""
        self._last = None
        head = _HEAD.match(line)
        if head is None:
            return None
        chain, block = head.groups()
        if not chain.isascii():
            return None
        name = block
        source = destination = None
        if " -s " in block or " -d " in block:
            for option, text in _ADDRESS.findall(block):
                address = self._address(text)
                if address is None:
                    return None
                if option == " -s ":
                    if source is not None:
                        return None
                    source = address
                else:
                    if destination is not None:
                        return None
                    destination = address
            name = _ADDRESS.sub(r"\1", block)
        # In some chains -i or -o is refused.
        name = f"{chain if chain in _HOOKS else ''}\0{name}\0{line[head.end() :]}"
        self._last = (name, source, destination)
        kind = self._kinds.get(name)
        if kind is None:
            return None
        command = kind.command.again(chain)
        spec = kind.spec.copy()
        text = []
        if source is not None:
            command.sources = [source[:2]]
            spec.src, spec.src_mask = source[:2]
            text.append(f"{'! ' if spec.src_inv else ''}-s {source[2]}")
        if destination is not None:
            command.destinations = [destination[:2]]
            spec.dst, spec.dst_mask = destination[:2]
            text.append(f"{'! ' if spec.dst_inv else ''}-d {destination[2]}")
        if kind.tail:
            text.append(kind.tail)
        return command, spec, " ".join(text)

    def learn(self, command: Command, rule: Rule) -> None:
        """Remember what became of the line that :meth:`find` did not know."""
        spec, text = rule.spec, rule.text
        if self._last is None or spec is None:
            return
        name, source, destination = self._last
        head = []
        if source is not None:
            head.append(f"{'! ' if spec.src_inv else ''}-s {source[2]}")
        if destination is not None:
            head.append(f"{'! ' if spec.dst_inv else ''}-d {destination[2]}")
        beginning = " ".join(head)
        if len(self._kinds) < _MOST and (not head or text == beginning or text.startswith(f"{beginning} ")):
            self._kinds[name] = Kind(command, spec, text[len(beginning) :].removeprefix(" "))

    def _address(self, text: str) -> _Address | None:
        """A single address, with a prefix length or none, that is not everything."""
        if text not in self._addresses:
            self._addresses[text] = self._read(text)
        return self._addresses[text]

    def _read(self, text: str) -> _Address | None:
        address, slash, length = text.partition("/")
        full = 32 if self._family == 4 else 128
        value = _dotted(address) if self._family == 4 else parse_ip6(address)
        if value is None or (slash and (length not in _LENGTHS or int(length) > full)):
            return None
        mask = prefix_mask(int(length), self._family) if slash else ALL_ONES[self._family]
        value &= mask
        shown = ip4_text(value) if self._family == 4 else ip6_text(value)
        return value, mask, f"{shown}/{int(length) if slash else full}"
