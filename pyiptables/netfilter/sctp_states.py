"""SCTP as connection tracking follows it (``nf_conntrack_proto_sctp.c``): chunks, verification tags, states.

A packet without its octets (``Packet.l4`` None) cannot be judged; ``conntrack`` lets it through as it does other protocols.
"""

from __future__ import annotations

from functools import cache

__all__ = ["TIMEOUTS", "Tracker", "checksum"]

_STATES = (
    "NONE", "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT", "SHUTDOWN_RECD", "SHUTDOWN_ACK_SENT",
    "HEARTBEAT_SENT",
)  # fmt: skip
_SHORT = dict(zip(("NO", "CL", "CW", "CE", "ES", "SS", "SR", "SA", "HS"), _STATES, strict=True)) | {"IV": "INVALID"}
_INIT, _INIT_ACK, _HEARTBEAT, _HEARTBEAT_ACK, _ABORT, _SHUTDOWN, _SHUTDOWN_ACK = 1, 2, 4, 5, 6, 7, 8
_ERROR, _COOKIE_ECHO, _COOKIE_ACK, _SHUTDOWN_COMPLETE = 9, 10, 11, 14
_ROWS = {
    #                        NO CL CW CE ES SS SR SA HS
    (0, _INIT):              "CL CL CW CE ES CL CL SA CW",
    (0, _INIT_ACK):          "CL CL CW CE ES SS SR SA CL",
    (0, _ABORT):             "CL CL CL CL CL CL CL CL CL",
    (0, _SHUTDOWN):          "CL CL CW CE SS SS SR SA CL",
    (0, _SHUTDOWN_ACK):      "SA CL CW CE ES SA SA SA SA",
    (0, _ERROR):             "CL CL CW CE ES SS SR SA CL",
    (0, _COOKIE_ECHO):       "CL CL CE CE ES SS SR SA CL",
    (0, _COOKIE_ACK):        "CL CL CW ES ES SS SR SA CL",
    (0, _SHUTDOWN_COMPLETE): "CL CL CW CE ES SS SR CL CL",
    (0, _HEARTBEAT):         "HS CL CW CE ES SS SR SA HS",
    (0, _HEARTBEAT_ACK):     "CL CL CW CE ES SS SR SA HS",
    (1, _INIT):              "IV CL CW CE ES SS SR SA IV",
    (1, _INIT_ACK):          "IV CW CW CE ES SS SR SA IV",
    (1, _ABORT):             "IV CL CL CL CL CL CL CL IV",
    (1, _SHUTDOWN):          "IV CL CW CE SR SS SR SA IV",
    (1, _SHUTDOWN_ACK):      "IV CL CW CE ES SA SA SA IV",
    (1, _ERROR):             "IV CL CW CL ES SS SR SA IV",
    (1, _COOKIE_ECHO):       "IV CL CE CE ES SS SR SA IV",
    (1, _COOKIE_ACK):        "IV CL CW ES ES SS SR SA IV",
    (1, _SHUTDOWN_COMPLETE): "IV CL CW CE ES SS SR CL IV",
    (1, _HEARTBEAT):         "IV CL CW CE ES SS SR SA HS",
    (1, _HEARTBEAT_ACK):     "IV CL CW CE ES SS SR SA ES",
}  # fmt: skip
_TRANSITIONS: dict[tuple[int, int], dict[str, str]] = {
    key: dict(zip(_STATES, [_SHORT[word] for word in row.split()], strict=True)) for key, row in _ROWS.items()
}
#: Seconds (``sctp_timeouts``).
TIMEOUTS = {
    "CLOSED": 10, "COOKIE_WAIT": 3, "COOKIE_ECHOED": 3, "ESTABLISHED": 210, "SHUTDOWN_SENT": 3, "SHUTDOWN_RECD": 3,
    "SHUTDOWN_ACK_SENT": 3, "HEARTBEAT_SENT": 30,
}  # fmt: skip
_ALONE = frozenset((_INIT, _INIT_ACK, _SHUTDOWN_COMPLETE))
_TAG_UNCHECKED = frozenset((_INIT, _SHUTDOWN_COMPLETE, _COOKIE_ECHO, _ABORT, _SHUTDOWN_ACK, _HEARTBEAT, _HEARTBEAT_ACK))


