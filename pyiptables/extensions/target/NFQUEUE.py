"""``-j NFQUEUE``: let a program decide (``libxt_NFQUEUE.c``, kernel ``xt_NFQUEUE.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import UINT16
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import UInt, UIntRange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_BALANCE = "queue-balance"


class Nfqueue(Target):
    """``values``: queue-num, queue-balance (first, last), queue-bypass, queue-cpu-fanout."""

    __slots__ = ()

    name = "NFQUEUE"
    summary = "queue the packet to a program, which decides about it"
    terminal = True
    options = (
        Option("queue-num", UInt(16), excl=(_BALANCE,), help="number of the queue"),
        Option(_BALANCE, UIntRange(16, 0, UINT16 - 1), excl=("queue-num",), metavar="first:last", help="spread over these queues"),
        Option("queue-bypass", help="accept if no program listens"),
        Option("queue-cpu-fanout", also=(_BALANCE,), help="spread by CPU instead of by flow"),
    )

    def parse(self, option: Option, text: str, invert: bool, parsing: Parsing) -> None:
        super().parse(option, text, invert, parsing)
        if option.name == _BALANCE:
            given = self.values[_BALANCE]
            if len(given) != 2:
                raise ParameterProblem(f'Bad range "{text}"')
            if given[0] >= given[1]:
                raise ParameterProblem(f"{given[0]} should be less than {given[1]}")

    def _queue(self) -> tuple[str, str]:
        if _BALANCE in self.values:
            return "balance", "{}:{}".format(*self.values[_BALANCE])
        return "num", str(self.values.get("queue-num", 0))

    def _text(self, prefix: str) -> str:
        return "".join([f" {prefix}{flag}" for flag in ("bypass", "cpu-fanout") if f"queue-{flag}" in self.values])

    def save(self) -> str:
        how, which = self._queue()
        return f" --queue-{how} {which}{self._text('--queue-')}"

    def show(self, numeric: bool, names: Names) -> str:
        how, which = self._queue()
        return f" NFQUEUE {how} {which}{self._text('')}"

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        """Without a program that listens, a queue drops, or lets pass with --queue-bypass.

        The attribute ``queues`` has the numbers of the queues somebody listens to; not described: all."""
        from pyiptables.netfilter.packet import Verdict

        ctx.note("queue", self._queue()[1])
        bypass = "queue-bypass" in self.values
        if bypass:
            ctx.note("bypass", True)
        listening = packet.attrs.get("queues")
        low, high = self.values.get(_BALANCE, (self.values.get("queue-num", 0),) * 2)
        if listening is None or any(low <= number <= high for number in listening):
            return Verdict.QUEUE
        if bypass:
            return Verdict.ACCEPT
        ctx.note("dropped", "no program listens to the queue")
        return Verdict.DROP


EXTENSIONS = (Nfqueue,)
