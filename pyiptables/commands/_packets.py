"""Packets as the command line gives them: sentences, iptables' own options, files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pyiptables.commands._input import Unusable, parse_json, read_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiptables.netfilter.language import DescriptionError

__all__ = ["family_of", "packets_described", "packets_in_file", "usual_answer"]

Json = dict[str, Any]

#: Option → key of a description, for values that are taken as they are.
_PLAIN = {
    "source": "src", "destination": "dst", "ttl": "ttl", "uid": "uid", "gid": "gid", "mac": "mac", "length": "length",
    "pkttype": "l2", "physin": "physin", "physout": "physout", "helper": "helper",
}  # fmt: skip


def packets_described(words: Sequence[str], options: Json, earlier: list[Json]) -> list[Json]:
    """The packets of a command line. Raises Unusable."""
    found: list[Json] = []
    flags = options["tcp_flags"]
    if flags and len(words) == 1 and " " not in words[0]:
        # As iptables has it: the flags to look at, then those that are set.
        flags, words = words[0], ()
    if words:
        from pyiptables.netfilter.language import DescriptionError, parse_packets, quoted

        several = any(" " in word and ("->" in word or "\N{RIGHTWARDS ARROW}" in word) for word in words)
        text = "\n".join(words) if several or len(words) == 1 else " ".join([quoted(word) for word in words])
        try:
            found += parse_packets(text, earlier)
        except DescriptionError as error:
            raise _unusable(error) from error
    if options["source"] or options["destination"]:
        found.append(_from_options(options, flags))
    return found


def _from_options(options: Json, flags: str | None) -> Json:
    from pyiptables.netfilter.description import PacketError, protocol_number

    packet: Json = {}
    for option, key in _PLAIN.items():
        if options[option] is not None:
            packet[key] = options[option]
    for key, letter in (("src", "-s"), ("dst", "-d")):
        if key not in packet:
            raise Unusable(f"the packet has no {'source' if key == 'src' else 'destination'} address ({letter})")
    six = ":" in str(packet["src"])
    proto = options["protocol"]
    if proto is None:
        proto = "tcp" if options["syn"] or flags else "icmp" if options["icmp_type"] else "udp"
    packet["proto"] = "icmpv6" if six and proto.lower() == "icmp" else proto.lower()
    try:
        number = protocol_number(packet["proto"])
    except PacketError as error:
        raise Unusable(f"-p: {error}") from error
    for key in ("sport", "dport"):
        if options[key] is not None:
            packet[key] = _port(options[key], packet["proto"], f"--{key}")
    for key in ("mark", "tos"):
        if options[key] is not None:
            packet[key] = _number(options[key], f"--{key}")
    if options["dscp"] is not None:
        value = _number(options["dscp"], "--dscp")
        if not 0 <= value <= 63:
            raise Unusable(f"--dscp {value} is not within 0 to 63")
        packet["tos"] = value << 2
    if options["syn"] or flags:
        if number != 6:
            raise Unusable(f"TCP flags in a packet of {packet['proto']}: -p tcp has them")
        packet["flags"] = "SYN" if options["syn"] else str(flags).upper()
    if options["icmp_type"] is not None:
        from pyiptables.netfilter.language import icmp_type

        if number not in (1, 58):
            raise Unusable(f"an ICMP type in a packet of {packet['proto']}")
        try:
            packet["type"], packet["code"] = icmp_type(options["icmp_type"], six)
        except ValueError as error:
            raise Unusable(f"--icmp-type: {error}") from error
    return packet


def _port(text: str, protocol: str, option: str) -> int:
    """A number, or a service's name."""
    if text.lstrip("-").isdecimal():
        return int(text)
    from pyiptables.tools.hosts import SystemNames

    found = SystemNames().port_number(text, protocol)
    if found is None:
        raise Unusable(f"{option}: no port: {text!r}")
    return found


def _number(text: str, option: str) -> int:
    try:
        return int(text.partition("/")[0], 0)
    except ValueError:
        raise Unusable(f"{option} is no number: {text!r}") from None


def packets_in_file(path: str) -> list[Json]:
    """Packets from JSON (a list, an object with ``packets``, or an object a line) or the language. Raises Unusable, OSError."""
    text = read_text(path)
    start = text.lstrip()[:1]
    if start in ("[", "{"):
        return _from_json(text, path, start)
    from pyiptables.netfilter.language import DescriptionError, parse_packets

    try:
        return parse_packets(text)
    except DescriptionError as error:
        raise _unusable(error, f"{path}:") from error


def _from_json(text: str, path: str, start: str) -> list[Json]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        if start == "[" or len(lines) < 2 or not lines[0][1].rstrip().endswith("}"):
            data = parse_json(text, path)
        else:
            data = [parse_json(line, f"{path}:{number}") for number, line in lines]
    found = data.get("packets", [data]) if isinstance(data, dict) else data
    if not isinstance(found, list):
        raise Unusable(f"{path}: packets is not a list")
    for number, packet in enumerate(found, 1):
        if not isinstance(packet, dict):
            raise Unusable(f"{path}: packet {number} is not an object but {json.dumps(packet)[:40]}")
    return list(found)


def _unusable(error: DescriptionError, prefix: str = "") -> Unusable:
    excerpt = f"  {error.source}\n  {' ' * (error.column - 1)}^" if error.source else ""
    return Unusable(f"{prefix}{error}", excerpt)


def family_of(packets: list[Json]) -> int:
    """4 or 6, by the first address."""
    for packet in packets:
        if "src" in packet:
            return 6 if ":" in str(packet["src"]) else 4
    return 4


def usual_answer(packets: list[Json]) -> Json:
    """What answers the last packet."""
    from pyiptables.netfilter.language import usual_flags

    at = len(packets) - 1
    return {"reply_to": at, **usual_flags(packets, at)}
