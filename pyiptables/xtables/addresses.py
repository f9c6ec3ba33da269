"""IPv4/IPv6 addresses and masks between text and integers, with libxtables' and libc's rules."""

from __future__ import annotations

from pyiptables.xtables.numbers import strtoui

__all__ = [
    "ALL_ONES",
    "address_text",
    "inet_aton",
    "ip4_text",
    "ip6_text",
    "mask_prefix",
    "parse_ip4",
    "parse_ip6",
    "parse_ip6_mask",
    "parse_strict_ip4",
    "prefix_mask",
    "scoped_ip6",
]

ALL_ONES = {4: 0xFFFFFFFF, 6: (1 << 128) - 1}


def ip4_text(value: int) -> str:
    return f"{value >> 24 & 255}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}"


def ip6_text(value: int) -> str:
    """``inet_ntop(AF_INET6)`` of glibc, with its embedded IPv4 forms."""
    text = (
        f":{value >> 112:x}:{value >> 96 & 65535:x}:{value >> 80 & 65535:x}:{value >> 64 & 65535:x}"
        f":{value >> 48 & 65535:x}:{value >> 32 & 65535:x}:{value >> 16 & 65535:x}:{value & 65535:x}:"
    )
    for zeros in range(8, 1, -1):
        at = text.find(_ZEROS[zeros])
        if at >= 0:
            break
    else:
        return text[1:-1]
    rest = text[at + 1 + 2 * zeros : -1]
    if at == 0 and (zeros == 6 or (zeros == 5 and rest.startswith("ffff:"))):
        tail = ip4_text(value & 0xFFFFFFFF)
        return f"::ffff:{tail}" if zeros == 5 else f"::{tail}"
    return f"{text[1:at]}::{rest}"


_ZEROS = tuple([":" + "0:" * count for count in range(9)])


def address_text(value: int, family: int) -> str:
    return ip4_text(value) if family == 4 else ip6_text(value)


def parse_ip4(text: str, whole: bool = False) -> int | None:
    """``__numeric_to_ipaddr`` (``xtables.c``): fewer than four parts are a network address (1.2 = 1.2.0.0).

    With ``whole`` (masks) all four parts are needed. Parts are read like C numbers: 0x and leading 0 count.
    """
    parts = text[:19].split(".", 3)
    if whole and len(parts) < 4:
        return None
    value = 0
    for part in parts:
        octet = strtoui(part, 0, 255)
        if octet is None:
            return None
        value = value << 8 | octet
    return value << 8 * (4 - len(parts))


def inet_aton(text: str) -> int | None:
    """``inet_aton`` as getaddrinfo uses it: 1 to 4 parts, the last fills what is left, C number notation."""
    parts = text.split(".")
    if len(parts) > 4:
        return None
    value = 0
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        if part[:1] not in "0123456789" or not part:
            return None
        number = strtoui(part, 0, (1 << 8 * (5 - len(parts))) - 1 if last else 255)
        if number is None:
            return None
        value |= number if last else number << 8 * (3 - i)
    return value


def parse_ip6(text: str) -> int | None:
    """``inet_pton(AF_INET6)``."""
    head, double, tail = text.partition("::")
    if double and ("::" in tail or tail.startswith(":")):
        return None
    left = _words(head, not double)
    right = _words(tail, True) if double else []
    if left is None or right is None:
        return None
    missing = 8 - len(left) - len(right)
    if (double and missing < 1) or (not double and missing):
        return None
    value = 0
    for word in left + [0] * missing + right:
        value = value << 16 | word
    return value


def scoped_ip6(text: str) -> int | None:
    """An address, perhaps with the scope that getaddrinfo takes and iptables forgets (``__inet6_scopeid_pton``).

    A scope is a number, or where one is meant an interface, of which only lo is sure to exist; the kernel looks for what
    stands before a colon.
    """
    bare, percent, scope = text.partition("%")
    address = parse_ip6(bare)
    if address is None or not percent:
        return address
    linked = address >> 118 == 0x3FA or address >> 112 & 0xFF0F in (0xFF01, 0xFF02)
    if linked and scope.partition(":")[0] == "lo" and len(scope) < 16:
        return address
    return address if scope[:1].isdigit() and strtoui(scope, base=10) is not None else None


def _words(text: str, last: bool) -> list[int] | None:
    if not text:
        return []
    words: list[int] = []
    parts = text.split(":")
    for i, part in enumerate(parts):
        if last and i == len(parts) - 1 and "." in part:
            quad = parse_strict_ip4(part)
            if quad is None:
                return None
            words += [quad >> 16, quad & 0xFFFF]
        elif 1 <= len(part) <= 4 and not part.strip("0123456789abcdefABCDEF"):
            words.append(int(part, 16))
        else:
            return None
    return words


def parse_strict_ip4(text: str) -> int | None:
    """``inet_pton(AF_INET)``: four decimal parts without leading zeros."""
    parts = text.split(".")
    value = 0
    for part in parts:
        if not (part.isascii() and part.isdigit()) or len(part) > 3 or int(part) > 255:
            return None
        if len(part) > 1 and part[0] == "0":
            return None
        value = value << 8 | int(part)
    return value if len(parts) == 4 else None


def prefix_mask(length: int, family: int) -> int:
    width = 32 if family == 4 else 128
    return ALL_ONES[family] ^ ((1 << (width - length)) - 1)


def mask_prefix(mask: int, family: int) -> int | None:
    """The prefix length of a mask, None when its ones are not contiguous from the left."""
    width = 32 if family == 4 else 128
    low = mask ^ ALL_ONES[family]
    return None if low & (low + 1) else width - low.bit_length()


def parse_ip6_mask(bits: int) -> int:
    """The mask ``parse_ip6mask`` (``xtables.c``) builds for a prefix length."""
    return prefix_mask(bits, 6)
