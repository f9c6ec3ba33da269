"""A trace as the kernel's log would have it: the lines of the TRACE target (``net/netfilter/nf_log_syslog.c``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyiptables.netfilter.packet import Packet
from pyiptables.netfilter.traverse import Step
from pyiptables.xtables.addresses import ip4_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyiptables.netfilter.trip import Trip

__all__ = ["kernel_lines"]

_FLAGS = (("CWR", 128), ("ECE", 64), ("URG", 32), ("ACK", 16), ("PSH", 8), ("RST", 4), ("SYN", 2), ("FIN", 1))
_TCP, _AH, _ESP = 6, 51, 50
#: IPv6 headers that others follow: hop-by-hop and destination options, routing, fragment, ESP, AH.
_EXTENSIONS = frozenset((0, 43, 44, _ESP, _AH, 60))
_UDP = {17: "UDP", 136: "UDPLITE"}
#: ``required_len`` of ICMP types.
_ICMP_LENGTH = {0: 4, 3: 28, 4: 28, 5: 28, 8: 4, 11: 28, 12: 28, 13: 20, 14: 20, 17: 12, 18: 12}
_ECHOES = {4: (0, 8), 6: (128, 129)}


def kernel_lines(trip: Trip) -> Iterator[str]:
    """One line a step, those of the host's own answers after them. What no rule sees of the packet is as it began."""
    for step in trip.steps:
        yield "".join(_fields(step, trip.first, trip.packet))
    for reply in trip.replies:
        yield from kernel_lines(reply)


def _fields(step: Step, first: Packet, packet: Packet) -> Iterator[str]:
    yield f"TRACE: {step.table}:{step.chain}:{step.kind}:{step.num} "
    yield f"IN={step.iniface} "
    yield f"OUT={step.outiface} "
    if step.iniface:
        yield f"MAC={_link_header(step, packet)} "
    yield from (_ipv4 if first.family == 4 else _ipv6)(step, first, step.inner)
    if first.family == 6 and first.proto == _ESP:
        return
    if step.owned and first.attrs.get("socket_file", "uid" in first.attrs) and step.hook in ("OUTPUT", "POSTROUTING"):
        yield f"UID={first.attrs.get('uid', 0)} "
        yield f"GID={first.attrs.get('gid', 0)} "
    if step.mark:
        yield f"MARK=0x{step.mark:x} "


def _link_header(step: Step, packet: Packet) -> str:
    """Both link addresses and the protocol; nothing where they are not known."""
    destination, source = packet.mac_dst, packet.mac_src
    if step.iniface == "lo":
        destination = source = bytes(6)
    if destination is None or source is None:
        return ""
    return (destination + source + (b"\x08\x00" if packet.family == 4 else b"\x86\xdd")).hex(":")


def _ipv4(header: Step | Packet, packet: Packet, inner: Packet | None) -> Iterator[str]:
    """The words of a packet; what rules can change of it is as in ``header``, ``inner`` what an error is about."""
    yield f"SRC={ip4_text(header.src)} "
    yield f"DST={ip4_text(header.dst)} "
    yield f"LEN={header.length} "
    yield f"TOS=0x{header.tos & 0x1E:02X} "
    yield f"PREC=0x{header.tos & 0xE0:02X} "
    yield f"TTL={header.ttl} "
    yield f"ID={packet.id} "
    if packet.df:
        yield "DF "
    if packet.more_fragments:
        yield "MF "
    if packet.frag_offset:
        yield f"FRAG:{packet.frag_offset} "
    if packet.ip_options:
        yield f"OPT ({packet.ip_options.hex().upper()}) "
    if packet.proto == 1:
        yield "PROTO=ICMP "
        if not packet.frag_offset:
            yield from _icmp(packet, inner)
    elif packet.proto in (_AH, _ESP):
        yield "PROTO=AH " if packet.proto == _AH else "PROTO=ESP "
        if not packet.frag_offset:
            yield f"{_spi(packet)} "
    else:
        yield from _transport(header, packet)


def _icmp(packet: Packet, inner: Packet | None) -> Iterator[str]:
    """What both kinds of ICMP have in common, and what an error is about."""
    kind, there = packet.icmp_type, packet.transport_length
    if there < 8:
        yield f"INCOMPLETE [{there} bytes] "
        return
    yield f"TYPE={kind} "
    yield f"CODE={packet.icmp_code} "
    if packet.family == 4 and there < _ICMP_LENGTH.get(kind, 0):
        yield f"INCOMPLETE [{there} bytes] "
    elif kind in _ECHOES[packet.family]:
        yield f"ID={packet.icmp_id} "
        yield f"SEQ={packet.icmp_seq} "
    else:
        yield from (_error4 if packet.family == 4 else _error6)(kind, packet, inner)


