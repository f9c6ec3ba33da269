"""The host that a trace plays: interfaces, addresses, routes, routing rules, sysctls. A description, read once.

Two forms are read: the JSON of a scenario (``interfaces``, ``routes`` and ``rules`` in the words of ``ip route add`` and
``ip rule add``), where the kernel's own routes (``fib_add_ifaddr`` in ``net/ipv4/fib_frontend.c``, ``addrconf.c``) are added
here, and the outputs of ``ip -j addr``, ``ip -j route show table all``, ``ip -j rule``, which have everything. Looking
things up is in ``routing``.
"""

from __future__ import annotations

from pyiptables.netfilter.routes import Route, RouteError, RoutingRule, parse_address, parse_route, parse_rule
from pyiptables.xtables.addresses import ALL_ONES, prefix_mask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Address", "Host", "Interface"]

MAIN, LOCAL, DEFAULT = 254, 255, 253
_LOOPBACK4 = 0x7F000001
_GLOBAL = 14
#: What a description may hold; those of the second line are a live host's outputs, as they are.
_KEYS = (
    "interfaces", "addresses", "routes", "rules", "forwarding", "rp_filter", "stack_replies", "sysctl", "sysctls", "neighbours",
    "addr", "route", "rule", "rule6", "neigh", "ipset", "conntrack",
)  # fmt: skip
_SHAPES = {"interfaces": (dict, list), "routes": (list,), "rules": (list,), "sysctl": (dict,), "sysctls": (dict,)}
_SHORT = {"rp_filter": "net.ipv4.conf.all.rp_filter", "ip_forward": "net.ipv4.ip_forward", "forwarding": "net.ipv6.conf.all.forwarding"}


class Address:
    """One address of an interface; ``secondary`` when another of the same subnet came first."""

    __slots__ = ("family", "length", "secondary", "value")

    def __init__(self, family: int, value: int, length: int, secondary: bool = False) -> None:
        self.family = family
        self.value = value
        self.length = length
        self.secondary = secondary

    def covers(self, other: int) -> bool:
        """Is another address in the same subnet?"""
        mask = prefix_mask(self.length, self.family)
        return self.value & mask == other & mask


class Interface:
    """A network device: ``group`` is its device group number, ``mac`` 6 bytes or None."""

    __slots__ = ("addresses", "arp", "group", "mac", "master", "mtu", "name", "up")

    def __init__(self, name: str) -> None:
        self.name = name
        self.addresses: list[Address] = []
        self.mtu = 65536 if name == "lo" else 1500
        self.mac: bytes | None = None
        self.group = 0
        self.up = True
        #: Without address resolution nobody joins the groups of solicited nodes (``addrconf_join_solict``).
        self.arp = True
        self.master = ""

    @property
    def loopback(self) -> bool:
        return self.name == "lo"


