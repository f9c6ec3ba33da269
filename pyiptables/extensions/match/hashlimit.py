"""``-m hashlimit``: a token bucket for each address, port … (``libxt_hashlimit.c``, kernel ``xt_hashlimit.c``)."""

from __future__ import annotations

from errno import EINVAL, ENAMETOOLONG, ERANGE

from pyiptables.xtables.addresses import mask_prefix
from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.hash_rates import (
    BYTE_EXPIRE,
    BYTE_EXPIRE_BURST,
    Bucket,
    Settings,
    burst_bytes,
    byte_cost,
    byte_rate_text,
    cost_bytes,
    credits,
    credits_byte,
    packet_period,
    period_text,
)
from pyiptables.xtables.hosts import PrefixLength
from pyiptables.xtables.numbers import UINT32, UINT64, scan_unsigned, strtol
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Text, UInt, byte_length

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_UPTO, _ABOVE = "hashlimit-upto", "hashlimit-above"
_BURST = 5
_BURST_MAX = 1_000_000
_GC_INTERVAL = 1000
#: ``htable_create``: hash buckets on a machine with a gibibyte of memory or more.
_SIZE = 8192
#: In the order of the save form.
_MODES = ("srcip", "srcport", "dstip", "dstport")
_NAME_MAX = 255
_TABLE_MAX = 1 << 20
_UNITS = {"k": 1 << 10, "m": 1 << 20}
_LETTERS = {1: "", 1 << 10: "k", 1 << 20: "m"}
#: Protocols whose header begins with two ports, or four bytes taken for them (``proto_ports_offset``).
_PORTS_FIRST = frozenset((6, 17, 33, 50, 132, 136))
_AH = 51


