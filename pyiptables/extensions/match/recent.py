"""``-m recent``: lists of addresses seen (``libxt_recent.c``, kernel ``xt_recent.c``)."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.xtables.addresses import ALL_ONES, address_text
from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.hosts import Host
from pyiptables.xtables.numbers import UINT8
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Text, UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_OPERATIONS = ("set", "rcheck", "update", "remove")
_SHOWN = {"set": "SET", "rcheck": "CHECK", "update": "UPDATE", "remove": "REMOVE"}
#: ``XT_RECENT_MAX_NSTAMPS``.
_STAMPS = 65536
#: ``ip_list_tot``.
_LONGEST = 100
_SECOND = 1_000_000_000


class Entry:
    """What a list knows of one address: when it was seen (ns), the last times only, and the TTL it had.

    A list is kept in the order of the last touch; ``made`` numbers its entries as they came into being.
    """

    __slots__ = ("address", "made", "stamps", "ttl")

    def __init__(self, address: int, now: int, ttl: int, made: int) -> None:
        self.address = address
        self.made = made
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
        """``recent_mt``. The mask is that of the list's first rule."""
        operation = self._operation()
        entries: list[Entry] = ctx.state(("recent", self._list(), self.family), list)
        mask = ctx.first(self, "name")._mask()
        address = (packet.dst if self._side() == "rdest" else packet.src) & mask
        ttl = packet.ttl
        if packet.outiface and (packet.iniface or packet.attrs.get("socket_exists") is False):
            # Forwarding has taken one off, it is supposed of all that leave without a socket.
            ttl = ttl + 1 & UINT8
        inverted = bool(self.inverted)
        entry = _lookup(entries, address, ttl if "rttl" in self.values else 0)
        if entry is None:
            if operation == "set":
                if len(entries) >= _LONGEST:
                    del entries[0]
                made = max((entry.made for entry in entries), default=0) + 1
                entries.append(Entry(address, ctx.now, ttl, made))
                return not inverted
            return inverted
        if operation == "remove":
            entries.remove(entry)
            return not inverted
        since = ctx.now - self.values["seconds"] * _SECOND if "seconds" in self.values else None
        result = (operation == "set" or self._seen(entry, since)) != inverted
        updates = operation == "set" or (operation == "update" and result)
        if operation != "set" and "reap" in self.values and since is not None:
            # Only the entry that was touched longest ago is looked at (recent_entry_reap()).
            oldest = entries[0]
            if not (oldest is entry and updates) and oldest.stamps[-1] < since:
                entries.remove(oldest)
        if updates:
            entry.stamps.append(ctx.now)
            del entry.stamps[:-_STAMPS]
            entry.ttl = ttl
            if entry in entries:
                entries.remove(entry)
                entries.append(entry)
        return result

    def _seen(self, entry: Entry, since: int | None) -> bool:
        hits = sum(1 for stamp in entry.stamps if since is None or stamp >= since)
        return bool(hits >= max(1, self.values.get("hitcount", 0)))


def _lookup(entries: list[Entry], address: int, ttl: int) -> Entry | None:
    """``recent_entry_lookup``: the first made of the address; a TTL of 0 stands for any."""
    found = [entry for entry in entries if entry.address == address and (not ttl or entry.ttl in (0, ttl))]
    return min(found, key=lambda entry: entry.made, default=None)


EXTENSIONS = (Recent,)