class Host:
    """A host as described. ``sysctl`` keys have their whole names, ``net.ipv4.conf.eth0.rp_filter``."""

    def __init__(self) -> None:
        self.interfaces: dict[str, Interface] = {}
        self.routes: dict[int, list[Route]] = {4: [], 6: []}
        self.rules: dict[int, list[RoutingRule]] = {
            family: [RoutingRule(0, LOCAL), RoutingRule(32766, MAIN), RoutingRule(32767, DEFAULT)] for family in (4, 6)
        }
        self.forwarding = {4: True, 6: True}
        #: Interfaces with a setting of their own; for IPv6 that says only whether they have anycast addresses.
        self._forwards: dict[str, bool] = {}
        self._advertises: dict[str, bool] = {}
        self.sysctl: dict[str, int] = {}
        #: Somebody added a route of type local to IPv4: sources are then looked up in earnest (``fib_has_custom_local_routes``).
        self.custom_local_routes = False
        #: Answer echo requests, closed ports and the like, as a host without services does.
        self.stack_replies = True
        #: Neighbours' link addresses by (interface, address).
        self.neighbours: dict[tuple[str, int], bytes] = {}
        #: ``ipset save`` and ``conntrack -L`` as they are.
        self.ipset = ""
        self.conntrack = ""

    # -- reading -----------------------------------------------------------------------------------------
    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Host:
        """The ``host`` of a scenario. Raises RouteError (a ValueError) saying what is wrong with it."""
        _check_keys(data)
        if "addr" in data:
            rules = {4: data.get("rule", []), 6: data.get("rule6", [])}
            host = cls.from_live(
                data["addr"], data.get("route", []), {k: v for k, v in rules.items() if v}, _settings(data), data.get("neigh", [])
            )
            host.ipset, host.conntrack = _text(data.get("ipset")), _text(data.get("conntrack"))
            host.stack_replies = bool(data.get("stack_replies", False))
            return host
        host = cls()
        host._read_interfaces(_by_name(data.get("interfaces") or {}))
        if "lo" not in host.interfaces:
            host._read_interfaces({"lo": ["127.0.0.1/8", "::1/128"]})
        for name, listed in (data.get("addresses") or {}).items():
            host._add_addresses(host.interfaces.setdefault(name, Interface(name)), listed)
        forwarding = data.get("forwarding", True)
        for family in (4, 6):
            wanted = forwarding.get(str(family), True) if isinstance(forwarding, dict) else forwarding
            host.forwarding[family] = bool(wanted)
        host.sysctl = _settings(data)
        for key, value in host.sysctl.items():
            # In the order they are written; the setting for all interfaces is written to each of them.
            if key in ("net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding", "net.ipv6.conf.all.forwarding"):
                family = 6 if key.startswith("net.ipv6") else 4
                host.forwarding[family] = bool(value)
                host._forwards.clear() if family == 4 else host._advertises.clear()
            elif key.startswith("net.ipv4.conf.") and key.endswith(".forwarding"):
                host._forwards[key.split(".")[3]] = bool(value)
            elif key.startswith("net.ipv6.conf.") and key.endswith(".forwarding"):
                host._advertises[key.split(".")[3]] = bool(value)
        for interface in host.interfaces.values():
            host._own_routes(interface)
        for words in data.get("routes") or []:
            route = parse_route(words)
            host._complete(route)
            if route.iface and route.iface not in host.interfaces:
                raise RouteError(f"route {route.text!r}: there is no interface {route.iface!r}")
            host.routes[route.family].append(route)
            host.custom_local_routes |= route.family == 4 and route.type == "local"
        for words in data.get("rules") or []:
            for family in (4, 6):
                rule = parse_rule(words, family)
                if rule is not None:
                    host._add_rule(rule, family)
        if "rp_filter" in data:
            # Written to all and to each before the other settings.
            for name in ("all", *host.interfaces):
                host.sysctl.setdefault(f"net.ipv4.conf.{name}.rp_filter", _whole(data["rp_filter"], "rp_filter"))
        host.stack_replies = bool(data.get("stack_replies", True))
        for address, mac in (data.get("neighbours") or {}).items():
            host.neighbours["", parse_address(address)[1]] = _mac(mac)
        host.ipset = _text(data.get("ipset"))
        host.conntrack = _text(data.get("conntrack"))
        host._sort()
        return host

    @classmethod
    def from_live(
        cls,
        addresses: list[dict[str, Any]],
        routes: list[dict[str, Any]],
        rules: dict[int, list[dict[str, Any]]] | None = None,
        sysctl: dict[str, int] | None = None,
        neighbours: list[dict[str, Any]] | None = None,
    ) -> Host:
        """From ``ip -j addr``, ``ip -j route show table all`` (both families), ``ip -j rule`` by family, and ``ip -j neigh``."""
        host = cls()
        for entry in addresses:
            interface = host.interfaces[entry["ifname"]] = Interface(entry["ifname"])
            interface.mtu = int(entry.get("mtu", interface.mtu))
            interface.up = "UP" in entry.get("flags", ["UP"])
            interface.arp = "NOARP" not in entry.get("flags", [])
            interface.master = entry.get("master", "")
            group = str(entry.get("group", "0"))
            interface.group = int(group) if group.isdigit() else 0
            if entry.get("link_type") == "ether" and entry.get("address"):
                interface.mac = bytes.fromhex(entry["address"].replace(":", ""))
            for info in entry.get("addr_info", []):
                if "local" in info:
                    family, value, _ = parse_address(info["local"])
                    interface.addresses.append(Address(family, value, int(info.get("prefixlen", 32)), bool(info.get("secondary"))))
        for entry in routes:
            route = parse_route(entry)
            host.routes[route.family].append(route)
            host.custom_local_routes |= route.family == 4 and route.type == "local" and entry.get("protocol") != "kernel"
        for family, found in (rules or {}).items():
            parsed = [parse_rule(entry, family) for entry in found]
            host.rules[family] = sorted((r for r in parsed if r is not None), key=lambda r: r.priority)
        for family in (4, 6):
            if not any(route.table == LOCAL for route in host.routes[family]):
                for interface in host.interfaces.values():
                    host._own_routes(interface, (family,), connected=False)
        host.sysctl = dict(sysctl or {})
        host.forwarding[4] = bool(host.sysctl.get("net.ipv4.ip_forward", 1))
        host.forwarding[6] = bool(host.sysctl.get("net.ipv6.conf.all.forwarding", 1))
        for entry in neighbours or []:
            if entry.get("lladdr") and "dst" in entry and entry["lladdr"].count(":") == 5:
                host.neighbours[str(entry.get("dev", "")), parse_address(entry["dst"])[1]] = _mac(entry["lladdr"])
        host._sort()
        return host

    def _read_interfaces(self, data: dict[str, Any]) -> None:
        for name, what in data.items():
            if not isinstance(what, list | dict):
                raise RouteError(f"interface {name} must be a list of addresses or an object, not {what!r}")
            interface = self.interfaces[name] = Interface(name)
            listed = what if isinstance(what, list) else what.get("addresses", [])
            if isinstance(what, dict):
                interface.mtu = _whole(what.get("mtu", interface.mtu), f"mtu of {name}")
                interface.group = _whole(what.get("group", 0), f"group of {name}")
                interface.up = bool(what.get("up", True))
                interface.master = str(what.get("master", ""))
                if what.get("mac"):
                    interface.mac = _mac(what["mac"])
            self._add_addresses(interface, listed)

    @staticmethod
    def _add_addresses(interface: Interface, listed: list[Any] | str) -> None:
        for text in [listed] if isinstance(listed, str) else listed:
            family, value, length = parse_address(str(text))
            new = Address(family, value, length)
            new.secondary = family == 4 and any(
                old.family == 4 and old.length == length and old.covers(value) for old in interface.addresses
            )
            interface.addresses.append(new)

    def _own_routes(self, interface: Interface, families: tuple[int, ...] = (4, 6), connected: bool = True) -> None:
        """The routes that an address brings with it."""
        name = interface.name
        for address in interface.addresses:
            family, value, length = address.family, address.value, address.length
            if family not in families:
                continue
            whole = 32 if family == 4 else 128
            mask = prefix_mask(length, family)
            table = self.routes[family]
            if family == 4 and interface.loopback and value >> 24 == 127:
                table.append(Route(4, "local", value & mask, length, iface=name, table=LOCAL, src=_LOOPBACK4))
                if length < 31:
                    table.append(Route(4, "broadcast", value | (mask ^ ALL_ONES[4]), 32, iface=name, table=LOCAL, src=_LOOPBACK4))
            table.append(Route(family, "local", value, whole, iface=name, table=LOCAL, src=_primary(interface, address)))
            if interface.loopback or length >= whole:
                continue
            if family == 4:
                if connected and not address.secondary:
                    table.append(Route(4, "unicast", value & mask, length, iface=name, table=MAIN, src=value))
                if length < 31:
                    table.append(Route(4, "broadcast", value | (mask ^ ALL_ONES[4]), 32, iface=name, table=LOCAL, src=value))
            else:
                if connected:
                    table.append(Route(6, "unicast", value & mask, length, iface=name, table=MAIN, metric=256))
                if self._advertises.get(name, self.forwarding[6]) and length < 127:
                    table.append(Route(6, "anycast", value & mask, 128, iface=name, table=LOCAL))
        if not interface.loopback:
            # Of devices that come up at the same time the kernel has the last one first.
            self.routes[6].insert(0, Route(6, "multicast", 0xFF << 120, 8, iface=name, table=LOCAL, metric=256))

    def _complete(self, route: Route) -> None:
        """The device of a route given only by its gateway."""
        if route.iface or route.via is None:
            return
        for interface in self.interfaces.values():
            for address in interface.addresses:
                if address.family == route.family and address.covers(route.via):
                    route.iface = interface.name
                    return
        raise RouteError(f"no interface reaches the gateway of route {route.text or '?'}")

    def _add_rule(self, rule: RoutingRule, family: int) -> None:
        rules = self.rules[family]
        if rule.priority < 0:
            # A rule without a preference goes right before the first that is not the one for local.
            above = [old.priority for old in rules if old.priority > 0]
            rule.priority = max(min(above) - 1, 1) if above else 32765
        rules.append(rule)
        rules.sort(key=lambda each: each.priority)

    def _sort(self) -> None:
        for family in (4, 6):
            self.routes[family].sort(key=lambda route: (-route.length, -route.tos, -route.sources[1] if route.sources else 0, route.metric))

    # -- asking ------------------------------------------------------------------------------------------
    def setting(self, family: int, iface: str, name: str, default: int = 0) -> int:
        """A per-interface sysctl: the larger of ``all`` and the interface's (``IN_DEV_MAXCONF``)."""
        base = f"net.ipv{family}.conf."
        everywhere = self.sysctl.get(f"{base}all.{name}")
        here = self.sysctl.get(f"{base}{iface}.{name}", self.sysctl.get(f"{base}default.{name}"))
        found = [value for value in (everywhere, here) if value is not None]
        return max(found) if found else default

    def forwards(self, family: int, iface: str) -> bool:
        """Does it forward what comes in by a device?"""
        if family == 4:
            return self._forwards.get(iface, self.forwarding[4])
        return self.forwarding[6] or bool(self.setting(6, iface, "force_forwarding"))

    def hop_limit(self, family: int, iface: str) -> int:
        """The TTL or hop limit of what it sends by a device."""
        return self.sysctl.get("net.ipv4.ip_default_ttl" if family == 4 else f"net.ipv6.conf.{iface}.hop_limit", 64)

    def is_local(self, address: int, family: int) -> bool:
        """Is it an address of this host (127/8 and anycast included)?"""
        return self.address_type(address, family=family) in ("LOCAL", "ANYCAST")

    def address_type(self, address: int, iface: str | None = None, family: int = 4) -> str:
        """``inet_addr_type``: what the local table says of an address; ``iface`` limits local to one device.

        One of UNSPEC-less names of ``-m addrtype``: UNICAST LOCAL BROADCAST ANYCAST MULTICAST BLACKHOLE UNREACHABLE
        PROHIBIT THROW.
        """
        if family == 4:
            if address == 0 or address == ALL_ONES[4]:
                return "BROADCAST"
            if address >> 28 == 14:
                return "MULTICAST"
        elif address >> 120 == 0xFF:
            return "MULTICAST"
        for route in self.routes[family]:
            if route.table == LOCAL and route.covers(address) and route.type != "multicast":
                return route.type.upper() if not iface or route.iface == iface else "UNICAST"
        return "UNICAST"

    def mtu(self, iface: str, family: int = 4) -> int:
        """The MTU of a device; 1500 for one that is not described."""
        interface = self.interfaces.get(iface)
        mtu = 1500 if interface is None else interface.mtu
        return mtu if family == 4 else min(mtu, self.sysctl.get(f"net.ipv6.conf.{iface}.mtu", mtu))

    def has_address6(self, address: int) -> bool:
        """Has an interface this IPv6 address, or is it the one of all routers on a link of the host?"""
        return any(
            own.family == 6 and (own.value == address or (own.length < 127 and own.value & prefix_mask(own.length, 6) == address))
            for interface in self.interfaces.values()
            for own in interface.addresses
        )

    def first_address(self, iface: str, family: int, towards: int | None = None) -> int | None:
        """The first address of a device: what REDIRECT takes, in place of the destination ``towards``.

        An IPv6 destination of narrower scope than global needs an address of that scope
        (``nf_nat_redirect_ipv6_usable``).
        """
        interface = self.interfaces.get(iface)
        narrow = family == 6 and towards is not None and _scope6(towards) != _GLOBAL
        for address in _listed(interface, family) if interface is not None else ():
            if not (narrow and _scope6(address.value) != _scope6(towards or 0)):
                return address.value
        return None

    def select_source(self, iface: str, towards: int, family: int) -> int | None:
        """The source address for a destination or gateway by a device: what MASQUERADE takes.

        ``inet_select_addr`` and, for IPv6, a short form of RFC 6724 (``ipv6_dev_get_saddr``).
        """
        interface = self.interfaces.get(iface)
        if family == 6:
            return self._select_source6(iface, towards)
        candidates = interface.addresses if interface is not None else []
        primary = [a for a in candidates if a.family == 4 and not a.secondary and a.value >> 24 != 127]
        for address in primary:
            if address.covers(towards):
                return address.value
        if primary:
            return primary[0].value
        for other in self.interfaces.values():
            for address in other.addresses:
                if address.family == 4 and not address.secondary and address.value >> 24 != 127:
                    return address.value
        return None

    def _select_source6(self, iface: str, towards: int) -> int | None:
        best: tuple[tuple[bool, bool, bool, int], int] | None = None
        for interface in self.interfaces.values():
            for address in _listed(interface, 6):
                value = address.value
                if interface.loopback and value == 1 and towards != 1:
                    continue
                alike = min(128 - (value ^ towards).bit_length(), address.length)
                rank = (value == towards, _scope6(value) >= _scope6(towards), interface.name == iface, alike)
                if best is None or rank > best[0]:
                    best = (rank, value)
        return None if best is None else best[1]


