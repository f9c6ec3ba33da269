"""``-m connlabel``: a label bit of the connection (``libxt_connlabel.c``, kernel ``xt_connlabel.c``)."""

from __future__ import annotations

import re
from errno import ERANGE

from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.numbers import UINT16, UINT64, strtoul
from pyiptables.xtables.option import Match, Option
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

_FILE = "/etc/xtables/connlabel.conf"
_NO_FILE = f"Warning: cannot open {_FILE}: No such file or directory\n"
#: ``XT_CONNLABEL_MAXBIT``.
_LAST = 127
_BINARY = re.compile(r"[ \t\n\v\f\r]*([-+]?)0[bB]([01]+)")


class Connlabel(Match):
    """``values``: label (bit), set."""

    __slots__ = ()

    name = "connlabel"
    summary = "a label of the connection"
    remark = _NO_FILE
    options = (
        Option("label", Text(low=1), invert=True, mandatory=True, metavar="name|number", help="the label"),
        Option("set", help="set the label if it is not; matches if it then is"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if option.name == "label":
            value = self._bit(value, parsing)
        super().accept(option, value, invert, parsing)

    def _bit(self, text: str, parsing: Parsing) -> int:
        # It alone is built with the strtoul of C23, which knows binary numbers.
        binary = _BINARY.fullmatch(text)
        number, end = strtoul(f"{binary[1]}{int(binary[2], 2)}" if binary else text)
        # The result is kept in an int, of which a negative one is a name.
        if text and (binary or end == len(text)) and number != UINT64 and not number >> 31 & 1:
            return number & UINT16
        bit = parsing.names.mapped_number(_FILE, text)
        if bit is None:
            parsing.notices.append(_NO_FILE)
            raise ParameterProblem(f"label '{text}' not found or invalid value")
        return bit

    def kernel_check(self, parsing: Parsing) -> None:
        if self.values["label"] > _LAST:
            raise KernelRefusal(ERANGE)

    def save(self) -> str:
        text = f'{" !" if self.inverted else ""} --label "{self.values["label"]}"'
        return text + (" --set" if "set" in self.values else "")

    def show(self, numeric: bool, names: Names) -> str:
        text = f" connlabel{' !' if self.inverted else ''} {self.values['label']}"
        return text + (" set" if "set" in self.values else "")

    def identity(self) -> str:
        """It declares no size to compare: any label is the same."""
        return ""

    def volatile(self) -> tuple[str, ...]:
        return ("connlabel",) if "set" in self.values else ()

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        """Any rule with ``--set`` changes the answer while it asks."""
        return space.unsure(f"connlabel {self.values['label']}", bool(self.inverted))

    def matches(self, packet: Packet, ctx: Context) -> bool:
        from pyiptables.netfilter.connection import TEMPLATE

        inverted = bool(self.inverted)
        if packet.ct is None or packet.ct.status & TEMPLATE:
            return inverted
        bit = 1 << self.values["label"]
        if packet.ct.labels & bit:
            return not inverted
        if "set" in self.values:
            packet.ct.labels |= bit
            return not inverted
        return inverted


EXTENSIONS = (Connlabel,)
