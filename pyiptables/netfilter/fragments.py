"""Fragments that wait for the rest of their packet (``ip_fragment.c``, ``nf_conntrack_reasm.c``)."""

from __future__ import annotations

from pyiptables.netfilter.wire import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Packet

__all__ = ["Fragments"]

#: ``net.ipv4.ipfrag_time``.
_PATIENCE = 30_000_000_000
#: What a whole packet has from its first fragment.
_FROM_THE_FIRST = (
    "ttl", "tos", "df", "mark", "ip_options", "sport", "dport", "tcp_flags", "tcp_seq", "tcp_ack", "tcp_window", "tcp_options",
    "icmp_type", "icmp_code", "icmp_id", "icmp_seq", "icmp_rest", "inner", "l4",
)  # fmt: skip


class Fragments:
    """The fragments that came so far, by what makes them parts of one packet."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, int, int, int], list[tuple[int, Packet]]] = {}

    def flush(self) -> None:
        self._waiting.clear()

    def complete(self, packet: Packet, now: int) -> bool:
        """Make the whole packet of the fragment that completes it; False: keep it, others are missing."""
        key = (packet.src, packet.dst, packet.id, packet.proto)
        waiting = [(when, piece) for when, piece in self._waiting.get(key, ()) if now - when < _PATIENCE]
        waiting.append((now, packet.copy()))
        self._waiting[key] = waiting
        pieces = sorted([piece for _, piece in waiting], key=lambda piece: piece.frag_offset)
        end = 0
        for piece in pieces:
            if piece.frag_offset * 8 != end:
                return False
            end += piece.transport_length
        if pieces[-1].more_fragments:
            return False
        del self._waiting[key]
        first, bodies = pieces[0], [piece.transport() for piece in pieces[1:]]
        for name in _FROM_THE_FIRST:
            setattr(packet, name, getattr(first, name))
        packet.frag_offset, packet.more_fragments = 0, False
        packet.bad_checksum = any(piece.bad_checksum for piece in pieces)
        packet.payload = first.payload
        for body in bodies:
            packet.payload = None if packet.payload is None or body is None else packet.payload + body
        packet.payload_len = first.payload_len + sum([piece.transport_length for piece in pieces[1:]])
        packet.length = size(packet)
        packet.attrs["largest_fragment"] = max([piece.length for piece in pieces])
        return True