def _whole(value: Any, what: str) -> int:
    try:
        return int(value)
    except (ValueError, TypeError):
        raise RouteError(f"{what}: {value!r} is no number") from None


def _check_keys(data: dict[str, Any]) -> None:
    """A key that looks like one of ours and is none would be passed over in silence; values of a wrong shape say nothing."""
    for key, shapes in _SHAPES.items():
        if data.get(key) is not None and not isinstance(data[key], shapes):
            raise RouteError(f"{key} must be {'an object' if dict in shapes else 'a list'}, not {data[key]!r}")
    for key in data:
        if key not in _KEYS:
            from difflib import get_close_matches

            near = get_close_matches(str(key), _KEYS, 1, 0.8)
            if near:
                raise RouteError(f"unknown key {key!r}: did you mean {near[0]!r}?")


def _by_name(given: Any) -> dict[str, Any]:
    """Interfaces by name, from a mapping, a list of names, or a list of objects with a ``name``."""
    if isinstance(given, dict):
        return given
    found: dict[str, Any] = {}
    for each in given:
        name = each if isinstance(each, str) else each.get("name") or each.get("ifname")
        if not name:
            raise RouteError("an interface without a name")
        found[str(name)] = [] if isinstance(each, str) else each
    return found


def _settings(data: dict[str, Any]) -> dict[str, int]:
    """Sysctls with their whole names; short ones (``ip_forward``, ``nf_conntrack_tcp_loose``) are made whole."""
    found: dict[str, int] = {}
    for key, value in {**(data.get("sysctls") or {}), **(data.get("sysctl") or {})}.items():
        name = str(key).replace("/", ".")
        if "." not in name:
            name = _SHORT.get(name) or ("net.netfilter." if name.startswith("nf_") else "net.ipv4.") + name
        if not (isinstance(value, str) and len(value.split()) > 1):  # none of those with several numbers is asked for
            found[name] = _whole(value, name)
    return found


