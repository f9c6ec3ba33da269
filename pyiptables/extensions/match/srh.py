"""``-m srh``: the IPv6 segment routing header (``libip6t_srh.c``, kernel ``ip6t_srh.c``)."""

from __future__ import annotations

from pyiptables.xtables.addresses import address_text, mask_prefix
from pyiptables.xtables.hosts import HostMask
from pyiptables.xtables.numbers import UINT32
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_SHARED = ("srh-hdr-len", "srh-segs-left", "srh-last-entry")
_SIDS = ("srh-psid", "srh-nsid", "srh-lsid")


def _compared(name: str, what: str) -> tuple[Option, ...]:
    return (
        Option(f"{name}-eq", UInt(8), invert=True, help=f"{what} is this"),
        Option(f"{name}-gt", UInt(8), invert=True, help=f"{what} is more than this"),
        Option(f"{name}-lt", UInt(8), invert=True, help=f"{what} is less than this"),
    )


class Srh(Match):
    """``values`` by option name. The comparisons of one field share their number: the last one given counts."""

    __slots__ = ()

    name = "srh"
    families = (6,)
    summary = "the IPv6 segment routing header"
    options = (
        Option("srh-next-hdr", UInt(8), invert=True, help="next header"),
        *_compared("srh-hdr-len", "header length"),
        *_compared("srh-segs-left", "segments left"),
        *_compared("srh-last-entry", "last entry"),
        Option("srh-tag", UInt(16), invert=True, help="tag"),
        Option("srh-psid", HostMask(), invert=True, help="previous segment"),
        Option("srh-nsid", HostMask(), invert=True, help="next segment"),
        Option("srh-lsid", HostMask(), invert=True, help="last segment"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        super().accept(option, value, invert, parsing)
        for field in _SHARED:
            if option.name.startswith(field):
                for name in self.values:
                    if name.startswith(field):
                        self.values[name] = value

    def option_text(self, option: Option, value: Any) -> str:
        if option.name in _SIDS:
            return " " + _sid(value)
        return f" {value}"

    def saves_all(self) -> bool:
        """A mask that is no prefix is printed as a length of -1."""
        return all([mask_prefix(self.values[name][1], 6) is not None for name in _SIDS if name in self.values])

    def show(self, numeric: bool, names: Names) -> str:
        text = " srh"
        for option in self.options:
            name = option.name
            if name in self.values:
                value = self.values[name]
                shown = _sid(value) if name in _SIDS else value
                mark = "!" if name in self.inverted else ""
                text += f" {name[4:]} {mark} {shown}" if name in _SIDS else f" {name[4:]}:{mark}{shown}"
        return text

    def matches(self, packet: Packet, ctx: Context) -> bool:
        header = next((raw for kind, raw in packet.ext_headers if kind == 43), None)
        if header is None or len(header) < 8 or header[2] != 4:
            return False
        left, last = header[3], header[4]
        if left > last:
            return False
        fields = {"srh-next-hdr": header[0], "srh-tag": int.from_bytes(header[6:8], "big")}
        numbers = {"srh-hdr-len": header[1], "srh-segs-left": left, "srh-last-entry": last}
        for name, value in self.values.items():
            if name in fields:
                hit = fields[name] == value
            elif name in _SIDS:
                at = {"srh-psid": left + 1, "srh-nsid": left - 1, "srh-lsid": 0}[name]
                if not 0 <= at <= last:
                    return False
                address, mask = value
                segment = int.from_bytes(header[8 + 16 * at : 24 + 16 * at], "big")
                hit = segment & mask == address & mask
            else:
                number = numbers[name[:-3]]
                hit = {"eq": number == value, "gt": number > value, "lt": number < value}[name[-2:]]
            if hit == (name in self.inverted):
                return False
        return True


def _sid(value: tuple[int, int]) -> str:
    address, mask = value
    length = mask_prefix(mask, 6)
    return f"{address_text(address, 6)}/{UINT32 if length is None else length}"


EXTENSIONS = (Srh,)
