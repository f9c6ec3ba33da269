"""Numbers with fractions the way C's ``strtod`` reads them."""

from __future__ import annotations

import re

from pyiptables.xtables.numbers import UINT32

__all__ = ["strtod", "truncated"]

_DOUBLE = re.compile(
    r"[ \t\n\v\f\r]*(?P<sign>[+-]?)(?:(?P<hex>0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[+-]?\d+)?)"
    r"|(?P<plain>(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|nan)(?:(?<=nan)\(\w*\))?)",
    re.ASCII | re.IGNORECASE,
)


def strtod(text: str) -> tuple[float, int] | None:
    """The value and where it ends, None when there is no number."""
    found = _DOUBLE.match(text)
    if found is None:
        return None
    try:
        value = float.fromhex(found["hex"]) if found["hex"] else float(found["plain"])
    except OverflowError:
        value = float("inf")
    return (-value if found["sign"] == "-" else value), found.end()


def truncated(value: float) -> int:
    """What a conversion to unsigned int leaves on x86: the lower half of a 64-bit number, nothing of what is beyond that."""
    return int(value) & UINT32 if -(2.0**63) <= value < 2.0**63 else 0