class Hashlimit(Match):
    """``values``: hashlimit-upto or -above (rate: (cost, of bytes?, seconds of its unit)), the others as given.

    ``settings`` is what the kernel gets of them, after the last check.
    """

    __slots__ = ("settings",)

    name = "hashlimit"
    summary = "at most so many packets or bytes in a time for each address, port or pair"
    deterministic = False
    options = (
        Option(
            _UPTO, Text(), invert=True, excl=(_ABOVE,), aliases=("hashlimit",), metavar="rate[/unit]",
            help="match while the rate is at most this: packets per second, minute, hour or day, or kb/s, mb/s",
        ),
        Option(_ABOVE, Text(), invert=True, excl=(_UPTO,), metavar="rate[/unit]", help="match when the rate is above this"),
        Option("hashlimit-srcmask", PrefixLength(), help="take source networks of this length for one"),
        Option("hashlimit-dstmask", PrefixLength(), help="take destination networks of this length for one"),
        Option("hashlimit-burst", Text(), metavar="number", help="packets or bytes let through before the rate counts"),
        Option("hashlimit-htable-size", UInt(32), help="buckets of the hash table"),
        Option("hashlimit-htable-max", UInt(32), help="entries the table may hold"),
        Option("hashlimit-htable-gcinterval", UInt(32), metavar="ms", help="time between two clean-ups of the table"),
        Option("hashlimit-htable-expire", UInt(32), metavar="ms", help="time after which an idle entry may go"),
        Option("hashlimit-mode", Text(), metavar="word[,word…]", words=_MODES,
               help="what has a bucket of its own: srcip, srcport, dstip, dstport"),
        Option("hashlimit-name", Text(low=1, size=_NAME_MAX), mandatory=True, metavar="name", help="name of the table"),
        Option("hashlimit-rate-match", help="compare the rate without holding packets to it", code=12),
        Option("hashlimit-rate-interval", Text(), metavar="seconds", help="time over which --hashlimit-rate-match measures"),
    )  # fmt: skip

    def __init__(self, family: int) -> None:
        super().__init__(family)
        self.settings = Settings()

    def saves_all(self) -> bool:
        """Not so: rates that are printed as none (1gb/s is one of 1 b/s), bursts below them, forgotten intervals."""
        settings = self.settings
        if settings.bytes:
            least = cost_bytes(settings.cost)
            if not settings.burst:
                return least > 0
            amount, size = _burst_amount(settings)
            printed = amount - amount % size
            return printed >= least and burst_bytes(printed, least) == settings.burst
        return settings.rate_match or not settings.interval

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        name = option.name
        if name in (_UPTO, _ABOVE):
            value = _parse_rate(name, value)
        elif name == "hashlimit-burst":
            value = _parse_burst(value)
        elif name == "hashlimit-mode":
            words = [word for word in value.replace("|", ",").split(",") if word]
            if any(word not in _MODES for word in words):
                raise _bad_value(name, value)
            value = tuple([mode for mode in _MODES if mode in words])
        elif name == "hashlimit-rate-interval":
            number = strtol(value, 10)[0] & UINT32
            if not 0 < number < 1 << 31:
                raise _bad_value(name, value)
            value = number
        super().accept(option, value, invert, parsing)

    def is_found(self) -> bool:
        """The kernel keeps another number than one that is too large for it."""
        return all([self.values.get(name, 0) <= _TABLE_MAX for name in ("hashlimit-htable-max", "hashlimit-htable-size")])

    def final_check(self, parsing: Parsing) -> None:
        given, settings = self.values, self.settings
        name = _UPTO if _UPTO in given else _ABOVE
        if name not in given:
            raise ParameterProblem("You have to specify --hashlimit")
        settings.cost, settings.bytes, unit = given[name]
        settings.above = (name == _ABOVE) != (name in self.inverted)
        settings.mode = given.get("hashlimit-mode", ())
        settings.burst = given.get("hashlimit-burst", _BURST)
        settings.expire = given.get("hashlimit-htable-expire", unit * 1000)
        settings.gc_interval = given.get("hashlimit-htable-gcinterval", _GC_INTERVAL)
        # The kernel's own limit (``HASHLIMIT_MAX_SIZE``), which it writes into the rule.
        settings.max = min(given.get("hashlimit-htable-max", 0), _TABLE_MAX)
        settings.size = min(given.get("hashlimit-htable-size", 0), _TABLE_MAX)
        width = 32 if self.family == 4 else 128
        settings.srcmask = self._length("hashlimit-srcmask", width)
        settings.dstmask = self._length("hashlimit-dstmask", width)
        if settings.bytes:
            burst = 0
            if "hashlimit-burst" in given:
                least = cost_bytes(settings.cost)
                if settings.burst < least:
                    raise ParameterProblem(f"burst cannot be smaller than {least}b")
                burst = burst_bytes(settings.burst, least)
                settings.expire = given.get("hashlimit-htable-expire", BYTE_EXPIRE_BURST)
            settings.burst = burst
        elif settings.burst > _BURST_MAX:
            raise _bad_burst()
        settings.rate_match = "hashlimit-rate-match" in given
        settings.interval = given.get("hashlimit-rate-interval", 0)
        if settings.rate_match:
            if not settings.bytes:
                settings.cost //= unit
            if not settings.interval:
                settings.interval = 1 if settings.bytes else unit

    def _length(self, name: str, width: int) -> int:
        if name not in self.values:
            return width
        length = mask_prefix(self.values[name], self.family)
        return 255 if length is None else length

    def kernel_check(self, parsing: Parsing) -> None:
        """``xt_check_proc_name``, then ``hashlimit_mt_check_common``: all rules with one table of buckets measure alike."""
        name, settings = self.values["hashlimit-name"], self.settings
        if name in (".", "..") or "/" in name:
            raise KernelRefusal(EINVAL)
        if byte_length(name) >= _NAME_MAX:
            raise KernelRefusal(ENAMETOOLONG)
        if not settings.gc_interval or not settings.expire:
            raise KernelRefusal(EINVAL)
        if max(settings.srcmask, settings.dstmask) > (32 if self.family == 4 else 128):
            raise KernelRefusal(EINVAL)
        if settings.rate_match:
            if not 0 < settings.cost <= UINT32:
                raise KernelRefusal(ERANGE)
        elif settings.bytes:
            if credits_byte(settings.cost) == 0:
                raise KernelRefusal(EINVAL)
        elif credits(settings.cost * settings.burst & UINT64) < credits(settings.cost):
            raise KernelRefusal(ERANGE)
        if parsing.neighbours is not None:
            first = parsing.neighbours.first(self, "-m hashlimit", f"--hashlimit-name {name}", (self.family,))
            if ("hashlimit-rate-match" in first.values) != settings.rate_match:
                raise KernelRefusal(EINVAL)

    def save(self) -> str:
        settings = self.settings
        text = " --hashlimit-above" if settings.above else " --hashlimit-upto"
        rate, normal_expire = self._rate_text("--hashlimit-", settings.cost)
        text += rate
        if settings.mode:
            text += " --hashlimit-mode " + ",".join(settings.mode)
        text += f" --hashlimit-name {self.values['hashlimit-name']}"
        return text + self._rest("--hashlimit-", normal_expire)

    def show(self, numeric: bool, names: Names) -> str:
        settings = self.settings
        text = " limit: above" if settings.above else " limit: up to"
        # The period of a measured rate is put together again only here (``hashlimit_mt_print``).
        rate, normal_expire = self._rate_text("", settings.cost * (settings.interval or 1) & UINT64)
        text += rate
        if settings.mode:
            text += " mode " + "-".join(settings.mode)
        return text + self._rest("", normal_expire)

    def _rate_text(self, prefix: str, period: int) -> tuple[str, int]:
        """Rate and burst, and the time of expiry (ms) that goes without saying for them."""
        settings = self.settings
        if not settings.bytes:
            text, seconds = period_text(period)
            return f" {text} {prefix}burst {settings.burst}", seconds * 1000
        text = " " + byte_rate_text(settings.cost)
        if not settings.burst:
            return text, BYTE_EXPIRE
        amount, size = _burst_amount(settings)
        return f"{text} {prefix}burst {amount // size}{_LETTERS[size]}b", BYTE_EXPIRE_BURST

    def _rest(self, prefix: str, normal_expire: int) -> str:
        settings = self.settings
        width = 32 if self.family == 4 else 128
        text = ""
        for word, value, silent in (
            ("htable-size", settings.size, 0),
            ("htable-max", settings.max, 0),
            ("htable-gcinterval", settings.gc_interval, _GC_INTERVAL),
            ("htable-expire", settings.expire, normal_expire),
            ("srcmask", settings.srcmask, width),
            ("dstmask", settings.dstmask, width),
        ):
            if value != silent:
                text += f" {prefix}{word} {value}"
        if settings.rate_match:
            text += f" {prefix}rate-match"
            if settings.interval != 1:
                text += f" {prefix}rate-interval {settings.interval}"
        return text

    def volatile(self) -> tuple[str, ...]:
        return ("hashlimit",)

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        """``hashlimit_mt_common``. The first rule of a name makes the table: mode, masks and rate are its own."""
        table: list[Any] = ctx.state(
            ("hashlimit", self.values["hashlimit-name"]),
            lambda: [ctx.first(self, "hashlimit-name").settings, ctx.begun, {}],
        )
        maker, since, buckets = table
        key = self._key(packet, maker)
        if key is None:
            if packet.frag_offset or packet.l4 is not None:
                ctx.hotdrop = True
                return False
            ctx.unknown("no transport header is described")
            return None
        _collect(buckets, since, maker.gc_interval * 1_000_000, ctx.now)
        bucket = buckets.get(key)
        if bucket is None:
            size = maker.size or _SIZE
            if len(buckets) >= (max(maker.max, size) if maker.max else 8 * size):
                ctx.hotdrop = True
                return False
            bucket = buckets[key] = Bucket(maker, ctx.now)
        else:
            bucket.refill(ctx.now)
        bucket.expires = ctx.now + maker.expire * 1_000_000
        return bool(bucket.allows(packet.length, self.settings) != self.settings.above)

    def _key(self, packet: Packet, maker: Settings) -> tuple[int, ...] | None:
        """What has a bucket of its own (``hashlimit_init_dst``); None when there are no ports to be read."""
        mode = maker.mode
        width = 32 if packet.family == 4 else 128
        source = packet.src >> (width - maker.srcmask) if "srcip" in mode else 0
        destination = packet.dst >> (width - maker.dstmask) if "dstip" in mode else 0
        ports = (0, 0)
        if "srcport" in mode or "dstport" in mode:
            if packet.frag_offset or (packet.family == 6 and packet.proto == 59):
                return None
            if packet.proto in (50, _AH):
                start = 4 if packet.proto == _AH else 0
                octets = (packet.l4 or b"")[start : start + 4]
                if len(octets) < 4:
                    return None
                ports = (octets[0] << 8 | octets[1], octets[2] << 8 | octets[3])
            elif packet.proto in _PORTS_FIRST:
                if packet.lacks(4):
                    return None
                ports = (packet.sport, packet.dport)
        return (
            source, destination, ports[0] if "srcport" in mode else 0, ports[1] if "dstport" in mode else 0,
        )  # fmt: skip


