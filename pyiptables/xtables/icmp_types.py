"""Names of ICMP and ICMPv6 types and codes as iptables knows them (``libxt_icmp.h``, IANA registries)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import scan_unsigned

__all__ = ["ICMP", "ICMPV6", "list_types", "parse_type", "show_type"]

_ALL = (0, 255)
#: (name, type, lowest code, highest code); the first of equal ones is printed.
ICMP: tuple[tuple[str, int, int, int], ...] = tuple(
    [(name, kind, *(_ALL if code is None else (code, code))) for name, kind, code in (
        ("any", 255, None), ("echo-reply", 0, None), ("pong", 0, None), ("destination-unreachable", 3, None),
        ("network-unreachable", 3, 0), ("host-unreachable", 3, 1), ("protocol-unreachable", 3, 2),
        ("port-unreachable", 3, 3), ("fragmentation-needed", 3, 4), ("source-route-failed", 3, 5),
        ("network-unknown", 3, 6), ("host-unknown", 3, 7), ("network-prohibited", 3, 9), ("host-prohibited", 3, 10),
        ("TOS-network-unreachable", 3, 11), ("TOS-host-unreachable", 3, 12), ("communication-prohibited", 3, 13),
        ("host-precedence-violation", 3, 14), ("precedence-cutoff", 3, 15), ("source-quench", 4, None),
        ("redirect", 5, None), ("network-redirect", 5, 0), ("host-redirect", 5, 1), ("TOS-network-redirect", 5, 2),
        ("TOS-host-redirect", 5, 3), ("echo-request", 8, None), ("ping", 8, None), ("router-advertisement", 9, None),
        ("router-solicitation", 10, None), ("time-exceeded", 11, None), ("ttl-exceeded", 11, None),
        ("ttl-zero-during-transit", 11, 0), ("ttl-zero-during-reassembly", 11, 1), ("parameter-problem", 12, None),
        ("ip-header-bad", 12, 0), ("required-option-missing", 12, 1), ("timestamp-request", 13, None),
        ("timestamp-reply", 14, None), ("address-mask-request", 17, None), ("address-mask-reply", 18, None),
    )]
)  # fmt: skip
ICMPV6: tuple[tuple[str, int, int, int], ...] = tuple(
    [(name, kind, *(_ALL if code is None else (code, code))) for name, kind, code in (
        ("destination-unreachable", 1, None), ("no-route", 1, 0), ("communication-prohibited", 1, 1),
        ("beyond-scope", 1, 2), ("address-unreachable", 1, 3), ("port-unreachable", 1, 4), ("failed-policy", 1, 5),
        ("reject-route", 1, 6), ("packet-too-big", 2, None), ("time-exceeded", 3, None), ("ttl-exceeded", 3, None),
        ("ttl-zero-during-transit", 3, 0), ("ttl-zero-during-reassembly", 3, 1), ("parameter-problem", 4, None),
        ("bad-header", 4, 0), ("unknown-header-type", 4, 1), ("unknown-option", 4, 2), ("echo-request", 128, None),
        ("ping", 128, None), ("echo-reply", 129, None), ("pong", 129, None), ("mld-listener-query", 130, None),
        ("mld-listener-report", 131, None), ("mld-listener-done", 132, None), ("mld-listener-reduction", 132, None),
        ("router-solicitation", 133, None), ("router-advertisement", 134, None), ("neighbour-solicitation", 135, None),
        ("neighbor-solicitation", 135, None), ("neighbour-advertisement", 136, None),
        ("neighbor-advertisement", 136, None), ("redirect", 137, None),
    )]
)  # fmt: skip


def parse_type(text: str, known: tuple[tuple[str, int, int, int], ...], family: str) -> tuple[int, int, int]:
    """(type, lowest code, highest code) of a name (may be abbreviated) or ``type[/code]``; ``family`` names it in errors."""
    found = None
    for entry in known:
        if entry[0].lower().startswith(text.lower()):
            if found is not None:
                raise ParameterProblem(f"Ambiguous {family} type `{text}': `{found[0]}' or `{entry[0]}'?")
            found = entry
    if found is not None:
        return found[1], found[2], found[3]
    kinds = _range(text)
    if kinds is None:
        raise ParameterProblem(f"Unknown {family} type `{text}'")
    low, high, rest = kinds
    codes = _ALL
    if rest[:1] == "/":
        got = _range(rest[1:])
        if got is None:
            raise ParameterProblem(f"Unknown {family} code `{text}'")
        codes, rest = (got[0], got[1]), got[2]
    if rest:
        raise ParameterProblem(f"unknown character {rest[0]}")
    if low != high:
        raise ParameterProblem(f"{family} type range not supported")
    return low, codes[0], codes[1]


def _range(text: str) -> tuple[int, int, str] | None:
    got = scan_unsigned(text, 0, 255)
    if got is None:
        return None
    low, end = got
    high = low
    if text[end : end + 1] == ":":
        more = scan_unsigned(text[end + 1 :], 0, 255)
        if more is None:
            return None
        high = more[0]
        end += 1 + more[1]
    return low, high, text[end:]


def list_types(known: tuple[tuple[str, int, int, int], ...], family: str) -> str:
    """All names for the help: codes indented, other names in brackets (firewalld reads this)."""
    names: dict[tuple[int, int, int], list[str]] = {}
    for name, *entry in known:
        names.setdefault((entry[0], entry[1], entry[2]), []).append(name)
    lines = [f"Valid {family} Types:"]
    for (_, *codes), (first, *others) in names.items():
        indent = "" if tuple(codes) == _ALL else "   "
        also = f" ({', '.join(others)})" if others else ""
        lines.append(f"{indent}{first}{also}")
    return "\n".join(lines) + "\n"


def show_type(value: tuple[int, int, int], known: tuple[tuple[str, int, int, int], ...], inverted: bool, numeric: bool) -> str:
    """How listings print it, behind the match's name."""
    kind, low, high = value
    if not numeric:
        for name, *entry in known:
            if tuple(entry) == value:
                return f" {'!' if inverted else ''}{name}"
    text = f"{' !' if inverted else ''}type {kind}"
    if low == high:
        return f"{text} code {low}"
    return text if (low, high) == _ALL else f"{text} codes {low}-{high}"
