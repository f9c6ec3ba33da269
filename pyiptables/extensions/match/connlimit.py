"""``-m connlimit``: parallel connections of a host or network (``libxt_connlimit.c``, kernel ``xt_connlimit.c``)."""

from __future__ import annotations

from pyiptables.xtables.addresses import ALL_ONES, mask_prefix
from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.hosts import PrefixMask
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.connection import Connection, FlowTuple
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

#: TCP states of a connection that no longer counts (``already_closed``).
_OVER = ("TIME_WAIT", "CLOSE")


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

    def identity(self) -> str:
        """Of an IPv4 mask that is given only a quarter of the field is filled in; the default fills it all."""
        return f"{self.save()} {self.values.get('connlimit-mask') if self.family == 4 else ''}"

    def saves_all(self) -> bool:
        """The default mask is printed too, and would be one that is given."""
        return self.family == 6 or ("connlimit-mask" in self.values and self.is_found())

    def is_found(self) -> bool:
        """An IPv4 mask that is no prefix leaves the rest of its field to chance."""
        return self.family == 6 or mask_prefix(self.values.get("connlimit-mask", ALL_ONES[4]), 4) is not None

    def save(self) -> str:
        upto, limit = self._limit()
        side = "daddr" if "connlimit-daddr" in self.values else "saddr"
        return f" --connlimit-{'upto' if upto else 'above'} {limit} --connlimit-mask {self._bits()} --connlimit-{side}"

    def show(self, numeric: bool, names: Names) -> str:
        upto, limit = self._limit()
        side = "dst" if "connlimit-daddr" in self.values else "src"
        return f" #conn {side}/{self._bits()} {'<=' if upto else '>'} {limit}"

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        """``connlimit_mt``: what is counted are the connections first seen with this address of the packet."""
        ct = packet.ct
        mask = self.values.get("connlimit-mask", ALL_ONES[self.family])
        key = ((packet.dst if "connlimit-daddr" in self.values else packet.src) & mask, 0 if ct is None else ct.zone)
        lists: dict[tuple[int, int], Counted] = ctx.state(self, dict)
        count = self._count(packet, ctx, lists, key)
        if not count:
            ctx.hotdrop = True
            return False
        upto, limit = self._limit()
        return (count > limit) != upto

    def _count(self, packet: Packet, ctx: Context, lists: dict[tuple[int, int], Counted], key: tuple[int, int]) -> int:
        """``nf_conncount_count_skb``: a connection that begins is counted from now on; 0 where there is none."""
        from pyiptables.netfilter.connection import ASSURED, CONFIRMED, TEMPLATE
        from pyiptables.netfilter.conntrack import flow_of

        ct = packet.ct
        zone, zone_dir = (0, "both") if ct is None else (ct.zone, ct.zone_dir)
        if ct is None or ct.status & TEMPLATE:
            flow = flow_of(packet)
            if flow is None:
                return 0
            ct = ctx.tracked(flow, zone, zone_dir)
        else:
            flow = ct.original
        status = 0 if ct is None else ct.status
        counted = lists.get(key)
        if counted is None:
            counted = lists[key] = Counted(ctx.moment)
            counted.tuples.append((flow, zone, zone_dir))
        elif status & ASSURED:
            # Nobody adds it now (-EEXIST); instead those that are over go.
            counted.tidy(ctx)
        elif (not status & CONFIRMED and counted.swept == ctx.moment) or not counted.has(flow, ctx):
            # In one tick of the clock, the kernel does not look again who is there already, but for connections under way.
            counted.tuples.append((flow, zone, zone_dir))
        return len(counted.tuples)


class Counted:
    """The connections of one address (``struct nf_conncount_list``); ``swept`` is when it was last tidied."""

    __slots__ = ("swept", "tuples")

    def __init__(self, moment: int) -> None:
        self.tuples: list[tuple[FlowTuple, int, str]] = []
        self.swept = moment

    def has(self, flow: FlowTuple, ctx: Context) -> bool:
        """Is a tuple counted already? Those that are gone or closed are dropped on the way there."""
        kept: list[tuple[FlowTuple, int, str]] = []
        for at, each in enumerate(self.tuples):
            ct = ctx.tracked(*each)
            if ct is None:
                continue
            if each[0] == flow:
                self.tuples = kept + self.tuples[at:]
                return True
            if not _over(ct):
                kept.append(each)
        self.tuples = kept
        self.swept = ctx.moment
        return False

    def tidy(self, ctx: Context) -> None:
        """``nf_conncount_gc_list``, once in a tick."""
        if self.swept == ctx.moment:
            return
        found = [(each, ctx.tracked(*each)) for each in self.tuples]
        self.tuples = [each for each, ct in found if ct is not None and not _over(ct)]
        self.swept = ctx.moment


def _over(ct: Connection) -> bool:
    return ct.tcp is not None and ct.tcp.state in _OVER


EXTENSIONS = (Connlimit,)
