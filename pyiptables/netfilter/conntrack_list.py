"""Connections as ``conntrack -L`` and ``/proc/net/nf_conntrack`` list them, read into connections.

One connection a line: protocol name and number, seconds left, a state for some protocols, the original tuple, the reply
tuple, and flags. Other lines (conntrack's closing count) are skipped.
"""

from __future__ import annotations

from pyiptables.netfilter import tcp_states
from pyiptables.netfilter.connection import (
    ASSURED,
    DST_NAT,
    DST_NAT_DONE,
    HELPER,
    SEEN_REPLY,
    SRC_NAT,
    SRC_NAT_DONE,
    Connection,
    FlowTuple,
)  # fmt: skip
from pyiptables.netfilter.conntrack import inverted
from pyiptables.netfilter.routes import parse_address

__all__ = ["ConntrackError", "read_connections"]

_SECOND = 1_000_000_000
#: A line without seconds left comes from a kernel that does not say; such a connection just lasts.
_LONG = 432_000


class ConntrackError(ValueError):
    """A line that cannot be understood: ``line`` counts from 1."""

    def __init__(self, text: str, line: int) -> None:
        super().__init__(f"line {line}: {text}")
        self.line = line


def read_connections(text: str, family: int, now: int) -> list[Connection]:
    """The connections of one family in a listing. Raises ConntrackError."""
    found = []
    if text.strip() and "src=" not in text and "flow entries" not in text:
        raise ConntrackError("not a line of conntrack -L", 1)
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if "src=" not in line or not words:
            continue
        if words[0] in ("ipv4", "ipv6"):
            words = words[2:]
        try:
            ct = _connection(words, family, now)
        except (ValueError, IndexError) as error:
            raise ConntrackError(str(error) or "not understood", number) from error
        if ct is not None:
            found.append(ct)
    return found


def _connection(words: list[str], family: int, now: int) -> Connection | None:
    proto = int(words[1])
    at = 2
    seconds = _LONG
    if words[at].isdigit():
        seconds = int(words[at])
        at += 1
    state = ""
    if "=" not in words[at] and not words[at].startswith("["):
        state = words[at]
        at += 1
    tuples: list[dict[str, str]] = [{}, {}]
    rest: dict[str, str] = {}
    flags = set()
    which = -1
    for word in words[at:]:
        key, equals, value = word.partition("=")
        if not equals:
            flags.add(word.strip("[]"))
        elif key == "src":
            which += 1
            if which > 1:
                raise ValueError("more than two tuples")
            tuples[which][key] = value
        elif (
            which >= 0
            and key in ("dst", "sport", "dport", "type", "code", "id", "packets", "bytes", "srckey", "dstkey")
            and key not in tuples[which]
        ):
            tuples[which][key] = value
        else:
            rest[key] = value
    if which < 1:
        raise ValueError("there is no reply tuple")
    if parse_address(tuples[0]["src"])[0] != family:
        return None
    original, reply = _tuple(tuples[0], proto, family), _tuple(tuples[1], proto, family)
    ct = Connection(family, original, reply)
    ct.expires = now + max(seconds, 1) * _SECOND
    ct.started = now
    ct.status = SRC_NAT_DONE | DST_NAT_DONE
    if "ASSURED" in flags:
        ct.status |= ASSURED
    if "UNREPLIED" not in flags:
        ct.status |= SEEN_REPLY
    _translation(ct)
    ct.mark = int(rest.get("mark", "0"), 0)
    for key, way in (("zone", "both"), ("zone-orig", "orig"), ("zone-reply", "reply")):
        if key in rest:
            ct.zone, ct.zone_dir = int(rest[key]), way
    if "helper" in rest:
        ct.helper = rest["helper"]
        ct.status |= HELPER
    for direction in (0, 1):
        ct.packets[direction] = int(tuples[direction].get("packets", 0))
        ct.bytes[direction] = int(tuples[direction].get("bytes", 0))
    if proto == 6:
        ct.tcp = tracker = tcp_states.Tracker()
        tracker.state = state if state in tcp_states.STATES else "ESTABLISHED"
        # Windows are not listed: judge none until both sides have been seen.
        for side in tracker.seen:
            side.liberal = True
    return ct


def _tuple(words: dict[str, str], proto: int, family: int) -> FlowTuple:
    src, dst = parse_address(words["src"])[1], parse_address(words["dst"])[1]
    if proto == (1 if family == 4 else 58):
        return (src, int(words.get("id", 0)), dst, int(words.get("type", 0)) << 8 | int(words.get("code", 0)), proto)
    if "srckey" in words:
        return (src, int(words["srckey"], 0), dst, int(words.get("dstkey", "0"), 0), proto)
    return (src, int(words.get("sport", 0)), dst, int(words.get("dport", 0)), proto)


def _translation(ct: Connection) -> None:
    """Which halves were translated, from the tuples."""
    plain = inverted(ct.original, ct.family)
    if plain is None or plain == ct.reply:
        return
    icmp = ct.proto in (1, 58)
    if ct.reply[0] != plain[0] or (not icmp and ct.reply[1] != plain[1]):
        ct.status |= DST_NAT
    if ct.reply[2] != plain[2] or (not icmp and ct.reply[3] != plain[3]) or (icmp and ct.reply[1] != plain[1]):
        ct.status |= SRC_NAT