@cache
def _table() -> tuple[int, ...]:
    found = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        found.append(value)
    return tuple(found)


def checksum(segment: bytes) -> bool:
    """Is the CRC32c of an SCTP packet (RFC 9260 appendix A) right?"""
    table = _table()
    value = 0xFFFFFFFF
    for byte in segment[:8] + b"\0\0\0\0" + segment[12:]:
        value = value >> 8 ^ table[(value ^ byte) & 255]
    return (value ^ 0xFFFFFFFF).to_bytes(4, "little") == segment[8:12]


def _chunks(segment: bytes) -> list[tuple[int, int, bytes]] | None:
    """Type, flags and value of each chunk; None when they are not well formed (``do_basic_checks``)."""
    found: list[tuple[int, int, bytes]] = []
    at = 12
    alone = False
    while at + 4 <= len(segment):
        kind, flags = segment[at], segment[at + 1]
        length = int.from_bytes(segment[at + 2 : at + 4], "big")
        alone = alone or kind in _ALONE
        if ((alone or kind in (_COOKIE_ACK, _COOKIE_ECHO)) and found) or not length:
            return None
        found.append((kind, flags, segment[at + 4 : at + length]))
        at += (length + 3) & ~3
    return found or None


class Tracker:
    """The memory of one SCTP association (``struct ip_ct_sctp``)."""

    __slots__ = ("failed_way", "state", "tags")

    def __init__(self) -> None:
        self.state = "NONE"
        self.tags = [0, 0]
        self.failed_way: int | None = None

    def follow(self, segment: bytes, way: int, fresh: bool) -> bool:
        """One packet; False when it is invalid."""
        chunks = _chunks(segment)
        if chunks is None:
            return False
        kinds = {kind for kind, _, _ in chunks}
        tag = int.from_bytes(segment[4:8], "big")
        if fresh and (kinds & {_ABORT, _SHUTDOWN_COMPLETE, _COOKIE_ACK} or not self._begin(chunks, tag)):
            return False
        if not kinds & _TAG_UNCHECKED and tag != self.tags[way]:
            return False
        new = self.state
        for kind, flags, value in chunks:
            if not self._tag_holds(kind, flags, tag, way):
                return False
            if kind in (_HEARTBEAT, _HEARTBEAT_ACK):
                if self.tags[way] == 0:
                    self.tags[way] = tag
                elif tag != self.tags[way]:
                    if 0 in kinds:
                        return False
                    if kind == _HEARTBEAT:
                        self.failed_way = way
                        continue
                    if self.failed_way in (None, way):
                        return False
                    self.failed_way = None
                    self.tags[way], self.tags[1 - way] = tag, 0
                else:
                    self.failed_way = None
            row = _TRANSITIONS.get((way, kind))
            new = self.state if row is None else row[self.state]
            if new == "INVALID":
                return False
            if kind in (_INIT, _INIT_ACK):
                if len(value) < 16:
                    return False
                self.tags[1 - way] = int.from_bytes(value[:4], "big")
            self.state = new
        return True

    def _begin(self, chunks: list[tuple[int, int, bytes]], tag: int) -> bool:
        for kind, _, value in chunks:
            row = _TRANSITIONS.get((0, kind))
            if row is None:
                return False
            if kind == _INIT:
                if tag or len(value) < 16:
                    return False
                self.tags[1] = int.from_bytes(value[:4], "big")
            elif kind == _HEARTBEAT:
                self.tags[0] = tag
            else:
                self.tags[1] = tag
        return True

    def _tag_holds(self, kind: int, flags: int, tag: int, way: int) -> bool:
        if kind == _INIT:
            return tag == 0
        if kind in (_ABORT, _SHUTDOWN_COMPLETE):
            return tag == self.tags[1 - way if flags & 1 else way]
        return kind != _COOKIE_ECHO or tag == self.tags[way]
