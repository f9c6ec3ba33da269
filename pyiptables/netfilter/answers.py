"""What the host itself says: RSTs, ICMP errors, echo replies.

Each function makes the answer to a packet, or None where the kernel keeps silent (``icmp_send``, ``icmpv6_send``,
``nf_send_reset``, ``tcp_v4_send_reset``). An ICMP error without a source leaves it 0: the way out decides.
"""

from __future__ import annotations

from pyiptables.netfilter.fragments import lacks_headers
from pyiptables.netfilter.packet import Packet
from pyiptables.netfilter.tcp_states import tcp_options
from pyiptables.netfilter.wire import checksum, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["bad_option", "checksum_holds", "echo_reply", "handshake", "icmp_error", "local_answer", "reset"]

_FIN, _SYN, _RST, _ACK, _ECE, _ECN = 1, 2, 4, 16, 64, 192
#: TCP options: segment size, window scale, SACK permitted, time stamp.
_MSS, _SCALE, _SACK, _STAMP = 2, 3, 4, 8
_M32 = 0xFFFFFFFF
#: Whole size of an ICMP error at most (RFC 1812 4.3.2.3; IPv6 minimum MTU).
_ROOM = {4: 576, 6: 1280}
#: Types that ``icmp_pointers`` calls errors, unassigned ones and router discovery among them.
_ERRORS4 = frozenset((1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12))
_INFORMATIVE6 = 0x80
#: Types after which ``__icmp_send`` finds no error about an error (``NR_ICMP_TYPES``).
_LAST_ICMP = 18
#: Protocols that an ordinary host has a handler for, so that no protocol unreachable is sent.
_HANDLED4 = frozenset((1, 2, 6, 103))
#: The only IPv6 option that the host itself looks at.
_ROUTER_ALERT = 5
_HANDLED6 = frozenset((6, 17, 58, 59, 103, 136))
#: GRE, ESP, AH, SCTP, UDP-Lite: no, other or partial checksums.
_OTHER_CHECKSUMS = frozenset((47, 50, 51, 132, 136))


def _is_multicast(address: int, family: int) -> bool:
    return address >> 28 == 14 if family == 4 else address >> 120 == 0xFF


def _fresh(packet: Packet, proto: int, tos: int) -> Packet:
    answer = Packet(packet.family, packet.dst, packet.src, proto)
    answer.tos = tos
    answer.payload = b""
    answer.attrs = {}
    return answer


def reset(packet: Packet, cast: str, *, from_stack: bool = False) -> Packet | None:
    """The RST to a TCP segment; REJECT's and the stack's differ in the type of service only."""
    if packet.proto != 6 or packet.frag_offset or packet.tcp_flags & _RST or not _summed_up(packet):
        return None
    if cast != "unicast" and (from_stack or cast != "anycast") or _is_multicast(packet.dst, packet.family):
        return None
    if packet.family == 6 and not from_stack and (_is_multicast(packet.src, 6) or packet.src == 0):
        return None
    answer = _fresh(packet, 6, packet.tos & 0xFC if from_stack else 0)
    answer.sport, answer.dport = packet.dport, packet.sport
    if packet.tcp_flags & _ACK:
        answer.tcp_flags = _RST
        answer.tcp_seq = packet.tcp_ack
    else:
        answer.tcp_flags = _RST | _ACK
        flags = packet.tcp_flags
        answer.tcp_ack = (packet.tcp_seq + (flags >> 1 & 1) + (flags & 1) + packet.payload_len) & _M32
    answer.df = packet.family == 4
    answer.length = size(answer)
    return answer


