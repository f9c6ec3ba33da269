"""Packets as people describe them: the dicts of scenarios and of the packet language, both ways.

The keys are those of a scenario's packets (``tools.scenario``); what comes back describes the headers in the same words.
"""

from __future__ import annotations

from functools import cache, lru_cache

from pyiptables.netfilter.names import PROTOCOLS, TCP_FLAGS
from pyiptables.netfilter.packet import Packet
from pyiptables.netfilter.routes import RouteError, parse_address
from pyiptables.netfilter.wire import build, parse, size
from pyiptables.xtables.addresses import address_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["KEYS", "OF_PROTOCOL", "PacketError", "describe", "flag_bits", "packet_of", "protocol_number", "shown_address"]

_NAMES = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"}
_WITH_PORTS = (6, 17, 132, 136)
_PORTED = (6, 17, 33, 132, 136)
#: Keys that only some protocols have: key → (what the protocols are called, their numbers).
OF_PROTOCOL: dict[str, tuple[str, tuple[int, ...]]] = {
    **dict.fromkeys(("flags", "seq", "ack", "window", "mss", "tcp_options"), ("tcp", (6,))),
    **dict.fromkeys(("sport", "dport"), ("tcp, udp, sctp, dccp and udplite", _PORTED)),
    **dict.fromkeys(("type", "code", "icmp_id", "icmp_seq", "inner", "rest"), ("icmp and icmpv6", (1, 58))),
}
_LARGEST = 0xFFFF
#: Hop-by-hop options, routing, fragment, authentication, destination options.
_EXTENSIONS = frozenset((0, 43, 44, 51, 60))
#: Errors about errors about errors …
_DEPTH = 8
#: The addresses of many packets are few.
shown_address = lru_cache(maxsize=50_000)(address_text)
_ATTRIBUTES = ("uid", "gid", "groups", "cpu", "realm", "helper", "sets", "cgroup", "classid", "policy", "policy_out", "socket", "os",
               "devgroup_in", "devgroup_out", "socket_exists", "bpf", "bridged", "ipvs",
               "queues", "socket_file", "offloaded", "timezone", "tproxy_listener")  # fmt: skip
#: Every key of a description.
KEYS = frozenset((
    "src", "dst", "proto", "ttl", "tos", "df", "id", "mark", "flow_label", "frag_offset", "more_fragments", "bad_checksum", "length",
    "payload", "payload_hex", "payload_known", "payload_len", "l4", "l2", "mac", "physin", "physout", *OF_PROTOCOL, *_ATTRIBUTES,
))  # fmt: skip
_KINDS = ("unicast", "broadcast", "multicast", "otherhost")


class PacketError(ValueError):
    """A packet that cannot be: the text says which key and why."""


