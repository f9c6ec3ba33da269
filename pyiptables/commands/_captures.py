"""Packets from capture files, pcap and pcapng."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pyiptables.commands._input import Unusable
from pyiptables.netfilter.description import describe
from pyiptables.netfilter.wire import parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from pyiptables.netfilter.packet import Packet

__all__ = ["Capture", "described"]

#: Link types: BSD loopback (host and network order), Ethernet, raw IP (several numbers), Linux cooked v1 and v2.
_NULL, _ETHERNET, _RAW, _COOKED, _LOOP, _COOKED2 = 0, 1, (12, 14, 101, 228, 229), 113, 108, 276
_IP = frozenset((0x0800, 0x86DD))
_VLANS = frozenset((0x8100, 0x88A8, 0x9100))
#: Linux cooked frames say who sent them: 4 is this host.
_OUTGOING = 4


class Capture:
    """The IP packets of one family in a capture, in order.

    Iterating gives (packet, sent, seconds since the first): ``sent`` is whether it went the other way, which the
    capture says (Linux cooked frames) or which follows from what it answers. ``left_out`` counts what was not used, ``position``
    and ``size`` are for a progress bar. Raises Unusable, OSError.
    """

    def __init__(self, path: str, family: int | None) -> None:
        self.path = path
        self.family = family
        self.left_out: Counter[str] = Counter()
        self.size = 1
        self.position = 0
        self._flows: set[tuple[int, ...]] = set()

    def __iter__(self) -> Iterator[tuple[Packet, bool, float]]:
        try:
            import dpkt
        except ImportError:
            raise Unusable("captures need dpkt: pip install 'pyiptables-emulator[pcap]'") from None
        number, opened = 0, False
        with open(self.path, "rb") as stream:
            stream.seek(0, 2)
            self.size = stream.tell() or 1
            stream.seek(0)
            try:
                reader = dpkt.pcap.UniversalReader(stream)
                link = reader.datalink()
                if link not in (_NULL, _ETHERNET, *_RAW, _COOKED, _LOOP, _COOKED2):
                    raise Unusable(f"{self.path}: link type {link} is not known here (Ethernet, raw IP, loopback and Linux cooked are)")
                opened = True
                start: float | None = None
                for stamp, frame in reader:
                    number += 1
                    if not number & 0xFF:
                        self.position = stream.tell()
                    start = float(stamp) if start is None else start
                    found = self._packet(bytes(frame), link)
                    if found is not None:
                        yield (*found, float(stamp) - start)
            except (ValueError, IndexError, KeyError, TypeError, dpkt.UnpackError, EOFError) as error:
                what = f"packet {number + 1}" if opened else "not a pcap or pcapng file"
                raise Unusable(f"{self.path}: {what}: {str(error).splitlines()[0] if str(error) else type(error).__name__}") from error
        if number == self.left_out.total():
            raise Unusable(f"{self.path}: no {f'IPv{self.family}' if self.family else 'IP'} packets ({number} frames)")

    def _packet(self, frame: bytes, link: int) -> tuple[Packet, bool] | None:
        data, sent = _network(frame, link)
        if data is None:
            self.left_out["not IP"] += 1
            return None
        family = data[0] >> 4 if data else 0
        if self.family is None and family in (4, 6):
            self.family = family
        if family != self.family:
            self.left_out[f"IPv{family}" if family in (4, 6) else "not IP"] += 1
            return None
        try:
            packet = parse(data)
        except (ValueError, IndexError):
            self.left_out["cut short or broken"] += 1
            return None
        if link == _ETHERNET:
            packet.mac_dst, packet.mac_src = frame[:6], frame[6:12]
            if frame[0] & 1:
                packet.pkttype = "broadcast" if frame[:6] == b"\xff" * 6 else "multicast"
        return packet, self._answers(packet) if sent is None else sent

    def _answers(self, packet: Packet) -> bool:
        """Does it go the other way than the first packet of its flow?"""
        about = packet.inner
        if about is not None:
            return _flow(about) in self._flows and about.src == packet.dst
        flow = _flow(packet)
        if flow in self._flows:
            return False
        proto, src, sport, dst, dport = flow
        if (proto, dst, dport, src, sport) in self._flows:
            return True
        self._flows.add(flow)
        return False


def _flow(packet: Packet) -> tuple[int, ...]:
    if packet.proto in (1, 58):
        return (packet.proto, packet.src, packet.icmp_id, packet.dst, packet.icmp_id)
    return (packet.proto, packet.src, packet.sport, packet.dst, packet.dport)


def _network(frame: bytes, link: int) -> tuple[bytes | None, bool | None]:
    """The IP packet in a frame (None when it carries another protocol), and whether this host sent it, if the frame says."""
    if link in _RAW:
        return frame, None
    if link in (_NULL, _LOOP):
        return frame[4:], None
    sent: bool | None = None
    if link == _ETHERNET:
        kind, at = int.from_bytes(frame[12:14], "big"), 14
        while kind in _VLANS:
            kind, at = int.from_bytes(frame[at + 2 : at + 4], "big"), at + 4
    elif link == _COOKED:
        kind, at = int.from_bytes(frame[14:16], "big"), 16
        sent = int.from_bytes(frame[:2], "big") == _OUTGOING
    else:
        kind, at = int.from_bytes(frame[0:2], "big"), 20
        sent = frame[10:11] == bytes([_OUTGOING])
    return (frame[at:] if kind in _IP else None), sent


def described(packet: Packet, at: float) -> dict[str, Any]:
    """A captured packet as a description, for scenarios and JSON."""
    told = describe(packet)
    told.pop("length")
    told.pop("payload_len", None)
    if packet.family == 4:
        told["id"] = packet.id
    if packet.attrs.get("offloaded"):
        told["offloaded"] = True
    for key in ("df", "frag_offset", "more_fragments", "flow_label"):
        if getattr(packet, key):
            told[key] = getattr(packet, key)
    if packet.l4:
        told["l4"] = packet.l4.hex()
    if packet.proto == 6 and not packet.frag_offset:
        told["window"] = packet.tcp_window
        if packet.tcp_options:
            told.pop("mss", None)
            told["tcp_options"] = packet.tcp_options.hex()
    if "inner" not in told:
        if packet.payload is not None:
            told["payload_hex"] = packet.payload.hex()
        else:
            told["payload_len"], told["payload_known"] = packet.payload_len, False
    told["at"] = round(at, 6)
    return told