def handshake(packet: Packet, offered: dict[str, Any]) -> Packet:
    """SYNPROXY's answer to a SYN; the cookie in its sequence number, and in its time stamp, is the kernel's secret.

    ``offered``: the target's options. What the client asks for needs a time stamp to be remembered in (``synproxy_core.c``).
    """
    answer = _fresh(packet, 6, 0)
    answer.sport, answer.dport = packet.dport, packet.sport
    answer.tcp_flags, answer.tcp_seq, answer.tcp_ack = _SYN | _ACK, 0, packet.tcp_seq + 1 & _M32
    answer.tcp_window = 0
    asked = {kind for kind, _ in tcp_options(packet.tcp_options)}
    options = b""
    if _MSS in asked and "mss" in offered:
        options += bytes([_MSS, 4]) + int(offered["mss"]).to_bytes(2, "big")
    if _STAMP in asked and "timestamp" in offered:
        options += bytes([_SACK, 2] if _SACK in asked and "sack-perm" in offered else [1, 1]) + bytes([_STAMP, 10]) + bytes(8)
        if _SCALE in asked and "wscale" in offered:
            options += bytes([1, _SCALE, 3, offered["wscale"]])
        if packet.tcp_flags & _ECN == _ECN and "ecn" in offered:
            answer.tcp_flags |= _ECE
    answer.tcp_options = options
    answer.df = packet.family == 4
    answer.length = size(answer)
    return answer


def icmp_error(packet: Packet, type: int, code: int, cast: str, *, rest: int = 0, local: bool = False) -> Packet | None:
    """An ICMP error about a packet. ``local``: the packet is for this host, so the error comes from its destination."""
    family = packet.family
    if packet.frag_offset or packet.pkttype != "unicast":
        return None
    if family == 4:
        if cast in ("broadcast", "multicast"):
            return None
        if packet.proto == 1 and (packet.icmp_type in _ERRORS4 or packet.icmp_type > _LAST_ICMP):
            return None
        tos = packet.tos & 0x1E | 0xC0
    else:
        if _is_multicast(packet.dst, 6) and type not in (2,) and (type, code) != (4, 2):
            return None
        if _is_multicast(packet.src, 6) or packet.src == 0:
            return None
        if packet.proto == 58 and not packet.icmp_type & _INFORMATIVE6:
            return None
        tos = 0
    answer = _fresh(packet, 1 if family == 4 else 58, tos)
    if family == 6 and packet.dst == 1 and packet.iniface not in ("", "lo"):
        # An address of this host alone does not speak to others.
        local = False
    answer.src = packet.dst if local else 0
    answer.icmp_type, answer.icmp_code, answer.icmp_rest = type, code, rest
    inner = packet.copy()
    inner.ct = None
    room = _ROOM[family] - (20 if family == 4 else 40) - 8
    if inner.length > room:
        inner.payload_len -= inner.length - room
        if inner.payload is not None:
            inner.payload = inner.payload[: inner.payload_len]
    answer.inner = inner
    answer.length = size(answer)
    return answer


def echo_reply(packet: Packet, type: int) -> Packet:
    """The answer to an echo (or timestamp) request."""
    answer = _fresh(packet, packet.proto, packet.tos)
    answer.icmp_type, answer.icmp_code = type, packet.icmp_code
    answer.icmp_id, answer.icmp_seq, answer.icmp_rest = packet.icmp_id, packet.icmp_seq, packet.icmp_rest
    answer.payload, answer.payload_len = packet.payload, packet.payload_len
    answer.length = size(answer)
    return answer


def _timestamp_reply(packet: Packet) -> Packet:
    """The sender's time stamp and two of this host's (``icmp_timestamp``)."""
    answer = echo_reply(packet, 14)
    answer.icmp_code = 0
    answer.payload, answer.payload_len = None, 12
    answer.length = size(answer)
    return answer


def checksum_holds(packet: Packet) -> bool:
    """What REJECT asks before it answers with an ICMP error (``nf_reject_verify_csum``, ``nf_ip6_checksum``).

    A protocol without a checksum of that kind of its own is judged as if it had one, so it seldom gets an answer.
    """
    if packet.family == 6 and packet.l4 is not None and packet.transport_length <= 0:
        return False
    if packet.proto in _OTHER_CHECKSUMS:
        return True
    if packet.proto in (6, 17, 1 if packet.family == 4 else 58):
        return packet.verified is not None or not packet.bad_checksum
    body = packet.transport()
    if body is None:
        return True
    # nf_ip_checksum() adds up the IPv4 header as well, which is all ones when it is right.
    pseudo = b"\xff\xff"
    if packet.family == 6:
        pseudo = packet.src.to_bytes(16, "big") + packet.dst.to_bytes(16, "big")
        pseudo += len(body).to_bytes(4, "big") + packet.proto.to_bytes(4, "big")
    return checksum(pseudo + body) == 0


