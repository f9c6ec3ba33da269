"""``-j CT``: what connection tracking is to do (``libxt_CT.c``, kernel ``xt_CT.c``)."""

from __future__ import annotations

from errno import EINVAL, ENOENT

from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.numbers import UINT16, scan_unsigned
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_EVENTS = {
    "new": 0, "related": 1, "destroy": 2, "reply": 3, "assured": 4, "protoinfo": 5, "helper": 6, "mark": 7,
    "natseqinfo": 8, "secmark": 9,
}  # fmt: skip
_EXPECTATION_EVENTS = {"new": 0}
_TABLES = {"ctevents": _EVENTS, "expevents": _EXPECTATION_EVENTS}
_ZONES = {"zone": "both", "zone-orig": "orig", "zone-reply": "reply"}
_NAME_SIZE = {"helper": 16, "timeout": 32}


class Ct(Target):
    """``values``: notrack, helper, timeout (names), ctevents, expevents (bits), zone (number or 'mark')."""

    __slots__ = ("_zone_ways",)

    name = "CT"
    idempotent = True
    summary = "tell connection tracking how to track the packet: not at all, with a helper, in a zone"
    tables = ("raw",)
    options = (
        Option("notrack", help="do not track the packet"),
        Option("helper", Text(), metavar="name", help="use this helper for the connection"),
        Option("timeout", Text(), metavar="name", help="use this timeout policy"),
        Option("ctevents", Text(), metavar="event[,…]", words=tuple(_EVENTS), help="send only these events"),
        Option("expevents", Text(), metavar="event[,…]", words=tuple(_EXPECTATION_EVENTS), help="send only these events of expectations"),
        Option("zone-orig", Text(), metavar="number|mark", help="zone of the original direction only"),
        Option("zone-reply", Text(), metavar="number|mark", help="zone of the reply direction only"),
        Option("zone", Text(), metavar="number|mark", help="zone of both directions"),
    )

    def __init__(self, family: int) -> None:
        super().__init__(family)
        self._zone_ways: set[str] = set()

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        name = option.name
        if name in _ZONES:
            self._take_zone(name, value)
        elif name in _TABLES:
            value = _event_bits(_TABLES[name], value)
        elif name in _NAME_SIZE:
            value = value[: _NAME_SIZE[name] - 1]
        super().accept(option, value, invert, parsing)

    def _take_zone(self, name: str, text: str) -> None:
        """All three options write the same zone; each direction adds to the ways."""
        if name != "zone":
            self._zone_ways.add(_ZONES[name])
        if text.lower() == "mark":
            self.values["_by_mark"] = True
            self.values["_zone"] = 0
            return
        got = scan_unsigned(text, 0, UINT16)
        if got is None or got[1] != len(text):
            raise ParameterProblem(f"Cannot parse {text} as a zone ID")
        self.values["_zone"] = got[0]

    def kernel_check(self, parsing: Parsing) -> None:
        """A helper needs its protocol and a module, a timeout policy must exist, which none does here. With notrack
        nothing else is looked at (``xt_ct_tg_check``)."""
        if "notrack" in self.values:
            return
        if self.values.get("helper"):
            if not parsing.proto or parsing.proto_inv:
                raise KernelRefusal(ENOENT)
            helper = self.values["helper"]
            if parsing.proto not in _HELPERS.get(helper, ()) or (self.family == 6 and helper in _ONLY_IPV4):
                raise KernelRefusal(ENOENT)
        if self.values.get("timeout") and not parsing.elsewhere:
            raise KernelRefusal(ENOENT if parsing.proto and not parsing.proto_inv else EINVAL)

    def _text(self, prefix: str) -> str:
        values = self.values
        text = f" {prefix}notrack" if "notrack" in values else ""
        text += "".join([f" {prefix}{name} {values[name]}" for name in ("helper", "timeout") if values.get(name)])
        for name, table in _TABLES.items():
            if values.get(name):
                text += f" {prefix}{name} " + ",".join([event for event, bit in table.items() if values[name] >> bit & 1])
        if values.get("_by_mark") or values.get("_zone"):
            way = f"-{next(iter(self._zone_ways))}" if len(self._zone_ways) == 1 else ""
            text += f" {prefix}zone{way} {'mark' if values.get('_by_mark') else values['_zone']}"
        return text

    def save(self) -> str:
        return self._text("--")

    def show(self, numeric: bool, names: Names) -> str:
        return " CT" + self._text("")

    def changes(self) -> dict[str, tuple[int, int] | None]:
        return {"ctstate": None, "ctstatus": None, "ctdir": None}

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        values = self.values
        if "notrack" in values:
            ctx.notrack(packet)
            return Verdict.CONTINUE
        wanted: dict[str, Any] = {name: values[name] for name in ("helper", "timeout", *_TABLES) if values.get(name)}
        if values.get("_by_mark") or values.get("_zone"):
            wanted["zone"] = values.get("_zone", 0)
            wanted["zone_mark"] = bool(values.get("_by_mark"))
            wanted["zone_dir"] = next(iter(self._zone_ways)) if len(self._zone_ways) == 1 else "both"
        if ctx.set_template(packet, **wanted):
            for name, value in wanted.items():
                if name == "zone":
                    ways = "" if wanted["zone_dir"] == "both" else f" of {wanted['zone_dir']} packets"
                    ctx.note("zone", f"{'the mark' if wanted['zone_mark'] else value}{ways}")
                elif name in ("helper", "timeout"):
                    ctx.note(name, value)
        return Verdict.CONTINUE


#: Helpers of the kernel and the protocols they serve.
_HELPERS = {
    "ftp": (6,), "irc": (6,), "sane": (6,), "pptp": (6,), "amanda": (17,), "tftp": (17,), "snmp": (17,),
    "snmp_trap": (17,), "netbios-ns": (17,), "sip": (6, 17), "RAS": (17,), "Q.931": (6,),
}  # fmt: skip
_ONLY_IPV4 = ("irc", "netbios-ns", "pptp", "snmp", "snmp_trap")


def _event_bits(table: dict[str, int], text: str) -> int:
    bits = 0
    for word in text.split(","):
        if word not in table:
            raise ParameterProblem(f'Unknown event type "{word}"')
        bits |= 1 << table[word]
    return bits


EXTENSIONS = (Ct,)
