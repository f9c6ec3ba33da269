"""``-m osf``: the sender's operating system (``libxt_osf.c``, kernel ``nfnetlink_osf.c``)."""

from __future__ import annotations

from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Text, UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names


class Osf(Match):
    """``values``: genre, ttl, log. The sender's system is the attribute ``os``; None: no fingerprint is known."""

    __slots__ = ()

    name = "osf"
    families = (4,)
    summary = "the operating system that sent the SYN, by its fingerprint"
    hooks = ("INPUT", "PREROUTING", "FORWARD")
    protocols = (6,)
    options = (
        Option("genre", Text(size=32), invert=True, mandatory=True, metavar="system", help="name of the system"),
        Option("ttl", UInt(32, 0, 2), help="how to compare the TTL: 0 true, 1 less, 2 not"),
        Option("log", UInt(32, 0, 2), help="log: 0 all, 1 first, 2 all known"),
    )

    def save(self) -> str:
        text = f"{' !' if self.inverted else ''} --genre {self.values['genre']}"
        return text + "".join([f" --{name} {self.values[name]}" for name in ("ttl", "log") if name in self.values])

    def show(self, numeric: bool, names: Names) -> str:
        return f" OS fingerprint match {'! ' if self.inverted else ''}{self.values['genre']}"

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        """Only a SYN has a fingerprint."""
        if packet.tcp_flags & 0x17 != 2:
            return False
        if "os" not in packet.attrs:
            ctx.unknown("the sender's operating system is not described")
            return None
        system = packet.attrs["os"]
        if system is None:
            return False
        return bool((self.values["genre"].lower() == str(system).lower()) != bool(self.inverted))


EXTENSIONS = (Osf,)
