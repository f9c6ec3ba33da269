"""Value types of hosts, networks and network cards."""

from __future__ import annotations

from pyiptables.xtables.addresses import ALL_ONES, address_text, inet_aton, mask_prefix, prefix_mask, scoped_ip6
from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import strtoui, strtoul_prefix
from pyiptables.xtables.values import ValueType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.xtables.option import Extension, Option, Parsing

__all__ = ["EtherMac", "Host", "HostMask", "PrefixLength", "PrefixMask", "mac_text", "masked_address_text"]


class Host(ValueType):
    """``XTTYPE_HOST``: one address or a name that has just one; value: int."""

    metavar = "address"

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> int:
        family = parsing.family
        address = scoped_ip6(text) if family == 6 else inet_aton(text)
        if address is not None:
            return address
        found = parsing.names.host_addresses(text, family)
        if not found:
            if text and (scoped_ip6(text) is not None or inet_aton(text) is not None):
                raise ParameterProblem("getaddrinfo: Address family for hostname not supported\n")
            raise ParameterProblem(f"getaddrinfo: {parsing.no_such_host(text)}\n")
        if any(other != found[0] for other in found):
            raise ParameterProblem(f"{text} resolves to more than one address\n")
        return found[0]

    def text(self, value: Any) -> str:
        raise NotImplementedError("an address is printed with its family: Extension.address")


class PrefixLength(ValueType):
    """``XTTYPE_PLEN``: a prefix length or a mask written out; value: mask as int."""

    metavar = "length"

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> int:
        family = parsing.family
        width = 32 if family == 4 else 128
        length = strtoui(text, 0, width)
        if length is not None:
            return prefix_mask(length, family)
        mask = inet_aton(text) if family == 4 else scoped_ip6(text)
        if mask is None:
            raise ParameterProblem(
                f'{ext.name}: bad value for option "--{option.name}", neither a valid network mask nor valid CIDR (0-{width}).\n'
            )
        return mask


class PrefixMask(PrefixLength):
    """``XTTYPE_PLENMASK``; value: mask as int."""


class HostMask(ValueType):
    """``XTTYPE_HOSTMASK``: address[/mask]; value: (address, mask), the address as given."""

    metavar = "address[/mask]"

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> tuple[int, int]:
        host, slash, mask = text.partition("/")
        address = Host().parse(host, option, ext, parsing)
        if not slash:
            return address, ALL_ONES[parsing.family]
        return address, PrefixMask().parse(mask, option, ext, parsing)


def masked_address_text(address: int, mask: int, family: int) -> str:
    """``address/prefix``, the mask left out when it covers the whole address (``xtables_ip*mask_to_numeric``)."""
    if mask == ALL_ONES[family]:
        return address_text(address, family)
    length = mask_prefix(mask, family)
    return f"{address_text(address, family)}/{address_text(mask, family) if length is None else length}"


class EtherMac(ValueType):
    """``XTTYPE_ETHERMAC``; value: six bytes."""

    metavar = "mac"

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> bytes:
        # Six times strtoul over at most two characters, which takes none for 0 and knows blanks and signs.
        parts = text.split(":")
        octets = [(0, 0) if not part else strtoul_prefix(part, 16) for part in parts]
        if len(parts) != 6 or any(got is None or got[1] != len(part) or len(part) > 2 for got, part in zip(octets, parts, strict=True)):
            raise ParameterProblem("Invalid MAC address specified.")
        return bytes([got[0] & 0xFF for got in octets if got is not None])

    def text(self, value: Any) -> str:
        return " " + mac_text(value)


def mac_text(mac: bytes) -> str:
    return ":".join([f"{octet:02x}" for octet in mac])
