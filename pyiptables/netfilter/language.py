"""The packet language: one packet a line, ``tcp 10.0.0.2:40000 -> 192.0.2.10:443 in eth0 syn``.

A description becomes a dict in the form of a scenario packet (:mod:`pyiptables.tools.scenario`)::

    packet    = protocol endpoint arrow endpoint word*  |  "reply" ["to" number] word*  |  "error" ["to" number] word*
    arrow     = "->" | "to"
    endpoint  = address [":" port]  |  "[" address "]" [":" port]
    word      = "in" name | "out" name | "at" time | tcp flags | icmp type name | "df" | "bad-checksum" | key value
    time      = ["+"] number ["ms" | "s" | "m" | "h" | "d"]  |  date ["T" clock]

``reply`` answers the packet before it (``to N``: the Nth) as its receiver saw it, ``error`` is an ICMP error about it. Lines
may be separated by ``;`` as well. ``#`` starts a comment.

The grammar defines the language and says where a description goes wrong. Descriptions written in the plainest way, word for
word between spaces, are read without it, as loading pyparsing takes longer than tracing the packet.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pyiptables.netfilter.names import PROTOCOLS, TCP_FLAGS
from pyiptables.netfilter.routes import RouteError, parse_address
from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.icmp_types import ICMP, ICMPV6, parse_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyparsing as pp

    #: What stands in a statement: "proto", "source", "destination" or "kind", "to", as [(place, word)], and "words" as
    #: [(place, word)] or [(place, key, value)].
    Found = Any

__all__ = ["FLAGS", "KEYS", "DescriptionError", "icmp_type", "parse_packets", "quoted", "usual_flags"]


class DescriptionError(ValueError):
    """A description that cannot be understood: ``line`` and ``column`` count from 1, ``source`` is the line's text."""

    def __init__(self, text: str, line: int, column: int, source: str = "") -> None:
        super().__init__(f"{line}:{column}: {text}")
        self.text = text
        self.line = line
        self.column = column
        self.source = source


class _Fault(ValueError):
    """Something wrong at a place of the statement being read."""

    def __init__(self, text: str, at: int) -> None:
        super().__init__(text)
        self.at = at


#: Words that take a whole number: least, greatest, what it is.
_NUMBERS = {
    "ttl": (0, 255, "time to live"),
    "hl": (0, 255, "hop limit, the same in IPv6"),
    "tos": (0, 255, "whole TOS or traffic class byte"),
    "dscp": (0, 63, "upper six bits of that byte"),
    "mark": (0, 0xFFFFFFFF, "mark it begins with"),
    "seq": (0, 0xFFFFFFFF, "TCP sequence number"),
    "ack-seq": (0, 0xFFFFFFFF, "TCP acknowledgement number"),
    "window": (0, 65535, "TCP window"),
    "mss": (0, 65535, "TCP maximum segment size option"),
    "type": (0, 255, "ICMP type"),
    "code": (0, 255, "ICMP code"),
    "icmp-id": (0, 65535, "identifier of an ICMP query"),
    "icmp-seq": (0, 65535, "sequence number of an ICMP query"),
    "id": (0, 65535, "IP identification"),
    "length": (0, 65535, "length of the whole packet in bytes, its payload unknown"),
    "payload-len": (0, 65535, "length of the payload in bytes"),
    "frag": (0, 8191, "fragment offset in units of eight bytes"),
    "flow-label": (0, 0xFFFFF, "IPv6 flow label"),
    "uid": (0, 0xFFFFFFFF, "user who sends it"),
    "gid": (0, 0xFFFFFFFF, "group who sends it"),
    "cpu": (0, 0xFFFFFFFF, "processor it is handled on"),
    "realm": (0, 0xFFFFFFFF, "routing realm"),
    "classid": (0, 0xFFFFFFFF, "class of the sender's control group"),
    "expected-by": (1, 0xFFFFFFFF, "number of the packet whose connection's helper expects this one"),
}
_CHOICES = {
    "ctstate": ("NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED"),
    "l2": ("unicast", "broadcast", "multicast", "otherhost"),
    "socket": ("none", "open", "transparent", "wildcard"),
    "ipsec": ("none",),
}
_WORDS = {
    "in": "interface it arrives on",
    "out": "interface it leaves by",
    "from": "side of a scenario (a, b, or fw for the host itself)",
    "at": "when: +2s after the packet before, 90s after the start, or 2026-11-25T14:30",
    "flags": "TCP flags, as syn,ack",
    "ctstate": "connection state, instead of tracking: " + ", ".join(_CHOICES["ctstate"]),
    "helper": "conntrack helper of its connection",
    "mac": "source MAC address",
    "l2": f"{', '.join(_CHOICES['l2'])}; if not given, what the destination calls for",
    "physin": "bridge port it came by",
    "physout": "bridge port it goes by",
    "payload": "payload as text",
    "payload-hex": "payload as hexadecimal digits",
    "l4": "transport header as hexadecimal digits, for protocols without words here",
    "set": "ipset that it is in, where no sets are described (may be repeated)",
    "socket": "socket open for it: " + ", ".join(_CHOICES["socket"]),
    "cgroup": "control group of the sender",
    "ipsec": "none: no IPsec policy applies",
    "os": "operating system that -m osf sees",
}
#: Words that stand alone.
FLAGS = {"df": "do not fragment", "more-fragments": "more fragments follow", "bad-checksum": "the checksum is wrong"}
#: Every key of the language with its meaning, for the manual and completion.
KEYS = {**_WORDS, **{key: f"{what}, {low}-{high}" for key, (low, high, what) in _NUMBERS.items()}}

