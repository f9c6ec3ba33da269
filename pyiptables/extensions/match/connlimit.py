"""``-m connlimit``: parallel connections of a host or network (``libxt_connlimit.c``, kernel ``xt_connlimit.c``)."""

from __future__ import annotations

from pyiptables.xtables.addresses import ALL_ONES
from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import PrefixMask, UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing


class Connlimit(Match):
    """``values``: limit, upto (bool), connlimit-mask (mask), daddr (bool), besides the options given."""

    __slots__ = ()

    name = "connlimit"
    summary = "number of parallel connections of a host or network"
    deterministic = False
    options = (
        Option("connlimit-upto", UInt(32), invert=True, excl=("connlimit-above",), help="at most this many"),
        Option("connlimit-above", UInt(32), invert=True, excl=("connlimit-upto",), help="more than this many"),
        Option("connlimit-mask", PrefixMask(), help="count hosts of this prefix together"),
        Option("connlimit-saddr", excl=("connlimit-daddr",), help="by source address (default)"),
        Option("connlimit-daddr", excl=("connlimit-saddr",), help="by destination address"),
    )

    def final_check(self, parsing: Parsing) -> None:
        if "connlimit-upto" not in self.values and "connlimit-above" not in self.values:
            raise ParameterProblem('You must specify "--connlimit-above" or "--connlimit-upto".')

    def _limit(self) -> tuple[bool, int]:
        """(at most?, how many)."""
        name = "connlimit-upto" if "connlimit-upto" in self.values else "connlimit-above"
        return (name == "connlimit-upto") != (name in self.inverted), self.values[name]

    def _bits(self) -> int:
        """``count_bits4``/``count_bits6``: what is left of the mask's width without its low zero-free part."""
        width = 32 if self.family == 4 else 128
        zeros = self.values.get("connlimit-mask", ALL_ONES[self.family]) ^ ALL_ONES[self.family]
        return int(width - sum([(zeros >> shift & 0xFFFFFFFF).bit_length() for shift in range(0, width, 32)]))

    def save(self) -> str:
        upto, limit = self._limit()
        side = "daddr" if "connlimit-daddr" in self.values else "saddr"
        return f" --connlimit-{'upto' if upto else 'above'} {limit} --connlimit-mask {self._bits()} --connlimit-{side}"

    def show(self, numeric: bool, names: Names) -> str:
        upto, limit = self._limit()
        side = "dst" if "connlimit-daddr" in self.values else "src"
        return f" #conn {side}/{self._bits()} {'<=' if upto else '>'} {limit}"

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        mask = self.values.get("connlimit-mask", ALL_ONES[self.family])
        by_destination = "connlimit-daddr" in self.values
        mine = (packet.dst if by_destination else packet.src) & mask
        if packet.ct is not None:
            mine = packet.ct.original[2 if by_destination else 0] & mask
        seen: set[int] = ctx.state(self, set)
        alive = {id(connection) for connection in ctx.connections()}
        seen &= alive
        count = 0
        found = False
        for connection in ctx.connections():
            if id(connection) in seen and connection.original[2 if by_destination else 0] & mask == mine:
                count += 1
                found = found or connection is packet.ct
        if not found:
            count += 1
            if packet.ct is not None:
                seen.add(id(packet.ct))
        upto, limit = self._limit()
        return (count > limit) != upto


EXTENSIONS = (Connlimit,)
