"""What came of one packet: the record that reports are made from."""

from __future__ import annotations

from pyiptables.netfilter.packet import Packet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.traverse import Miss, Step, Unknown

__all__ = ["Event", "Trip"]


class Event:
    """Something between the steps: ``after`` is the number of steps before it; ``what`` names it, ``detail`` tells."""

    __slots__ = ("after", "detail", "hook", "what")

    def __init__(self, after: int, hook: str, what: str, detail: dict[str, Any]) -> None:
        self.after = after
        self.hook = hook
        self.what = what
        self.detail = detail


class Trip:
    """The way of one packet through the host.

    ``first`` the packet as it began, ``packet`` as it ended; ``steps`` the kernel's TRACE; ``events`` what happened between
    them (routing, translation, TTL …); ``misses`` the rules that did not match (only when asked for); ``unknown`` what
    the description left open. ``fate`` delivered, forwarded, sent, dropped, rejected, queued, stolen; ``reason`` of a
    drop: rule, policy, stack; ``why`` in a few words; ``decided`` the step that decided, if one did; ``outiface`` the
    interface it left by; ``lots`` a mapping was chosen that the kernel draws lots for. ``ctstate`` and ``ctdir`` as seen
    right after connection tracking (None when dropped before). ``replies`` are trips of what the host sent because of
    this packet; ``error`` the errno of a failed local send. ``copy`` is sent for what TEE sends on, received for what the host
    itself gets of what it sends to many, '' for packets of their own.
    """

    __slots__ = (
        "copy", "ctdir", "ctstate", "decided", "error", "events", "fate", "first", "lots", "mark", "misses", "outiface", "packet",
        "reason", "replies", "steps", "unknown", "why",
    )  # fmt: skip

    def __init__(self, packet: Packet) -> None:
        self.first = packet.copy()
        self.packet = packet
        self.steps: list[Step] = []
        self.events: list[Event] = []
        self.misses: list[Miss] | None = None
        self.unknown: list[Unknown] = []
        self.fate = "dropped"
        self.reason: str | None = None
        self.why = ""
        self.decided: Step | None = None
        self.outiface = ""
        self.lots = False
        self.ctstate: str | None = None
        self.ctdir: str | None = None
        self.mark = packet.mark
        self.replies: list[Trip] = []
        self.error: str | None = None
        self.copy = ""

    def all_replies(self) -> list[Trip]:
        """The replies, and what the host sent because of them, in the order they began."""
        found = []
        for reply in self.replies:
            found.append(reply)
            found += reply.all_replies()
        return found

    @property
    def verdict(self) -> str:
        """ACCEPT, DROP, REJECT, QUEUE or STOLEN."""
        return {"dropped": "DROP", "rejected": "REJECT", "queued": "QUEUE", "stolen": "STOLEN"}.get(self.fate, "ACCEPT")
