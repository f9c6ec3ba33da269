"""``-m state``: the old name of ``-m conntrack --ctstate`` (``libxt_conntrack.c``)."""

from __future__ import annotations

from pyiptables.extensions.match.conntrack import STATES_SHOWN
from pyiptables.xtables.errors import ParameterProblem
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

_STATES = ("INVALID", "NEW", "ESTABLISHED", "RELATED", "UNTRACKED")


class State(Match):
    """``values``: state (frozenset of words)."""

    __slots__ = ()

    name = "state"
    summary = "state of the packet's connection (use conntrack)"
    canonical = r"(?: !)? --state (?:INVALID|NEW|ESTABLISHED|RELATED,ESTABLISHED|NEW,RELATED,ESTABLISHED)"
    options = (
        Option("state", Text(), invert=True, mandatory=True, metavar="state[,state…]", words=_STATES, reads=("ctstate",),
               help="INVALID, NEW, ESTABLISHED, RELATED or UNTRACKED"),
    )  # fmt: skip

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        chosen = set()
        rest = value
        while True:
            word, comma, after = rest.partition(",")
            found = next((name for name in _STATES if name.lower().startswith(word.lower())), None) if word else None
            if found is None and not rest:
                raise ParameterProblem('"--state" requires a list of states with no spaces, e.g. ESTABLISHED,RELATED')
            if found is None:
                raise ParameterProblem(f'Bad state "{rest}"')
            chosen.add(found)
            if not comma:
                break
            rest = after
        super().accept(option, frozenset(chosen), invert, parsing)

    def _text(self) -> str:
        return ",".join([state for state in STATES_SHOWN if state in self.values["state"]])

    def save(self) -> str:
        return f"{' !' if self.inverted else ''} --state {self._text()}"

    def show(self, numeric: bool, names: Names) -> str:
        return f"{' !' if self.inverted else ''} state {self._text()}"

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        numbers = sorted([space.state(word) for word in self.values["state"]])
        return space.values("ctstate", *[(number, number) for number in numbers], invert=bool(self.inverted))

    def matches(self, packet: Packet, ctx: Context) -> bool:
        return (packet.ctstate in self.values["state"]) != bool(self.inverted)


EXTENSIONS = (State,)
