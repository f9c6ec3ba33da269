"""Canonical rule texts, fast: certify lines that are canonical already, and type them piece by piece.

:class:`Certifier` answers for a line of a restore file whether a full parse and save would give the same text
again: one regular expression put together from the pieces that extensions contribute (``Extension.canonical``).
It may say no to a canonical line, never yes to another. :func:`typed_canonical` reads canonical text by its
segments; equal segments share one (immutable) match or target object.
"""

from __future__ import annotations

from pyiptables.extensions import find_match, find_target
from pyiptables.ruleset import RuleSpec
from pyiptables.syntax.arguments import VERDICTS
from pyiptables.syntax.command import parse
from pyiptables.syntax.scanner import extension_options
from pyiptables.syntax.words import split_words
from pyiptables.xtables.addresses import ALL_ONES, ip4_text, ip6_text, parse_ip4, parse_ip6, prefix_mask
from pyiptables.xtables.names import CHAIN_PROTOCOLS, chain_protocol_name
from pyiptables.xtables.option import Parsing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Certifier", "text_pattern", "typed_canonical"]

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
#: The usual prefixes in canonical form, and any other (:meth:`Certifier.holds` tells).
_V4 = rf"{_OCTET}\.(?:0\.0\.0/8|{_OCTET}\.(?:0\.0/16|{_OCTET}\.(?:0/24|{_OCTET}/32)))"
_OTHER_V4 = rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}/(?:3[01]|[12]\d|[1-9])(?!\d)"
_OTHER_V6 = r"[0-9a-f:.]{2,45}/(?:12[0-8]|1[01]\d|[1-9]\d|[1-9])(?!\d)"
#: Fragments that extensions may use in their ``canonical`` pieces.
FRAGMENTS = {
    "PORT": r"(?:6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3}|0)",
    "PORTS": r"(?:[1-9]\d{0,3}:65535|6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3}|0)",
    "HEX32": r"0x(?:0|[1-9a-f][0-9a-f]{0,7})",
    "V4": rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}",
}


def text_pattern(low: int, high: int) -> str:
    """A word or quoted text as ``xtables_save_string`` prints it, in ASCII and without escapes."""
    return (
        rf"(?:[A-Za-z0-9_-]{{{low},{high}}}(?![^ \n])"
        rf'|"(?=[^"]*[^A-Za-z0-9_"-])[ !#-&(-\[\]-~]{{{low},{high}}}")'
    )


