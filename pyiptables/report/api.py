"""Tracing from Python: ``pyiptables.trace`` and ``pyiptables.trace_scenario``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyiptables.netfilter.player import Player
from pyiptables.report.trace_document import decided_by, document
from pyiptables.report.trace_words import outcome
from pyiptables.tools.scenario import run_scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiptables.netfilter.host import Host
    from pyiptables.netfilter.trip import Trip
    from pyiptables.ruleset import Ruleset

__all__ = ["Trace", "trace", "trace_scenario"]


class Trace:
    """What came of one packet or of a flow. ``trips`` has one record a packet; the other attributes tell of the last."""

    def __init__(self, trips: list[tuple[dict[str, Any], Trip]]) -> None:
        self._trips = trips

    @property
    def trips(self) -> list[Trip]:
        return [trip for _, trip in self._trips]

    @property
    def verdict(self) -> str:
        """ACCEPT, DROP, REJECT, QUEUE or STOLEN."""
        return self._trips[-1][1].verdict

    @property
    def decided_by(self) -> dict[str, Any] | None:
        """table, chain, kind, num, and text, file, line of the rule; None when no rule or policy decided."""
        return decided_by(self._trips[-1][1])

    def as_dict(self) -> dict[str, Any]:
        """The document ``pyiptables.trace/1``."""
        return document(self._trips)

    def __str__(self) -> str:
        return outcome(self._trips[-1][1])


def trace(
    ruleset: Ruleset,
    packet: str | dict[str, Any] | Sequence[dict[str, Any]],
    host: dict[str, Any] | Host | None = None,
    *,
    seed: int = 0,
) -> Trace:
    """Push a packet, or the packets of a flow in order, through a ruleset.

    ``packet`` is text in the packet language (several lines or ``;`` for several packets), one description, or a list.
    ``host`` is the description of the host; without one, packets say where they come in and go out.
    Raises ValueError for a packet or host that cannot be.
    """
    from random import Random

    if isinstance(packet, str):
        from pyiptables.netfilter.language import parse_packets

        packets = parse_packets(packet)
    else:
        packets = [packet] if isinstance(packet, dict) else list(packet)
    if not packets:
        raise ValueError("no packet")
    player = Player(ruleset, host, rng=Random(seed))
    trips = []
    for each in packets:
        trip = player.play(each)
        trips.append((player.concrete(each), trip))
    return Trace(trips)


def trace_scenario(scenario: dict[str, Any] | list[dict[str, Any]]) -> Any:
    """Play a scenario, or each of a list: rules, host and packets in one document (see the packet manual).

    Raises ValueError for a scenario that cannot be played.
    """
    return [run_scenario(case) for case in scenario] if isinstance(scenario, list) else run_scenario(scenario)
