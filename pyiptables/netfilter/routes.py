"""Routes and routing rules, from the words of ``ip route``/``ip rule`` and from their JSON (iproute2)."""

from __future__ import annotations

from zlib import crc32

from pyiptables.netfilter.names import PROTOCOLS
from pyiptables.xtables.addresses import ALL_ONES, parse_ip4, parse_ip6, prefix_mask
from pyiptables.xtables.dscp_classes import CLASSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Route", "RouteError", "RoutingRule", "parse_address", "parse_route", "parse_rule"]

_TYPES = ("unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit", "throw")
_TABLES = {"main": 254, "local": 255, "default": 253, "all": 0}


class RouteError(ValueError):
    """A route, rule or address that cannot be understood."""


class Route:
    """One route. ``via`` is the gateway or None; ``src`` the preferred source or None; ``length`` of the prefix; ``sources`` the
    prefix and mask that a packet's source must have, or None (IPv6: ``from``)."""

    __slots__ = (
        "family", "iface", "length", "locked", "mask", "metric", "mtu", "prefix", "sources", "src", "table", "text", "tos", "type", "via",
    )  # fmt: skip

    def __init__(
        self,
        family: int,
        type: str,
        prefix: int,
        length: int,
        *,
        iface: str = "",
        via: int | None = None,
        table: int = 254,
        src: int | None = None,
        metric: int = 0,
        tos: int = 0,
        text: str = "",
    ) -> None:
        self.family = family
        self.type = type
        self.length = length
        self.mask = prefix_mask(length, family)
        self.prefix = prefix & self.mask
        self.iface = iface
        self.via = via
        self.table = table
        self.src = src
        self.metric = metric
        self.tos = tos
        self.mtu = 0
        #: Does the MTU hold for what is forwarded over IPv6 too (``mtu lock``)?
        self.locked = False
        self.sources: tuple[int, int] | None = None
        self.text = text

    def covers(self, address: int) -> bool:
        return address & self.mask == self.prefix


class RoutingRule:
    """One rule of the policy database: tests, and a table or an action (``blackhole`` …).

    What it finds in its table does not count when the prefix is no longer than ``shortest``, or the device is of ``group``
    (``suppress_prefixlength``, ``suppress_ifgroup``).
    """

    __slots__ = (
        "action", "dport", "dst", "group", "iif", "inverted", "mark", "oif", "priority", "proto", "shortest", "sport", "src", "table",
        "target", "tos", "uids",
    )  # fmt: skip

    def __init__(self, priority: int, table: int) -> None:
        self.priority = priority
        self.table = table
        self.action = "lookup"
        self.inverted = False
        self.src: tuple[int, int] | None = None
        self.dst: tuple[int, int] | None = None
        self.mark: tuple[int, int] | None = None
        self.iif = self.oif = ""
        self.tos = 0
        self.proto = 0
        self.sport: tuple[int, int] | None = None
        self.dport: tuple[int, int] | None = None
        self.uids: tuple[int, int] | None = None
        #: Preference of the rule that a ``goto`` goes on with.
        self.target = 0
        self.shortest = self.group = -1

    def holds(self, src: int, dst: int, mark: int, iif: str, oif: str, tos: int, flow: tuple[int, int, int], uid: int) -> bool:
        """Does the rule apply to this look-up (``fib_rule_match``)? ``flow`` is protocol, source and destination port."""
        found = (
            (self.src is None or src & self.src[1] == self.src[0])
            and (self.dst is None or dst & self.dst[1] == self.dst[0])
            and (self.mark is None or mark & self.mark[1] == self.mark[0])
            and (not self.iif or self.iif == iif)
            and (not self.oif or self.oif == oif)
            and (not self.tos or self.tos == tos)
            and (not self.proto or self.proto == flow[0])
            and (self.sport is None or self.sport[0] <= flow[1] <= self.sport[1])
            and (self.dport is None or self.dport[0] <= flow[2] <= self.dport[1])
            and (self.uids is None or self.uids[0] <= uid <= self.uids[1])
        )
        return found is not self.inverted


def parse_address(text: str) -> tuple[int, int, int]:
    """``10.0.0.1/24`` as (family, address, prefix length); RouteError when it is none."""
    address, _, length = text.partition("/")
    family = 6 if ":" in address else 4
    value = parse_ip6(address) if family == 6 else _whole4(address)
    whole = 128 if family == 6 else 32
    if value is None or (length and (not length.isdigit() or int(length) > whole)):
        raise RouteError(f"no address: {text!r}")
    return family, value, int(length) if length else whole