_ALIASES = {"hl": "ttl", "state": "ctstate", "physdev-in": "physin", "physdev-out": "physout", "match-set": "set"}
_KEY_NAMES = {
    "ack-seq": "ack", "icmp-id": "icmp_id", "icmp-seq": "icmp_seq", "payload-len": "payload_len", "flow-label": "flow_label",
    "payload-hex": "payload_hex", "frag": "frag_offset", "expected-by": "expected_by",
}  # fmt: skip
_SOCKETS: dict[str, Any] = {"none": None, "open": {}, "transparent": {"transparent": True}, "wildcard": {"wildcard": True}}
_TIME = r"\+?\d+(?:\.\d+)?(?:ms|s|m|h|d)?(?![\w.:-])|\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?)?"
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_NUMBER = r"0[xX][0-9a-fA-F]+|\d+"
_FLAG = "fin|syn|rst|psh|ack|urg|ece|cwr"
_TEXTS = [key for key in (*_WORDS, *_ALIASES) if key not in ("at", "hl")]
#: ICMPv6 types of router and neighbour discovery, which only counts with a hop limit that no router has lowered.
_OF_THE_LINK = range(133, 138)
_ICMP_NAMES = {name for name, *_ in (*ICMP, *ICMPV6)} - {"any"}


def _number(text: str) -> int:
    return int(text, 16 if text[:2] in ("0x", "0X") else 10)


def _plain(text: str) -> Found | None:
    """What the grammar finds in a statement, for those in plain words; None: ask the grammar."""
    if not text.isascii() or not text.isprintable() or '"' in text or "'" in text:
        return None
    tokens = [(word.start(), word[0]) for word in re.finditer("[^ ]+", text)]
    found: dict[str, Any] = {"words": []}
    again = bool(tokens) and tokens[0][1] in ("reply", "error")
    at = 1 if again else 4
    if again:
        found["kind"] = tokens[0][1]
        if len(tokens) > 1 and tokens[1][1] == "to":
            if len(tokens) == 2 or not re.fullmatch(_NUMBER, tokens[2][1]):
                return None
            found["to"] = [(tokens[2][0], _number(tokens[2][1]))]
            at = 3
    elif len(tokens) < 4 or tokens[2][1] != "->":
        return None
    else:
        found |= {"proto": tokens[:1], "source": tokens[1:2], "destination": tokens[3:4]}
    while at < len(tokens):
        place, key = tokens[at]
        value: Any = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        at += 2
        if key in _NUMBERS and re.fullmatch(_NUMBER, value):
            found["words"].append((place, key, _number(value)))
        elif value and (key in _TEXTS or (key == "at" and re.fullmatch(_TIME, value))):
            found["words"].append((place, key, value))
        elif key in FLAGS or key in _ICMP_NAMES or re.fullmatch(f"(?:{_FLAG})(?:,(?:{_FLAG}))*", key):
            found["words"].append((place, key))
            at -= 1
        else:
            return None
    return found