def bad_option(raw: bytes) -> int:
    """What becomes of a packet with these IPv6 options (``ip6_parse_tlv``): 0 it goes on, negative it is dropped, else an error is
    sent about the option at that place."""
    at, padding = 2, 0
    while at < len(raw):
        kind = raw[at]
        size = 1 if kind == 0 else raw[at + 1] + 2 if at + 1 < len(raw) else 256
        if at + size > len(raw):
            return -1
        if kind < 2:
            padding += size
            if padding > 7 or any(raw[at + 2 : at + size]):
                return -1
        else:
            padding = 0
            if kind == _ROUTER_ALERT:
                if size != 4:
                    return -1
            elif kind >> 6:
                return -1 if kind >> 6 == 1 else at
        at += size
    return 0


def _unreadable(packet: Packet) -> tuple[int, int] | None:
    """Of a packet that the host has to read through its IPv6 extension headers: the code of the parameter problem where it
    cannot, and the octet of the packet that is to blame (negative: not a word); None when it can."""
    at, named = 40, 6
    for kind, raw in packet.ext_headers:
        if kind == 60 and (option := bad_option(raw)):
            return 2, at + option if option > 0 else -1
        if kind == 43 and len(raw) > 3 and (raw[2] == 4 or raw[3]):
            return 0, at + 2 if raw[2] not in (3, 4) else -1  # routing along segments is switched off, and silent about it
        if kind == 44 and packet.more_fragments:  # nobody put it together: it is too short, or of no whole words (ipv6_frag_rcv)
            return (3, 0) if lacks_headers(packet) else (0, 4)
        if kind == 51:
            return 1, named
        at, named = at + len(raw), at
    if packet.proto == 44:
        return 0, at
    return (1, named) if packet.proto not in _HANDLED6 else None


def _summed_up(packet: Packet) -> bool:
    """Whether the stack finds the checksum right.

    The sum that connection tracking made of an IPv6 packet, header and all, makes up for addresses that changed without
    the checksum, but not for other fields; then TCP, ICMPv6 and short UDP (CHECKSUM_BREAK) are summed up anew.
    """
    seen = packet.verified
    if seen is None:
        return not packet.bad_checksum
    if seen == (packet.tos, packet.ttl):
        return True
    return not packet.bad_checksum and (packet.proto != 17 or packet.transport_length <= 76)


def local_answer(packet: Packet, cast: str, echoes: tuple[bool, bool] = (True, False)) -> Packet | None:
    """What a host without services answers to a packet that INPUT accepted.

    ``echoes``: whether it answers echo requests at all, and those to many hosts (an answer without a source address).
    """
    if packet.frag_offset:
        return None
    family, proto = packet.family, packet.proto
    if "udp_length" in packet.attrs:
        # UDP passes over what its own header does not count, and so does the sum that it makes.
        packet.payload_len = packet.attrs["udp_length"] - 8
        packet.payload = None if packet.payload is None else packet.payload[: packet.payload_len]
        packet.bad_checksum = False
    if family == 6:
        unreadable = _unreadable(packet)
        if unreadable is not None:
            code, octet = unreadable
            return icmp_error(packet, 4, code, cast, rest=octet, local=True) if octet >= 0 else None
    if not _summed_up(packet) or "unsummed" in packet.attrs or (packet.l4 is not None and proto in (6, 17, 58)):
        return None
    if proto == 6:
        return None if packet.pkttype != "unicast" else reset(packet, cast, from_stack=True)
    if proto in (17, 136):
        return icmp_error(packet, *((3, 3) if family == 4 else (1, 4)), cast, local=True)
    if family == 4:
        if proto == 1:
            many = cast in ("broadcast", "multicast")
            if (many and not echoes[1]) or packet.icmp_type not in (8, 13):
                return None
            if packet.icmp_type == 8:
                if not echoes[0]:
                    return None
                answer = echo_reply(packet, 0)
                if many:
                    answer.src = 0
                return answer
            return _timestamp_reply(packet) if packet.payload_len >= 4 else None
        if proto not in _HANDLED4:
            return icmp_error(packet, 3, 2, cast, local=True)
    elif proto == 58:
        if packet.icmp_type == 128 and echoes[0]:
            answer = echo_reply(packet, 129)
            if cast != "unicast":
                answer.src = 0
            return answer
    return None
