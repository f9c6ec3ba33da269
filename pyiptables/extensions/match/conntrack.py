"""``-m conntrack``: what connection tracking knows (``libxt_conntrack.c``, kernel ``xt_conntrack.c``)."""

from __future__ import annotations

from pyiptables.xtables.addresses import address_text
from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.hosts import HostMask, masked_address_text
from pyiptables.xtables.names import any_name
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.ports import PortRange
from pyiptables.xtables.values import ProtocolNumber, Text, UIntRange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

#: In the order in which they are looked up, and in the order in which they are printed.
_STATES = ("INVALID", "NEW", "ESTABLISHED", "RELATED", "UNTRACKED", "SNAT", "DNAT")
STATES_SHOWN = ("INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED", "SNAT", "DNAT")
#: ``IPS_*`` bits (``netfilter/connection.py`` has them all).
_STATUS_BITS = {"NONE": 0, "EXPECTED": 1, "SEEN_REPLY": 2, "ASSURED": 4, "CONFIRMED": 8}
_SRC_NAT, _DST_NAT = 16, 32
_STATUSES = ("NONE", "EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED")

_ADDRESSES = ("ctorigsrc", "ctorigdst", "ctreplsrc", "ctrepldst")
_PORTS = ("ctorigsrcport", "ctorigdstport", "ctreplsrcport", "ctrepldstport")
#: The order of ``conntrack_dump``.
_ORDER = ("ctstate", "ctproto", *_ADDRESSES, *_PORTS, "ctstatus", "ctexpire", "ctdir")


def parse_words(text: str, known: tuple[str, ...], complaint: str) -> frozenset[str]:
    """A comma list of words that may be abbreviated (``strncasecmp`` with the length given)."""
    chosen = set()
    rest = text
    while True:
        word, comma, after = rest.partition(",")
        found = next((name for name in known if name.lower().startswith(word.lower())), None) if word else None
        if found is None:
            raise ParameterProblem(f'{complaint} "{rest}"')
        chosen.add(found)
        if not comma:
            return frozenset(chosen)
        rest = after