class Certifier:
    """Certifies rule lines of a restore: what ``pattern`` matches, from the line's beginning to behind its end.

    ``names`` are the (kind, name) of the extensions that the input mentions; only their pieces are assembled. ``groups``
    are the numbers of packets, bytes, chain, jump, and of source and destination where :meth:`holds` must judge; the
    groups ``r`` (the rule with a leading blank), ``m`` (matches) and ``t`` (target) go by name. ``limited`` has the
    extensions that only stand in some tables or hooks, ``merged`` the beginnings of matches that iptables-nft may merge:
    a rule with two of one kind is not certain.
    """

    __slots__ = ("_addresses", "_family", "groups", "limited", "merged", "pattern")

    def __init__(self, family: int, names: set[tuple[str, str]]) -> None:
        import re

        self._family = family
        self._addresses: dict[str, bool] = {}
        fragments = {**FRAGMENTS, "ICMP": "icmp" if family == 4 else "icmp6"}
        matches, targets = [], []
        protocols: set[int] = set()
        self.limited: dict[str, Any] = {}
        self.merged: list[str] = []
        for kind, name in sorted(names):
            extension = find_match(name, family) if kind == "match" else find_target(name, family)
            if extension is None or extension.canonical is None or extension.name != name:
                continue
            piece = extension.canonical
            for word, pattern in fragments.items():
                piece = piece.replace(f"{{{word}}}", pattern)
            while "{TEXT:" in piece:
                head, _, tail = piece.partition("{TEXT:")
                size, _, tail = tail.partition("}")
                piece = head + text_pattern(1, int(size)) + tail
            piece = f"{re.escape(name)}(?:{piece})"
            if extension.protocols is not None:
                known = [number for number in extension.protocols if chain_protocol_name(number)]
                if len(known) != 1 or len(extension.protocols) != 1:
                    continue
                protocols.add(known[0])
                piece = f"(?(p{known[0]}){piece}|(?!))"
                if kind == "match":
                    self.merged.append(f" -m {name}")
            if kind == "match":
                matches.append(piece)
            else:
                targets.append(piece)
            if extension.tables is not None or extension.hooks is not None:
                self.limited[name] = extension
        usual, other = (f"{_V4}|", _OTHER_V4) if family == 4 else ("", _OTHER_V6)
        interface = r"(?!\+ )[A-Za-z0-9_.@:-]{1,14}\+?"
        proto = "".join([rf"(?P<p{number}> -p {chain_protocol_name(number)})|" for number in sorted(protocols)])
        others = "|".join([name for name, n in CHAIN_PROTOCOLS.items() if chain_protocol_name(n) == name and n])
        body = "".join(
            [
                rf"(?: (?:! )?-s (?:{usual}(?P<s>{other})))?(?: (?:! )?-d (?:{usual}(?P<d>{other})))?",
                rf"(?: (?:! )?-i {interface})?(?: (?:! )?-o {interface})?",
                rf"(?:{proto} -p (?:{others})| ! -p (?:{others}))?",
                rf"(?P<m>(?: -m (?:{'|'.join(matches) or '(?!)'}))*)",
                rf"(?:(?P<t> -j (?:{'|'.join(targets) or '(?!)'}))|(?P<j> -[jg] [^\0 \n\"]{{1,28}}))?",
            ]
        )
        counters = r"(?:\[(?P<packets>\d{1,18}):(?P<bytes>\d{1,18})\] )?"
        self.pattern = re.compile(rf"{counters}-A (?P<c>[^\0 \n\"!-][^\0 \n\"]{{0,27}})(?P<r>{body})\n", re.ASCII)
        self.groups = tuple([self.pattern.groupindex[name] for name in ("packets", "bytes", "c", "j", "s", "d")])

    def holds(self, text: str) -> bool:
        """Whether an address with its prefix length is in canonical form."""
        known = self._addresses.get(text)
        if known is None:
            address, _, length = text.partition("/")
            if self._family == 4:
                value, mask, again = parse_ip4(address), prefix_mask(int(length), 4), ip4_text
            else:
                value, mask, again = parse_ip6(address), prefix_mask(int(length), 6), ip6_text
            known = value is not None and value & mask == value and again(value) == address
            self._addresses[text] = known
        return known


_segments: dict[tuple[Any, ...], Any] = {}
_SEGMENTS_KEPT = 20000


def typed_canonical(text: str, family: int) -> RuleSpec | None:
    """The typed form of canonical text, None when it is of a shape only the full parser reads."""
    spec = RuleSpec()
    words = text.split(" ") if '"' not in text else _quoted_words(text)
    if words is None:
        return None
    inverted = False
    i, n = 0, len(words)
    if text == "":
        return spec
    while i < n:
        word = words[i]
        if word == "!":
            inverted = True
            i += 1
            continue
        if i + 1 >= n and word != "-f":
            return None
        if word == "-m" or word == "-j":
            if inverted:
                return None
            end = i + 2
            while end < n and (words[end] not in _STARTS or _is_argument(words, i, end, family)):
                end += 1
            if word == "-j":
                end = n
                if words[i + 1] in VERDICTS:
                    spec.jump = words[i + 1]
                    return spec if i + 2 == n else None
            extension = _segment(words, i, end, spec, family)
            if extension is None:
                return None
            if word == "-m":
                spec.matches.append(extension)
            else:
                spec.jump = words[i + 1]
                spec.target = None if extension is True else extension
            i = end
            continue
        value = words[i + 1] if i + 1 < n else ""
        if word == "-s" or word == "-d":
            pair = _address(value, family)
            if pair is None:
                return None
            if word == "-s":
                (spec.src, spec.src_mask), spec.src_inv = pair, inverted
            else:
                (spec.dst, spec.dst_mask), spec.dst_inv = pair, inverted
        elif word == "-i":
            spec.iniface, spec.iniface_inv = value, inverted
        elif word == "-o":
            spec.outiface, spec.outiface_inv = value, inverted
        elif word == "-p":
            number = CHAIN_PROTOCOLS.get(value)
            if number is None:
                if not value.isdigit():
                    return None
                number = int(value)
            spec.proto, spec.proto_inv = number, inverted
        elif word == "-g":
            spec.jump, spec.goto = value, True
        elif word == "-f":
            spec.fragment, spec.fragment_inv = True, inverted
            i -= 1
        else:
            return None
        inverted = False
        i += 2
    return spec


_STARTS = frozenset(("-m", "-j", "-g"))