def _burst_amount(settings: Settings) -> tuple[int, int]:
    """The burst in bytes, and the unit it is printed in (``print_bytes``)."""
    amount = cost_bytes(settings.cost) * settings.burst & UINT64
    return amount, 1 << 20 if amount >= 1 << 20 else 1 << 10 if amount >= 1 << 10 else 1


def _collect(buckets: dict[tuple[int, ...], Bucket], since: int, interval: int, now: int) -> None:
    """``htable_gc``: entries go at the first clean-up after they expired, not at once."""
    cleaned = since + (now - since) // interval * interval if interval else now
    for key in [key for key, bucket in buckets.items() if bucket.expires <= cleaned]:
        del buckets[key]


def _parse_rate(name: str, text: str) -> tuple[int, bool, int]:
    """``parse_bytes``, else ``parse_rate``: cost, whether of bytes, seconds of the unit."""
    number = strtol(text, 10)[0] & UINT64
    at = text.find("b/s")
    if at > 0 and number:
        factor = _UNITS.get(text[at - 1], 1)
        return byte_cost(number * factor & UINT64), True, BYTE_EXPIRE // 1000
    period = packet_period(number, text)
    if period is None:
        raise _bad_value(name, text)
    if period[0] == 0:
        raise ParameterProblem(f'Rate too fast "{text}"')
    return period[0], False, period[1]


def _parse_burst(text: str) -> int:
    """``parse_burst``: whatever follows the number is a unit, of which only k and m count."""
    got = scan_unsigned(text, 1, UINT64)
    if got is None or (got[1] == len(text) and got[0] > _BURST_MAX):
        raise _bad_burst()
    value, end = got
    return value * _UNITS.get(text[end : end + 1], 1) & UINT64


def _bad_burst() -> ParameterProblem:
    return ParameterProblem(f'bad value for option "--hashlimit-burst", or out of range (1-{_BURST_MAX}).')


def _bad_value(name: str, text: str) -> ParameterProblem:
    return ParameterProblem(f'hashlimit: Bad value for "--{name}" option: "{text}"')


EXTENSIONS = (Hashlimit,)
