"""The TTL and HL targets: set, lower or raise the hop limit (``libipt_TTL.c``, ``libip6t_HL.c``, kernel ``xt_HL.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

__all__ = ["HopLimitTarget", "hop_limit_options"]

_WORDS = {"set": "set to", "dec": "decrement by", "inc": "increment by"}


def hop_limit_options(short: str, what: str) -> tuple[Option, ...]:
    every = tuple([f"{short}-{how}" for how in _WORDS])
    return (
        Option(every[0], UInt(8), excl=every, help=f"set the {what} to this"),
        Option(every[1], UInt(8, 1), excl=every, help=f"lower the {what} by this"),
        Option(every[2], UInt(8, 1), excl=every, help=f"raise the {what} by this"),
    )


class HopLimitTarget(Target):
    """One option, whose name ends in set, dec or inc."""

    __slots__ = ()

    tables = ("mangle",)

    def final_check(self, parsing: Parsing) -> None:
        if not self.values:
            raise ParameterProblem(f"{self.name}: You must specify an action")

    def _given(self) -> tuple[str, int]:
        name, value = next(iter(self.values.items()))
        return name[-3:], value

    def show(self, numeric: bool, names: Names) -> str:
        how, value = self._given()
        return f" {self.name} {_WORDS[how]} {value}"

    def changes(self) -> dict[str, tuple[int, int] | None]:
        return {"ttl": None}

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        how, value = self._given()
        if how == "set":
            packet.ttl = value
        elif how == "inc":
            packet.ttl = min(255, packet.ttl + value)
        else:
            packet.ttl = max(0, packet.ttl - value)
        return Verdict.CONTINUE
