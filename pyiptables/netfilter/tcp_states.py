"""TCP as connection tracking follows it: states, windows, and what it calls invalid.

Lives here: the transition table, the flag check, and the window check of ``nf_conntrack_proto_tcp.c`` (after Guido van
Rooij, "Real Stateful TCP Packet Filtering in IP Filter"). Lives not here: finding connections, timeouts by clock. A
direction is 0 (original) or 1 (reply); sequence numbers are modulo 2**32.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Packet

__all__ = [
    "ACCEPT",
    "IGNORED",
    "INVALID",
    "MAX_RETRANS",
    "REPEAT",
    "STATES",
    "TIMEOUTS",
    "TRANSITIONS",
    "Limits",
    "Tracker",
    "segment_kind",
    "valid_flags",
]

#: Column order of the transition table.
STATES = (
    "NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE", "SYN_SENT2",
)  # fmt: skip
_SHORT = {
    "SS": "SYN_SENT", "SR": "SYN_RECV", "ES": "ESTABLISHED", "FW": "FIN_WAIT", "CW": "CLOSE_WAIT", "LA": "LAST_ACK",
    "TW": "TIME_WAIT", "CL": "CLOSE", "S2": "SYN_SENT2", "IG": "IGNORE", "IV": "INVALID",
}  # fmt: skip
_ROWS = {
    #               NO SS SR ES FW CW LA TW CL S2
    (0, "SYN"):    "SS SS IG IG IG IG IG SS SS S2",
    (0, "SYNACK"): "IV IV SR IV IV IV IV IV IV SR",
    (0, "FIN"):    "IV IV FW FW LA LA LA TW CL IV",
    (0, "ACK"):    "ES IV ES ES CW CW TW TW CL IV",
    (0, "RST"):    "IV CL CL CL CL CL CL CL CL CL",
    (0, "NONE"):   "IV IV IV IV IV IV IV IV IV IV",
    (1, "SYN"):    "IV S2 IV IV IV IV IV SS IV S2",
    (1, "SYNACK"): "IV SR IG IG IG IG IG IG IG SR",
    (1, "FIN"):    "IV IV FW FW LA LA LA TW CL IV",
    (1, "ACK"):    "IV IG SR ES CW CW TW TW CL IG",
    (1, "RST"):    "IV CL CL CL CL CL CL CL CL CL",
    (1, "NONE"):   "IV IV IV IV IV IV IV IV IV IV",
}  # fmt: skip
#: (direction, kind of segment) → state → next state.
TRANSITIONS: dict[tuple[int, str], dict[str, str]] = {
    key: dict(zip(STATES, [_SHORT[word] for word in row.split()], strict=True)) for key, row in _ROWS.items()
}
#: Seconds that a state lasts without a packet (``nf_conntrack_tcp_timeout_*``).
TIMEOUTS = {
    "SYN_SENT": 120, "SYN_RECV": 60, "ESTABLISHED": 432000, "FIN_WAIT": 120, "CLOSE_WAIT": 60, "LAST_ACK": 30,
    "TIME_WAIT": 120, "CLOSE": 10, "SYN_SENT2": 120, "RETRANS": 300, "UNACK": 300,
}  # fmt: skip

ACCEPT, IGNORED, INVALID, REPEAT = "accept", "ignored", "invalid", "repeat"

_FIN, _SYN, _RST, _ACK, _URG = 1, 2, 4, 16, 32
_SENSIBLE = frozenset((_SYN, _SYN | _URG, _SYN | _ACK, _RST, _RST | _ACK, _FIN | _ACK, _FIN | _ACK | _URG, _ACK, _ACK | _URG))
_M32 = 0xFFFFFFFF
#: An acknowledgement may lag this far behind (``MAXACKWINCONST``).
_LAG = 66000
MAX_RETRANS = 3


def valid_flags(flags: int) -> bool:
    """Do the flags make sense together? PSH, ECE and CWR may always be there."""
    return flags & 0x37 in _SENSIBLE


def _kind(flags: int) -> str:
    if flags & _RST:
        return "RST"
    if flags & _SYN:
        return "SYNACK" if flags & _ACK else "SYN"
    if flags & _FIN:
        return "FIN"
    return "ACK" if flags & _ACK else "NONE"


_KINDS = [_kind(flags) for flags in range(64)]


def segment_kind(flags: int) -> str:
    """The row of the transition table."""
    return _KINDS[flags & 63]


def _before(a: int, b: int) -> bool:
    """A difference of half the circle is behind, whichever way one looks (a negative 32-bit number)."""
    return (a - b) & _M32 >= 0x80000000


def _after(a: int, b: int) -> bool:
    return (b - a) & _M32 >= 0x80000000


class Limits:
    """``seconds`` that each state lasts (and RETRANS, UNACK), ``retransmissions`` after which a connection lasts no longer."""

    __slots__ = ("retransmissions", "seconds")

    def __init__(self, seconds: dict[str, int], retransmissions: int) -> None:
        self.seconds = seconds
        self.retransmissions = retransmissions


class _Side:
    """What is known of one sender (``struct ip_ct_tcp_state``)."""

    __slots__ = (
        "close_init", "end", "liberal", "maxack", "maxend", "maxwin", "sack", "scale", "unacked", "window_scale",
    )  # fmt: skip

    def __init__(self) -> None:
        self.end = self.maxend = self.maxwin = 0
        self.maxack: int | None = None
        self.scale = 0
        self.window_scale = self.sack = self.liberal = self.close_init = self.unacked = False

    def options(self, packet: Packet) -> None:
        """Window scaling and SACK from the options of a SYN; a SYN with options wipes all else but liberality."""
        if not packet.tcp_options:
            return
        self.scale = 0
        self.maxack = None
        self.window_scale = self.sack = self.close_init = self.unacked = False
        for kind, data in tcp_options(packet.tcp_options):
            if kind == 4 and not data:
                self.sack = True
            elif kind == 3 and len(data) == 1:
                self.scale = min(data[0], 14)
                self.window_scale = True


def tcp_options(raw: bytes) -> list[tuple[int, bytes]]:
    """The options of a TCP header as (kind, data), as far as they are well formed."""
    found = []
    at = 0
    while at < len(raw):
        kind = raw[at]
        if kind == 0:
            break
        if kind == 1:
            at += 1
            continue
        if at + 1 >= len(raw) or raw[at + 1] < 2 or at + raw[at + 1] > len(raw):
            break
        found.append((kind, raw[at + 2 : at + raw[at + 1]]))
        at += raw[at + 1]
    return found


def _end_of(packet: Packet) -> int:
    flags = packet.tcp_flags
    return (packet.tcp_seq + packet.payload_len + (flags >> 1 & 1) + (flags & 1)) & _M32


class Tracker:
    """The memory of one TCP connection (``struct ip_ct_tcp``)."""

    __slots__ = (
        "challenge", "last_ack", "last_dir", "last_end", "last_kind", "last_seq", "last_side", "last_win", "retrans", "seen",
        "simultaneous", "state",
    )  # fmt: skip

    def __init__(self) -> None:
        self.state = "NONE"
        self.seen = [_Side(), _Side()]
        self.last_dir = 0
        self.last_kind = "NONE"
        self.last_seq = self.last_ack = self.last_end = self.last_win = 0
        self.last_side: _Side | None = None
        self.retrans = 0
        self.challenge = self.simultaneous = False

    def begin(self, packet: Packet, loose: bool) -> bool:
        """The first segment of a connection (``tcp_new``); False when it cannot be one."""
        new = TRANSITIONS[0, segment_kind(packet.tcp_flags)]["NONE"]
        if new == "INVALID":
            return False
        side = self.seen[0]
        side.end = _end_of(packet)
        side.maxwin = packet.tcp_window or 1
        if new == "SYN_SENT":
            side.maxend = side.end
            side.options(packet)
        elif not loose:
            return False
        else:
            side.maxend = (side.end + side.maxwin) & _M32
            for each in self.seen:
                each.sack = each.liberal = True
        self.last_kind = "NONE"
        return True

    def follow(self, packet: Packet, way: int, seen_reply: bool, assured: bool, be_liberal: bool, forgiving: bool) -> tuple[str, str]:
        """One segment (``nf_conntrack_tcp_packet``): what it is, and the state before it.

        ACCEPT with ``self.state`` moved on, IGNORED for segments that are let through unjudged, INVALID, or REPEAT when
        the connection must be forgotten and looked up anew.
        """
        kind = segment_kind(packet.tcp_flags)
        old = self.state
        new = TRANSITIONS[way, kind][old]
        judged = True
        if new == "SYN_SENT" and old in ("TIME_WAIT", "CLOSE", "SYN_SENT2"):
            if (self.seen[0].close_init or self.seen[1].close_init) or (self.last_dir == way and self.last_kind == "RST"):
                return REPEAT, old
            new = "IGNORE"
        if new == "IGNORE":
            if kind == "SYNACK" and self.last_kind == "SYN" and self.last_dir != way and packet.tcp_ack == self.last_end:
                # A SYN that was let through unjudged is being answered: start over from it.
                old, new = "SYN_SENT", "SYN_RECV"
                side = self.last_side or _Side()
                side.end = side.maxend = self.last_end
                side.maxwin = self.last_win or 1
                self.challenge = False
                self.seen[self.last_dir] = side
                liberal = self.seen[way].liberal
                self.seen[way] = _Side()
                self.seen[way].liberal = liberal
            else:
                self._ignore(packet, way, kind, old)
                return IGNORED, old
        elif new == "INVALID":
            return INVALID, old
        elif new == "TIME_WAIT":
            if old == "LAST_ACK" and kind == "ACK" and self.last_dir != way and self.last_kind == "SYN" and self.challenge:
                self.challenge = False
                return IGNORED, old
        elif new == "SYN_SENT2":
            self.simultaneous = True
        elif new == "SYN_RECV":
            if way == 1 and kind == "ACK" and self.simultaneous:
                new = "ESTABLISHED"
        elif new == "CLOSE" and kind == "RST":
            verdict, new, judged = self._reset(packet, way, old, seen_reply, assured, forgiving)
            if verdict == INVALID:
                return INVALID, old
        if judged:
            verdict = self._window(packet, way, kind, be_liberal)
            if verdict == "ignore":
                return IGNORED, old
            if verdict != "inside":
                self._outside(way, kind, assured)
                return INVALID, old
        self.last_kind = kind
        self.last_dir = way
        self.state = new
        if old != new and new == "FIN_WAIT":
            self.seen[way].close_init = True
        return ACCEPT, old

    def timeout(self, kind: str, limits: Limits) -> int:
        """Seconds until it ends when nothing follows."""
        limit = limits.seconds[self.state]
        retrans, unacknowledged = limits.seconds["RETRANS"], limits.seconds["UNACK"]
        if self.retrans >= limits.retransmissions and limit > retrans:
            return retrans
        if kind == "RST":
            return limits.seconds["CLOSE"]
        if (self.seen[0].unacked or self.seen[1].unacked) and limit > unacknowledged:
            return unacknowledged
        if self.last_win == 0 and limit > retrans:
            return retrans
        return limit

    def _ignore(self, packet: Packet, way: int, kind: str, old: str) -> None:
        self.last_kind = kind
        self.last_dir = way
        self.last_seq = packet.tcp_seq
        self.last_end = _end_of(packet)
        self.last_win = packet.tcp_window
        if kind == "SYN" and way == 0:
            side = self.last_side = _Side()
            side.options(packet)
            self.simultaneous = False
            self.challenge = old == "LAST_ACK"
        if old == "SYN_SENT" and kind == "ACK" and way == 1:
            self.last_ack = packet.tcp_ack

    def _outside(self, way: int, kind: str, assured: bool) -> None:
        """A FIN or RST outside the window is remembered all the same, unless it answers one (``nf_tcp_handle_invalid``)."""
        if assured and kind in ("RST", "FIN") and (self.last_dir == way or self.last_kind not in ("RST", "FIN")):
            self.last_kind = kind
            self.last_dir = way

    def _reset(self, packet: Packet, way: int, old: str, seen_reply: bool, assured: bool, forgiving: bool) -> tuple[str, str, bool]:
        """A RST: whether to believe it, the state after it, and whether its window must be checked."""
        if old in ("FIN_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE", "CLOSE_WAIT"):
            return ACCEPT, "CLOSE", False
        maxack = self.seen[1 - way].maxack
        new = "CLOSE"
        if maxack is not None and self.last_kind != "SYN":
            seq = packet.tcp_seq
            established = old == "ESTABLISHED" and assured
            if seq == 0 and not established:
                return ACCEPT, new, True
            if _before(seq, maxack) and not forgiving:
                return INVALID, old, True
            train = self.last_kind == "ACK" and self.last_dir == way and seq == self.last_end
            if not established or seq == maxack or train:
                return ACCEPT, new, True
            new = old
        to_syn = seen_reply and self.last_kind == "SYN" and self.last_dir != way
        answers = to_syn or (not assured and self.last_kind == "ACK")
        if answers and packet.tcp_ack == self.last_end:
            return ACCEPT, new, False
        # The answer to a challenge ACK that was let through.
        challenged = old == "SYN_SENT" and self.last_kind == "ACK" and self.last_dir == 1
        return ACCEPT, new, not (challenged and packet.tcp_seq == self.last_ack)

    def _window(self, packet: Packet, way: int, kind: str, be_liberal: bool) -> str:
        """``tcp_in_window``: inside, outside, or ignore."""
        sender, receiver = self.seen[way], self.seen[1 - way]
        flags = packet.tcp_flags
        seq, ack, window = packet.tcp_seq, packet.tcp_ack, packet.tcp_window
        sack = ack
        if receiver.sack:
            sack = _highest_sack(packet, ack)
        end = _end_of(packet)
        if sender.maxwin == 0:
            if flags & _SYN:
                self._start_side(packet, way, end)
                if not flags & _ACK:
                    return "inside"
            else:
                sender.end = end
                sender.maxwin = (window << sender.scale) or 1
                sender.maxend = (end + sender.maxwin) & _M32
                if receiver.maxwin == 0:
                    receiver.end = receiver.maxend = sack
                elif sack == (receiver.end + 1) & _M32:
                    receiver.end = (receiver.end + 1) & _M32
        elif flags & _SYN and _after(end, sender.end) and self.state in ("SYN_SENT", "SYN_RECV"):
            self._start_side(packet, way, end)
            if way == 1 and not flags & _ACK:
                return "inside"
        if not flags & _ACK or (flags & _RST and ack == 0):
            ack = sack = receiver.end
        if flags & _RST and seq == 0 and self.state == "SYN_SENT":
            seq = end = sender.end
        lag = max(sender.maxwin, _LAG)
        late = not _after(sack, (receiver.end - lag - 1) & _M32)
        in_window = not receiver.maxwin or _after(end, (sender.end - receiver.maxwin - 1) & _M32)
        liberal = sender.liberal or be_liberal
        if not _before(seq, (sender.maxend + 1) & _M32):
            overshot = (end - sender.maxend + 1) & _M32
            if receiver.maxwin and in_window and not late and overshot <= receiver.maxwin and _before(sack, (receiver.end + 1) & _M32):
                # More than the window, but it may have been let through: the answer to it shall be right.
                sender.end = end
                sender.unacked = True
                return "inside" if liberal else "ignore"
            return "inside" if liberal else "outside"
        if not _before(sack, (receiver.end + 1) & _M32):
            return "inside" if liberal else "outside"
        if not in_window or late:
            return "inside" if liberal else "ignore"
        scaled = window if flags & _SYN else window << sender.scale
        sender.maxwin = max(sender.maxwin, scaled + ((sack - ack) & _M32))
        if _after(end, sender.end):
            sender.end = end
            sender.unacked = True
        if flags & _ACK and (sender.maxack is None or _after(ack, sender.maxack)):
            sender.maxack = ack
        if receiver.maxwin and _after(end, sender.maxend):
            receiver.maxwin += (end - sender.maxend) & _M32
        if _after((sack + scaled) & _M32, (receiver.maxend - 1) & _M32):
            receiver.maxend = (sack + scaled + (not scaled)) & _M32
        if ack == receiver.end:
            receiver.unacked = False
        if kind == "ACK":
            self._count_retransmission(way, seq, ack, end, window)
        return "inside"

    def _start_side(self, packet: Packet, way: int, end: int) -> None:
        sender, receiver = self.seen[way], self.seen[1 - way]
        sender.end = sender.maxend = end
        sender.maxwin = packet.tcp_window or 1
        sender.options(packet)
        if way == 1 and not (sender.window_scale and receiver.window_scale):
            sender.scale = receiver.scale = 0

    def _count_retransmission(self, way: int, seq: int, ack: int, end: int, window: int) -> None:
        now = (way, seq, ack, end, window)
        if (self.last_dir, self.last_seq, self.last_ack, self.last_end, self.last_win) == now:
            self.retrans += 1
        else:
            self.last_dir, self.last_seq, self.last_ack, self.last_end, self.last_win = now
            self.retrans = 0


def _highest_sack(packet: Packet, ack: int) -> int:
    """The right edge of the last selective acknowledgement, as ``tcp_sack`` takes it."""
    highest = ack
    for kind, data in tcp_options(packet.tcp_options):
        if kind == 5 and len(data) % 8 == 0:
            for at in range(4, len(data), 8):
                right = int.from_bytes(data[at : at + 4], "big")
                if _after(right, highest):
                    highest = right
    return highest
