"""Many rules at once: lines of a restore that are canonical already are kept as they stand."""

from __future__ import annotations

from pyiptables.extensions import find_target
from pyiptables.ruleset import Chain, Rule
from pyiptables.syntax.canonical import Certifier
from pyiptables.syntax.command import VERDICTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.tools.restore import Restore

__all__ = ["Bulk"]

_INCOMING = frozenset(("PREROUTING", "INPUT"))
_OUTGOING = frozenset(("POSTROUTING", "OUTPUT"))


class Bulk:
    """Stands in front of a restore and takes the lines that need no parser; whatever it leaves goes the long way."""

    __slots__ = ("_certify", "_counters", "_family", "_limited", "_queued", "_restore", "_targets")

    def __init__(self, restore: Restore, text: str) -> None:
        import re

        self._restore = restore
        self._family = restore.program.family
        self._counters = restore.settings.counters
        names: set[tuple[str, str]] = set()
        for flag, name in set(re.findall(r" -([mj]) (\w+)", text)):
            names.add(("match" if flag == "m" else "target", name))
        certifier = Certifier(self._family, names)
        self._certify = certifier.certify
        #: Extensions that only stand in some tables or hooks.
        self._limited = {
            name: extension
            for name, extension in certifier.extensions.items()
            if extension.tables is not None or extension.hooks is not None
        }
        self._targets: dict[str, bool] = {}
        self._queued: tuple[Any, ...] | None = None

    def take(self, line: str) -> bool:
        """Keep the line's rule if it is certain; False leaves the line alone."""
        packets = octets = 0
        body = line
        if line[:1] == "[":
            numbers, bracket, body = line.partition("] ")
            left, _, right = numbers[1:].partition(":")
            if not (bracket and left.isdigit() and right.isdigit() and len(left) < 19 and len(right) < 19):
                return False
            if self._counters:
                packets, octets = int(left), int(right)
        if len(body) > 1000:
            return False
        found = self._certify(body)
        if found is None:
            return False
        chain, text, jump = found.group("c", "r", "j")
        if chain in _INCOMING:
            if " -o " in text:
                return False
        elif chain in _OUTGOING and " -i " in text:
            return False
        name = ""
        if jump is not None:
            name = jump[4:]
            if not self._is_plain(name, jump):
                return False
            if name in VERDICTS:
                name = ""
        if self._limited and (found["m"] or found["t"]) and not self._allowed(chain, found["m"], found["t"]):
            return False
        return self._keep(chain, Rule(text[1:], packets, octets, ("-", self._restore.line)), name)

    def _is_plain(self, name: str, jump: str) -> bool:
        """A verdict, or a name that is no extension's."""
        if name in VERDICTS:
            return jump[2] == "j" and not (name == "DROP" and self._restore.current == "nat")
        known = self._targets.get(name)
        if known is None:
            known = self._targets[name] = find_target(name, self._family) is None and name != "CONTINUE"
        return known

    def _allowed(self, chain: str, matches: str, target: str | None) -> bool:
        table = self._restore.current
        names = [name for name in self._limited if f" -m {name}" in matches]
        if target is not None:
            name = target[4:].partition(" ")[0]
            if name in self._limited:
                names.append(name)
        for name in names:
            extension = self._limited[name]
            if extension.tables is not None and table not in extension.tables:
                return False
            if extension.hooks is not None and chain not in extension.hooks:
                return False
        return True

    def _keep(self, chain: str, rule: Rule, jump: str) -> bool:
        restore = self._restore
        if restore.nft:
            queue = restore.queue
            if queue and self._queued is not None and queue[-1][1] is self._queued and self._queued[1] == chain:
                self._queued[2].append((restore.line, rule, jump))
            else:
                self._queued = ("rules", chain, [(restore.line, rule, jump)])
                queue.append((restore.line, self._queued))
            return True
        tables = restore.tables
        found: Chain | None = tables.find_chain(restore.current, chain)
        if found is None or (jump and not tables.chain_exists(restore.current, jump)):
            return False
        found.rules.append(rule)
        tables.changed = True
        return True
