"""Packets from capture files, pcap and pcapng."""

from __future__ import annotations

from typing import Any

__all__ = ["CaptureError", "read_capture"]

#: Link types: Ethernet, raw IP (several numbers), Linux cooked v1 and v2.
_ETHERNET, _RAW, _COOKED, _COOKED2 = 1, (12, 14, 101, 228, 229), 113, 276
_IP = {0x0800, 0x86DD}
_VLANS = {0x8100, 0x88A8}
_FIELDS = ("src", "dst", "proto", "sport", "dport", "ttl", "tos", "type", "code", "icmp_id", "icmp_seq", "flags", "seq", "ack")


class CaptureError(Exception):
    """A capture that cannot be read; the text is one line."""


def read_capture(path: str) -> list[dict[str, Any]]:
    """The IP packets of a capture as descriptions, with ``at`` in seconds after the first. Raises CaptureError, OSError."""
    try:
        import dpkt
    except ImportError:
        raise CaptureError("captures need dpkt: pip install 'pyiptables[pcap]'") from None
    from pyiptables.netfilter.description import describe
    from pyiptables.netfilter.wire import parse

    packets: list[dict[str, Any]] = []
    with open(path, "rb") as stream:
        try:
            reader = dpkt.pcap.UniversalReader(stream)
            start: float | None = None
            for stamp, frame in reader:
                data = _network(frame, reader.datalink())
                if data is None:
                    continue
                start = stamp if start is None else start
                packet = parse(data)
                found = describe(packet)
                kept = {key: found[key] for key in _FIELDS if key in found}
                if packet.payload is not None:
                    kept["payload_hex"] = packet.payload.hex()
                packets.append({**kept, "at": round(stamp - start, 6)})
        except (ValueError, IndexError, dpkt.UnpackError, dpkt.NeedData) as error:
            raise CaptureError(f"{path}: packet {len(packets) + 1}: {error or type(error).__name__}") from error
    if not packets:
        raise CaptureError(f"{path}: no IP packets")
    return packets


def _network(frame: bytes, link: int) -> bytes | None:
    """The IP packet in a frame, None when it carries another protocol."""
    if link in _RAW:
        return frame
    if link == _ETHERNET:
        kind, at = int.from_bytes(frame[12:14], "big"), 14
        while kind in _VLANS:
            kind, at = int.from_bytes(frame[at + 2 : at + 4], "big"), at + 4
    elif link == _COOKED:
        kind, at = int.from_bytes(frame[14:16], "big"), 16
    elif link == _COOKED2:
        kind, at = int.from_bytes(frame[0:2], "big"), 20
    else:
        raise CaptureError(f"link type {link} is not known here (Ethernet, raw IP and Linux cooked are)")
    return frame[at:] if kind in _IP else None
