"""Rates of the hashlimit match, and the bucket that holds a flow to them (``libxt_hashlimit.c``, ``xt_hashlimit.c``).

A rate of packets is kept as the microseconds one packet costs, a rate of bytes as 2**32 over sixteenths of it.
"""

from __future__ import annotations

from pyiptables.xtables.numbers import UINT32, UINT64

__all__ = [
    "BYTE_EXPIRE", "BYTE_EXPIRE_BURST", "Bucket", "Settings", "burst_bytes", "byte_cost", "byte_rate_text",
    "cost_bytes", "credits", "credits_byte", "packet_period", "period_text",
]  # fmt: skip

#: ``XT_HASHLIMIT_SCALE_v2``.
_SCALE = 1_000_000
#: Milliseconds after which an idle entry of a byte rate expires, without and with a burst.
BYTE_EXPIRE = 15_000
BYTE_EXPIRE_BURST = 60_000
_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))

#: ``CONFIG_HZ`` as most distributions have it; the overflow checks depend on it a little, the rates do not.
_HZ = 250
_JIFFY = 1_000_000_000 // _HZ
#: ``CREDITS_PER_JIFFY``, ``CREDITS_PER_JIFFY_BYTES``: the powers of two below the greatest that cannot overflow.
_CREDIT = 1 << (UINT64 // (_HZ * 86400)).bit_length() - 1
_BYTE_CREDIT = 1 << (UINT32 // _HZ).bit_length() - 1
_FULL = _BYTE_CREDIT * _HZ


class Settings:
    """``struct hashlimit_cfg3``: ``cost`` of a packet or of 16 bytes; times in milliseconds, ``interval`` in seconds."""

    __slots__ = (
        "above", "burst", "bytes", "cost", "dstmask", "expire", "gc_interval", "interval", "max", "mode", "rate_match",
        "size", "srcmask",
    )  # fmt: skip

    def __init__(self) -> None:
        self.cost = self.burst = self.expire = self.gc_interval = self.max = self.size = self.interval = 0
        self.srcmask = self.dstmask = 0
        self.above = self.bytes = self.rate_match = False
        self.mode: tuple[str, ...] = ()


def packet_period(number: int, text: str) -> tuple[int, int] | None:
    """The cost of one packet and the seconds of the unit in ``number[/unit]``; None for what is no rate."""
    seconds = 1
    _, slash, unit = text.partition("/")
    if slash:
        # The shortest unit that the word may stand for: "m" is a minute.
        known = [length for name, length in _UNITS if unit and name.startswith(unit.lower())]
        if not known:
            return None
        seconds = known[0]
    return (_SCALE * seconds // number, seconds) if number else None


def period_text(period: int) -> tuple[str, int]:
    """``print_rate``: the rate in the largest unit that gives it well, and the seconds of that unit."""
    if period == 0:
        return "inf", 0
    found = _UNITS[0]
    for unit in _UNITS[1:]:
        whole = unit[1] * _SCALE
        if period > whole or whole // period < whole % period:
            break
        found = unit
    name, seconds = found
    return f"{seconds * _SCALE // period}/{name[:3] if seconds <= 60 else name}", seconds


def byte_cost(amount: int) -> int:
    """``bytes_to_cost``."""
    return UINT32 // ((amount >> 4 & UINT32) + 1 & UINT32 or 1)


def cost_bytes(cost: int) -> int:
    """``cost_to_bytes``."""
    return ((UINT32 // cost if cost else UINT32) - 1) << 4 & UINT64


def burst_bytes(burst: int, least: int) -> int:
    """How many times the rate the burst is, rounded up; the kernel's number has 32 bits."""
    if not least:
        return 0
    return (burst & UINT32) // least + (burst % least != 0)


def byte_rate_text(cost: int) -> str:
    """The rate in the largest unit that stands for the same cost (``print_bytes``)."""
    rate = cost_bytes(cost)
    for letter, size in (("m", 1 << 20), ("k", 1 << 10)):
        if rate >= size and byte_cost(rate & UINT32 & -size) == cost:
            return f"{rate // size}{letter}b/s"
    return f"{rate}b/s"


def credits(cost: int) -> int:
    """``user2credits``, which may overflow."""
    return cost * (_HZ * _CREDIT // _SCALE) & UINT64


def credits_byte(cost: int) -> int:
    """``user2credits_byte``."""
    return (cost & UINT32) * _FULL >> 32


class Bucket:
    """One entry of the table (``struct dsthash_ent``), made by the settings of the table's first rule.

    ``expires`` is nanoseconds, as all times that come in; inside it counts jiffies.
    """

    __slots__ = ("_before", "_burst", "_cap", "_cost", "_credit", "_measured", "_over", "_rate", "_settings", "expires")

    def __init__(self, settings: Settings, now: int) -> None:
        self._settings = settings
        self.expires = 0
        self._before = now // _JIFFY
        self._measured = 0
        self._over = False
        self._rate = self._burst = self._cap = self._cost = self._credit = 0
        cost = settings.cost
        if settings.rate_match:
            if settings.bytes:
                self._rate = cost_bytes(cost & UINT32)
                self._burst = settings.burst * self._rate if settings.burst else self._rate
            else:
                self._rate = _SCALE // cost
                self._burst = settings.burst + self._rate
        elif settings.bytes:
            self._credit = _FULL
            self._cost = credits_byte(cost)
            self._cap = settings.burst
        else:
            self._credit = self._cap = credits(cost * settings.burst & UINT64)
            self._cost = credits(cost)

    def refill(self, now: int) -> None:
        """``rateinfo_recalc``."""
        jiffies = now // _JIFFY
        passed = jiffies - self._before
        if passed == 0:
            return
        settings = self._settings
        if settings.rate_match:
            interval = settings.interval * _HZ
            if passed >= interval:
                self._before = jiffies
                self._over = self._measured * interval > passed * self._rate
                self._measured = 0
            return
        self._before = jiffies
        if settings.bytes:
            self._credit = min(_FULL, self._credit + _BYTE_CREDIT * passed)
        else:
            self._credit = min(self._cap, self._credit + _CREDIT * passed)

    def allows(self, length: int, asked: Settings) -> bool:
        """Whether a packet of ``length`` bytes stays below the limit, and count it, the way the rule asks."""
        if asked.rate_match:
            self._measured += length if asked.bytes else 1
            return not self._over and self._measured <= self._burst
        cost = self._cost
        if asked.bytes:
            cost = min(((length >> 4) + 1) * cost, _FULL)
            if self._credit < cost and self._cap:
                self._cap -= 1
                self._credit = _FULL
        if self._credit < cost:
            return False
        self._credit -= cost
        return True
