"""The packet language: one packet a line, ``tcp 10.0.0.2:40000 -> 192.0.2.10:443 in eth0 syn``.

A description becomes a dict in the form of a scenario packet (:mod:`pyiptables.netfilter.scenario`)::

    packet    = protocol endpoint "->" endpoint word*  |  "reply" ["to" number] word*  |  "error" ["to" number] word*
    endpoint  = address [":" port]  |  "[" address "]" [":" port]
    word      = "in" name | "out" name | "at" ["+"] time | tcp flags | icmp type name | key value

Lines may be separated by ``;`` as well. ``#`` starts a comment.
"""

from __future__ import annotations

from typing import Any

import pyparsing as pp

from pyiptables.netfilter.names import ICMP4_TYPES, ICMP6_TYPES, PROTOCOLS, TCP_FLAGS

__all__ = ["KEYS", "DescriptionError", "parse_packet", "parse_packets"]


class DescriptionError(ValueError):
    """A description that cannot be understood: ``line`` and ``column`` count from 1."""

    def __init__(self, text: str, line: int, column: int) -> None:
        super().__init__(f"{line}:{column}: {text}")
        self.text = text
        self.line = line
        self.column = column


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
    "length": (0, 65535, "length of the whole packet in bytes"),
    "payload-len": (0, 65535, "length of the payload in bytes"),
    "frag": (0, 8191, "fragment offset in units of eight bytes"),
    "flow-label": (0, 0xFFFFF, "IPv6 flow label"),
    "uid": (0, 0xFFFFFFFF, "user who sends it"),
    "gid": (0, 0xFFFFFFFF, "group who sends it"),
    "cpu": (0, 0xFFFFFFFF, "processor it is handled on"),
    "realm": (0, 0xFFFFFFFF, "routing realm"),
}
_WORDS = {
    "in": "interface it arrives on",
    "out": "interface it leaves by",
    "from": "side of a scenario: a, b or fw",
    "state": "connection state, instead of tracking: NEW, ESTABLISHED, RELATED, INVALID, UNTRACKED",
    "mac": "source MAC address",
    "payload": "payload as text",
    "payload-hex": "payload as hexadecimal digits",
    "l2": "unicast, broadcast, multicast or otherhost",
    "helper": "conntrack helper of the connection",
    "set": "ipset that the packet is in (may be repeated)",
    "flags": "TCP flags",
}
_STATES = ("NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED")
_LINK = ("unicast", "broadcast", "multicast", "otherhost")
#: Every key of the language with its meaning, for the manual and completion.
KEYS = {**_WORDS, **{key: f"{what}, {low}-{high}" for key, (low, high, what) in _NUMBERS.items()}}

_RENAMED = {
    "hl": "ttl", "ack-seq": "ack", "icmp-id": "icmp_id", "icmp-seq": "icmp_seq", "payload-len": "payload_len",
    "flow-label": "flow_label", "state": "ctstate", "payload-hex": "payload_hex", "frag": "frag_offset",
}  # fmt: skip


def _grammar() -> pp.ParserElement:
    name = pp.Word(pp.alphanums + "_.-+:@")
    number = pp.Regex(r"0[xX][0-9a-fA-F]+|\d+").set_parse_action(lambda t: int(t[0], 0))
    port = pp.Suppress(":") + number("port")
    v4 = pp.Regex(r"\d{1,3}(\.\d{1,3}){3}")("address") + pp.Optional(port)
    v6 = pp.Suppress("[") + pp.Regex(r"[0-9a-fA-F:.]+")("address") + pp.Suppress("]") + pp.Optional(port)
    bare6 = pp.Regex(r"[0-9a-fA-F]*:[0-9a-fA-F:.]*")("address")
    endpoint = pp.Group(v4 ^ v6 ^ bare6).set_name("address[:port]")
    quoted = pp.QuotedString('"', esc_char="\\") | pp.QuotedString("'", esc_char="\\")
    time = pp.Regex(r"\+?\d+(\.\d+)?(ms|s|m|h|d)?").set_name("time like +2s")

    def pair(key: str, value: pp.ParserElement) -> pp.ParserElement:
        return pp.Group(pp.Keyword(key) + value)

    words: list[pp.ParserElement] = [pair("at", time), pp.Group(pp.Keyword("bad-checksum") | pp.Keyword("df"))]
    words += [pair(key, number.copy().set_name(f"number after {key}")) for key in _NUMBERS]
    several = {"flags": pp.Word(pp.alphas + ",")}
    words += [pair(key, (quoted | several.get(key, name)).set_name(f"word after {key}")) for key in _WORDS]
    flags = pp.Group(pp.Regex(r"(?i)(fin|syn|rst|psh|ack|urg|ece|cwr|none|all)(,(fin|syn|rst|psh|ack|urg|ece|cwr))*(?![\w-])"))
    icmp = pp.Group(pp.one_of(sorted({*ICMP4_TYPES, *ICMP6_TYPES}), as_keyword=True))
    word = pp.MatchFirst([*words, icmp, flags]).set_name("packet word")
    protocol = (number | pp.Word(pp.alphas, pp.alphanums + "-")).set_name("protocol")
    ordinal = pp.Optional(pp.Suppress(pp.Keyword("to")) + number("to"))
    reply = pp.Keyword("reply")("kind") + ordinal
    error = pp.Keyword("error")("kind") + ordinal
    fresh = protocol("proto") + endpoint("source") + pp.Suppress("->") - endpoint("destination")
    body = pp.Group(pp.ZeroOrMore(word))("words")
    return (reply | error | fresh) + body + pp.StringEnd()


