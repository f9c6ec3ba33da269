"""Fragments that wait for the rest of their packet, and the cutting of what was put together (``ip_fragment.c``,
``inet_fragment.c``, ``nf_conntrack_reasm.c``, ``ip_do_fragment``, ``ip6_fragment``).
"""

from __future__ import annotations

from pyiptables.netfilter.wire import build, parse, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Packet

__all__ = ["Fragments", "is_fragment", "lacks_headers", "leave"]

#: ``net.ipv4.ipfrag_time``, ``net.netfilter.nf_conntrack_frag6_timeout``, in nanoseconds.
_PATIENCE = {4: 30_000_000_000, 6: 60_000_000_000}
_FRAGMENT = 44
_AFTER_FIXED = 40
_MIN_MTU6 = 1280
#: What a whole packet has from its first fragment.
_FROM_THE_FIRST = ("ttl", "tos", "mark", "flow_label", "ip_options", "pkttype", "mac_src", "mac_dst")
_TRANSPORT = (
    "proto", "sport", "dport", "tcp_flags", "tcp_seq", "tcp_ack", "tcp_window", "tcp_options", "icmp_type", "icmp_code", "icmp_id",
    "icmp_seq", "icmp_rest", "inner", "l4", "payload", "payload_len",
)  # fmt: skip
_WHOLE_HEADERS = {6: 20, 17: 8, 58: 8}
_WAITS = "a fragment waits for the rest of its packet"


def is_fragment(packet: Packet) -> bool:
    """Must it be put together, or (IPv6) be freed of a fragment header?"""
    if packet.frag_offset or packet.more_fragments:
        return True
    return packet.family == 6 and any([kind == _FRAGMENT for kind, _ in packet.ext_headers])


def lacks_headers(packet: Packet) -> bool:
    """RFC 8200, 4.5: a first fragment must have all headers (``ipv6frag_thdr_truncated``)."""
    return packet.lacks(_WHOLE_HEADERS.get(packet.proto, 1))


class _Queue:
    """The fragments of one packet as (start, end, fragment); ``end`` of the packet as far as it is known."""

    __slots__ = ("end", "last", "pieces", "since")

    def __init__(self, now: int) -> None:
        self.pieces: list[tuple[int, int, Packet]] = []
        self.end = 0
        self.last = False
        self.since = now

    def runs(self) -> list[tuple[int, int]]:
        """What there is, without gaps."""
        found: list[tuple[int, int]] = []
        for start, end, _ in sorted(self.pieces, key=lambda piece: piece[0]):
            if found and found[-1][1] == start:
                found[-1] = found[-1][0], end
            else:
                found.append((start, end))
        return found


