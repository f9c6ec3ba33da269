"""``-m set``: is it in an ipset? (``libxt_set.c``, kernel ``xt_set.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import UINT64, scan_unsigned
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.set_names import parse_set, set_text
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

_SET, _OLD = "match-set", "set"
#: Comparisons of an entry's counters, and what they ask.
_COUNTERS = {
    f"{what}-{how}": f"the entry's {what} counter is {asked}"
    for what in ("packets", "bytes")
    for how, asked in (("eq", "this"), ("lt", "less than this"), ("gt", "more than this"))
}


class SetMatch(Match):
    """``values``: match-set (name, directions), return-nomatch, update-counters, update-subcounters, and comparisons of the
    entry's counters: packets-eq …, bytes-gt."""

    __slots__ = ()

    name = "set"
    summary = "addresses, ports, MACs or interfaces that an ipset holds"
    options = (
        Option(_SET, Text(), invert=True, metavar="set dir[,…]", help="the set, and src or dst for each of its dimensions"),
        Option(_OLD, Text(), invert=True, metavar="set dir[,…]", help="old name of --match-set"),
        Option("return-nomatch", help="match entries marked nomatch", code=ord("3")),
        Option("update-counters", invert=True, help="count in the set (inverted: do not)", code=ord("4")),
        *[Option(name, Text(), invert=True, metavar="number", help=asked) for name, asked in _COUNTERS.items()],
        Option("update-subcounters", invert=True, help="count in member sets of a list (inverted: do not)", code=ord("a")),
    )

    def parse(self, option: Option, text: str, invert: bool, parsing: Parsing) -> None:
        name = option.name
        value: Any = True
        if name in (_SET, _OLD):
            if name == _OLD:
                parsing.notices.append("--set option deprecated, please use --match-set\n")
            option, value = self.options[0], parse_set(text, _SET, _SET in self.values, parsing)
        elif name in _COUNTERS:
            value = self._counter(name, text, invert)
        elif name == "return-nomatch" and invert:
            raise ParameterProblem("--return-nomatch flag cannot be inverted")
        self.accept(option, value, invert, parsing)

    def _counter(self, name: str, text: str, invert: bool) -> int:
        what, how = name.split("-")
        if any(f"{what}-{other}" in self.values for other in ("eq", "lt", "gt")):
            raise ParameterProblem(f"only one of the --{what}-[eq|lt|gt] is allowed")
        if invert and how != "eq":
            raise ParameterProblem(f"--{name} option cannot be inverted")
        got = scan_unsigned(text, 0, UINT64)
        if got is None or got[1] != len(text):
            raise ParameterProblem(f"Cannot parse {text} as a counter value")
        return got[0]

    def final_check(self, parsing: Parsing) -> None:
        if _SET not in self.values:
            raise ParameterProblem("You must specify `--match-set' with proper arguments")

    def _text(self, prefix: str) -> str:
        text = f"{' !' if _SET in self.inverted else ''} {prefix}{_SET} {set_text(self.values[_SET])}"
        if "return-nomatch" in self.values:
            text += f" {prefix}return-nomatch"
        text += "".join([f" ! {prefix}{flag}" for flag in ("update-counters", "update-subcounters") if flag in self.inverted])
        for name in _COUNTERS:
            if name in self.values:
                text += f"{' !' if name in self.inverted else ''} {prefix}{name} {self.values[name]}"
        return text

    def save(self) -> str:
        return self._text("--")

    def show(self, numeric: bool, names: Names) -> str:
        return self._text("")

    @property
    def deterministic(self) -> bool:  # type: ignore[override]
        """The counters of an entry change as packets come."""
        return not self.values.keys() & set(_COUNTERS)

    def packet_set(self, space: Space, spec: RuleSpec) -> Region | None:
        if not self.deterministic:
            return None
        return space.inverse(self.save(), _SET in self.inverted)

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        """``set_match_v4``: the sets of the host, else those that the packet is said to be in (attribute ``sets``)."""
        name, directions = self.values[_SET]
        inverted = _SET in self.inverted
        described = packet.attrs.get("sets")
        if ctx.sets is None or not ctx.sets.knows(name):
            if described is not None and not self.values.keys() & {"return-nomatch", *_COUNTERS}:
                return (name in described) != inverted
            ctx.unknown(f"set {name} is not described")
            return None
        found = ctx.sets.find(
            name,
            directions,
            packet,
            ctx,
            shielded="return-nomatch" in self.values,
            update="update-counters" not in self.inverted,
            update_members="update-subcounters" not in self.inverted,
            wanted=self._counted if self.values.keys() & set(_COUNTERS) else None,
        )
        return None if found is None else bool(found) != inverted

    def _counted(self, packets: int, octets: int) -> bool:
        """Do an entry's counters fit (``ip_set_match_counter``)?"""
        for name in _COUNTERS:
            if name in self.values:
                what, how = name.split("-")
                have, limit = packets if what == "packets" else octets, self.values[name]
                holds = have < limit if how == "lt" else have > limit if how == "gt" else have == limit
                if holds == (name in self.inverted):
                    return False
        return True


EXTENSIONS = (SetMatch,)