def _is_argument(words: list[str], start: int, at: int, family: int) -> bool:
    """Whether the word that looks like an option is the argument of the one before it (``--comment -j``)."""
    before = words[at - 1]
    extension = find_match(words[start + 1], family) if before[:2] == "--" and words[start] == "-m" else None
    return extension is not None and extension_options(extension).get(before[2:], (0,))[0] != 0


def _quoted_words(text: str) -> list[str] | None:
    """Words of a text with quotes, each quoted one kept in its quotes. Only arguments of long options are quoted."""
    words: list[str] = []
    pieces = text.split(" ")
    i, n = 0, len(pieces)
    while i < n:
        word = pieces[i]
        i += 1
        if word[:1] == '"' and words and words[-1][:2] == "--":
            while len(word) < 2 or word[-1] != '"' or _ends_escaped(word):
                if i >= n:
                    return None
                word += " " + pieces[i]
                i += 1
        words.append(word)
    return words


def _ends_escaped(word: str) -> bool:
    """Whether the quote at the end belongs to the text."""
    inside = word[:-1]
    return (len(inside) - len(inside.rstrip("\\"))) % 2 == 1


def _segment(words: list[str], start: int, end: int, spec: RuleSpec, family: int) -> Any:
    """The extension object of one ``-m``/``-j`` segment; True for a jump to a chain, None for what is odd."""
    key = (family, spec.proto, spec.proto_inv, *words[start:end])
    found = _segments.get(key)
    if found is not None:
        return found
    if words[start] == "-j" and find_target(words[start + 1], family) is None:
        return True
    found = _built(words, start, end, spec, family)
    if found is None:
        found = _parsed(words, start, end, spec, family)
    if found is not None:
        if len(_segments) >= _SEGMENTS_KEPT:
            _segments.clear()
        _segments[key] = found
    return found


def _built(words: list[str], start: int, end: int, spec: RuleSpec, family: int) -> Any:
    """The extension made straight from its option table; None when a word is not plainly option or argument."""
    finder = find_match if words[start] == "-m" else find_target
    extension = finder(words[start + 1], family)
    if extension is None:
        return None
    parsing = Parsing(family, None)
    parsing.kept = True
    parsing.proto, parsing.proto_inv = spec.proto, spec.proto_inv
    made = extension(family)
    options = extension_options(extension)
    inverted = False
    i = start + 2
    while i < end:
        word = words[i]
        i += 1
        if word == "!":
            inverted = True
            continue
        entry = options.get(word[2:]) if word[:2] == "--" else None
        if entry is None:
            return None
        has_argument, (_, option) = entry
        argument = ""
        if has_argument:
            if i >= end:
                return None
            argument = words[i]
            i += 1
            if argument[:1] == '"':
                argument = argument[1:-1]
                if "\\" in argument:
                    return None
        if i < end and words[i] != "!" and words[i][:2] != "--":
            return None
        made.parse(option, argument, inverted, parsing)
        inverted = False
    made.final_check(parsing)
    return made


def _parsed(words: list[str], start: int, end: int, spec: RuleSpec, family: int) -> Any:
    """The extension as the full parser makes it."""
    parsing = Parsing(family, None)
    parsing.kept = True
    head = ["-A", "-"]
    if spec.proto:
        head += (["!"] if spec.proto_inv else []) + ["-p", chain_protocol_name(spec.proto) or str(spec.proto)]
    command = parse([*head, *split_words(" ".join(words[start:end]), room=1 << 20)], parsing)
    if words[start] == "-m":
        return command.spec.matches[0] if len(command.spec.matches) == 1 else None
    return True if command.spec.target is None else command.spec.target


_addresses: dict[tuple[int, str], tuple[int, int]] = {}


def _address(text: str, family: int) -> tuple[int, int] | None:
    known = _addresses.get((family, text))
    if known is not None:
        return known
    address, slash, length = text.partition("/")
    value = parse_ip4(address) if family == 4 else parse_ip6(address)
    if value is None or not slash:
        return None
    if length.isdigit():
        mask = (
            ALL_ONES[family]
            if length in ("32", "128") and int(length) == (32 if family == 4 else 128)
            else prefix_mask(int(length), family)
        )
    else:
        given = parse_ip4(length, whole=True) if family == 4 else parse_ip6(length)
        if given is None:
            return None
        mask = given
    if len(_addresses) < 200000:
        _addresses[(family, text)] = (value, mask)
    return value, mask
