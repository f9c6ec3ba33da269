"""``-m recent``: lists of addresses seen (``libxt_recent.c``, kernel ``xt_recent.c``)."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.xtables.addresses import ALL_ONES, address_text
from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Host, Text, UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_OPERATIONS = ("set", "rcheck", "update", "remove")
_SHOWN = {"set": "SET", "rcheck": "CHECK", "update": "UPDATE", "remove": "REMOVE"}
#: ``XT_RECENT_MAX_NSTAMPS``.
_STAMPS = 65536
_SECOND = 1_000_000_000


class Entry:
    """What a list knows of one address: when it was seen (ns), the last times only, and the TTL it had."""

    __slots__ = ("stamps", "ttl")

    def __init__(self, now: int, ttl: int) -> None:
        self.stamps = [now]
        self.ttl = ttl


class Recent(Match):
    """``values``: one operation, seconds, reap, hitcount, rttl, name, rsource, rdest, mask (address)."""

    __slots__ = ()

    name = "recent"
    summary = "remember addresses, and how often they came lately"
    deterministic = False
    options = (
        *[
            Option(name, invert=True, excl=_OPERATIONS, help=text)
            for name, text in (
                ("set", "put the address into the list"), ("rcheck", "is it in the list?"),
                ("update", "is it in the list? then note this time too"), ("remove", "take it out of the list"),
            )
        ],
        Option("seconds", UInt(32, 1), help="only if seen within so many seconds"),
        Option("reap", also=("seconds",), help="forget what is older than --seconds"),
        Option("hitcount", UInt(32), metavar="hits", help="only if seen so often"),
        Option("rttl", excl=("set", "remove"), help="only if the TTL is the same"),
        Option("name", Text(size=200), help="name of the list, DEFAULT if not given"),
        Option("rsource", help="the source address"),
        Option("rdest", help="the destination address"),
        Option("mask", Host(), metavar="mask", help="keep only these bits of the address"),
    )  # fmt: skip

    def final_check(self, parsing: Parsing) -> None:
        if not self.values.keys() & set(_OPERATIONS):
            raise ParameterProblem("recent: you must specify one of `--set', `--rcheck' `--update' or `--remove'")

    def kernel_check(self, parsing: Parsing) -> None:
        """``recent_mt_check``."""
        values, name = self.values, self._list()
        if (
            values.keys() & {"set", "remove"}
            and values.keys() & {"seconds", "hitcount", "rttl", "reap"}
            and (values.get("seconds") or values.get("hitcount") or values.keys() & {"rttl", "reap"})
        ):
            raise KernelRefusal(EINVAL)
        if values.get("hitcount", 0) >= _STAMPS or not name or name in (".", "..") or "/" in name:
            raise KernelRefusal(EINVAL)

    def _operation(self) -> str:
        return next(name for name in _OPERATIONS if name in self.values)

    def _list(self) -> str:
        name: str = self.values.get("name", "DEFAULT")
        return name

    def _side(self) -> str:
        """The option that came last decides."""
        return next((name for name in reversed(self.values) if name in ("rsource", "rdest")), "rsource")

    def _mask(self) -> int:
        mask: int = self.values.get("mask", ALL_ONES[self.family])
        return mask

    def save(self) -> str:
        values = self.values
        text = f"{' !' if self.inverted else ''} --{self._operation()}"
        if "seconds" in values:
            text += f" --seconds {values['seconds']}"
        text += " --reap" if "reap" in values else ""
        if values.get("hitcount"):
            text += f" --hitcount {values['hitcount']}"
        text += " --rttl" if "rttl" in values else ""
        return f"{text} --name {self._list()} --mask {address_text(self._mask(), self.family)} --{self._side()}"

    def show(self, numeric: bool, names: Names) -> str:
        values = self.values
        text = f"{' !' if self.inverted else ''} recent: {_SHOWN[self._operation()]}"
        if "seconds" in values:
            text += f" seconds: {values['seconds']}"
        text += " reap" if "reap" in values else ""
        if values.get("hitcount"):
            text += f" hit_count: {values['hitcount']}"
        text += " TTL-Match" if "rttl" in values else ""
        side = "source" if self._side() == "rsource" else "dest"
        return f"{text} name: {self._list()} side: {side} mask: {address_text(self._mask(), self.family)}"

    def volatile(self) -> tuple[str, ...]:
        return ("recent",)

    def matches(self, packet: Packet, ctx: Context) -> bool:
        """``recent_mt``."""
        operation = self._operation()
        entries: dict[int, Entry] = ctx.state(("recent", self._list(), self.family), dict)
        address = (packet.dst if self._side() == "rdest" else packet.src) & self._mask()
        # The TTL that the packet came with: forwarding has taken one off.
        ttl = packet.ttl + 1 if packet.outiface and packet.iniface else packet.ttl
        inverted = bool(self.inverted)
        entry = entries.get(address)
        if entry is not None and "rttl" in self.values and entry.ttl != ttl:
            entry = None
        if entry is None:
            if operation == "set":
                entries[address] = Entry(ctx.now, ttl)
                return not inverted
            return inverted
        if operation == "remove":
            del entries[address]
            return not inverted
        found = operation == "set" or self._seen(entry, entries, ctx.now)
        result = found != inverted
        if operation == "set" or (operation == "update" and result):
            entry.stamps.append(ctx.now)
            del entry.stamps[:-_STAMPS]
            entry.ttl = ttl
        return result

    def _seen(self, entry: Entry, entries: dict[int, Entry], now: int) -> bool:
        since = now - self.values.get("seconds", 0) * _SECOND if "seconds" in self.values else None
        hits = sum(1 for stamp in entry.stamps if since is None or stamp >= since)
        if "reap" in self.values and since is not None:
            for address in [a for a, other in entries.items() if other is not entry and other.stamps[-1] < since]:
                del entries[address]
        return bool(hits >= max(1, self.values.get("hitcount", 0)))


EXTENSIONS = (Recent,)
