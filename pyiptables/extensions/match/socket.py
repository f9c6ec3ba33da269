"""``-m socket``: is there a local socket for it? (``libxt_socket.c``, kernel ``xt_socket.c``)."""

from __future__ import annotations

from pyiptables.xtables.option import Match, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names


class Socket(Match):
    """``values``: transparent, nowildcard, restore-skmark. The socket is the attribute ``socket``: None for none, or a dict
    with ``transparent``, ``wildcard`` (bound to no address) and ``mark``."""

    __slots__ = ()

    name = "socket"
    summary = "a local socket is open for the packet"
    deterministic = False
    hooks = ("PREROUTING", "INPUT")
    options = (
        Option("transparent", help="only transparent sockets"),
        Option("nowildcard", help="sockets bound to no address count too"),
        Option("restore-skmark", help="give the packet the socket's mark"),
    )

    def show(self, numeric: bool, names: Names) -> str:
        return " socket" + self.save()

    def volatile(self) -> tuple[str, ...]:
        return ("mark",) if "restore-skmark" in self.values else ()

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        if "socket" not in packet.attrs:
            ctx.unknown("whether a socket is open for it is not described")
            return None
        socket = packet.attrs["socket"]
        if socket is None:
            return False
        if "nowildcard" not in self.values and socket.get("wildcard"):
            return False
        if "transparent" in self.values and not socket.get("transparent"):
            return False
        if "restore-skmark" in self.values and socket.get("mark") is not None:
            packet.mark = socket["mark"]
        return True


EXTENSIONS = (Socket,)
