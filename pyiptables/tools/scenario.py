"""Scenarios: rules, host and packets in one document, answered packet by packet.

A scenario is a dict: ``family`` (4 or 6), ``rules`` (iptables-save text), ``host`` (see ``host``; what it leaves out is that of
DEFAULT_HOST, and null means none: packets say themselves where they come in and go out), ``packets``, and optionally ``name``,
``counters`` (also answer the ruleset with counters), ``conntrack`` (``conntrack -L`` text), ``ipset`` (``ipset save`` text),
``seed``, ``delay_ms`` before each packet, ``closed`` false when there may be more to the host than is said (sockets, IPsec …;
matches about these are then unknown). A packet has ``from`` (``a``, ``b`` for the sides of eth0 and eth1, ``fw`` or ``host`` for
the host itself) or ``in``/``out`` interfaces; ``src``, ``dst``, ``proto`` and the keys of ``description``; ``at`` seconds after the
start (``at_relative``: after the packet before) or a date; ``reply_to: N`` answers packet N as its receiver saw it, ``related_to: N``
is an ICMP error about it, ``expected_by: N`` says that the helper of packet N's connection expects this one. The answers' fields
are those of the kernel's own trace: steps, fate, final, ctstate, ctdir, mark, reason, replies.
"""

from __future__ import annotations

from pyiptables.netfilter.hooks import TABLES
from pyiptables.netfilter.player import Player, ScenarioError
from pyiptables.syntax.savefile import write
from pyiptables.tools.load import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.ruleset import Ruleset

    Json = dict[str, Any]

__all__ = ["DEFAULT_HOST", "RulesError", "answer_of", "open_scenario", "run_scenario"]

#: What the host is when a scenario does not say: two networks, forwarding, no services.
DEFAULT_HOST: Json = {
    "interfaces": {
        "lo": ["127.0.0.1/8", "::1/128"],
        "eth0": ["10.0.0.1/24", "10.0.0.254/24", "fd00:0:0:0::1/64"],
        "eth1": ["10.0.1.1/24", "203.0.113.1/24", "fd00:0:0:1::1/64"],
    },
    "routes": [
        "default via 10.0.1.2 dev eth1",
        "192.0.2.0/24 via 10.0.0.2 dev eth0",
        "default via fd00:0:0:1::2 dev eth1",
        "2001:db8:a::/48 via fd00:0:0:0::2 dev eth0",
    ],
    "rules": [],
    "forwarding": True,
    "rp_filter": 0,
    "stack_replies": True,
    "sysctl": {},
}
#: What a host that is described in full does not have: IPsec, sockets, realms, listening programs, fingerprints, control
#: groups, a time zone.
_NOTHING_MORE: Json = {
    "policy": [], "socket": None, "realm": 0, "queues": (), "tproxy_listener": False, "os": None, "classid": 0, "timezone": 0,
}  # fmt: skip


class RulesError(ScenarioError):
    """Rules of a scenario that iptables-restore would refuse."""


def run_scenario(case: Json, ruleset: Ruleset | None = None, *, explain: bool = False) -> Json:
    """Play a whole scenario. ``ruleset`` saves parsing its ``rules``. Raises ScenarioError.

    The answer has ``name``, ``packets`` and, when asked for, ``counters``; a ruleset that iptables-restore would refuse
    gives ``error`` and no packets.
    """
    out: Json = {"name": case.get("name")}
    try:
        player = open_scenario(case, ruleset, explain=explain)
    except RulesError as error:
        return {**out, "error": str(error)}
    for packet in case.get("packets", ()):
        player.play_next(packet)
    return out | answer_of(case, player)


def answer_of(case: Json, player: Player) -> Json:
    """What a scenario asks of the packets that were played."""
    out: Json = {"packets": player.answers}
    if case.get("counters"):
        out["counters"] = _counted(player.engine.counters())
    return out


def open_scenario(case: Json, ruleset: Ruleset | None = None, *, variant: str = "legacy", **options: Any) -> Player:
    """A player for a scenario's rules, host and connections. Raises ScenarioError, RulesError for the rules."""
    family = case.get("family", 4)
    if family not in (4, 6):
        raise ScenarioError(f"no such family: {family!r} (4 or 6)")
    if not isinstance(case.get("packets", []), list) or not all(isinstance(each, dict) for each in case.get("packets", [])):
        raise ScenarioError("packets is not a list of packets")
    if ruleset is None:
        try:
            ruleset = load(str(case.get("rules", "")) + "\n", f"ipv{family}", variant=str(case.get("variant", variant)))
        except ValueError as error:
            raise RulesError(str(error)) from error
        # Loaded as iptables-restore does without -c.
        ruleset.zero()
    host = case.get("host", {})
    if host is not None and not isinstance(host, dict):
        raise ScenarioError("host is not an object")
    if host is not None and "addr" not in host:
        host = {**DEFAULT_HOST, **host}
    if host is not None and case.get("closed", True):
        options["facts"] = _NOTHING_MORE
    if case.get("seed") is not None:
        from random import Random

        if not isinstance(case["seed"], int):
            raise ScenarioError(f"seed {case['seed']!r} is no number")
        options["rng"] = Random(case["seed"])
    try:
        player = Player(ruleset, host, conntrack=str(case.get("conntrack") or ""), ipset=str(case.get("ipset") or ""), **options)
    except ScenarioError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ScenarioError(f"host: {f'{error} is missing' if isinstance(error, KeyError) else error}") from error
    try:
        player.delay = round(float(case.get("delay_ms", 0)) * 1_000_000)
    except (ValueError, TypeError, OverflowError):
        raise ScenarioError(f"delay_ms {case['delay_ms']!r} is no number") from None
    return player


def _counted(ruleset: Ruleset) -> str:
    """The ruleset as a legacy iptables-save -c prints it: the tables that were registered last come first."""
    order = [*TABLES]
    ruleset.tables = dict(sorted(ruleset.tables.items(), key=lambda item: -order.index(item[0])))
    return write(ruleset, marked=False)
