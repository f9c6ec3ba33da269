"""The arguments of ``-s`` and ``-d`` (``xtables_ipparse_multiple``, ``xtables_ip6parse_multiple``)."""

from __future__ import annotations

from pyiptables.xtables.addresses import ALL_ONES, parse_ip4, parse_ip6, prefix_mask
from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import strtoui
from pyiptables.xtables.values import byte_length

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.xtables.option import Parsing

__all__ = ["parse_address_list"]


def parse_address_list(text: str, parsing: Parsing) -> list[tuple[int, int]]:
    """``address[/mask][,…]`` as (address, mask) pairs, the address cut to the mask; names give all they have."""
    found: list[tuple[int, int]] = []
    family = parsing.family
    for part in text.split(","):
        part = part.lstrip(" \t\n\v\f\r")
        if byte_length(part) > 255:
            raise ParameterProblem("Hostname too long")
        name, slash, mask_text = part.rpartition("/")
        if slash:
            mask = _mask(mask_text, family)
            if mask == 0:
                # With no bits to compare the name is not even looked at.
                found.append((0, 0))
                continue
        else:
            name, mask = part, ALL_ONES[family]
        found += [(address & mask, mask) for address in _host(name, parsing)]
    return found


def _mask(text: str, family: int) -> int:
    mask = parse_ip4(text, whole=True) if family == 4 else parse_ip6(text)
    if mask is not None:
        return mask
    bits = strtoui(text, 0, 32 if family == 4 else 128)
    if bits is None:
        raise ParameterProblem(f"invalid mask `{text}' specified")
    return prefix_mask(bits, family)


def _without_scope(name: str) -> str:
    """``getaddrinfo`` takes a scope after %: a number, or an interface (only lo is sure to exist) where one is meant."""
    address, percent, scope = name.partition("%")
    if not percent or (scope.isascii() and scope.isdigit()):
        return address
    value = parse_ip6(address) if scope == "lo" else None
    linked = value is not None and (value >> 118 == 0x3FA or value >> 112 & 0xFF0F in (0xFF01, 0xFF02))
    return address if linked else name


def _host(name: str, parsing: Parsing) -> list[int]:
    family = parsing.family
    address = parse_ip4(name) if family == 4 else parse_ip6(_without_scope(name))
    if address is None and family == 4:
        address = parsing.names.network_address(name)
    if address is not None:
        return [address]
    found = parsing.names.host_addresses(name, family)
    if not found:
        raise ParameterProblem(f"host/network `{name}' not found")
    return found
