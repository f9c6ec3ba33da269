"""The five hooks, what stands on them, and in which order: data, drawn from ``include/uapi/linux/netfilter_ipv4.h``.

Each table names its hooks, its priority on each and its kind. The kind is what surrounds the walk through the table's
chains: ``filter`` nothing, ``route`` a new routing decision when OUTPUT changed what routes depend on
(``iptable_mangle.c``), ``nat`` only for the packet that starts a connection, then the translation itself
(``nf_nat_core.c``). Beside the tables stand the engine's own callbacks: defragmentation, connection tracking and
its confirmation. ``nf_iterate`` calls them by rising priority until one says other than ACCEPT.
"""

from __future__ import annotations

__all__ = ["CALLBACKS", "HOOKS", "TABLES", "TRANSLATES", "plan"]

HOOKS = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")

_LAST = 0x7FFFFFFF

#: table → (kind, {hook: priority}).
TABLES: dict[str, tuple[str, dict[str, int]]] = {
    "raw": ("filter", {"PREROUTING": -300, "OUTPUT": -300}),
    "mangle": ("route", dict.fromkeys(HOOKS, -150)),
    "nat": ("nat", {"PREROUTING": -100, "OUTPUT": -100, "INPUT": 100, "POSTROUTING": 100}),
    "filter": ("filter", {"INPUT": 0, "FORWARD": 0, "OUTPUT": 0}),
    "security": ("filter", {"INPUT": 50, "FORWARD": 50, "OUTPUT": 50}),
}

#: callback of the engine → {hook: priority}.
CALLBACKS: dict[str, dict[str, int]] = {
    "defragment": {"PREROUTING": -400, "OUTPUT": -400},
    "track": {"PREROUTING": -200, "OUTPUT": -200},
    "confirm": {"INPUT": _LAST, "POSTROUTING": _LAST},
}

#: Which half of a connection nat decides at a hook (``HOOK2MANIP``).
TRANSLATES = {"PREROUTING": "dst", "OUTPUT": "dst", "INPUT": "src", "POSTROUTING": "src"}


def plan(tables: dict[str, tuple[str, dict[str, int]]] = TABLES) -> dict[str, list[tuple[str, str]]]:
    """What is called on each hook, in order: (kind, name); kind ``engine`` for the engine's own callbacks."""
    entries: dict[str, list[tuple[int, str, str]]] = {hook: [] for hook in HOOKS}
    for name, places in CALLBACKS.items():
        for hook, priority in places.items():
            entries[hook].append((priority, "engine", name))
    for name, (kind, places) in tables.items():
        for hook, priority in places.items():
            entries[hook].append((priority, kind, name))
    return {hook: [(kind, name) for _, kind, name in sorted(found)] for hook, found in entries.items()}
