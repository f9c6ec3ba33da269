"""``-m ipv6header``: which extension headers there are (``libip6t_ipv6header.c``, kernel ``ip6t_ipv6header.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

#: ``chain_protos``: name → protocol number; ``chain_flags`` order below.
_NAMES = {
    "hop-by-hop": 0, "protocol": 255, "hop": 0, "dst": 60, "route": 43, "frag": 44, "auth": 51, "esp": 50, "none": 59,
    "prot": 255, "0": 0, "60": 60, "43": 43, "44": 44, "51": 51, "50": 50, "59": 59, "255": 255,
}  # fmt: skip
#: Protocol → bit, as the listing walks them (``MASK_*``, ``ip6t_ipv6header.h``).
_BITS = {0: 128, 60: 64, 43: 32, 44: 16, 51: 8, 50: 4, 59: 2, 255: 1}
#: What ``/etc/protocols`` calls them; the save form prints these names.
_SYSTEM = {
    0: "hop-by-hop", 60: "ipv6-opts", 43: "ipv6-route", 44: "ipv6-frag", 51: "ah", 50: "esp", 59: "ipv6-nonxt",
    255: "protocol",
}  # fmt: skip


class Ipv6header(Match):
    """``values``: header (bits), soft."""

    __slots__ = ()

    name = "ipv6header"
    families = (6,)
    summary = "which IPv6 extension headers there are"
    options = (
        Option(
            "header", Text(), invert=True, mandatory=True, metavar="header[,header…]",
            words=("hop-by-hop", "dst", "route", "frag", "auth", "esp", "none", "prot"),
            help="hop-by-hop, dst, route, frag, auth, esp, none, prot",
        ),
        Option("soft", help="other headers may be there as well"),
    )  # fmt: skip

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if option.name == "header":
            value = self._bits(value, parsing)
        super().accept(option, value, invert, parsing)

    def _bits(self, text: str, parsing: Parsing) -> int:
        bits = 0
        for word in filter(None, text.split(",")):
            number = parsing.names.protocol_number(word)
            if number is None:
                number = _SYSTEM_NUMBERS.get(word, _NAMES.get(word))
            if number is None:
                raise ParameterProblem(f"unknown header `{word}' specified")
            if number not in _BITS:
                raise ParameterProblem(f"unknown header `{number}' specified")
            bits |= _BITS[number]
        if not bits:
            raise ParameterProblem("ip6t_ipv6header: cannot parse header names")
        return bits

    def _listed(self) -> str:
        bits = self.values["header"]
        return ",".join([_SYSTEM[number] for number, bit in _BITS.items() if bits & bit])

    def save(self) -> str:
        return f"{' !' if self.inverted else ''} --header {self._listed()}{' --soft' if 'soft' in self.values else ''}"

    def show(self, numeric: bool, names: Names) -> str:
        what = f"0x{self.values['header']:02X}" if numeric else self._listed()
        return f" ipv6header flags:{'!' if self.inverted else ''}{what}{' soft' if 'soft' in self.values else ''}"

    def matches(self, packet: Packet, ctx: Context) -> bool:
        """``ipv6header_mt6``: inverted, soft asks that none of the headers be there, hard that not just they are."""
        present = 0
        for kind, _ in packet.ext_headers:
            present |= _BITS.get(kind, 0)
        present |= _BITS.get(packet.proto, 0) if packet.proto in (50, 59) else _BITS[255]
        wanted: int = self.values["header"]
        if "soft" in self.values:
            return present & wanted == (0 if self.inverted else wanted)
        return (present == wanted) != bool(self.inverted)


_SYSTEM_NUMBERS = {name: number for number, name in _SYSTEM.items()}

EXTENSIONS = (Ipv6header,)