def protocol_number(value: str | int) -> int:
    """The number of a protocol given by name or number. Raises PacketError."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise PacketError(f"proto {value!r} is no protocol")
    if isinstance(value, int):
        number = value
    elif value.lower() in PROTOCOLS:
        number = PROTOCOLS[value.lower()]
    elif value.isdigit():
        number = int(value)
    else:
        raise PacketError(f"unknown protocol {value!r}")
    if not 0 <= number <= 255:
        raise PacketError(f"protocol {number} is above 255")
    return number


def flag_bits(text: str) -> int:
    """``SYN,ACK`` as the bits of a TCP header; ALL and NONE as iptables means them. Raises PacketError."""
    bits = 0
    for name in text.upper().split(","):
        word = name.strip()
        if word in ("", "NONE"):
            continue
        if word == "ALL":
            bits |= 0x3F
        elif word not in TCP_FLAGS:
            raise PacketError(f"unknown TCP flag {name!r} ({', '.join(TCP_FLAGS)})")
        else:
            bits |= TCP_FLAGS[word]
    return bits


def packet_of(data: dict[str, Any], family: int, ident: int = 0, depth: int = 0) -> Packet:
    """A packet from its description. ``ident`` is its IPv4 identification unless it says one, ``depth`` how many packets
    it is inside of. Raises PacketError."""
    proto = protocol_number(data.get("proto", "udp"))
    if family == 6 and proto == 1 and not str(data.get("proto")).isdigit():
        proto = 58
    for key in ("src", "dst"):
        if key not in data:
            raise PacketError(f"the packet has no {key}")
    for key, (names, numbers) in OF_PROTOCOL.items():
        if key in data and proto not in numbers and not depth:
            raise PacketError(f"{key} is for {names}, not for protocol {_NAMES.get(proto, proto)}")
    packet = Packet(family, _address(data["src"], family), _address(data["dst"], family), proto)
    packet.id = _number(data, "id", ident, 0xFFFF)
    packet.ttl = _number(data, "ttl", 64, 255)
    packet.tos = _number(data, "tos", 0, 255)
    packet.df = bool(data.get("df"))
    packet.mark = _number(data, "mark", 0, 0xFFFFFFFF)
    packet.flow_label = _number(data, "flow_label", 0, 0xFFFFF)
    packet.frag_offset = _number(data, "frag_offset", 0, 0x1FFF)
    packet.more_fragments = bool(data.get("more_fragments"))
    packet.bad_checksum = bool(data.get("bad_checksum")) and proto in (6, 17, 136, 1 if family == 4 else 58)
    _payload(packet, data)
    if family == 6 and proto in _EXTENSIONS:
        return _marked(_with_extensions(packet, data), data)
    _transport(packet, data, depth)
    if "length" in data and "payload" not in data and "payload_hex" not in data:
        length = _number(data, "length", 0, _LARGEST)
        packet.payload_len = length - size(packet) + packet.payload_len
        if packet.payload_len < 0:
            raise PacketError(f"length {length} is less than the headers have ({length - packet.payload_len})")
        packet.payload = None if packet.payload_len else b""
    packet.length = size(packet)
    if packet.length > _LARGEST + (40 if family == 6 else 0):
        raise PacketError(f"a packet of {packet.length} bytes is longer than IP can say")
    return _marked(packet, data)


def _marked(packet: Packet, data: dict[str, Any]) -> Packet:
    """With what is not in its headers."""
    packet.pkttype = str(data.get("l2", "unicast"))
    if packet.pkttype not in _KINDS:
        raise PacketError(f"l2 must be one of {', '.join(_KINDS)}")
    if data.get("mac"):
        packet.mac_src = _octets(data, "mac", ":")
        if len(packet.mac_src) != 6:
            raise PacketError(f"no MAC address: {data['mac']!r}")
    packet.physin, packet.physout = str(data.get("physin", "")), str(data.get("physout", ""))
    for key in _ATTRIBUTES:
        if key in data:
            packet.attrs[key] = data[key]
    for key in ("uid", "gid", "cpu", "realm", "classid", "devgroup_in", "devgroup_out"):
        if key in data:
            packet.attrs[key] = _number(data, key, 0, 0xFFFFFFFF)
    for key, kind in (("sets", list), ("groups", list), ("policy", list), ("policy_out", list), ("bpf", dict), ("ipvs", dict)):
        if key in data and not isinstance(data[key], kind):
            raise PacketError(f"{key} must be {'a list' if kind is list else 'an object'}, not {data[key]!r}")
    if data.get("socket") is not None and not isinstance(data["socket"], dict):
        raise PacketError(f"socket must be an object or null, not {data['socket']!r}")
    return packet


def _with_extensions(packet: Packet, data: dict[str, Any]) -> Packet:
    """An IPv6 packet whose ``l4`` begins with extension headers, read as from the wire."""
    packet.l4 = _octets(data, "l4") if data.get("l4") else b""
    raw = build(packet)
    if raw is None:
        raise PacketError("extension headers are described by their bytes (l4), so the payload must be known")
    try:
        found = parse(raw)
    except (ValueError, IndexError) as error:
        raise PacketError(f"l4: {error}") from error
    found.bad_checksum = found.payload is not None and build(found) != raw
    if found.proto == 17 and not found.frag_offset and found.l4 is None and not any(raw[-found.transport_length + 6 :][:2]):
        # Not summed up: tracking has nothing to verify, the stack does not take it (RFC 8200, 8.1).
        found.bad_checksum, found.attrs["unsummed"] = False, True
    found.mark = packet.mark
    return found


def _number(data: dict[str, Any], key: str, default: int, high: int) -> int:
    """A whole number from 0 to ``high``; text may be hexadecimal."""
    value = data.get(key, default)
    try:
        number = int(value, 0) if isinstance(value, str) else int(value)
        if number != value and not isinstance(value, str):
            raise ValueError
    except (ValueError, TypeError, OverflowError):
        raise PacketError(f"{key} {value!r} is no whole number") from None
    if not 0 <= number <= high:
        raise PacketError(f"{key} {number} is not within 0 to {high}")
    return number


def _octets(data: dict[str, Any], key: str, separator: str = " ") -> bytes:
    try:
        return bytes.fromhex(str(data[key]).replace(separator, ""))
    except ValueError:
        raise PacketError(f"{key} {data[key]!r} is not hexadecimal") from None


def _address(text: str, family: int) -> int:
    try:
        found, value, length = parse_address(str(text))
    except RouteError:
        raise PacketError(f"no address: {text!r}") from None
    if found != family or length != (32 if family == 4 else 128):
        raise PacketError(f"no IPv{family} address: {text!r}")
    return value


def _payload(packet: Packet, data: dict[str, Any]) -> None:
    if data.get("payload") is not None:
        packet.payload = str(data["payload"]).encode("latin-1", "replace")
    elif data.get("payload_hex") is not None:
        packet.payload = _octets(data, "payload_hex")
    elif data.get("payload_known", True):
        packet.payload = b"x" * _number(data, "payload_len", 0, _LARGEST)
    else:
        packet.payload_len = _number(data, "payload_len", 0, _LARGEST)
        return
    packet.payload_len = len(packet.payload)


def _transport(packet: Packet, data: dict[str, Any], depth: int) -> None:
    proto, family = packet.proto, packet.family
    if proto in _PORTED:
        packet.sport = _number(data, "sport", 0, 0xFFFF)
        packet.dport = _number(data, "dport", 0, 0xFFFF)
    if proto == 6:
        flags = data.get("flags", "SYN")
        packet.tcp_flags = flag_bits(",".join(flags) if isinstance(flags, list) else str(flags))
        packet.tcp_seq = _number(data, "seq", 1000, 0xFFFFFFFF)
        packet.tcp_ack = _number(data, "ack", 0, 0xFFFFFFFF)
        packet.tcp_window = _number(data, "window", 65535, 0xFFFF)
        options = b""
        if data.get("mss"):
            options = b"\x02\x04" + _number(data, "mss", 0, 0xFFFF).to_bytes(2, "big")
        if data.get("tcp_options"):
            options += _octets(data, "tcp_options")
        packet.tcp_options = options + b"\0" * (-len(options) % 4)
        if len(packet.tcp_options) > 40:
            raise PacketError("TCP options are longer than 40 bytes")
    elif proto == (1 if family == 4 else 58):
        packet.icmp_type = _number(data, "type", 8 if family == 4 else 128, 255)
        packet.icmp_code = _number(data, "code", 0, 255)
        if data.get("inner") is not None:
            if not isinstance(data["inner"], dict) or depth >= _DEPTH:
                raise PacketError("inner must be a packet" + (f", at most {_DEPTH} deep" if depth >= _DEPTH else ""))
            packet.inner = packet_of(data["inner"], family, 0x0DEF, depth + 1)
            packet.icmp_rest = _number(data, "rest", 0, 0xFFFFFFFF)
        else:
            packet.icmp_id = _number(data, "icmp_id", 0, 0xFFFF)
            packet.icmp_seq = _number(data, "icmp_seq", 0, 0xFFFF)
            packet.icmp_rest = packet.icmp_id << 16 | packet.icmp_seq
    elif proto in (1, 58):
        # The other family's: for this one just octets.
        kind = int(data.get("type", 8 if proto == 1 else 128))
        rest = int(data.get("icmp_id", 0)) << 16 | int(data.get("icmp_seq", 0))
        packet.l4 = bytes((kind, int(data.get("code", 0)), 0, 0)) + rest.to_bytes(4, "big")
    elif proto not in (17, 136):
        if "l4" in data or (packet.payload and "sport" not in data):
            packet.l4 = _octets(data, "l4") if data.get("l4") else b""
        if packet.l4 is None:
            return
        if packet.frag_offset and packet.payload is not None:
            # The header was in the first fragment.
            packet.payload = packet.l4 + packet.payload
            packet.payload_len = len(packet.payload)
            packet.l4 = b""
        elif packet.payload:
            packet.l4 += packet.payload
            packet.payload, packet.payload_len = b"", 0
        ports = packet.l4[:4]
        if proto in (33, 132) and len(ports) == 4 and "sport" not in data:
            packet.sport = int.from_bytes(ports[:2], "big")
            packet.dport = int.from_bytes(ports[2:], "big")


@cache
def _flags_text(flags: int) -> str:
    return ",".join([name for name, bit in TCP_FLAGS.items() if flags & bit])


def describe(packet: Packet) -> dict[str, Any]:
    """The headers of a packet in the words that describe one."""
    hidden = packet.hidden_by
    proto = hidden or packet.proto
    out: dict[str, Any] = {
        "src": shown_address(packet.src, packet.family),
        "dst": shown_address(packet.dst, packet.family),
        "proto": _NAMES.get(proto, str(proto)),
    }
    if not packet.frag_offset and not hidden:
        _describe_transport(packet, out)
    out["ttl"], out["tos"], out["length"] = packet.ttl, packet.tos, packet.length
    return out


def _describe_transport(packet: Packet, out: dict[str, Any]) -> None:
    proto = packet.proto
    if proto in _WITH_PORTS and not packet.lacks(8):
        out["sport"], out["dport"] = packet.sport, packet.dport
        if proto == 6 and not packet.lacks(20):
            out["seq"], out["ack"] = packet.tcp_seq, packet.tcp_ack
            out["flags"] = _flags_text(packet.tcp_flags)
            if packet.tcp_options[:2] == b"\x02\x04":
                out["mss"] = int.from_bytes(packet.tcp_options[2:4], "big")
            out["payload_len"] = packet.payload_len
    elif proto in (1, 58) and proto != (1 if packet.family == 4 else 58):
        octets = (packet.l4 or b"") + (packet.payload or b"")
        if len(octets) >= 8:
            out["type"], out["code"] = octets[0], octets[1]
            if octets[0] in (3, 4, 5, 11, 12) if proto == 1 else octets[0] < 128:
                out["inner"] = {}
            else:
                out["icmp_id"], out["icmp_seq"] = int.from_bytes(octets[4:6], "big"), int.from_bytes(octets[6:8], "big")
    elif proto in (1, 58) and not packet.lacks(8):
        out["type"], out["code"] = packet.icmp_type, packet.icmp_code
        if packet.icmp_type in (3, 4, 5, 11, 12) if proto == 1 else packet.icmp_type < 128:
            out["inner"] = {} if packet.inner is None else describe(packet.inner)
        else:
            out["icmp_id"], out["icmp_seq"] = packet.icmp_id, packet.icmp_seq
