"""Rates of the limit match: packets in a unit of time, kept as the time one packet costs (``libxt_limit.c``)."""

from __future__ import annotations

from pyiptables.xtables.numbers import UINT32, strtol

__all__ = ["CREDITS_PER_JIFFY", "JIFFY", "SCALE", "limit_cost", "limit_credits", "rate_text"]

#: ``XT_LIMIT_SCALE``: costs are in ten-thousandths of a second.
SCALE = 10000
#: The kernel's tick at ``CONFIG_HZ`` 250, the distributions' usual one: credits, and nanoseconds.
CREDITS_PER_JIFFY, JIFFY = 128, 4_000_000
_CREDITS = 250 * CREDITS_PER_JIFFY
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_NAMES = (("day", SCALE * 86400), ("hour", SCALE * 3600), ("min", SCALE * 60), ("sec", SCALE))


def limit_cost(text: str) -> int | None:
    """The cost of one packet for ``3/hour`` and the like, None for what is no rate. 0 means: too fast."""
    number, slash, unit = text.partition("/")
    factor = 1
    if slash:
        known = [seconds for name, seconds in _UNITS.items() if unit and name.startswith(unit.lower())]
        if not known:
            return None
        factor = known[0]
    count = strtol(number, 10)[0] & UINT32
    if not count:
        return None
    return SCALE * factor // count


def limit_credits(cost: int) -> int:
    """``user2credits`` of ``xt_limit.c`` with its overflows."""
    cost &= UINT32
    if cost > UINT32 // _CREDITS:
        return cost // SCALE * _CREDITS & UINT32
    return cost * _CREDITS // SCALE


def rate_text(cost: int) -> str:
    """``print_rate``: the rate in the largest unit that gives it well."""
    if cost == 0:
        return "inf"
    found = _NAMES[0]
    for unit in _NAMES[1:]:
        if cost > unit[1] or unit[1] // cost < unit[1] % cost:
            break
        found = unit
    return f"{found[1] // cost}/{found[0]}"
