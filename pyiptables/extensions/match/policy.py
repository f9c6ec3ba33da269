"""``-m policy``: the IPsec policy of the packet (``libxt_policy.c``, kernel ``xt_policy.c``)."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.xtables.addresses import ALL_ONES, address_text, mask_prefix
from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.hosts import HostMask
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import ProtocolNumber, Text, UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_IPSEC = {50: "esp", 51: "ah", 108: "ipcomp"}
_ELEMENTS = 4
_IN_HOOKS = ("PREROUTING", "INPUT", "FORWARD")
_OUT_HOOKS = ("FORWARD", "OUTPUT", "POSTROUTING")
#: What an element without --mode has.
_TRANSPORT = ("transport", False)
_ORDER = ("reqid", "spi", "proto", "mode", "tunnel-dst", "tunnel-src")


class Policy(Match):
    """``values``: dir, pol, strict, and elements: a list of dicts, option name → (value, inverted).

    The packet's transformations are its attributes ``policy`` (way in) and ``policy_out``: lists of dicts with these words."""

    __slots__ = ()

    name = "policy"
    summary = "the IPsec policy that the packet came or goes by"
    options = (
        Option("dir", Text(), metavar="in|out", words=("in", "out"), help="on the way in or out"),
        Option("pol", Text(), metavar="none|ipsec", words=("none", "ipsec"), help="with or without IPsec"),
        Option("strict", help="every element must match, in order"),
        Option("reqid", UInt(32), multi=True, invert=True, metavar="id", help="request id"),
        Option("spi", UInt(32), multi=True, invert=True, help="security parameter index"),
        Option("tunnel-src", HostMask(), multi=True, invert=True, help="source of the tunnel"),
        Option("tunnel-dst", HostMask(), multi=True, invert=True, help="destination of the tunnel"),
        Option("proto", ProtocolNumber(), multi=True, invert=True, metavar="ah|esp|ipcomp", words=tuple(_IPSEC.values()), help="protocol"),
        Option("mode", Text(), multi=True, invert=True, metavar="transport|tunnel", words=("transport", "tunnel"), help="mode"),
        Option("next", multi=True, also=("strict",), help="begin the next element"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        name = option.name
        elements: list[dict[str, Any]] = self.values.setdefault("elements", [{}])
        if name == "next":
            if len(elements) == _ELEMENTS:
                raise ParameterProblem("policy match: maximum policy depth reached")
            elements.append({})
        elif name in _ORDER:
            self._take(name, value, invert, elements[-1])
        elif name == "dir" and value not in ("in", "out"):
            raise ParameterProblem(f'policy_match: invalid dir "{value}"')
        elif name == "pol" and value not in ("none", "ipsec"):
            raise ParameterProblem(f'policy match: invalid policy "{value}"')
        self.values[name] = value

    @staticmethod
    def _take(name: str, value: Any, invert: bool, element: dict[str, Any]) -> None:
        if name in element:
            raise ParameterProblem(f"policy match: double --{name} option")
        if name == "proto" and value not in _IPSEC:
            raise ParameterProblem("policy match: protocol must be ah/esp/ipcomp")
        if name == "mode" and value not in ("transport", "tunnel"):
            raise ParameterProblem(f'policy match: invalid mode "{value}"')
        element[name] = (value, invert)

    def final_check(self, parsing: Parsing) -> None:
        values = self.values
        if "dir" not in values:
            raise ParameterProblem("policy match: neither --dir in nor --dir out specified")
        elements = values["elements"]
        if values.get("pol") == "none":
            if "strict" in values:
                raise ParameterProblem("policy match: policy none but --strict given")
            if len(elements) > 1:
                raise ParameterProblem("policy match: policy none but policy given")
            elements.clear()
        for number, element in enumerate(elements):
            if "strict" in values and not element:
                raise ParameterProblem(
                    f"policy match: empty policy element {number}. --strict is in effect, but at least one of "
                    "reqid, spi, tunnel-src, tunnel-dst, proto or mode is required."
                )
            if element.keys() & {"tunnel-src", "tunnel-dst"} and element.get("mode", _TRANSPORT) in (("tunnel", True), _TRANSPORT):
                raise ParameterProblem("policy match: --tunnel-src/--tunnel-dst is only valid in tunnel mode")

    def hooks_allowed(self) -> tuple[str, ...]:
        return _IN_HOOKS if self.values["dir"] == "in" else _OUT_HOOKS

    def kernel_check(self, parsing: Parsing) -> None:
        if len(self.values["elements"]) > _ELEMENTS:
            raise KernelRefusal(EINVAL)

    def _element_text(self, element: dict[str, Any], prefix: str, protocols: bool) -> str:
        text = ""
        for name in _ORDER:
            if name not in element:
                continue
            value, inverted = element[name]
            if name == "spi":
                shown = f"0x{value:x}"
            elif name == "proto":
                shown = _IPSEC[value] if protocols else str(value)
            elif name.startswith("tunnel"):
                shown = address_text(value[0], self.family) + self._mask(value[1])
            else:
                shown = str(value)
            text += f"{' !' if inverted else ''} {prefix}{name} {shown}"
        return text

    def _mask(self, mask: int) -> str:
        if mask == ALL_ONES[self.family]:
            return ""
        length = mask_prefix(mask, self.family)
        return f"/{address_text(mask, self.family) if length is None else length}"

    def _flags(self, prefix: str) -> str:
        text = f" {prefix}dir {self.values['dir']} {prefix}pol {self.values.get('pol', 'ipsec')}"
        return text + (f" {prefix}strict" if "strict" in self.values else "")

    def save(self) -> str:
        return self._flags("--") + " --next".join([self._element_text(element, "--", True) for element in self.values["elements"]])

    def show(self, numeric: bool, names: Names) -> str:
        elements = self.values["elements"]
        text = " policy match" + self._flags("")
        for number, element in enumerate(elements):
            text += (f" [{number}]" if len(elements) > 1 else "") + self._element_text(element, "", not numeric)
        return text

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        """``match_policy_in``, ``match_policy_out``."""
        key = "policy" if self.values["dir"] == "in" else "policy_out"
        chain = packet.attrs.get(key, () if "policy" in packet.attrs else None)
        if chain is None:
            ctx.unknown("no IPsec policy is described")
            return None
        if self.values.get("pol") == "none":
            return not chain
        if not chain:
            return False
        elements, strict = self.values["elements"], "strict" in self.values
        if strict and len(chain) != len(elements):
            return False
        if strict:
            return all(map(_element_holds, elements, chain))
        return any(_element_holds(elements[0], found) for found in chain)


def _element_holds(element: dict[str, Any], found: dict[str, Any]) -> bool:
    for name, (wanted, inverted) in element.items():
        value = found.get(name)
        if name.startswith("tunnel") and value is not None:
            holds = int(value) & wanted[1] == wanted[0] & wanted[1]
        elif name == "proto":
            holds = value in (wanted, _IPSEC[wanted])
        else:
            holds = value == wanted
        if holds == inverted:
            return False
    return True


EXTENSIONS = (Policy,)