class Fragments:
    """The fragments that came so far, by what makes them parts of one packet."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, ...], _Queue] = {}

    def flush(self) -> None:
        self._waiting.clear()

    def complete(self, packet: Packet, now: int) -> str | None:
        """Make the whole packet of the fragment that completes it; else why it goes no further. None: it goes on, whole or not."""
        four = packet.family == 4
        if not four and not packet.frag_offset and lacks_headers(packet):
            return None  # let others complain
        key = (packet.src, packet.dst, packet.id, packet.proto if four else 0, packet.iniface == "")
        queue = self._waiting.get(key)
        if queue is None or now - queue.since >= _PATIENCE[packet.family]:
            queue = self._waiting[key] = _Queue(now)
        start = packet.frag_offset * 8
        end = start + _length(packet)
        if packet.more_fragments and end % 8:
            if not four:
                del self._waiting[key]
                return None  # -EPROTO: let others complain
            end -= end % 8
        wrong = (end < queue.end or (queue.last and end != queue.end)) if not packet.more_fragments else queue.last and end > queue.end
        if wrong or start == end or self._overlaps(queue, start, end):
            del self._waiting[key]
            return "a fragment that cannot belong to its packet"
        if any(low <= start and end <= high for low, high in queue.runs()):
            return "a fragment that is there already" if four else _WAITS
        queue.last = queue.last or not packet.more_fragments
        queue.end = max(queue.end, end)
        queue.pieces.append((start, end, packet.copy()))
        if not queue.last or queue.runs() != [(0, queue.end)]:
            return _WAITS
        del self._waiting[key]
        pieces = [piece for _, _, piece in sorted(queue.pieces, key=lambda each: each[0])]
        congested = _congestion([piece.tos & 3 for piece in pieces])
        if congested is None:
            return "fragments that do not agree about congestion"
        _join(packet, pieces, [end - start for start, end, _ in sorted(queue.pieces, key=lambda each: each[0])])
        packet.tos |= congested
        return None

    @staticmethod
    def _overlaps(queue: _Queue, start: int, end: int) -> bool:
        """Does it share some octets with others, but not all (``inet_frag_queue_insert``)?"""
        runs = queue.runs()
        if runs and runs[-1][1] < end:
            return start < runs[-1][1]
        return any(start < high and low < end and not (low <= start and end <= high) for low, high in runs)


def _length(packet: Packet) -> int:
    """Octets of the packet that a fragment carries."""
    if packet.family == 4:
        return packet.transport_length
    return packet.length - _AFTER_FIXED - sum([len(raw) for _, raw in _repeated(packet)]) - 8


def _repeated(packet: Packet) -> tuple[tuple[int, bytes], ...]:
    """The IPv6 extension headers that every fragment has."""
    at = next((at for at, (kind, _) in enumerate(packet.ext_headers) if kind == _FRAGMENT), 0)
    return packet.ext_headers[:at]


def _congestion(marks: list[int]) -> int | None:
    """``ip_frag_ecn_table``: what a whole packet says of congestion, None where fragments contradict each other."""
    found = set(marks)
    if 0 in found and len(found) > 1:
        return None
    return 3 if 3 in found and len(found) > 1 else 0


def _join(packet: Packet, pieces: list[Packet], lengths: list[int]) -> None:
    """Make ``packet`` the whole of ``pieces``, of which so many octets count."""
    first = pieces[0]
    for name in _FROM_THE_FIRST:
        setattr(packet, name, getattr(first, name))
    largest = max([piece.length for piece in pieces])
    packet.df = packet.family == 4 and max([piece.length for piece in pieces if piece.df], default=0) == largest
    packet.frag_offset, packet.more_fragments, packet.fragment = 0, False, None
    packet.attrs["fragments"] = [piece.length for piece in pieces]
    packet.attrs["largest_fragment"] = largest
    exact = all([piece.fragment is not None for piece in pieces])
    bodies = [(piece.transport() if piece.fragment is None else piece.fragment) for piece in pieces]
    if packet.family == 6:
        frame = next(raw for kind, raw in first.ext_headers if kind == _FRAGMENT)
        packet.ext_headers, packet.proto = _repeated(first), frame[0]
    if any([body is None for body in bodies]):
        _join_unknown(packet, pieces, lengths)
        return
    body = b"".join([(body or b"")[:length] for body, length in zip(bodies, lengths, strict=True)])
    packet.l4, packet.payload, packet.payload_len, packet.inner = body, b"", 0, None
    whole = _raw(packet, body)
    found = parse(whole)
    for name in _TRANSPORT:
        setattr(packet, name, getattr(found, name))
    packet.ext_headers, packet.length = found.ext_headers, len(whole)
    packet.bad_checksum = (build(found) or b"")[-len(body) :] != body if exact else any([piece.bad_checksum for piece in pieces])
    if found.proto == 17 and exact and 8 <= int.from_bytes(body[4:6], "big") < len(body):
        packet.attrs["udp_length"] = int.from_bytes(body[4:6], "big")


def _raw(packet: Packet, body: bytes) -> bytes:
    """The whole packet's octets: its headers as they are built before the body of any protocol."""
    plain = packet.copy()
    plain.proto, plain.payload, plain.payload_len, plain.frag_offset = packet.proto, body, len(body), 1
    raw = build(plain)
    assert raw is not None
    if packet.family == 6:
        return raw
    return raw[:6] + (packet.df << 14).to_bytes(2, "big") + raw[8:]


def _join_unknown(packet: Packet, pieces: list[Packet], lengths: list[int]) -> None:
    """The same where a payload is not known: its length is."""
    first = pieces[0]
    for name in _TRANSPORT:
        if name != "proto":
            setattr(packet, name, getattr(first, name))
    packet.payload = None
    packet.payload_len = first.payload_len + sum(lengths[1:])
    packet.bad_checksum = any([piece.bad_checksum for piece in pieces])
    packet.length = size(packet)


def leave(packet: Packet, mtu: int) -> None:
    """Cut what is too long, and what was put together as it came: make the packet its first fragment."""
    lengths: list[int] = packet.attrs.get("fragments", [packet.length])
    largest = packet.attrs.get("largest_fragment", mtu)
    if packet.family == 6 and packet.length <= min(mtu, largest):
        return
    header, frame_size = packet.network_header, 0 if packet.family == 4 else 8
    most = min(mtu, largest) if packet.family == 4 else min(mtu, max(largest, _MIN_MTU6))
    first = lengths[0] if max(lengths) <= most else header + frame_size + (most - header - frame_size) // 8 * 8
    packet.payload_len = max(packet.payload_len - (packet.length - first + frame_size), 0)
    if packet.payload is not None:
        packet.payload = packet.payload[: packet.payload_len]
    if packet.l4 is not None:
        packet.l4 = packet.l4[: first - header - frame_size]
    if packet.family == 6:
        frame = bytes([packet.proto, 0, 0, 1]) + packet.id.to_bytes(4, "big")
        packet.ext_headers = (*packet.ext_headers, (_FRAGMENT, frame))
    packet.more_fragments = True
    packet.length = first
