"""``-m ipvs``: properties of a load-balanced connection (``libxt_ipvs.c``, kernel ``xt_ipvs.c``)."""

from __future__ import annotations

from pyiptables.xtables.addresses import ALL_ONES, mask_prefix
from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.hosts import HostMask
from pyiptables.xtables.names import any_name
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.ports import Port
from pyiptables.xtables.values import ProtocolNumber, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_DIRECTIONS = ("ORIGINAL", "REPLY")
_METHODS = ("GATE", "IPIP", "MASQ")


class _Word(Text):
    """One of some words, in any case."""

    def __init__(self, words: tuple[str, ...]) -> None:
        super().__init__()
        self.words = words
        self.metavar = "|".join(words)

    def text(self, value: Any) -> str:
        return f" {value}"


class Ipvs(Match):
    """``values``: ipvs, vproto, vaddr (address, mask), vport, vdir, vmethod, vportctl.

    Decided by ``packet.attrs["ipvs"]``: a dict with the same keys without ``v`` (``proto``, ``addr``, ``port``, ``dir``,
    ``method``, ``portctl``), None when the packet belongs to no such connection.
    """

    __slots__ = ()

    name = "ipvs"
    summary = "properties of the packet's IPVS connection"
    options = (
        Option("ipvs", invert=True, help="the packet belongs to an IPVS connection"),
        Option("vproto", ProtocolNumber(), invert=True, help="protocol of the virtual service"),
        Option("vaddr", HostMask(), invert=True, help="address of the virtual service"),
        Option("vport", Port(), invert=True, help="port of the virtual service"),
        Option("vdir", _Word(_DIRECTIONS), help="direction within the connection"),
        Option("vmethod", _Word(_METHODS), invert=True, help="how packets are forwarded to the real server"),
        Option("vportctl", Port(), invert=True, help="port of the connection that controls this one"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if option.name in ("vdir", "vmethod"):
            word = value.upper()
            if word not in option.type.words:
                raise ParameterProblem(f'ipvs: Bad value for "--{option.name}" option: "{value}"')
            value = word
        super().accept(option, value, invert, parsing)

    def final_check(self, parsing: Parsing) -> None:
        if not self.values:
            raise ParameterProblem("IPVS: At least one option is required")
        if self._asked() and "ipvs" in self.inverted:
            raise ParameterProblem("! --ipvs cannot be together with other options")

    def _asked(self) -> bool:
        """Whether anything more than the bare ``--ipvs`` was given, which says nothing then."""
        return any(name != "ipvs" for name in self.values)

    def save(self) -> str:
        return self._dump("--", True)

    def show(self, numeric: bool, names: Names) -> str:
        return self._dump("", numeric, names)

    def _dump(self, dashes: str, numeric: bool, names: Names | None = None) -> str:
        text = ""
        for option in self.options:
            name = option.name
            if name not in self.values or (name == "ipvs" and self._asked()):
                continue
            value = self.values[name]
            if name == "vaddr":
                words = " " + self._address(value, numeric, names)
            else:
                words = option.type.text(value)
            text += f"{' !' if name in self.inverted else ''} {dashes}{name}{words}"
        return text

    def _address(self, value: tuple[int, int], numeric: bool, names: Names | None) -> str:
        address, mask = value
        if not numeric and address == 0:
            return "anywhere"
        name = None if numeric or names is None else any_name(names, address, self.family)
        text = name or self.address(address)
        if mask == ALL_ONES[self.family]:
            return text
        length = mask_prefix(mask, self.family)
        return f"{text}/{self.address(mask) if length is None else length}"

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        """``ipvs_mt``: a packet of no IPVS connection satisfies only ``! --ipvs``."""
        if "ipvs" not in packet.attrs:
            ctx.unknown("no ipvs connection is described")
            return None
        connection = packet.attrs["ipvs"]
        if not self._asked():
            return (connection is not None) != ("ipvs" in self.inverted)
        if connection is None:
            return False
        for name, value in self.values.items():
            if name == "ipvs":
                continue
            if name[1:] not in connection:
                ctx.unknown(f"no {name[1:]} of the ipvs connection is described")
                return None
            found = connection[name[1:]]
            same = (found ^ value[0]) & value[1] == 0 if name == "vaddr" else found == value
            if same == (name in self.inverted):
                return False
        return True


EXTENSIONS = (Ipvs,)
