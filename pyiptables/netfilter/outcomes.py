"""Every outcome of what a description leaves open: the packets are played again with other answers until all were given."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from pyiptables.netfilter.player import Player
    from pyiptables.netfilter.trip import Trip

__all__ = ["Open", "Outcome", "explore"]


class Open:
    """A question that a rule raised, and the answer given: ``chance`` is its probability, None when nobody knows."""

    __slots__ = ("chain", "chance", "holds", "num", "table", "what")

    def __init__(self, table: str, chain: str, num: int, what: str, chance: float | None, holds: bool) -> None:
        self.table = table
        self.chain = chain
        self.num = num
        self.what = what
        self.chance = chance
        self.holds = holds


class Outcome:
    """One way it may go: the answers it depends on, and the trips of the packets, up to an answer that nobody can give."""

    __slots__ = ("asked", "player", "trips")

    def __init__(self, asked: list[Open], trips: list[Trip], player: Player) -> None:
        self.asked = asked
        self.trips = trips
        self.player = player

    @property
    def probability(self) -> float | None:
        """How likely it is, None when some question has no known odds."""
        product = 1.0
        for question in self.asked:
            if question.chance is None:
                return None
            product *= question.chance if question.holds else 1 - question.chance
        return product


def explore(make: Callable[[Callable[..., bool]], Player], packets: list[dict[str, Any]], limit: int) -> Iterator[Outcome]:
    """At most ``limit`` outcomes. ``make`` gives a fresh player that asks the function it is handed."""
    answers: list[bool] = []
    for _ in range(limit):
        found = _play(make, packets, answers)
        yield found
        answers = [question.holds for question in found.asked]
        while answers and not answers[-1]:
            answers.pop()
        if not answers:
            return
        answers[-1] = False


def _play(make: Callable[[Callable[..., bool]], Player], packets: list[dict[str, Any]], given: list[bool]) -> Outcome:
    """Play with the answers given, and yes to every question beyond them."""
    asked: list[Open] = []

    def choose(what: str, chance: float | None = None) -> bool:
        if chance is not None and not 0 < chance < 1:
            return bool(chance)  # what is certain is no question
        ctx = player.engine.ctx
        answer = given[len(asked)] if len(asked) < len(given) else True
        asked.append(Open(ctx.table, ctx.chain, ctx.rulenum, what, chance, answer))
        return answer

    player = make(choose)
    trips: list[Trip] = []
    for packet in packets:
        number = packet.get("reply_to")
        if isinstance(number, int) and 0 <= number < len(trips) and trips[number].verdict != "ACCEPT":
            break  # nobody is there to answer
        trips.append(player.play(dict(packet)))
    return Outcome(asked, trips, player)
