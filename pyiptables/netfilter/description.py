"""Packets as people describe them: the dicts of scenarios and of the packet language, both ways.

The keys are those of a scenario's packets (``scenario``); what comes back describes the headers in the same words.
"""

from __future__ import annotations

from pyiptables.netfilter.names import PROTOCOLS, TCP_FLAGS
from pyiptables.netfilter.packet import Packet
from pyiptables.netfilter.routes import RouteError, parse_address
from pyiptables.netfilter.wire import build, parse, size
from pyiptables.xtables.addresses import address_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["PacketError", "describe", "flag_bits", "packet_of", "protocol_number"]

_NAMES = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"}
_WITH_PORTS = (6, 17, 132, 136)
_ATTRIBUTES = ("uid", "gid", "cpu", "realm", "helper", "sets", "cgroup", "classid", "policy", "policy_out", "socket", "os",
               "devgroup_in", "devgroup_out", "socket_exists", "bpf", "bridged")  # fmt: skip
#: Hop-by-hop options, routing, fragment, authentication, destination options.
_EXTENSIONS = frozenset((0, 43, 44, 51, 60))
_KINDS = ("unicast", "broadcast", "multicast", "otherhost")


class PacketError(ValueError):
    """A packet that cannot be: the text says which key and why."""


def protocol_number(value: str | int) -> int:
    """The number of a protocol given by name or number. Raises PacketError."""
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
    """``SYN,ACK`` as the bits of a TCP header. Raises PacketError."""
    bits = 0
    for name in text.upper().split(","):
        if name in ("", "NONE"):
            continue
        if name not in TCP_FLAGS:
            raise PacketError(f"unknown TCP flag {name!r}")
        bits |= TCP_FLAGS[name]
    return bits


def packet_of(data: dict[str, Any], family: int, ident: int = 0) -> Packet:
    """A packet from its description. ``ident`` is its IPv4 identification unless it says one. Raises PacketError."""
    proto = protocol_number(data.get("proto", "udp"))
    for key in ("src", "dst"):
        if key not in data:
            raise PacketError(f"the packet has no {key}")
    packet = Packet(family, _address(data["src"], family), _address(data["dst"], family), proto)
    packet.id = int(data.get("id", ident))
    packet.ttl = int(data.get("ttl", 64))
    packet.tos = int(data.get("tos", 0))
    packet.df = bool(data.get("df"))
    packet.mark = int(data.get("mark", 0))
    packet.flow_label = int(data.get("flow_label", 0)) & 0xFFFFF
    packet.frag_offset = int(data.get("frag_offset", 0))
    packet.more_fragments = bool(data.get("more_fragments"))
    packet.bad_checksum = bool(data.get("bad_checksum")) and proto in (6, 17, 136, 1 if family == 4 else 58)
    _payload(packet, data)
    if family == 6 and proto in _EXTENSIONS:
        return _marked(_with_extensions(packet, data), data)
    _transport(packet, data)
    if "length" in data and "payload" not in data and "payload_hex" not in data:
        packet.payload_len = max(int(data["length"]) - size(packet) + packet.payload_len, 0)
        packet.payload = None if packet.payload_len else b""
    packet.length = size(packet)
    return _marked(packet, data)


def _marked(packet: Packet, data: dict[str, Any]) -> Packet:
    """With what is not in its headers."""
    packet.pkttype = str(data.get("l2", "unicast"))
    if packet.pkttype not in _KINDS:
        raise PacketError(f"l2 must be one of {', '.join(_KINDS)}")
    if data.get("mac"):
        try:
            packet.mac_src = bytes.fromhex(str(data["mac"]).replace(":", ""))
        except ValueError:
            raise PacketError(f"no MAC address: {data['mac']!r}") from None
    for key in _ATTRIBUTES:
        if key in data:
            packet.attrs[key] = data[key]
    return packet


