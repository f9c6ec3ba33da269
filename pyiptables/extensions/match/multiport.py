"""``-m multiport``: up to fifteen ports and ranges (``libxt_multiport.c``, kernel ``xt_multiport.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import UINT8
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.ports import parse_port
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_SOURCE, _DESTINATION, _EITHER = "source-ports", "destination-ports", "ports"
_ANY = (_SOURCE, _DESTINATION, _EITHER)
_PROTOCOLS = {6: "tcp", 17: "udp", 136: "udplite", 132: "sctp", 33: "dccp"}
_SHORT = {_SOURCE: "sports", _DESTINATION: "dports", _EITHER: "ports"}
#: ``XT_MULTI_PORTS``; a range takes two places.
_PLACES = 15
_METAVAR = "port[,port|,port:port]…"


class Multiport(Match):
    """``values``: one of source-ports, destination-ports, ports → tuple of (low, high); protocol → its name."""

    __slots__ = ()

    name = "multiport"
    summary = "up to 15 ports; a range counts as two"
    protocols = (6, 17, 136, 132, 33)
    options = (
        Option(_SOURCE, Text(), invert=True, aliases=("sports",), excl=_ANY, metavar=_METAVAR, help="any of these source ports",
               reads=("sport",)),
        Option(_DESTINATION, Text(), invert=True, aliases=("dports",), excl=_ANY, metavar=_METAVAR, help="any of these destination ports",
               reads=("dport",)),
        Option(_EITHER, Text(), invert=True, excl=_ANY, metavar=_METAVAR, help="source or destination port is any of these",
               reads=("sport", "dport")),
    )  # fmt: skip

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        protocol = _PROTOCOLS.get(parsing.proto & UINT8)
        if protocol is None or parsing.proto_inv:
            if not parsing.proto and not parsing.proto_inv:
                raise ParameterProblem("multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'")
            raise ParameterProblem("multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP")
        super().accept(option, _parse(value, protocol, parsing), invert, parsing)
        self.values["protocol"] = protocol

    def final_check(self, parsing: Parsing) -> None:
        if not self.values:
            raise ParameterProblem("no ports specified")

    def _kind(self) -> str:
        return next(kind for kind in _ANY if kind in self.values)

    def save(self) -> str:
        kind = self._kind()
        return f"{' !' if self.inverted else ''} --{_SHORT[kind]} {_listed(self.values[kind], str)}"

    def show(self, numeric: bool, names: Names) -> str:
        kind = self._kind()
        protocol = self.values["protocol"]

        def name(port: int) -> str:
            return (None if numeric else names.port_name(port, protocol)) or str(port)

        return f" multiport {_SHORT[kind]} {' !' if self.inverted else ''}{_listed(self.values[kind], name)}"

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        kind = self._kind()
        invert = bool(self.inverted)
        ranges = self.values[kind]
        if kind != _EITHER:
            ports = space.values("sport" if kind == _SOURCE else "dport", *ranges, invert=invert)
        elif invert:
            ports = space.values("sport", *ranges, invert=True) & space.values("dport", *ranges, invert=True)
        else:
            ports = space.values("sport", *ranges) | space.values("dport", *ranges)
        return space.values("fragment", (0, 0)) & ports

    def matches(self, packet: Packet, ctx: Context) -> bool:
        if packet.frag_offset:
            return False
        if packet.lacks(4):
            ctx.hotdrop = True
            return False
        kind = self._kind()
        ports = self.values[kind]
        asked = {_SOURCE: (packet.sport,), _DESTINATION: (packet.dport,), _EITHER: (packet.sport, packet.dport)}[kind]
        hit = any(low <= port <= high for port in asked for low, high in ports)
        return hit != bool(self.inverted)


def _parse(text: str, protocol: str, parsing: Parsing) -> tuple[tuple[int, int], ...]:
    ports: list[tuple[int, int]] = []
    places = 0
    for part in text.split(","):
        if places >= _PLACES:
            raise ParameterProblem("too many ports specified")
        low_text, colon, high_text = part.partition(":")
        if colon and places == _PLACES - 1:
            raise ParameterProblem("too many ports specified")
        low = high = parse_port(low_text, protocol, parsing)
        if colon:
            high = parse_port(high_text, protocol, parsing)
            if low >= high:
                raise ParameterProblem("invalid portrange specified")
        ports.append((low, high))
        places += 2 if colon else 1
    return tuple(ports)


def _listed(ports: Any, name: Any) -> str:
    return ",".join([name(low) if low == high else f"{name(low)}:{name(high)}" for low, high in ports])


EXTENSIONS = (Multiport,)