def _grammar() -> pp.ParserElement:
    """Results are lists of (place, …): where a thing stands is needed to say what is wrong with it."""
    import pyparsing as pp

    ident = pp.alphanums + "_-"
    plain = pp.Regex(r"[^\s\"';#]+")
    text = pp.QuotedString('"', esc_char="\\") | pp.QuotedString("'", esc_char="\\") | plain
    number = pp.Regex(rf"(?:{_NUMBER})(?![\w.])").set_parse_action(lambda t: _number(t[0]))

    def placed(element: pp.ParserElement) -> pp.ParserElement:
        return pp.Group(element).set_parse_action(lambda text, place, found: [(place, *found[0])])

    def pair(key: str, value: pp.ParserElement) -> pp.ParserElement:
        return placed(pp.CaselessKeyword(key, ident_chars=ident) + value)

    pairs: list[pp.ParserElement] = [pair("at", pp.Regex(_TIME))]
    pairs += [pair(key, number) for key in _NUMBERS]
    pairs += [pair(key, text) for key in _TEXTS]
    alone = placed(pp.MatchFirst([pp.CaselessKeyword(key, ident_chars=ident) for key in FLAGS]))
    flags = placed(pp.Regex(rf"(?i)(?:(?:{_FLAG})(?:,(?:{_FLAG}))*|none|all)(?![\w-])"))
    icmp = placed(pp.one_of(sorted(_ICMP_NAMES), caseless=True, as_keyword=True))
    word = pp.MatchFirst([*pairs, alone, icmp, flags])
    protocol = placed(plain)("proto")
    endpoint = placed(plain)
    arrow = pp.Suppress(pp.Literal("->") | "\N{RIGHTWARDS ARROW}" | pp.CaselessKeyword("to"))
    ordinal = pp.Optional(pp.Suppress(pp.CaselessKeyword("to")) + placed(number)("to"))
    again = pp.MatchFirst([pp.CaselessKeyword("reply"), pp.CaselessKeyword("error")])("kind") + ordinal
    fresh = protocol + endpoint("source") + arrow + endpoint("destination")
    return (again | fresh) + pp.Group(pp.ZeroOrMore(word))("words") + pp.StringEnd()


_parser: pp.ParserElement | None = None


def parse_packets(text: str, earlier: Sequence[dict[str, Any]] = ()) -> list[dict[str, Any]]:
    """All packets of a text, in order; ``earlier`` ones may be referred to. Raises DescriptionError with the place."""
    packets: list[dict[str, Any]] = []
    for number, line in enumerate(text.splitlines(), 1):
        column = 1
        for part in _statements(line):
            if part.strip():
                try:
                    packets.append(_packet(part, [*earlier, *packets]))
                except _Fault as fault:
                    raise DescriptionError(str(fault), number, column + fault.at, line) from fault
            column += len(part) + 1
    return packets


def quoted(word: str) -> str:
    """A word of a command line as a word of the language."""
    if word == ";" or (word and not any(char in word for char in " \t;#\"'")):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _statements(line: str) -> list[str]:
    """Cut at ``;`` and drop a ``#`` comment, both outside quotes."""
    parts, start, quote, skip = [], 0, "", False
    for i, char in enumerate(line):
        if quote:
            if skip:
                skip = False
            elif char == "\\":
                skip = True
            elif char == quote:
                quote = ""
        elif char in "\"'":
            quote = char
        elif char == "#":
            line = line[:i]
            break
        elif char == ";":
            parts.append(line[start:i])
            start = i + 1
    return [*parts, line[start:]]


def _parsed(text: str) -> Found:
    """What the grammar finds in a statement."""
    import pyparsing as pp

    global _parser  # noqa: PLW0603 - built once, costs 10 ms
    if _parser is None:
        _parser = _grammar()
    try:
        return _parser.parse_string(text)
    except pp.ParseBaseException as error:
        raise _explained(text, error.loc) from error


def _packet(text: str, earlier: list[dict[str, Any]]) -> dict[str, Any]:
    """One description as a dict."""
    found = _plain(text) or _parsed(text)
    packet: dict[str, Any] = {}
    index = len(earlier)
    kind = found.get("kind")
    if kind:
        place, to = found["to"][0] if "to" in found else (0, index)
        if not 0 < to <= index:
            raise _Fault(
                f"there is no earlier packet{f' {to}' if index else ''} to {'answer' if kind == 'reply' else 'complain about'}", place
            )
        packet["reply_to" if kind == "reply" else "related_to"] = to - 1
    else:
        _ends(packet, found)
    said = set()
    for place, *word in found["words"]:
        if len(word) == 2:
            key = word[0].lower()
            key = _ALIASES.get(key, key)
            if key in said:
                raise _Fault(f"{key} is said twice", place)
            if key != "set":
                said.add(key)
        _apply(packet, word, place, earlier)
    if kind == "reply" and "flags" not in packet:
        packet |= usual_flags(earlier, packet["reply_to"])
    if packet.get("type") in _OF_THE_LINK and "ttl" not in packet and _is_six(packet, earlier):
        packet["ttl"] = 255
    return packet


