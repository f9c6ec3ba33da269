"""A tracked connection as matches and targets see it (``struct nf_conn``).

What lives here is data only; who creates, finds and times out connections is ``conntrack``, who rewrites them ``nat``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "ASSURED", "CONFIRMED", "DST_NAT", "DST_NAT_DONE", "EXPECTED", "HELPER", "SEEN_REPLY", "SEQ_ADJUST", "SRC_NAT",
    "SRC_NAT_DONE", "TEMPLATE", "Connection", "FlowTuple", "template",
]  # fmt: skip

#: ``enum ip_conntrack_status``, bits of :attr:`Connection.status`.
EXPECTED = 1 << 0
SEEN_REPLY = 1 << 1
ASSURED = 1 << 2
CONFIRMED = 1 << 3
SRC_NAT = 1 << 4
DST_NAT = 1 << 5
SEQ_ADJUST = 1 << 6
SRC_NAT_DONE = 1 << 7
DST_NAT_DONE = 1 << 8
TEMPLATE = 1 << 11
HELPER = 1 << 13

#: (src, sport, dst, dport, proto). ICMP: sport is the id, dport is type << 8 | code
#: (``union nf_conntrack_man_proto``). Protocols without ports have 0; GRE its keys.
FlowTuple = tuple[int, int, int, int, int]


class Connection:
    """One connection.

    ``family``; ``original`` and ``reply`` the two :data:`FlowTuple`; ``status`` bits above; ``mark`` (connmark),
    ``secmark``; ``labels`` a 128-bit number; ``zone`` and ``zone_dir`` ('both', 'orig', 'reply'); ``helper`` name or '';
    ``expires`` the time (ns) it ends, None while unconfirmed; ``packets`` and ``bytes`` per direction [original,
    reply]; ``started`` ns; ``master`` the connection that expected it; ``tcp`` the state machine's memory or None;
    ``timeout`` a policy name or ''; ``nat_ranges`` notes of nat.
    """

    __slots__ = (
        "bytes", "expires", "extra", "family", "helper", "labels", "mark", "master", "original", "packets", "reply",
        "secmark", "started", "status", "tcp", "timeout", "zone", "zone_dir",
    )  # fmt: skip

    def __init__(self, family: int, original: FlowTuple, reply: FlowTuple) -> None:
        self.family = family
        self.original = original
        self.reply = reply
        self.status = 0
        self.mark = 0
        self.secmark = 0
        self.labels = 0
        self.zone = 0
        self.zone_dir = "both"
        self.helper = ""
        self.expires: int | None = None
        self.packets = [0, 0]
        self.bytes = [0, 0]
        self.started = 0
        self.master: Connection | None = None
        self.tcp: Any = None
        self.timeout = ""
        #: Whatever else an engine module must remember (UDP stream, ICMP, NAT).
        self.extra: dict[str, Any] = {}

    @property
    def proto(self) -> int:
        return self.original[4]

    def tuple(self, direction: int) -> FlowTuple:
        """The tuple of direction 0 (original) or 1 (reply)."""
        return self.reply if direction else self.original


def template(family: int) -> Connection:
    """What ``-j CT`` leaves on a packet until connection tracking sees it (``nf_ct_tmpl_alloc``)."""
    ct = Connection(family, (0, 0, 0, 0, 0), (0, 0, 0, 0, 0))
    ct.status = TEMPLATE | CONFIRMED
    return ct
