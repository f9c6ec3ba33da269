"""Packets as octets: what matches on raw bytes look at (u32, bpf, string), and what captures hold.

Header layouts: RFC 791, 8200 (IP), 9293 (TCP), 768 (UDP), 792 and 4443 (ICMP).
"""

from __future__ import annotations

from struct import pack, unpack_from

from pyiptables.netfilter.packet import Packet

__all__ = ["build", "checksum", "parse", "size"]

#: ``ipv6_ext_hdr``, but for the two whose length is told otherwise: a Mobility Header is a protocol to the kernel.
_EXTENSIONS = frozenset((0, 43, 60))
_FRAGMENT, _AUTHENTICATION = 44, 51


def checksum(data: bytes) -> int:
    """The internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(unpack_from(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(~total & 0xFFFF)


def size(packet: Packet) -> int:
    """The length of the whole packet by its headers and payload."""
    return packet.network_header + _transport_size(packet)


def _transport_size(packet: Packet) -> int:
    proto = packet.proto
    if packet.frag_offset:
        return packet.payload_len
    if proto == 6:
        return 20 + len(packet.tcp_options) + packet.payload_len
    if proto in (17, 136):
        return 8 + packet.payload_len
    if proto == (1 if packet.family == 4 else 58):
        inner = 0
        if packet.inner is not None:
            inner = min(packet.inner.length, packet.inner.network_header + _transport_size(packet.inner))
        return 8 + inner + packet.payload_len
    return len(packet.l4 or b"") + packet.payload_len


def build(packet: Packet) -> bytes | None:
    """The octets of a packet; None when its payload is not known."""
    body = _transport(packet)
    if body is None:
        return None
    width = 4 if packet.family == 4 else 16
    src, dst = packet.src.to_bytes(width, "big"), packet.dst.to_bytes(width, "big")
    if packet.family == 6:
        chain = [proto for proto, _ in packet.ext_headers] + [packet.proto]
        raw = b"".join(bytes([following]) + header[1:] for (_, header), following in zip(packet.ext_headers, chain[1:], strict=True))
        first = 6 << 28 | packet.tos << 20 | packet.flow_label
        return pack("!IHBB", first, len(raw) + len(body), chain[0], packet.ttl) + src + dst + raw + body
    options = packet.ip_options + b"\0" * (-len(packet.ip_options) % 4)
    fragment = packet.frag_offset | packet.more_fragments << 13 | packet.df << 14
    head = pack(
        "!BBHHHBBH4s4s", 0x45 + len(options) // 4, packet.tos, 20 + len(options) + len(body), packet.id, fragment,
        packet.ttl, packet.proto, 0, src, dst,
    ) + options  # fmt: skip
    return head[:10] + pack("!H", checksum(head)) + head[12:] + body


def _transport(packet: Packet) -> bytes | None:
    payload = packet.payload
    if payload is None:
        if packet.payload_len:
            return None
        payload = b""
    proto = packet.proto
    if packet.frag_offset:
        return payload
    at, pseudo = -1, True
    if proto == 6:
        words = (packet.sport, packet.dport, packet.tcp_seq, packet.tcp_ack)
        offset = (5 + len(packet.tcp_options) // 4) << 4
        body = pack("!HHIIBBHHH", *words, offset, packet.tcp_flags, packet.tcp_window, 0, 0) + packet.tcp_options + payload
        at = 16
    elif proto in (17, 136):
        body = pack("!HHHH", packet.sport, packet.dport, 8 + len(payload), 0) + payload
        at = 6
    elif proto == (1 if packet.family == 4 else 58):
        if packet.inner is not None:
            inside = build(packet.inner)
            if inside is None:
                return None
            payload = inside[: packet.inner.length] + payload
            rest = packet.icmp_rest
        else:
            rest = packet.icmp_id << 16 | packet.icmp_seq
        body = pack("!BBHI", packet.icmp_type, packet.icmp_code, 0, rest) + payload
        at, pseudo = 2, packet.family == 6
    else:
        body = (packet.l4 or b"") + payload
    if at < 0:
        return body
    extra = b""
    if pseudo:
        width = 4 if packet.family == 4 else 16
        extra = packet.src.to_bytes(width, "big") + packet.dst.to_bytes(width, "big")
        extra += pack("!xBH" if packet.family == 4 else "!3xBI", proto, len(body))
    value = checksum(extra + body)
    if value == 0 and proto in (17, 136):
        value = 0xFFFF
    if packet.bad_checksum:
        value ^= 0x5555
    return body[:at] + pack("!H", value) + body[at + 2 :]


def parse(data: bytes) -> Packet:
    """A packet from its octets, IP header first. Raises ValueError when there is no whole IP header.

    A capture may have cut the packet short: ``payload`` is None then, ``payload_len`` is what the header says.
    """
    if len(data) < 20:
        raise ValueError("shorter than an IPv4 header")
    if data[0] >> 4 == 4:
        packet, body, whole = _parse4(data)
    elif data[0] >> 4 == 6:
        packet, body, whole = _parse6(data)
    else:
        raise ValueError(f"IP version {data[0] >> 4}")
    _parse_transport(packet, body, whole)
    return packet


def _parse4(data: bytes) -> tuple[Packet, bytes, int]:
    _, tos, length, ident, fragment, ttl, proto, _ = unpack_from("!BBHHHBBH", data)
    head = (data[0] & 15) * 4
    if head < 20 or len(data) < head:
        raise ValueError("IPv4 header cut short")
    packet = Packet(4, int.from_bytes(data[12:16], "big"), int.from_bytes(data[16:20], "big"), proto)
    packet.tos, packet.id, packet.ttl, packet.length = tos, ident, ttl, length or len(data)
    packet.frag_offset = fragment & 0x1FFF
    packet.more_fragments = bool(fragment & 0x2000)
    packet.df = bool(fragment & 0x4000)
    packet.ip_options = data[20:head]
    body = data[head : packet.length]
    if fragment & 0x3FFF and len(body) == packet.length - head:
        packet.fragment = body
    return packet, body, packet.length - head


def _parse6(data: bytes) -> tuple[Packet, bytes, int]:
    if len(data) < 40:
        raise ValueError("IPv6 header cut short")
    first, length, proto, ttl = unpack_from("!IHBB", data)
    packet = Packet(6, int.from_bytes(data[8:24], "big"), int.from_bytes(data[24:40], "big"), proto)
    packet.tos, packet.flow_label, packet.ttl, packet.length = first >> 20 & 255, first & 0xFFFFF, ttl, 40 + length
    body = data[40 : packet.length]
    whole = length
    headers = []
    while len(body) >= 8:
        if proto in _EXTENSIONS:
            extent = 8 + body[1] * 8
        elif proto == _FRAGMENT:
            extent = 8
            packet.frag_offset = int.from_bytes(body[2:4], "big") >> 3
            packet.more_fragments = bool(body[3] & 1)
            packet.id = int.from_bytes(body[4:8], "big")
            if len(body) == whole:
                packet.fragment = body[8:]
        elif proto == _AUTHENTICATION:
            extent = (body[1] + 2) * 4
        else:
            break
        headers.append((proto, body[:extent]))
        proto = body[0]
        body = body[extent:]
        whole -= extent
        if packet.frag_offset:
            break
    packet.proto = proto
    packet.ext_headers = tuple(headers)
    return packet, body, whole


def _parse_transport(packet: Packet, body: bytes, whole: int) -> None:
    proto = packet.proto
    head = 0
    if packet.frag_offset:
        pass
    elif proto == 6 and len(body) >= 20:
        packet.sport, packet.dport, packet.tcp_seq, packet.tcp_ack = unpack_from("!HHII", body)
        head = max(body[12] >> 4, 5) * 4
        packet.tcp_flags = body[13]
        packet.tcp_window = int.from_bytes(body[14:16], "big")
        packet.tcp_options = body[20:head]
    elif proto in (17, 136) and len(body) >= 8:
        packet.sport, packet.dport = unpack_from("!HH", body)
        head = 8
    elif proto == (1 if packet.family == 4 else 58) and len(body) >= 8:
        packet.icmp_type, packet.icmp_code = body[0], body[1]
        packet.icmp_rest = int.from_bytes(body[4:8], "big")
        packet.icmp_id, packet.icmp_seq = packet.icmp_rest >> 16, packet.icmp_rest & 0xFFFF
        head = 8
        error = body[0] in (3, 4, 5, 11, 12) if packet.family == 4 else body[0] < 128
        if error and len(body) >= 28:
            try:
                packet.inner = parse(body[8:])
            except ValueError:
                packet.inner = None
            else:
                packet.payload = b""
                packet.payload_len = 0
                return
    else:
        if (proto in (33, 132) and len(body) >= 4) or (proto == 6 and len(body) >= 8):
            packet.sport, packet.dport = unpack_from("!HH", body)
        packet.l4 = body
        packet.payload = b"" if len(body) >= whole else None
        packet.payload_len = max(whole - len(body), 0)
        return
    packet.payload_len = max(whole - head, 0)
    packet.payload = body[head:] if len(body) >= whole else None
