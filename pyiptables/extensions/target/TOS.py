"""``-j TOS``: the type of service (``libxt_TOS.c``, kernel ``xt_DSCP.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.marks import TOS_NAMES, TosMask
from pyiptables.xtables.numbers import UINT8
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_ONE_OF = ("set-tos", "and-tos", "or-tos", "xor-tos")


class Tos(Target):
    """``values``: set-tos (value, mask), or and-tos, or-tos, xor-tos (bits)."""

    __slots__ = ()

    name = "TOS"
    summary = "change the type-of-service field"
    tables = ("mangle",)
    options = (
        Option("set-tos", TosMask(0x3F), excl=_ONE_OF, help="clear the mask's bits, then xor the value"),
        Option("and-tos", UInt(8), excl=_ONE_OF, metavar="bits", help="and the field with it"),
        Option("or-tos", UInt(8), excl=_ONE_OF, metavar="bits", help="or the field with it"),
        Option("xor-tos", UInt(8), excl=_ONE_OF, metavar="bits", help="xor the field with it"),
    )

    def final_check(self, parsing: Parsing) -> None:
        if not self.values:
            raise ParameterProblem("TOS: An action is required")

    def _change(self) -> tuple[int, int]:
        """(value, mask): the new field is ``tos & ~mask ^ value``."""
        how, given = next(iter(self.values.items()))
        if how == "set-tos":
            value, mask = given
            return value, mask
        return {"and-tos": (0, ~given & UINT8), "or-tos": (given, given), "xor-tos": (given, 0)}[how]

    def save(self) -> str:
        value, mask = self._change()
        return f" --set-tos 0x{value:02x}/0x{mask:02x}"

    def show(self, numeric: bool, names: Names) -> str:
        """The space that comes twice before a name is missing after ``set`` (``tos_try_print_symbolic``)."""
        value, mask = self._change()
        if not numeric:
            if mask == 0x3F:
                for name, tos in TOS_NAMES.items():
                    if tos == value:
                        return f"  TOS set{name}"
            if value == 0:
                return f" TOS and 0x{~mask & UINT8:02x}"
            if value == mask:
                return f" TOS or 0x{value:02x}"
            if mask == 0:
                return f" TOS xor 0x{value:02x}"
        return f" TOS set 0x{value:02x}/0x{mask:02x}"

    def changes(self) -> dict[str, tuple[int, int] | None]:
        value, mask = self._change()
        return {"tos": (mask, value)}

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        value, mask = self._change()
        packet.tos = packet.tos & ~mask & UINT8 ^ value
        return Verdict.CONTINUE


EXTENSIONS = (Tos,)