def _with_extensions(packet: Packet, data: dict[str, Any]) -> Packet:
    """An IPv6 packet whose ``l4`` begins with extension headers, read as from the wire."""
    packet.l4 = bytes.fromhex(data.get("l4", ""))
    raw = build(packet)
    assert raw is not None
    found = parse(raw)
    found.bad_checksum = found.payload is not None and build(found) != raw
    found.mark = packet.mark
    return found


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
        packet.payload = bytes.fromhex(data["payload_hex"])
    elif data.get("payload_known", True):
        packet.payload = b"x" * int(data.get("payload_len", 0))
    else:
        packet.payload_len = int(data.get("payload_len", 0))
        return
    packet.payload_len = len(packet.payload)


def _transport(packet: Packet, data: dict[str, Any]) -> None:
    proto, family = packet.proto, packet.family
    if proto != 6:
        for key in ("flags", "window", "mss", "tcp_options"):
            if key in data:
                raise PacketError(f"{key} is for tcp, not for protocol {_NAMES.get(proto, proto)}")
    if proto in (6, 17, 33, 132, 136):
        packet.sport = _port(data, "sport")
        packet.dport = _port(data, "dport")
    if proto == 6:
        packet.tcp_flags = flag_bits(str(data.get("flags", "SYN")))
        packet.tcp_seq = int(data.get("seq", 1000)) & 0xFFFFFFFF
        packet.tcp_ack = int(data.get("ack", 0)) & 0xFFFFFFFF
        packet.tcp_window = int(data.get("window", 65535))
        options = b""
        if data.get("mss"):
            options = b"\x02\x04" + int(data["mss"]).to_bytes(2, "big")
        options += bytes.fromhex(data.get("tcp_options", ""))
        packet.tcp_options = options + b"\0" * (-len(options) % 4)
    elif proto == (1 if family == 4 else 58):
        packet.icmp_type = int(data.get("type", 8 if family == 4 else 128))
        packet.icmp_code = int(data.get("code", 0))
        if data.get("inner") is not None:
            packet.inner = packet_of(data["inner"], family, 0x0DEF)
            packet.icmp_rest = int(data.get("rest", 0))
        else:
            packet.icmp_id = int(data.get("icmp_id", 0))
            packet.icmp_seq = int(data.get("icmp_seq", 0))
            packet.icmp_rest = packet.icmp_id << 16 | packet.icmp_seq
    elif proto not in (17, 136):
        if "l4" in data or "sport" not in data:
            packet.l4 = bytes.fromhex(data.get("l4", ""))
        if packet.l4 is None:
            return
        ports = (packet.l4 + (packet.payload or b""))[:4]
        if proto in (33, 132) and len(ports) == 4 and "sport" not in data:
            packet.sport = int.from_bytes(ports[:2], "big")
            packet.dport = int.from_bytes(ports[2:], "big")


def _port(data: dict[str, Any], key: str) -> int:
    port = int(data.get(key, 0))
    if not 0 <= port <= 65535:
        raise PacketError(f"{key} {port} is no port")
    return port


def describe(packet: Packet) -> dict[str, Any]:
    """The headers of a packet in the words that describe one."""
    hidden = packet.hidden_by
    proto = hidden or packet.proto
    out: dict[str, Any] = {
        "src": address_text(packet.src, packet.family),
        "dst": address_text(packet.dst, packet.family),
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
        if proto == 6:
            out["seq"], out["ack"] = packet.tcp_seq, packet.tcp_ack
            out["flags"] = ",".join([name for name, bit in TCP_FLAGS.items() if packet.tcp_flags & bit])
            if packet.tcp_options[:2] == b"\x02\x04":
                out["mss"] = int.from_bytes(packet.tcp_options[2:4], "big")
            out["payload_len"] = packet.payload_len
    elif proto in (1, 58):
        out["type"], out["code"] = packet.icmp_type, packet.icmp_code
        if packet.icmp_type in (3, 4, 5, 11, 12) if proto == 1 else packet.icmp_type < 128:
            out["inner"] = {} if packet.inner is None else describe(packet.inner)
        else:
            out["icmp_id"], out["icmp_seq"] = packet.icmp_id, packet.icmp_seq
