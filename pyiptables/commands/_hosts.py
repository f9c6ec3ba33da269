"""Descriptions of hosts from files: one JSON document, or a folder with what the host's own programs say of it.

In a folder every file is known by what is in it, so that outputs kept under any name will do.
"""

from __future__ import annotations

import os
import re
from typing import Any

from pyiptables.commands._input import Unusable, parse_json

__all__ = ["FILES", "find_rules", "read_host"]

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
    "conntrack4.txt": ("conntrack", "-L", "-f", "ipv4"),
    "conntrack6.txt": ("conntrack", "-L", "-f", "ipv6"),
    "rules.v4": ("iptables-save", "-c"),
    "rules.v6": ("ip6tables-save", "-c"),
}

_SYSCTL = re.compile(r"^net\.[\w./-]+ *= *\S", re.MULTILINE)
_CONNECTION = re.compile(r"^(?:ipv[46] +\d+ +)?[a-z0-9-]+ +\d+ .*\bsrc=", re.MULTILINE)
_SET = re.compile(r"^(?:create|-N) \S+ \S+:\S", re.MULTILINE)
_RULES = re.compile(r"^\*(?:filter|nat|mangle|raw|security)$", re.MULTILINE)


def read_host(path: str) -> dict[str, Any]:
    """The description at ``path``, as ``Host.from_json`` reads it. Raises Unusable, OSError."""
    if os.path.isdir(path):
        return _Folder(path).description()
    data = parse_json(_read(path), path)
    if not isinstance(data, dict):
        raise Unusable(f"{path}: a host is an object with interfaces, routes …")
    found = data.get("host", data)
    if not isinstance(found, dict):
        raise Unusable(f"{path}: host is not an object")
    return found


def find_rules(path: str, family: int) -> str | None:
    """The rule file of a family in a host's folder."""
    if not os.path.isdir(path):
        return None
    for name in (f"rules.v{family}", f"ip{'6' if family == 6 else ''}tables-save.txt"):
        found = os.path.join(path, name)
        if os.path.exists(found) and os.path.getsize(found):
            return found
    return None


class _Folder:
    """The outputs in a folder, sorted by what they are."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.found: dict[str, Any] = {"addr": [], "route": [], "rule": [], "rule6": [], "neigh": [], "sysctl": {}}
        self.sets: list[str] = []
        self.connections: list[str] = []

    def description(self) -> dict[str, Any]:
        for name in sorted(os.listdir(self.path)):
            file = os.path.join(self.path, name)
            if os.path.isfile(file) and os.path.getsize(file):
                text = _read(file)
                if text.lstrip()[:1] in ("[", "{"):
                    self._sort_json(parse_json(text, file), file)
                else:
                    self._sort_text(text)
        if not self.found["addr"]:
            raise Unusable(f"{self.path}: no output of 'ip -j addr' in this folder ('pyiptables snapshot DIR' makes one)")
        return {**self.found, "ipset": "\n".join(self.sets), "conntrack": "\n".join(self.connections)}

    def _sort_json(self, data: Any, file: str) -> None:
        if not isinstance(data, list) or not all(isinstance(entry, dict) for entry in data):
            raise Unusable(f"{file}: not the output of an ip -j command: a list of objects")
        # iproute2 before 6.1 leaves an empty object where a family was asked for and an address is not of it.
        entries = [entry for entry in data if entry]
        first = entries[0] if entries else {}
        if "ifname" in first:
            self.found["addr"] += entries
        elif "lladdr" in first or ("state" in first and "dst" in first):
            self.found["neigh"] += entries
        elif "priority" in first:
            six = "6" in os.path.basename(file) or ":" in _addresses(entries)
            self.found["rule6" if six else "rule"] += entries
        elif "dst" in first:
            self.found["route"] += entries
        elif entries:
            raise Unusable(f"{file}: neither addresses, routes, routing rules nor neighbours of an ip -j command")

    def _sort_text(self, text: str) -> None:
        if _SET.search(text):
            self.sets.append(text)
        elif _RULES.search(text):
            return
        elif _SYSCTL.search(text):
            for line in text.splitlines():
                key, _, value = line.partition("=")
                if value.strip().lstrip("-").isdigit():
                    self.found["sysctl"][key.strip()] = int(value)
        elif _CONNECTION.search(text):
            self.connections.append(text)


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read()


def _addresses(entries: list[Any]) -> str:
    return " ".join([str(entry.get(key, "")) for entry in entries for key in ("src", "dst")])