def usual_flags(packets: Sequence[dict[str, Any]], at: int) -> dict[str, str]:
    """The flags of the answer to a packet: SYN,ACK to a SYN, ACK to another TCP packet, none to the others."""
    first = packets[at]
    while "proto" not in first and "reply_to" in first:
        first = packets[first["reply_to"]]
    if str(first.get("proto")).lower() not in ("tcp", "6"):
        return {}
    return {"flags": "SYN,ACK" if str(packets[at].get("flags", "SYN")).upper() == "SYN" else "ACK"}


def _is_six(packet: dict[str, Any], earlier: list[dict[str, Any]]) -> bool:
    """Is it IPv6, by itself or by the packet it refers to?"""
    while "src" not in packet:
        packet = earlier[packet.get("reply_to", packet.get("related_to", 0))]
    return ":" in packet["src"]


def _explained(text: str, at: int) -> _Fault:
    """What is wrong at a place that the grammar does not get past, in words."""
    rest = text[at:].lstrip()
    at = len(text) - len(rest)
    words = rest.split()
    before = text[:at].split()
    again = bool(before) and before[0].lower() in ("reply", "error")
    if not words:
        missing = ["a protocol", "a source address", "'->' and a destination", "a destination address"]
        if before and (again or len(before) >= 4):
            return _Fault(f"nothing after {before[-1]!r}", at)
        return _Fault(f"the packet ends too early: {missing[len(before)]} should follow", at)
    near = words[0]
    if not again and len(before) == 2:
        return _Fault(f"'->' should stand here, between the source and the destination, not {near!r}", at)
    key = near.lower()
    if key in _NUMBERS or key in ("at", *_WORDS, *_ALIASES):
        after = at + len(near)
        place = len(text) - len(text[after:].lstrip())
        given = words[1] if len(words) > 1 else ""
        if key in _NUMBERS:
            low, high, _ = _NUMBERS[key]
            wanted = f"a number from {low} to {high}"
        else:
            wanted = {"at": "a time like +2s, 90s or 2026-11-25T14:30", "in": "an interface", "out": "an interface"}.get(key, "a value")
        return _Fault(f"{key} needs {wanted}{f', not {given!r}' if given else ''}", place)
    known = [*KEYS, *FLAGS, *_ALIASES, *[name.lower() for name in TCP_FLAGS], *[name for name, *_ in (*ICMP, *ICMPV6)], "reply", "error"]
    return _Fault(f"unknown word {near!r}{_meant(key, known)}", at)


def _meant(word: str, known: list[str]) -> str:
    """What may have been meant, in brackets."""
    from difflib import get_close_matches

    close = get_close_matches(word, known, 1, 0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _ends(packet: dict[str, Any], found: Any) -> None:
    place, proto = found["proto"][0]
    name = proto.lower()
    number = int(proto) if proto.isdigit() else PROTOCOLS.get(name)
    if number is None or number > 255:
        raise _Fault(f"unknown protocol {proto!r}{_meant(name, [*PROTOCOLS, 'reply', 'error'])}", place)
    families = []
    for side, address_key, port_key in (("source", "src", "sport"), ("destination", "dst", "dport")):
        place, text = found[side][0]
        address, port = _split_port(text, place)
        try:
            family, _, length = parse_address(address)
        except RouteError:
            raise _Fault(f"{address!r} is no address", place) from None
        if length != (32 if family == 4 else 128):
            raise _Fault(f"{address!r} is a network: a packet has one address", place)
        families.append(family)
        packet[address_key] = address
        if port is not None:
            if number not in (6, 17, 33, 132, 136):
                raise _Fault(f"{name} has no ports", place + text.rindex(":"))
            if port > 65535:
                raise _Fault(f"port {port} is above 65535", place + text.rindex(":") + 1)
            packet[port_key] = port
    if families[0] != families[1]:
        raise _Fault(f"the source is IPv{families[0]}, the destination IPv{families[1]}", found["destination"][0][0])
    if families[0] == 6 and name == "icmp":
        name = "icmpv6"
    packet["proto"] = int(proto) if proto.isdigit() else name


def _split_port(text: str, place: int) -> tuple[str, int | None]:
    """``1.2.3.4:80``, ``[2001:db8::1]:80``, ``2001:db8::1``."""
    if text.startswith("["):
        address, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and rest[0] != ":"):
            raise _Fault(f"{text!r} is no address: [address]:port", place)
        port = rest[1:]
    elif text.count(":") == 1:
        address, rest, port = text.partition(":")
    else:
        return text, None
    if rest and not port.isdigit():
        raise _Fault(f"{port!r} is no port number" if port else "a port should follow the colon", place + len(text) - len(port))
    return address, int(port) if rest else None