def _error4(kind: int, packet: Packet, inner: Packet | None) -> Iterator[str]:
    if kind == 12:
        yield f"PARAMETER={packet.icmp_rest >> 24} "
    elif kind in (3, 4, 5, 11):
        if kind == 5:
            yield f"GATEWAY={ip4_text(packet.icmp_rest)} "
        if inner is not None:
            yield f"[{''.join(_ipv4(inner, inner, None))}] "
        if kind == 3 and packet.icmp_code == 4:
            yield f"MTU={packet.icmp_rest & 0xFFFF} "


def _error6(kind: int, packet: Packet, inner: Packet | None) -> Iterator[str]:
    if kind in (1, 2, 3, 4):
        if kind == 4:
            yield f"POINTER={packet.icmp_rest:08x} "
        if inner is not None:
            yield f"[{''.join(_ipv6(inner, inner, None))}] "
        if kind == 2:
            yield f"MTU={packet.icmp_rest} "


def _ipv6(header: Step | Packet, packet: Packet, inner: Packet | None) -> Iterator[str]:
    yield f"SRC={_long(header.src)} "
    yield f"DST={_long(header.dst)} "
    yield f"LEN={header.length} "
    yield f"TC={header.tos} "
    yield f"HOPLIMIT={header.ttl} "
    yield f"FLOWLBL={packet.flow_label} "
    fragment = False
    for kind, raw in packet.ext_headers:
        yield "OPT ( "
        if kind == 44:
            place = int.from_bytes(raw[2:4], "big")
            yield f"FRAG:{place & 0xFFF8} "
            if place & 1:
                yield "INCOMPLETE "
            yield f"ID:{int.from_bytes(raw[4:8], 'big'):08x} "
            fragment = place & 0xFFF8 != 0
        elif fragment:
            yield ") "
            return
        elif kind == _AH:
            yield "AH "
            yield f"SPI=0x{int.from_bytes(raw[4:8], 'big'):x} "
        yield ") "
    if packet.proto in _EXTENSIONS and packet.transport_length < 2:
        yield "TRUNCATED"
    elif packet.proto == _ESP:
        yield "OPT ( "
        yield "ESP "
        if not fragment:
            yield f"{_spi(packet)} "
        yield ")"
    elif packet.proto == 58:
        yield "PROTO=ICMPv6 "
        if not fragment:
            yield from _icmp(packet, inner)
    else:
        yield from _transport(header, packet)


def _transport(header: Step | Packet, packet: Packet) -> Iterator[str]:
    proto, there = packet.proto, packet.transport_length
    if proto == _TCP:
        yield "PROTO=TCP "
        if packet.frag_offset:
            return
        if there < 20:
            yield f"INCOMPLETE [{there} bytes] "
            return
        yield f"SPT={header.sport} "
        yield f"DPT={header.dport} "
        yield f"SEQ={packet.tcp_seq} "
        yield f"ACK={packet.tcp_ack} "
        yield f"WINDOW={packet.tcp_window} "
        yield "RES=0x00 "
        for name, bit in _FLAGS:
            if header.tcp_flags & bit:
                yield f"{name} "
        yield "URGP=0 "
        if header.tcp_options:
            yield f"OPT ({header.tcp_options.hex().upper()}) "
    elif proto in _UDP:
        yield f"PROTO={_UDP[proto]} "
        if packet.frag_offset:
            return
        if there < 8:
            yield f"INCOMPLETE [{there} bytes] "
            return
        shown = packet if header.sport < 0 else header  # a step has no ports behind a fragment header
        yield f"SPT={shown.sport} "
        yield f"DPT={shown.dport} "
        said = (
            packet.attrs.get("udp_length", 8 + packet.payload_len)
            if packet.fragment is None
            else int.from_bytes(packet.fragment[4:6], "big")
        )
        yield f"LEN={said} "
    else:
        yield f"PROTO={proto} "


def _spi(packet: Packet) -> str:
    size = 12 if packet.proto == _AH else 8
    if packet.transport_length < size:
        return f"INCOMPLETE [{packet.transport_length} bytes]"
    at = 4 if packet.proto == _AH else 0
    body = (packet.l4 or b"") + (packet.payload or bytes(size))
    return f"SPI=0x{int.from_bytes(body[at : at + 4], 'big'):x}"


def _long(address: int) -> str:
    """IPv6 in full, as ``%pI6`` prints it."""
    text = f"{address:032x}"
    return ":".join([text[at : at + 4] for at in range(0, 32, 4)])
