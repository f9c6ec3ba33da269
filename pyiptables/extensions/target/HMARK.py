"""``-j HMARK``: a mark from a hash of the flow (``libxt_HMARK.c``, kernel ``xt_HMARK.c``)."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.xtables.addresses import ALL_ONES, mask_prefix
from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.hosts import PrefixMask
from pyiptables.xtables.numbers import UINT16, UINT32
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import Text, UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

#: Words of --hmark-tuple: the option they stand for and its bits, in the order abbreviations are looked up.
_TUPLE = {
    "ct": "ct",
    "src": "src-prefix",
    "dst": "dst-prefix",
    "sport": "sport-mask",
    "dport": "dport-mask",
    "proto": "proto-mask",
    "spi": "spi-mask",
}
_WIDTH = {"sport-mask": 16, "dport-mask": 16, "proto-mask": 16, "spi-mask": 32}
_WITH_PORTS = (6, 17, 33, 132, 136)
#: Where the SPI is in the headers of ESP and AH.
_SPI_AT = {50: 0, 51: 4}
#: ICMPv6 types from here on are no errors.
_NO_ERROR = 128
_PACKET = ("src-prefix", "dst-prefix", "spi-mask", "sport-mask", "dport-mask", "proto-mask", "sport", "dport", "spi")


def _option(name: str, bits: int, help: str, low: int = 0, mandatory: bool = False) -> Option:
    return Option(f"hmark-{name}", UInt(bits, low), mandatory=mandatory, help=help)


class Hmark(Target):
    """``values``: the options by name; words of hmark-tuple are kept as the options they stand for, and 'ct'."""

    __slots__ = ()

    name = "HMARK"
    summary = "set the mark to a hash of addresses and ports"
    options = (
        Option("hmark-tuple", Text(), metavar="word[,…]", words=tuple(_TUPLE), help="what to hash: src, dst, sport, dport, spi, proto, ct"),
        Option("hmark-src-prefix", PrefixMask(), help="bits of the source address to hash"),
        Option("hmark-dst-prefix", PrefixMask(), help="bits of the destination address to hash"),
        _option("sport-mask", 16, "bits of the source port to hash"),
        _option("dport-mask", 16, "bits of the destination port to hash"),
        _option("spi-mask", 32, "bits of the SPI to hash"),
        _option("sport", 16, "bits to set in the source port before"),
        _option("dport", 16, "bits to set in the destination port before"),
        _option("spi", 32, "bits to set in the SPI before"),
        _option("proto-mask", 16, "bits of the protocol to hash"),
        _option("rnd", 32, "start value of the hash"),
        _option("mod", 32, "number of different marks", 1, mandatory=True),
        _option("offset", 32, "smallest mark"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        super().accept(option, value, invert, parsing)
        if option.name == "hmark-tuple":
            self._take_tuple(value)

    def _take_tuple(self, text: str) -> None:
        words = text.split(",")
        for i, word in enumerate(words):
            if not word and i == len(words) - 1:
                raise ParameterProblem('"--hmark-tuple" requires a list of types with no spaces, e.g. src,dst,sport,dport,proto')
            name = next((name for start, name in _TUPLE.items() if word and start.startswith(word.lower())), None)
            if name is None:
                raise ParameterProblem(f'Bad type "{",".join(words[i:])}"')
            self.values[f"hmark-{name}"] = (1 << _WIDTH[name]) - 1 if name in _WIDTH else ALL_ONES[self.family]

    def _has(self, name: str) -> bool:
        return f"hmark-{name}" in self.values

    def final_check(self, parsing: Parsing) -> None:
        if not self._has("mod"):
            raise ParameterProblem("--hmark-mod is mandatory")
        if not self._has("rnd"):
            raise ParameterProblem("--hmark-rnd is mandatory")
        if self._has("spi-mask") and (self._has("sport-mask") or self._has("dport-mask")):
            raise ParameterProblem("you cannot use --hmark-spi-mask and --hmark-?port-mask,at the same time")
        if not self._has("ct") and not any(map(self._has, _PACKET)):
            raise ParameterProblem("you have to specify --hmark-tuple at least")

    def kernel_check(self, parsing: Parsing) -> None:
        """``hmark_tg_check``."""
        if self._has("spi") and (self._has("sport") or self._has("dport")):
            raise KernelRefusal(EINVAL)

    def is_found(self) -> bool:
        """An IPv4 prefix that is none leaves the rest of its field to chance."""
        return self.family == 6 or self.saves_all()

    def saves_all(self) -> bool:
        return all([not self._has(name) or self._prefix(name) != "-1" for name in ("src-prefix", "dst-prefix")])

    def _prefix(self, name: str) -> str:
        length = mask_prefix(self.values[f"hmark-{name}"], self.family)
        return "-1" if length is None else str(length)

    def save(self) -> str:
        text = "".join([f" --hmark-{name} {self._prefix(name)}" for name in ("src-prefix", "dst-prefix") if self._has(name)])
        for name, digits in _DIGITS.items():
            if self._has(name):
                text += f" --hmark-{name} 0x{self.values[f'hmark-{name}']:0{digits}x}"
        for name in ("mod", "offset"):
            if self._has(name):
                text += f" --hmark-{name} {self.values[f'hmark-{name}']}"
        return text + (" --hmark-tuple ct" if self._has("ct") else "")

    def show(self, numeric: bool, names: Names) -> str:
        text = f" HMARK mod {self.values['hmark-mod']} "
        if self._has("offset"):
            text += f"+ 0x{self.values['hmark-offset']:x} "
        if self._has("ct"):
            text += "ct, "
        text += "".join([f"{name} {self._shown_prefix(name)} " for name in ("src-prefix", "dst-prefix") if self._has(name)])
        return text + "".join([f"{name} 0x{self.values[f'hmark-{name}']:x} " for name in _DIGITS if self._has(name)])

    def _shown_prefix(self, name: str) -> str:
        """IPv4 prints no length as unsigned; IPv6 the mask's text less its first character: nothing for all of it."""
        length = self._prefix(name)
        if length == "-1":
            return str(UINT32) if self.family == 4 else self.address(self.values[f"hmark-{name}"])
        return "" if self.family == 6 and length == "128" else length

    def changes(self) -> dict[str, tuple[int, int] | None]:
        return {"mark": None}

    def _bits(self, kind: str) -> int:
        """Ports or SPI as one 32-bit number: ``kind`` is '' for the bits to set, '-mask' for the bits to keep."""
        given = self.values
        source, destination = given.get(f"hmark-sport{kind}", 0), given.get(f"hmark-dport{kind}", 0)
        bits: int = source << 16 | destination | given.get(f"hmark-spi{kind}", 0)
        return bits

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        """``hmark_tg_v4``, ``hmark_tg_v6``: both ways of a connection have the same hash."""
        from pyiptables.netfilter.packet import Verdict
        from pyiptables.xtables.jenkins import jhash_words, reciprocal_scale

        if self._has("ct"):
            ct = packet.ct
            if ct is None:
                return Verdict.CONTINUE
            source, destination, proto = ct.original[0], ct.reply[0], ct.proto
            ports = 0 if proto == 1 else self._ordered(ct.original[1] << 16 | ct.reply[1])
        else:
            subject = packet
            if packet.inner is not None and (packet.family == 4 or packet.icmp_type < _NO_ERROR):
                subject = packet.inner
            source, destination, proto = subject.src, subject.dst, subject.proto
            found = self._ports(subject)
            if found is None:
                ctx.unknown("the SPI is not described")
                return Verdict.CONTINUE
            ports = found
        low, high = sorted((self._folded(source, "src-prefix"), self._folded(destination, "dst-prefix")))
        value = jhash_words([low, high, ports], self.values["hmark-rnd"])
        value ^= proto & self.values.get("hmark-proto-mask", 0)
        packet.mark = reciprocal_scale(value, self.values["hmark-mod"]) + self.values.get("hmark-offset", 0) & UINT32
        return Verdict.CONTINUE

    def _folded(self, address: int, name: str) -> int:
        """The masked address as 32 bits, those of IPv6 xored (``hmark_addr6_mask``)."""
        address &= self.values.get(f"hmark-{name}", 0)
        return address & UINT32 ^ address >> 32 & UINT32 ^ address >> 64 & UINT32 ^ address >> 96

    def _ordered(self, ports: int) -> int:
        """``hmark_swap_ports``: the greater one first."""
        ports = ports & self._bits("-mask") | self._bits("")
        first, second = ports >> 16, ports & UINT16
        return max(first, second) << 16 | min(first, second)

    def _ports(self, packet: Packet) -> int | None:
        """``hmark_set_tuple_ports``: none in fragments and where the protocol has none (``proto_ports_offset``)."""
        if packet.frag_offset or packet.more_fragments:
            return 0
        if packet.proto in _WITH_PORTS:
            return self._ordered(packet.sport << 16 | packet.dport)
        at = _SPI_AT.get(packet.proto)
        if at is None:
            return 0
        return None if packet.l4 is None else self._ordered(int.from_bytes(packet.l4[at : at + 4], "big"))


#: Options printed as hexadecimal numbers, and how many digits the save form has.
_DIGITS = {"sport-mask": 4, "dport-mask": 4, "spi-mask": 8, "sport": 4, "dport": 4, "spi": 8, "proto-mask": 2, "rnd": 8}

EXTENSIONS = (Hmark,)