def _whole4(text: str) -> int | None:
    parts = text.split(".")
    if not all(part.isdigit() and len(part) <= 3 for part in parts) or len(parts) > 4:
        return None
    return parse_ip4(text)


def _table(text: Any) -> int:
    word = str(text)
    if word in _TABLES:
        return _TABLES[word]
    try:
        return int(word, 0)
    except ValueError:
        # A name of rt_tables that is not described: any number that no other table has will do.
        return 1 << 32 | crc32(word.encode())


def parse_route(words: str | dict[str, Any]) -> Route:
    """A route from the words of ``ip route add`` or an entry of ``ip -j route``."""
    if not isinstance(words, dict | str):
        raise RouteError(f"no route: {words!r}")
    return _route_json(words) if isinstance(words, dict) else _route_words(words)


def _route_words(text: str) -> Route:
    words = text.split()
    kind = "unicast"
    if words and words[0] in _TYPES:
        kind = words.pop(0)
    if not words:
        raise RouteError(f"no destination in route {text!r}")
    given: dict[str, Any] = {"dst": words.pop(0), "type": kind}
    at = 0
    while at < len(words):
        word = words[at]
        if word in ("onlink", "pervasive"):
            at += 1
            continue
        if at + 1 >= len(words):
            raise RouteError(f"nothing after {word!r} in route {text!r}")
        value = words[at + 1]
        if word == "via":
            if value in ("inet", "inet6"):
                at += 1
                value = words[at + 1]
            given["gateway"] = value
        elif word == "mtu" and value == "lock":
            at += 1
            given[word] = words[at + 1] if at + 1 < len(words) else 0
            given["locked"] = True
        elif word in ("dev", "from", "table", "metric", "tos", "mtu", "scope", "proto", "protocol"):
            given[word] = value
        elif word in ("preference", "pref"):
            given["metric" if value.isdigit() else "pref"] = value
        elif word == "dsfield":
            given["tos"] = value
        elif word == "src":
            given["prefsrc"] = value
        elif word not in ("realm", "realms", "advmss", "initcwnd", "hoplimit", "window", "rtt"):
            raise RouteError(f"not understood: {word!r} in route {text!r}")
        at += 2
    return _route_json(given, text)


def _route_json(given: dict[str, Any], text: str = "") -> Route:
    hops = given.get("nexthops")
    if hops and "dev" not in given:
        given = {**given, **hops[0]}
    gateway = given.get("gateway") or (given.get("via") or {}).get("host")
    via = parse_address(str(gateway)) if gateway else None
    dst = str(given.get("dst", "default"))
    prefsrc = given.get("prefsrc")
    if dst in ("default", "any", "all"):
        hint = str(gateway or prefsrc or given.get("family", ""))
        # Only routes of IPv6 have a router preference.
        six = ":" in hint or hint == "inet6" or "pref" in given
        family, prefix, length = (6 if six else 4), 0, 0
    else:
        family, prefix, length = parse_address(dst)
    kind = str(given.get("type", "unicast"))
    table = given.get("table")
    if table is None:
        table = "local" if kind in ("local", "broadcast", "anycast") else "main"
    route = Route(
        family,
        kind,
        prefix,
        length,
        iface=str(given.get("dev", "")),
        via=None if via is None or via[0] != family else via[1],
        table=_table(table),
        src=None if not prefsrc else parse_address(str(prefsrc))[1],
        metric=int(given.get("metric", 1024 if family == 6 else 0)),
        tos=_tos(given.get("tos", 0)),
        text=text or dst,
    )
    if given.get("from") not in (None, "default", "any", "all"):
        _, source, bits = parse_address(str(given["from"]))
        mask = prefix_mask(bits, family)
        route.sources = (source & mask, mask) if bits else None
    mtu = str(given.get("mtu", "0"))
    route.mtu = int(mtu) if mtu.isdigit() else 0
    route.locked = bool(given.get("locked"))
    return route


