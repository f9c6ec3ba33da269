"""DNPT and SNPT: stateless translation of IPv6 prefixes (``libip6t_DNPT.c``, kernel ``ip6t_NPT.c``, RFC 6296)."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.xtables.addresses import ALL_ONES, ip6_text, mask_prefix
from pyiptables.xtables.errors import KernelRefusal
from pyiptables.xtables.hosts import HostMask
from pyiptables.xtables.option import Option, Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

__all__ = ["PrefixTarget"]

_ICMPV6 = 58
#: ``icmpv6_is_err``.
_ERRORS = (1, 2, 3, 4)
#: Protocols whose checksum has the addresses in it.
_CHECKED = frozenset((6, 17, _ICMPV6, 136))
_SOURCE, _TARGET = _OPTIONS = ("src-pfx", "dst-pfx")


class PrefixTarget(Target):
    """``values``: src-pfx, dst-pfx (address, prefix length)."""

    __slots__ = ()

    families = (6,)
    tables = ("mangle",)
    #: The address of the packet that changes, and that of a packet returned inside an ICMPv6 error.
    field = ""
    returned = ""
    options = (
        Option(_SOURCE, HostMask(), mandatory=True, metavar="prefix/length", help="prefix to translate"),
        Option(_TARGET, HostMask(), mandatory=True, metavar="prefix/length", help="prefix to translate to"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        """A mask with holes has the length 255 (``xtopt_parse_mask``)."""
        length = mask_prefix(value[1], 6)
        super().accept(option, (value[0], 255 if length is None else length), invert, parsing)

    def _prefix(self, name: str) -> tuple[int, int]:
        """What the save form leaves out is ::/0."""
        found: tuple[int, int] = self.values.get(name, (0, 0))
        return found

    def kernel_check(self, parsing: Parsing) -> None:
        """``ip6t_npt_checkentry``: at most 64 bits of prefix, nothing set behind it."""
        for name in _OPTIONS:
            address, length = self._prefix(name)
            if length > 64 or address & (1 << 128 - length) - 1:
                raise KernelRefusal(EINVAL)

    def save(self) -> str:
        given = [(name, *self._prefix(name)) for name in _OPTIONS]
        return "".join([f" --{name} {ip6_text(address)}/{length}" for name, address, length in given if address or length])

    def saves_all(self) -> bool:
        """``::/0`` is left out, though it must be given."""
        return all([any(self._prefix(name)) for name in _OPTIONS])

    def show(self, numeric: bool, names: Names) -> str:
        given = [(name, *self._prefix(name)) for name in _OPTIONS]
        return f" {self.name}" + "".join([f" {name} {ip6_text(address)}/{length}" for name, address, length in given])

    def changes(self) -> dict[str, tuple[int, int] | None]:
        return {self.field: None}

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        """``ip6t_snpt_tg``, ``ip6t_dnpt_tg``."""
        from pyiptables.netfilter.packet import Verdict

        old = getattr(packet, self.field)
        address = self.translated(old)
        if address is None:
            return ctx.reject(packet, "icmp", 4, 0)
        setattr(packet, self.field, address)
        if packet.proto in _CHECKED and _sum(old) != _sum(address):
            # The adjustment is for the prefix that the rule names; an address of another comes out wrong.
            packet.bad_checksum = True
        # The kernel does not know where the transport header of a raw socket's packet is.
        hidden = packet.attrs.get("raw_socket") and not packet.iniface
        if packet.inner is not None and not hidden and packet.proto == _ICMPV6 and packet.icmp_type in _ERRORS:
            inner = packet.inner = packet.inner.copy()
            source, length = self._prefix(_SOURCE)
            old = getattr(inner, self.returned)
            if not (old ^ source) >> 128 - length:
                new = self.translated(old)
                setattr(inner, self.returned, old if new is None else new)
        return Verdict.CONTINUE

    def translated(self, address: int) -> int | None:
        """``ip6t_npt_map_pfx``: the new address, checksum neutral; None when it cannot be done."""
        (source, source_length), (target, target_length) = self._prefix(_SOURCE), self._prefix(_TARGET)
        length = max(source_length, target_length)
        host = (1 << 128 - length) - 1
        adjustment = (_sum(source) - _sum(target)) % 0xFFFF
        new = target | address & host
        words = [new >> 112 - 16 * i & 0xFFFF for i in range(8)]
        if length <= 48:
            at = 3
        else:
            at = next((i for i in range(4, 8) if words[i] != 0xFFFF), 8)
            if at == 8:
                return None
        word = words[at] + adjustment
        word = (word & 0xFFFF) + (word >> 16)
        words[at] = 0 if word == 0xFFFF else word
        return sum(w << 112 - 16 * i for i, w in enumerate(words)) & ALL_ONES[6]


def _sum(prefix: int) -> int:
    return sum(prefix >> 16 * i & 0xFFFF for i in range(8)) % 0xFFFF