_parser: pp.ParserElement | None = None


def parse_packets(text: str) -> list[dict[str, Any]]:
    """All packets of a text, in order. Raises DescriptionError with the place."""
    packets: list[dict[str, Any]] = []
    for number, line in enumerate(text.splitlines(), 1):
        column = 1
        for part in _statements(line):
            if part.strip():
                packets.append(parse_packet(part, len(packets), number, column))
            column += len(part) + 1
    return packets


def _statements(line: str) -> list[str]:
    """Cut at ``;`` and drop a ``#`` comment, both outside quotes."""
    parts, start, quote = [], 0, ""
    for i, char in enumerate(line):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == "#":
            line = line[:i]
            break
        elif char == ";":
            parts.append(line[start:i])
            start = i + 1
    return [*parts, line[start:]]


def parse_packet(text: str, index: int = 0, line: int = 1, column: int = 1) -> dict[str, Any]:
    """One description as a dict. ``index`` is how many packets came before (``reply`` answers the last)."""
    global _parser  # noqa: PLW0603 - built once, costs 10 ms
    if _parser is None:
        _parser = _grammar()
    try:
        found: Any = _parser.parse_string(text)
    except pp.ParseBaseException as error:
        near = text[error.loc :].split(" ", maxsplit=1)[0]
        found_text = f"not understood: {near!r}" if near else "the packet ends too early"
        raise DescriptionError(f"{found_text} ({error.msg.lower()})", line, column + error.loc) from error
    packet: dict[str, Any] = {}
    if found.get("kind"):
        to = found.get("to")
        target = index - 1 if to is None else int(to) - 1
        if not 0 <= target < index:
            raise DescriptionError(f"no earlier packet to {'answer' if found['kind'] == 'reply' else 'refer to'}", line, column)
        packet["reply_to" if found["kind"] == "reply" else "related_to"] = target
    else:
        _endpoints(packet, found, line, column)
    for word in found["words"]:
        _apply(packet, list(word), line, column)
    return packet


def _endpoints(packet: dict[str, Any], found: pp.ParseResults, line: int, column: int) -> None:
    proto = found["proto"]
    if isinstance(proto, str) and proto.lower() not in PROTOCOLS:
        raise DescriptionError(f"unknown protocol {proto!r}", line, column)
    packet["proto"] = proto if isinstance(proto, int) else proto.lower()
    for side, address_key, port_key in (("source", "src", "sport"), ("destination", "dst", "dport")):
        packet[address_key] = found[side]["address"]
        if "port" in found[side]:
            if not 0 <= found[side]["port"] <= 65535:
                raise DescriptionError(f"port {found[side]['port']} is above 65535", line, column)
            packet[port_key] = found[side]["port"]


def _apply(packet: dict[str, Any], word: list[Any], line: int, column: int) -> None:
    key = word[0]
    if len(word) == 1:
        if key in ("df", "bad-checksum"):
            packet[key.replace("-", "_")] = True
        elif key in ICMP4_TYPES or key in ICMP6_TYPES:
            six = packet.get("proto") in ("icmpv6", "icmp6", "ipv6-icmp", 58)
            number = (ICMP6_TYPES if six else ICMP4_TYPES).get(key)
            if number is None:
                raise DescriptionError(f"{key} is no type of {'ICMPv6' if six else 'ICMP'}", line, column)
            packet["type"], packet["code"] = number
        else:
            packet["flags"] = _flags(key)
        return
    value = word[1]
    if key == "at":
        packet["at"] = _seconds(value)
        if value.startswith("+"):
            packet["at_relative"] = True
        return
    if key in _NUMBERS:
        low, high, _ = _NUMBERS[key]
        if not low <= value <= high:
            raise DescriptionError(f"{key} must be {low} to {high}, not {value}", line, column)
    if key == "state" and value.upper() not in _STATES:
        raise DescriptionError(f"state must be one of {', '.join(_STATES)}", line, column)
    if key == "l2" and value not in _LINK:
        raise DescriptionError(f"l2 must be one of {', '.join(_LINK)}", line, column)
    if key == "dscp":
        packet["tos"] = value << 2
    elif key == "state":
        packet["ctstate"] = value.upper()
    elif key == "flags":
        packet["flags"] = _flags(value)
    elif key == "set":
        packet.setdefault("sets", []).append(value)
    else:
        packet[_RENAMED.get(key, key)] = value


def _flags(text: str) -> str:
    names = [name.upper() for name in text.split(",")]
    if names == ["NONE"]:
        return ""
    if names == ["ALL"]:
        names = list(TCP_FLAGS)[:6]
    return ",".join(names)


def _seconds(text: str) -> float:
    bare = text.lstrip("+")
    for unit, factor in (("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400)):
        if bare.endswith(unit):
            return float(bare[: -len(unit)]) * factor
    return float(bare)
