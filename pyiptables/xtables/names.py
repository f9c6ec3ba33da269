"""Names of protocols, services, hosts and users: the protocol by which extensions ask, and what needs no file.

The implementation that reads ``/etc`` stands in ``tools/hosts.py``; everything here is pure.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Names(Protocol):
        """Who knows names. Each look-up gives None (or an empty list) when there is no such name."""

        def protocol_number(self, name: str) -> int | None: ...
        def protocol_name(self, number: int) -> str | None: ...
        def port_number(self, name: str, protocol: str | None) -> int | None: ...
        def port_name(self, number: int, protocol: str | None) -> str | None: ...
        def host_addresses(self, name: str, family: int) -> list[int]: ...
        def host_name(self, address: int, family: int) -> str | None: ...
        def network_address(self, name: str) -> int | None: ...
        def network_name(self, address: int) -> str | None: ...
        def user_number(self, name: str) -> int | None: ...
        def user_name(self, number: int) -> str | None: ...
        def group_number(self, name: str) -> int | None: ...
        def group_name(self, number: int) -> str | None: ...
        def mapped_number(self, path: str, name: str) -> int | None: ...
        def mapped_name(self, path: str, number: int) -> str | None: ...


__all__ = ["CHAIN_PROTOCOLS", "NoNames", "any_name", "chain_protocol_name"]

#: ``xtables_chain_protos``: names that need no ``/etc/protocols``, first name of a number wins in output.
CHAIN_PROTOCOLS = {
    "tcp": 6,
    "sctp": 132,
    "udp": 17,
    "udplite": 136,
    "icmp": 1,
    "ipv6-icmp": 58,
    "icmpv6": 58,
    "esp": 50,
    "ah": 51,
    "mobility-header": 135,
    "ipv6-mh": 135,
    "mh": 135,
    "dccp": 33,
    "ipcomp": 108,
    "all": 0,
}

_FIRST_NAMES: dict[int, str] = {}
for _name, _number in CHAIN_PROTOCOLS.items():
    _FIRST_NAMES.setdefault(_number, _name)


def chain_protocol_name(number: int) -> str | None:
    """``proto_to_name`` without look-up: what save files print."""
    return _FIRST_NAMES.get(number)


def any_name(names: Names, address: int, family: int) -> str | None:
    """``xtables_ipaddr_to_anyname``, ``xtables_ip6addr_to_anyname``: a host's name, in IPv4 else a network's."""
    return names.host_name(address, family) or (names.network_name(address) if family == 4 else None)


class NoNames:
    """Knows nothing: for tools that must not read the machine they run on."""

    def protocol_number(self, name: str) -> int | None:
        return None

    def protocol_name(self, number: int) -> str | None:
        return None

    def port_number(self, name: str, protocol: str | None) -> int | None:
        return None

    def port_name(self, number: int, protocol: str | None) -> str | None:
        return None

    def host_addresses(self, name: str, family: int) -> list[int]:
        return []

    def host_name(self, address: int, family: int) -> str | None:
        return None

    def network_address(self, name: str) -> int | None:
        return None

    def network_name(self, address: int) -> str | None:
        return None

    def user_number(self, name: str) -> int | None:
        return None

    def user_name(self, number: int) -> str | None:
        return None

    def group_number(self, name: str) -> int | None:
        return None

    def group_name(self, number: int) -> str | None:
        return None

    def mapped_number(self, path: str, name: str) -> int | None:
        return None

    def mapped_name(self, path: str, number: int) -> str | None:
        return None
