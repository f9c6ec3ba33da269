"""Many rules at once: lines of a restore that are canonical already are kept as they stand."""

from __future__ import annotations

import re

from pyiptables.extensions import find_target
from pyiptables.ruleset import Rule
from pyiptables.syntax.arguments import VERDICTS
from pyiptables.syntax.canonical import Certifier

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.tools.restore import Restore

__all__ = ["Bulk", "CertifiedRules"]

#: Interfaces that ``-A`` refuses in these chains.
_MISPLACED = {"PREROUTING": " -o ", "INPUT": " -o ", "POSTROUTING": " -i ", "OUTPUT": " -i "}
#: Names of extensions; a protocol's name may stand for its match.
_EXTENSION = re.compile(r" -([mpj]) (\w+)")
#: How far ahead the names of extensions are looked for at first.
_WINDOW = 1 << 16
_LONGEST = 1000
#: What people leave out: the length of a host's prefix, and the match that comes with a protocol by itself (where
#: nothing before it could take the option).
_HOST = {4: re.compile(r"( -[sd] \d+\.\d+\.\d+\.\d+)(?=[ \n])"), 6: re.compile(r"( -[sd] [0-9a-f:]+)(?=[ \n])")}
_IMPLIED = re.compile(r"((?:\[\d+:\d+\] )?-A \S+(?: (?:! )?-[sdio] \S+)* -p (tcp|udp))(?= (?:! )?--(?:[sd]port|syn) )")


def _usual_form(line: str, family: int) -> str:
    """A rule as people write it in the form that iptables-save gives it, as far as that is a matter of a few words.

    It means the same; whether it is canonical then is for the certifier to say.
    """
    head, quote, tail = line.partition('"')
    head = _HOST[family].sub(r"\1/32" if family == 4 else r"\1/128", head)
    head = _IMPLIED.sub(r"\1 -m \2", head, 1)
    if " -m tcp " in head:
        head = head.replace(" --syn ", " --tcp-flags FIN,SYN,RST,ACK SYN ")
    head = head.replace("state ESTABLISHED,RELATED ", "state RELATED,ESTABLISHED ")
    return head + quote + tail


class CertifiedRules:
    """Rules for one chain, certified; ``jumps`` are those that jump to chains, as (line, rule, name of the chain)."""

    __slots__ = ("chain", "first", "jumps", "rules")

    def __init__(self, chain: str, first: int, rules: list[Rule]) -> None:
        self.chain = chain
        self.first = first
        self.rules = rules
        self.jumps: list[tuple[int, Rule, str]] = []


class Bulk:
    """Goes through a text for a restore and takes the lines that need no parser; whatever it leaves goes the long way."""

    _certifier: Certifier

    __slots__ = ("_certifier", "_current", "_names", "_plain", "_restore", "_scanned", "_text")

    def __init__(self, restore: Restore, text: str) -> None:
        self._restore = restore
        self._text = text
        self._names: set[tuple[str, str]] = set()
        self._scanned = 0
        self._learn(0)
        self._plain: dict[str, str | None] = {}
        self._current: CertifiedRules | None = None

    def run(self) -> None:
        restore, text = self._restore, self._text
        at, size = 0, len(text)
        while at < size:
            if restore.in_table:
                at = self._take(at)
                if at == size:
                    break
            end = text.find("\n", at) + 1 or size
            if restore.in_table and at >= self._scanned and text[at] in "-[" and self._learn(end):
                continue
            restore.take(text[at:end])
            if not restore.in_table:
                self._plain.clear()
            self._current = None
            at = end

    def _learn(self, end: int) -> bool:
        """Look further ahead for names of extensions; False when there are no new ones."""
        start, self._scanned = self._scanned, max(2 * end, end + _WINDOW)
        found = {("target" if flag == "j" else "match", name) for flag, name in _EXTENSION.findall(self._text, start, self._scanned)}
        if found <= self._names and start:
            return False
        self._names |= found
        self._certifier = Certifier(self._restore.program.family, self._names)
        return True

    def _take(self, at: int) -> int:
        """Keep the rules of the certified lines from here on; where the first other line begins."""
        restore, text, plain = self._restore, self._text, self._plain
        certifier = self._certifier
        certify, limited, merged = certifier.pattern.match, certifier.limited, certifier.merged
        holds = certifier.holds
        groups = certifier.groups
        counting = restore.settings.counters
        file, number = restore.file, restore.line
        current = self._current
        chain_now = None if current is None else current.chain
        misplaced = _MISPLACED.get(chain_now or "", "\0")
        while True:
            found = certify(text, at)
            source, after = text, 0 if found is None else found.end()
            if found is None:
                after = text.find("\n", at) + 1
                if not 0 < after - at < _LONGEST:
                    break
                source = _usual_form(text[at:after], restore.program.family)
                found = certify(source)
                if found is None or found.end() != len(source):
                    break
            packets, octets, chain, jump, src, dst = found.group(*groups)
            start, end = found.span("r")
            if end - start > _LONGEST or (src and not holds(src)) or (dst and not holds(dst)):
                break
            if chain != chain_now:
                misplaced = _MISPLACED.get(chain, "\0")
            body = source[start + 1 : end]
            doubtful = misplaced in f" {body}"
            for beginning in merged:
                if body.count(beginning) > 1:
                    doubtful = True
            if doubtful:
                break
            name: str | None = ""
            if jump is not None:
                name = plain.get(jump, "")
                if not name:
                    name = plain[jump] = self._plain_jump(jump)
                if name is None:
                    break
                if name in VERDICTS:
                    name = ""
            if limited and not self._allowed(chain, found["m"], found["t"]):
                break
            if chain != chain_now or current is None:
                current = restore.open_rules(chain, number + 1)
                if current is None:
                    break
                chain_now = chain
            if name and not restore.deferred and not restore.tables.chain_exists(restore.current, name):
                break
            number += 1
            rule = Rule(body)
            if name and restore.deferred:
                current.jumps.append((number, rule, name))
            elif name:
                restore.tables.note_certified(restore.tables.writable_chain(restore.current, chain), [], [(number, rule)])
            if packets is not None and counting:
                rule.packets, rule.bytes = int(packets), int(octets)
            rule.file, rule.line = file, number
            current.rules.append(rule)
            at = after
        self._current = current
        restore.line = number
        return at

    def _plain_jump(self, jump: str) -> str | None:
        """The name behind ``-j`` or ``-g`` when it is a verdict or one that no extension has."""
        name = jump[4:]
        if name in VERDICTS:
            return name if jump[2] == "j" and not (name == "DROP" and self._restore.current == "nat") else None
        return name if find_target(name, self._restore.program.family) is None and name != "CONTINUE" else None

    def _allowed(self, chain: str, matches: str, target: str | None) -> bool:
        """Whether the extensions that only stand in some tables or hooks may stand here."""
        limited = self._certifier.limited
        names = [name for name in limited if f" -m {name}" in matches]
        if target is not None:
            name = target[4:].partition(" ")[0]
            if name in limited:
                names.append(name)
        for name in names:
            extension = limited[name]
            if extension.tables is not None and self._restore.current not in extension.tables:
                return False
            if extension.hooks is not None and chain not in extension.hooks:
                return False
        return True
