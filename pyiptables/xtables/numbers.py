"""Numbers the way C's ``strtoul`` and libxtables read them (``xtables_strtoul_base``, ``xtables.c``)."""

from __future__ import annotations

__all__ = ["UINT8", "UINT16", "UINT32", "UINT64", "scan_unsigned", "strtol", "strtoui", "strtoul", "strtoul_prefix"]

UINT8 = 0xFF
UINT16 = 0xFFFF
UINT32 = 0xFFFFFFFF
UINT64 = 0xFFFFFFFFFFFFFFFF

_SPACE = " \t\n\v\f\r"


def strtoul_prefix(text: str, base: int = 0) -> tuple[int, int] | None:
    """C's ``strtoumax``: the value and where it ends, or None when there are no digits.

    A value above 2**64-1 comes back as it is; callers treat it as out of range. A leading minus is kept
    (the value is then negative; C would wrap it).
    """
    i, n = 0, len(text)
    while i < n and text[i] in _SPACE:
        i += 1
    sign = 1
    if i < n and text[i] in "+-":
        sign = -1 if text[i] == "-" else 1
        i += 1
    if base in (0, 16) and text[i : i + 2] in ("0x", "0X") and text[i + 2 : i + 3] in _HEX and i + 2 < n:
        i += 2
        base = 16
    elif base == 0:
        base = 8 if text[i : i + 1] == "0" else 10
    start = i
    digits = _DIGITS[base]
    while i < n and text[i] in digits:
        i += 1
    if i == start:
        return None
    # More digits than can matter would be refused by int().
    return sign * int(text[start:i].lstrip("0")[:_MOST_DIGITS] or "0", base), i


#: One more than 64 bits can have in any base.
_MOST_DIGITS = 23
_HEX = "0123456789abcdefABCDEF"
_DIGITS = {8: "01234567", 10: "0123456789", 16: _HEX}


def strtoul(text: str, base: int = 0) -> tuple[int, int]:
    """C's ``strtoul``: the value as it wraps and where it ends; (0, 0) where there are no digits."""
    number, end = strtoul_prefix(text, base) or (0, 0)
    return (UINT64 if abs(number) > UINT64 else number & UINT64), end


def strtol(text: str, base: int = 0) -> tuple[int, int]:
    """C's ``strtol``, likewise: what is out of range becomes the nearest number."""
    number, end = strtoul_prefix(text, base) or (0, 0)
    return max(-1 << 63, min(number, (1 << 63) - 1)), end


def scan_unsigned(text: str, low: int = 0, high: int = UINT64, base: int = 0) -> tuple[int, int] | None:
    """``xtables_strtoul_base`` with an end pointer: (value, end), or None when refused.

    ``high`` 0 means no upper bound, as in libxtables.
    """
    if text.lstrip(_SPACE)[:1] == "-":
        return None
    got = strtoul_prefix(text, base)
    if got is None or got[0] > UINT64 or got[0] < low or (high and got[0] > high):
        return None
    return got


def strtoui(text: str, low: int = 0, high: int = UINT32, base: int = 0) -> int | None:
    """``xtables_strtoui``/``strtoul`` without an end pointer: the whole text must be the number."""
    if text.isdigit() and text.isascii() and len(text) < _MOST_DIGITS and (text[0] != "0" or len(text) == 1):
        value = int(text)
        return value if low <= value <= (high or UINT64) else None
    got = scan_unsigned(text, low, high, base)
    if got is None or got[1] != len(text):
        return None
    return got[0]