def parse_rule(words: str | dict[str, Any], family: int) -> RoutingRule | None:
    """A rule from the words of ``ip rule add`` or an entry of ``ip -j rule``; None when it is of the other family."""
    if not isinstance(words, dict | str):
        raise RouteError(f"no routing rule: {words!r}")
    given = _rule_words(words) if isinstance(words, str) else dict(words)
    rule = RoutingRule(_number(given.get("priority", -1), "preference"), _table(given.get("table", "main")))
    rule.inverted = "not" in given
    for key in ("src", "dst"):
        value = given.get(key)
        if value in (None, "all", "any", "default"):
            continue
        text = str(value)
        if f"{key}len" in given:
            text += f"/{given[key + 'len']}"
        found, address, length = parse_address(text)
        if found != family:
            return None
        mask = prefix_mask(length, family)
        setattr(rule, key, (address & mask, mask))
    if given.get("fwmark") is not None:
        text, _, mask_text = str(given["fwmark"]).partition("/")
        mark = _number(text, "fwmark")
        bits = _number(given.get("fwmask") or mask_text or (ALL_ONES[4] if mark else 0), "fwmark")
        rule.mark = (mark & bits, bits)
    rule.iif = str(given.get("iif", ""))
    rule.oif = str(given.get("oif", ""))
    rule.tos = _tos(given.get("dscp", given.get("tos", 0)), 2 if "dscp" in given else 0)
    for key in ("sport", "dport"):
        if key in given:
            setattr(rule, key, _span(given[key], key))
    if "uid_start" in given:
        rule.uids = (_number(given["uid_start"], "uid_start"), _number(given.get("uid_end", given["uid_start"]), "uid_end"))
    elif "uidrange" in given:
        rule.uids = _span(given["uidrange"], "uidrange")
    proto = str(given.get("ipproto", "0"))
    number = PROTOCOLS.get(proto, proto.removeprefix("ipproto-"))
    rule.proto = _number(number, "ipproto")
    rule.shortest = _number(given.get("suppress_prefixlen", -1), "suppress_prefixlength")
    group = str(given.get("suppress_ifgroup", -1))
    rule.group = 0 if group == "default" else _number(group, "suppress_ifgroup")
    rule.action = str(given.get("action", "lookup"))
    if "goto" in given:
        rule.action, rule.target = "goto", _number(given["goto"], "goto")
    elif "nop" in given or "l3mdev" in given or _number(given.get("tun_id", 0), "tun_id"):
        # No packet here belongs to a VRF or a tunnel.
        rule.action = "nop"
    return rule


def _number(given: Any, what: str) -> int:
    try:
        return given if isinstance(given, int) else int(str(given), 0)
    except ValueError:
        raise RouteError(f"{what}: {given!r} is no number") from None


def _span(given: Any, what: str) -> tuple[int, int]:
    low, _, high = str(given).partition("-")
    return _number(low, what), _number(high or low, what)


def _tos(given: Any, shift: int = 0) -> int:
    """A TOS byte, by name or in hexadecimal; with ``shift`` a DSCP, as it stands in that byte."""
    text = str(given)
    if text.upper() in CLASSES:
        return CLASSES[text.upper()] << 2
    if text == "default":
        return 0
    try:
        return int(text, 0 if shift else 16) << shift
    except ValueError:
        raise RouteError(f"no type of service: {text!r}") from None


_RULE_WORDS = {"from": "src", "to": "dst", "pref": "priority", "preference": "priority", "prio": "priority",
               "order": "priority", "lookup": "table", "dev": "iif", "dsfield": "tos", "sup_pl": "suppress_prefixlen",
               "suppress_prefixlength": "suppress_prefixlen", "sup_group": "suppress_ifgroup"}  # fmt: skip
_RULE_KEYS = {"src", "dst", "priority", "table", "iif", "oif", "tos", "dscp", "fwmark", "sport", "dport", "uidrange", "ipproto", "goto",
              "suppress_prefixlen", "suppress_ifgroup", "tun_id", "realms", "protocol"}  # fmt: skip


def _rule_words(text: str) -> dict[str, Any]:
    given: dict[str, Any] = {}
    words = text.split()
    at = 0
    while at < len(words):
        word = words[at]
        if word in ("not", "nop", "l3mdev"):
            given[word] = None
        elif word in ("blackhole", "unreachable", "prohibit"):
            given["action"] = word
        elif word in ("add", "type", "unicast"):
            pass
        else:
            key = _RULE_WORDS.get(word, word)
            if key not in _RULE_KEYS:
                raise RouteError(f"not understood: {word!r} in rule {text!r}")
            if at + 1 >= len(words):
                raise RouteError(f"nothing after {word!r} in rule {text!r}")
            given[key] = words[at + 1]
            at += 1
        at += 1
    return given
