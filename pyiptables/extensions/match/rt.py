"""``-m rt``: the IPv6 routing header (``libip6t_rt.c``, kernel ``ip6t_rt.c``)."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.xtables.addresses import ip6_text, parse_ip6
from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.spi import EVERY, range_of, save_range, show_range
from pyiptables.xtables.values import Text, UInt, UIntRange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

#: ``IP6T_RT_HOPS``.
_HOPS = 16


class Rt(Match):
    """``values``: rt-type, rt-segsleft (low, high), rt-len, rt-0-res, rt-0-addrs (tuple), rt-0-not-strict."""

    __slots__ = ()

    name = "rt"
    families = (6,)
    summary = "the IPv6 routing header"
    options = (
        Option("rt-type", UInt(32), invert=True, metavar="type", help="routing type"),
        Option("rt-segsleft", UIntRange(32), invert=True, metavar="number[:number]", help="segments left"),
        Option("rt-len", UInt(32), invert=True, metavar="length", help="total length of the header"),
        Option("rt-0-res", help="the reserved field is zero (type 0)"),
        Option("rt-0-addrs", Text(), metavar="address[,address…]", help="these addresses (type 0)"),
        Option("rt-0-not-strict", help="the list of addresses need not be the whole (type 0)"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        name = option.name
        if name in ("rt-0-res", "rt-0-addrs") and (self.values.get("rt-type") != 0 or "rt-type" in self.inverted):
            raise ParameterProblem(f"`--rt-type 0' required before `--{name}'")
        if name == "rt-0-not-strict" and "rt-0-addrs" not in self.values:
            raise ParameterProblem("`--rt-0-addr ...' required before `--rt-0-not-strict'")
        if name == "rt-segsleft":
            value = range_of(value)
        elif name == "rt-0-addrs":
            value = _addresses(value)
        super().accept(option, value, invert, parsing)

    def kernel_check(self, parsing: Parsing) -> None:
        """``rt_mt6_check``: type 0 details need type 0."""
        details = ("rt-0-res", "rt-0-addrs", "rt-0-not-strict")
        if any(name in self.values for name in details) and (self.values.get("rt-type") != 0 or "rt-type" in self.inverted):
            raise KernelRefusal(EINVAL)

    def save(self) -> str:
        given, inverted = self.values, self.inverted
        text = ""
        if "rt-type" in given:
            text += f"{' !' if 'rt-type' in inverted else ''} --rt-type {given['rt-type']}"
        text += save_range("rt-segsleft", given.get("rt-segsleft", EVERY), "rt-segsleft" in inverted)
        if "rt-len" in given:
            text += f"{' !' if 'rt-len' in inverted else ''} --rt-len {given['rt-len']}"
        if "rt-0-res" in given:
            text += " --rt-0-res"
        if "rt-0-addrs" in given:
            text += " --rt-0-addrs " + ",".join([ip6_text(address) for address in given["rt-0-addrs"]])
        return text + (" --rt-0-not-strict" if "rt-0-not-strict" in given else "")

    def identity(self) -> str:
        """Whether the whole range was asked for is compared, though it prints nothing."""
        return f"{self.save()} {'rt-segsleft' in self.values}"

    def saves_all(self) -> bool:
        return self.values.get("rt-segsleft") != EVERY or "rt-segsleft" in self.inverted

    def show(self, numeric: bool, names: Names) -> str:
        given, inverted = self.values, self.inverted
        text = " rt"
        if "rt-type" in given:
            kind = given["rt-type"]
            # Printed with %d.
            text += f" type:{'!' if 'rt-type' in inverted else ''}{kind - (1 << 32) if kind >> 31 else kind}"
        segments = show_range("segsleft", given.get("rt-segsleft", EVERY), "rt-segsleft" in inverted)
        text += f" {segments}" if segments else ""
        if "rt-len" in given:
            text += f" length:{'!' if 'rt-len' in inverted else ''}{given['rt-len']}"
        if "rt-0-res" in given:
            text += " reserved"
        if "rt-0-addrs" in given:
            text += " 0-addrs " + ",".join([ip6_text(address) for address in given["rt-0-addrs"]])
        return text + (" 0-not-strict" if "rt-0-not-strict" in given else "")

    def matches(self, packet: Packet, ctx: Context) -> bool:
        header = next((raw for kind, raw in packet.ext_headers if kind == 43), None)
        if header is None or len(header) < 4:
            return False
        given, inverted = self.values, self.inverted
        low, high = given.get("rt-segsleft", EVERY)
        if (low <= header[3] <= high) == ("rt-segsleft" in inverted):
            return False
        if "rt-len" in given and (len(header) == given["rt-len"]) == ("rt-len" in inverted):
            return False
        if "rt-type" in given and (header[2] == given["rt-type"]) == ("rt-type" in inverted):
            return False
        if "rt-0-res" in given and header[4:8] != b"\0\0\0\0":
            return False
        if "rt-0-addrs" not in given:
            return True
        present = [int.from_bytes(header[at : at + 16], "big") for at in range(8, len(header) - 15, 16)]
        wanted = list(given["rt-0-addrs"])
        if "rt-0-not-strict" not in given:
            return present == wanted
        rest = iter(present)
        return all(address in rest for address in wanted)


def _addresses(text: str) -> tuple[int, ...]:
    found = []
    for i, part in enumerate(text.split(",")):
        if i >= _HOPS:
            raise ParameterProblem("too many addresses specified")
        address = parse_ip6(part)
        if address is None:
            raise ParameterProblem(f"bad address: {part}")
        found.append(address)
    return tuple(found)


EXTENSIONS = (Rt,)