def _apply(packet: dict[str, Any], word: list[Any], place: int, earlier: list[dict[str, Any]]) -> None:
    key = word[0].lower()
    if len(word) == 1:
        _apply_alone(packet, key, place, earlier)
        return
    key = _ALIASES.get(key, key)
    value = word[1]
    if key in _NUMBERS:
        low, high, _ = _NUMBERS[key]
        if not low <= value <= high:
            raise _Fault(f"{key} must be {low} to {high}, not {value}", place)
    if key in _CHOICES:
        match = [choice for choice in _CHOICES[key] if choice.lower() == str(value).lower()]
        if not match:
            raise _Fault(f"{key} must be one of {', '.join(_CHOICES[key])}, not {value!r}", place)
        value = match[0]
    if key == "at":
        _time(packet, value)
    elif key == "dscp":
        packet["tos"] = value << 2 | packet.get("tos", 0) & 3
    elif key == "flags":
        _set_flags(packet, value, place)
    elif key == "set":
        packet.setdefault("sets", []).append(value)
    elif key == "socket":
        packet["socket"] = _SOCKETS[value]
    elif key == "ipsec":
        packet["policy"] = packet["policy_out"] = []
    elif key == "expected-by":
        if value > len(earlier):
            raise _Fault(f"there is no earlier packet {value}", place)
        packet["expected_by"] = value - 1
    else:
        packet[_KEY_NAMES.get(key, key)] = value


def _apply_alone(packet: dict[str, Any], key: str, place: int, earlier: list[dict[str, Any]]) -> None:
    if key in FLAGS:
        packet[key.replace("-", "_")] = True
    elif key.split(",", maxsplit=1)[0].upper() in (*TCP_FLAGS, "NONE", "ALL"):
        _set_flags(packet, key, place)
    else:
        if "related_to" not in packet and packet.get("proto") not in (None, "icmp", "icmpv6", "icmp6", "ipv6-icmp", 1, 58):
            raise _Fault(f"{key} is a type of ICMP, not of {packet['proto']}", place)
        packet["type"], packet["code"] = icmp_type(key, _is_six(packet, earlier), place)


def icmp_type(text: str, six: bool, place: int = 0) -> tuple[int, int]:
    """Type and code of a name or ``type[/code]`` as iptables writes them. Raises ValueError."""
    try:
        kind, code, _ = parse_type(text, ICMPV6 if six else ICMP, "ICMPv6" if six else "ICMP")
    except ParameterProblem as error:
        raise _Fault(error.text, place) from error
    return kind, code


def _set_flags(packet: dict[str, Any], text: str, place: int) -> None:
    if packet.get("proto", "tcp") not in ("tcp", 6):
        raise _Fault(f"TCP flags in a packet of {packet['proto']}", place)
    names = [name for name in packet.get("flags", "").split(",") if name]
    for name in text.upper().split(","):
        if name == "ALL":
            names += list(TCP_FLAGS)[:6]
        elif name not in (*TCP_FLAGS, "NONE"):
            raise _Fault(f"unknown TCP flag {name!r} ({', '.join(TCP_FLAGS).lower()})", place)
        elif name != "NONE":
            names.append(name)
    packet["flags"] = ",".join(dict.fromkeys(names))


def _time(packet: dict[str, Any], text: str) -> None:
    if "-" in text:
        packet["at"] = text
        return
    bare = text.lstrip("+")
    digits = bare.rstrip("msdh")
    packet["at"] = float(digits) * _UNITS[bare[len(digits) :] or "s"]
    if text.startswith("+"):
        packet["at_relative"] = True