def _mac(text: Any) -> bytes:
    try:
        value = bytes.fromhex(str(text).replace(":", ""))
    except ValueError:
        value = b""
    if len(value) != 6:
        raise RouteError(f"no MAC address: {text!r}")
    return value


def _text(given: Any) -> str:
    """Text, or a list of its lines."""
    return "\n".join([str(line) for line in given]) if isinstance(given, list) else str(given or "")


def _listed(interface: Interface, family: int) -> list[Address]:
    """A device's addresses as the kernel lists them: those of IPv6 by scope, the last one given first (``ipv6_link_dev_addr``)."""
    found = [address for address in interface.addresses if address.family == family]
    if family == 6:
        found.reverse()
        found.sort(key=lambda address: -_scope6(address.value))
    return found


def _primary(interface: Interface, address: Address) -> int:
    """The address that a secondary one hides behind: what the host says when it talks to itself."""
    if address.secondary:
        for other in interface.addresses:
            if other.family == address.family and other.length == address.length and other.covers(address.value):
                return other.value
    return address.value


def _scope6(address: int) -> int:
    """2 link-local, 14 global; multicast says its own."""
    if address >> 120 == 0xFF:
        return address >> 112 & 15
    return 2 if address >> 118 == 0x3FA else 1 if address == 1 else _GLOBAL