class Conntrack(Match):
    """``values``: ctstate/ctstatus (frozenset of words), ctproto, addresses (address, mask), ports and ctexpire
    (low, high), ctdir (``ORIGINAL`` or ``REPLY``)."""

    __slots__ = ()

    name = "conntrack"
    summary = "state, addresses, ports, status and age of the packet's connection"
    canonical = r"(?: !)? --ctstate (?:INVALID|NEW|ESTABLISHED|RELATED,ESTABLISHED|NEW,RELATED,ESTABLISHED|NEW,ESTABLISHED)"
    options = (
        Option(
            "ctstate",
            Text(),
            invert=True,
            metavar="state[,state…]",
            words=_STATES,
            help="INVALID, NEW, ESTABLISHED, RELATED, UNTRACKED, SNAT or DNAT",
            reads=("ctstate",),
        ),
        Option("ctproto", ProtocolNumber(), invert=True, help="layer-4 protocol of the connection"),
        Option("ctorigsrc", HostMask(), invert=True, help="source address of the original direction"),
        Option("ctorigdst", HostMask(), invert=True, help="destination address of the original direction"),
        Option("ctreplsrc", HostMask(), invert=True, help="source address of the replies"),
        Option("ctrepldst", HostMask(), invert=True, help="destination address of the replies"),
        Option("ctorigsrcport", PortRange(), invert=True, help="source port of the original direction"),
        Option("ctorigdstport", PortRange(), invert=True, help="destination port of the original direction"),
        Option("ctreplsrcport", PortRange(), invert=True, help="source port of the replies"),
        Option("ctrepldstport", PortRange(), invert=True, help="destination port of the replies"),
        Option("ctstatus", Text(), invert=True, metavar="status[,status…]", words=_STATUSES,
               help="NONE, EXPECTED, SEEN_REPLY, ASSURED or CONFIRMED"),
        Option("ctexpire", UIntRange(32), invert=True, metavar="time[:time]", help="seconds that remain"),
        Option("ctdir", Text(), metavar="ORIGINAL|REPLY", words=("ORIGINAL", "REPLY"), help="direction of the packet"),
    )  # fmt: skip

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        name = option.name
        if name == "ctstate":
            value = parse_words(value, _STATES, "Bad ctstate")
        elif name == "ctstatus":
            value = parse_words(value, _STATUSES, "Bad ctstatus")
        elif name == "ctproto" and value == 0:
            what = "condition would always match" if invert else "rule would never match"
            raise ParameterProblem(f"conntrack: {what} protocol")
        elif name == "ctexpire":
            value = (value[0], value[-1] if len(value) > 1 else value[0])
        elif name == "ctdir":
            if value.upper() not in ("ORIGINAL", "REPLY"):
                raise ParameterProblem(f'conntrack: Bad value for "--ctdir" option: "{value}"')
            value = value.upper()
        super().accept(option, value, invert, parsing)

    def final_check(self, parsing: Parsing) -> None:
        if not self.values:
            raise ParameterProblem("conntrack: At least one option is required")

    def _dump(self, prefix: str, address: Any) -> str:
        parts = []
        for name in _ORDER:
            if name not in self.values:
                continue
            value = self.values[name]
            mark = " !" if name in self.inverted else ""
            if name == "ctstate":
                text = ",".join([state for state in STATES_SHOWN if state in value])
            elif name == "ctstatus":
                text = ",".join([status for status in _STATUSES[1:] if status in value]) or "NONE"
            elif name in _ADDRESSES:
                text = address(*value)
            elif name in _PORTS:
                low, high = value
                text = str(low) if low == high or high == 0 else f"{low}:{high}"
            elif name == "ctexpire":
                text = str(value[0]) if value[0] == value[1] else f"{value[0]}:{value[1]}"
            else:
                text = str(value)
            parts.append(f"{mark} {prefix}{name} {text}")
        return "".join(parts)

    def save(self) -> str:
        return self._dump("--", lambda a, m: masked_address_text(a, m, self.family))

    def show(self, numeric: bool, names: Names) -> str:
        def address(value: int, mask: int) -> str:
            if numeric:
                return masked_address_text(value, mask, self.family)
            if value == 0:
                return "anywhere"
            name = any_name(names, value, self.family)
            text = masked_address_text(value, mask, self.family)
            return text if name is None else name + text[len(address_text(value, self.family)) :]

        return self._dump("", address)

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        """``conntrack_mt``: without a connection ``--ctstate`` alone decides, and nothing else ever matches."""
        values, inverted = self.values, self.inverted
        tracked = space.values("ctstate", (2, 4))
        region = space.everything if "ctstate" in values else tracked
        if "ctstate" in values:
            numbers = sorted([space.state(word) for word in values["ctstate"] if word not in ("SNAT", "DNAT")])
            states = space.values("ctstate", *[(number, number) for number in numbers])
            nat = ("SNAT" in values["ctstate"]) | ("DNAT" in values["ctstate"]) << 1
            if nat:
                states |= tracked & space.masked("ctnat", 0, nat, invert=True)
            region = ~states if "ctstate" in inverted else states
        rest = space.everything
        for name, value in values.items():
            if name != "ctstate":
                rest &= self._connection_set(space, name, value, name in inverted)
        if rest is space.everything:
            return region
        return region & (rest | ~tracked) if "ctstate" in values else region & rest

    def reads(self) -> frozenset[str] | None:
        """SNAT and DNAT are of the connection."""
        return None if self.values.get("ctstate", frozenset()) & {"SNAT", "DNAT"} else super().reads()

    def _connection_set(self, space: Space, name: str, value: Any, invert: bool) -> Region:
        if name == "ctdir":
            return space.values("ctdir", (1, 1) if value == "REPLY" else (0, 0))
        if name == "ctstatus":
            wanted = sum([_STATUS_BITS[word] for word in value])
            return space.masked("ctstatus", 0, wanted, invert=not invert)
        if name == "ctexpire":
            return space.unsure(f"ctexpire {value[0]}:{value[1]}", invert)
        if name == "ctproto":
            return space.values(space.number(name, 255, ("ctstate",)), (value, value), invert=invert)
        if name in _PORTS:
            return space.values(space.number(name, 0xFFFF, ("ctstate",)), value, invert=invert)
        field = space.number(name, 0xFFFFFFFF if self.family == 4 else (1 << 128) - 1, ("ctstate",))
        return space.masked(field, value[0] & value[1], value[1], invert)

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        values = self.values
        connection = packet.ct
        states = values.get("ctstate")
        if states is not None:
            holds = packet.ctstate in states
            if not holds and connection is not None:
                status = connection.status
                holds = bool((status & _SRC_NAT and "SNAT" in states) or (status & _DST_NAT and "DNAT" in states))
            if holds == ("ctstate" in self.inverted):
                return False
            if len(values) == 1:
                return True
        if connection is None:
            return states is not None  # whatever else is asked
        return self._connection_matches(packet, ctx)

    def _connection_matches(self, packet: Packet, ctx: Context) -> bool:
        values, inverted = self.values, self.inverted
        ct = packet.ct
        assert ct is not None
        if "ctdir" in values and (packet.ctdir == 1) != (values["ctdir"] == "REPLY"):
            return False
        facts: dict[str, bool] = {}
        source, source_port, destination, destination_port, protocol = ct.original
        reply_source, reply_source_port, reply_destination, reply_destination_port, _ = ct.reply
        addresses = (source, destination, reply_source, reply_destination)
        for name, value in zip(_ADDRESSES, addresses, strict=True):
            if name in values:
                address, mask = values[name]
                facts[name] = (value ^ address) & mask == 0
        ports = (source_port, destination_port, reply_source_port, reply_destination_port)
        for name, port in zip(_PORTS, ports, strict=True):
            if name in values:
                facts[name] = values[name][0] <= port <= values[name][1]
        if "ctproto" in values:
            facts["ctproto"] = protocol == values["ctproto"]
        if "ctstatus" in values:
            wanted = sum([_STATUS_BITS[word] for word in values["ctstatus"]])
            facts["ctstatus"] = bool(ct.status & wanted)
        if "ctexpire" in values:
            low, high = values["ctexpire"]
            left = 0 if ct.expires is None else max(0, (ct.expires - ctx.now) // 1_000_000_000)
            facts["ctexpire"] = low <= left <= high
        return all(fact != (name in inverted) for name, fact in facts.items())


EXTENSIONS = (Conntrack,)
