"""Descriptions of hosts from files: one JSON document, or the folder that ``pyiptables snapshot`` makes."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyiptables.netfilter.host import Host

__all__ = ["FILES", "HostError", "read_host"]

#: File of a snapshot → the command whose output it holds.
FILES = {
    "addr.json": ("ip", "-j", "addr"),
    "route4.json": ("ip", "-j", "-4", "route", "show", "table", "all"),
    "route6.json": ("ip", "-j", "-6", "route", "show", "table", "all"),
    "rule4.json": ("ip", "-j", "-4", "rule"),
    "rule6.json": ("ip", "-j", "-6", "rule"),
    "neigh.json": ("ip", "-j", "neigh"),
    "sysctl.txt": ("sysctl", "-a", "-r", r"^net\.(ipv[46]|netfilter)\."),
    "ipset.txt": ("ipset", "save"),
    "conntrack.txt": ("conntrack", "-L"),
    "rules.v4": ("iptables-save", "-c"),
    "rules.v6": ("ip6tables-save", "-c"),
}


class HostError(Exception):
    """A description that cannot be used; the text is one line with the place."""


def read_host(path: str) -> Host:
    """The host described at ``path``. Raises HostError, OSError."""
    from pyiptables.netfilter.host import Host

    try:
        if os.path.isdir(path):
            return Host.from_live(
                _json(path, "addr.json") or [],
                [*(_json(path, "route4.json") or []), *(_json(path, "route6.json") or [])],
                {family: found for family in (4, 6) if (found := _json(path, f"rule{family}.json"))},
                _sysctl(os.path.join(path, "sysctl.txt")),
            )
        data = _load(path)
        if not isinstance(data, dict):
            raise HostError(f"{path}: not an object")
        return Host.from_json(data.get("host", data))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HostError(f"{path}: {error}") from error


def _json(folder: str, name: str) -> Any:
    path = os.path.join(folder, name)
    return _load(path) if os.path.exists(path) and os.path.getsize(path) else None


def _load(path: str) -> Any:
    with open(path, encoding="utf-8", errors="replace") as stream:
        try:
            return json.load(stream)
        except json.JSONDecodeError as error:
            raise HostError(f"{path}:{error.lineno}:{error.colno}: {error.msg}") from error


def _sysctl(path: str) -> dict[str, int]:
    """Lines ``key = number``; settings of other kinds are left out."""
    found: dict[str, int] = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8", errors="replace") as stream:
            for line in stream:
                key, _, value = line.partition("=")
                if value.strip().lstrip("-").isdigit():
                    found[key.strip()] = int(value)
    return found
