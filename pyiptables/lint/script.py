"""Scripts as subjects: the commands that one would run, in order, and the rulesets that it would leave.

The ruleset is that of a machine without rules on which the script runs once and nothing goes wrong. What runs only
perhaps, or has a word that is not known, leaves rules that match perhaps: they cover nothing and may be covered.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from pyiptables.lint.places import place_of
from pyiptables.lint.replay import ASIDE
from pyiptables.lint.subject import Item, LintNames, Perhaps, SaveReader, Subject, apply_command, table_of
from pyiptables.ruleset import Chain, Rule, Ruleset, Table
from pyiptables.syntax.command import Command, HelpWanted, LineIgnored, VersionWanted, parse
from pyiptables.xtables.errors import IptablesError
from pyiptables.xtables.option import Parsing

if TYPE_CHECKING:
    from pyiptables.lint.shell import Invocation, TextLine, Word

__all__ = ["read_script"]

_ADDRESS = {4: "192.0.2.1", 6: "2001:db8::1"}
#: What an unknown word may be after an option, so that the rest of the command can be read.
_AFTER = {
    **dict.fromkeys(("-s", "--source", "--src", "-d", "--destination", "--dst", "--to-source", "--to-destination", "--gateway"), "address"),
    **dict.fromkeys(("-i", "--in-interface", "-o", "--out-interface", "--physdev-in", "--physdev-out"), "unknown0"),
    **dict.fromkeys(("-p", "--protocol", "--proto"), "tcp"),
    **dict.fromkeys(("--log-prefix", "--comment", "--nflog-prefix", "--string"), "unknown"),
    **dict.fromkeys(("--mac-source",), "02:00:00:00:00:01"),
    **dict.fromkeys(("--icmp-type", "--icmpv6-type"), "1"),
    **dict.fromkeys(("--limit", "--hashlimit-upto", "--hashlimit-above"), "1/sec"),
}
#: Options whose unknown argument leaves nothing to say.
_HOPELESS = ("-m", "--match", "-j", "--jump", "-g", "--goto", "-t", "--table", "-A", "-I", "-D", "-N", "-X", "-F", "-P", "-R", "-E", "-Z")
_ADDS = frozenset(("-A", "-I", "-N", "-C", "-L", "-S", "--append", "--insert", "--new-chain", "--check", "--list", "--list-rules"))
_ADDING = frozenset(("-A", "-I", "--append", "--insert"))
_GOING = frozenset(("-j", "-g", "--jump", "--goto"))
#: No chain's name is longer.
_LONGEST = 28
_EFFECTS = ("D", "F", "X", "P", "R", "E", "Z")


def read_script(subject: Subject, kind: str, **reading: Any) -> None:
    """Fill a subject from a script of this kind. Raises LintError when the grammar is not installed."""
    from pyiptables.lint.engine import LintError
    from pyiptables.lint.shell import ShellReaderMissing, read

    wanted = {key: reading[key] for key in ("set_values", "args") if reading.get(key) is not None}
    wanted["source"] = partial(_beside, subject)
    try:
        script = read(subject.data, subject.file, kind, **wanted)
    except ShellReaderMissing as error:
        raise LintError(f"{subject.file}: {error}") from error
    subject.script = script
    _Replay(subject).run()


#: No configuration of a firewall is larger.
_LARGEST = 1 << 20


def _beside(subject: Subject, name: str, asking: str) -> tuple[str, bytes] | None:
    """A file that a script sources, if it lies beside it (or below); files elsewhere are another machine's matter."""
    if subject.file == "-":
        return None
    folder = os.path.dirname(subject.file)
    tries = [os.path.join(os.path.dirname(asking), name), name] if not os.path.isabs(name) else []
    for path in (*tries, os.path.join(folder, os.path.basename(name))):
        inside = os.path.abspath(path).startswith(os.path.join(os.path.abspath(folder), ""))
        try:
            if not inside or not os.path.isfile(path) or os.path.getsize(path) > _LARGEST:
                continue
            with open(path, "rb") as file:
                subject.sourced[path] = data = file.read()
        except (OSError, ValueError):
            continue
        return path, data
    return None


class _Replay:
    """Carries the script's commands out, one after the other."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.names = LintNames()

    def run(self) -> None:
        subject = self.subject
        for what in (*subject.script.unresolved, *subject.script.errors):
            subject.unresolved.append((place_of(what.location), what.what, what.why))
        for invocation in subject.script.invocations:
            if invocation.family == 0:
                continue
            program = invocation.program.removesuffix("-legacy").removesuffix("-nft")
            if program.endswith("-restore"):
                self._restore(invocation)
            elif "save" not in program and "apply" not in program and "translate" not in program:
                self._command(invocation)
        subject.family = subject.family if subject.family in subject.rulesets else next(iter(subject.rulesets), subject.family)
        subject.rulesets.setdefault(subject.family, Ruleset(subject.family))

    # -- one command -------------------------------------------------------------------------------------
    def _command(self, invocation: Invocation) -> None:
        item = Item(place_of(invocation.location), invocation.shown, "", family=invocation.family, invocation=invocation)
        self.subject.items.append(item)
        words = self._words(invocation)
        if words is None:
            self._not_known(invocation)
            if _ADDS.isdisjoint(invocation.texts) and not self._is_apart(invocation):
                # It may delete or flush: nothing that is there is certain from now on.
                for table in self.subject.rulesets.setdefault(invocation.family, Ruleset(invocation.family)).tables.values():
                    _doubt(table, None)
            return
        known = all(text is not None for text in invocation.texts)
        parsing = Parsing(invocation.family, self.names, self.subject.variant.name)
        parsing.notices = item.notices
        self.names.start(item)
        try:
            command = parse(words, parsing, "filter")
        except (HelpWanted, VersionWanted, LineIgnored):
            return
        except IptablesError as error:
            found = None if known else self._bare(invocation, parsing)
            if found is None:
                if known:
                    item.error = error
                else:
                    self._not_known(invocation)
                return
            command = found
        if not known:
            self._not_known(invocation)
        item.table = command.table
        item.obscure = self.names.guessed or not known
        self._apply(item, command, invocation, known)

    def _bare(self, invocation: Invocation, parsing: Parsing) -> Command | None:
        """The command without the words of which it is not known how many they are; None when that is none."""
        words = self._words(invocation, bare=True)
        if words is None:
            return None
        again = Parsing(parsing.family, self.names, self.subject.variant.name)
        again.notices = parsing.notices
        try:
            return parse(words, again, "filter")
        except (HelpWanted, VersionWanted, LineIgnored, IptablesError):
            return None

    def _words(self, invocation: Invocation, bare: bool = False) -> list[str] | None:
        """The arguments, with something fitting for what is not known; None when that cannot be.

        A rule may have more conditions than are known: where words are not, or all of these (``bare``), it is read without.
        """
        words: list[str] = []
        adds = not _ADDING.isdisjoint(invocation.texts)
        hidden = ""
        for word in invocation.argv:
            settled = word.settled
            if settled.text is not None:
                words.append(settled.text)
                continue
            before = words[-1] if words else ""
            if adds and before in _GOING:
                # Some chain that nobody knows.
                words.append(_some_chain(settled.shown))
            elif adds and before in ("-m", "--match"):
                words.pop()
                hidden = hidden or settled.shown
            elif before in _HOPELESS or not words:
                return None
            elif settled.many and (bare or before[:1] != "-"):
                hidden = hidden or settled.shown
            else:
                words.append(_stand_in(settled, before, invocation.family))
        if hidden and not adds:
            return None
        if hidden and _GOING.isdisjoint(words):
            words += ["-j", _some_chain(hidden)]
        return words

    def _not_known(self, invocation: Invocation) -> None:
        for word in invocation.argv:
            if word.text is None and word.unknown is not None:
                place = place_of(word.location or invocation.location)
                self.subject.unresolved.append((place, word.shown, word.unknown.reason))

    def _apply(self, item: Item, command: Command, invocation: Invocation, known: bool) -> None:
        if self._is_apart(invocation):
            scratch = table_of(Ruleset(invocation.family), command.table)
            apply_command(item, command, scratch, self.subject.variant, self.subject.file)
            return
        table = table_of(self.subject.rulesets.setdefault(invocation.family, Ruleset(invocation.family)), command.table)
        if invocation.guarded_by_check is not None and command.action in ("A", "I") and self._is_there(item, command, table):
            return
        certain = known and (invocation.certain or invocation.guarded_by_check is not None)
        if not certain and command.action in _EFFECTS:
            # Whatever it does to rules that are there, they are there only perhaps from now on.
            _doubt(table, command.chain)
            table = table_of(Ruleset(invocation.family), command.table)
            apply_command(item, command, table, self.subject.variant, self.subject.file)
            return
        apply_command(item, command, table, self.subject.variant, self.subject.file)
        if not certain and known:
            for rule in item.rules:
                if rule.spec is not None:
                    rule.spec.matches.append(Perhaps(invocation.family))

    def _is_there(self, item: Item, command: Command, table: Table) -> bool:
        """Whether the table has the rules of a command already, for certain."""
        chain = table.chains.get(command.chain or "")
        if chain is None:
            return False
        apply_command(item, command, Table(table.name), self.subject.variant, self.subject.file)
        wanted = {rule.text for rule in item.rules}
        found = wanted <= {rule.text for rule in chain.rules if rule.text in wanted and not _is_perhaps(rule)}
        if not found:
            item.rules.clear()
        return found

    @staticmethod
    def _is_apart(invocation: Invocation) -> bool:
        """Another firewall, or one that nobody asks for: read for mistakes only."""
        if invocation.netns or any(guard.branch in ASIDE for guard in invocation.guard):
            return True
        hooks = {frame.location for frame in invocation.call_stack if frame.kind == "hook"}
        return any(guard.location in hooks for guard in invocation.guard)

    # -- restore -----------------------------------------------------------------------------------------
    def _restore(self, invocation: Invocation) -> None:
        if invocation.stdin is None:
            where = invocation.stdin_file.shown if invocation.stdin_file is not None else "its input"
            self.subject.unresolved.append((place_of(invocation.location), invocation.shown, f"{where} is not part of the script"))
            return
        ruleset = Ruleset(invocation.family)
        perhaps = not invocation.certain
        tried = any(text in ("-t", "--test") for text in invocation.texts)
        if not invocation.netns and not perhaps and not tried:
            ruleset = self.subject.rulesets.setdefault(invocation.family, ruleset)
        flush = not any(text in ("-n", "--noflush") for text in invocation.texts)
        reader = SaveReader(self.subject, ruleset, flush, invocation)
        first = len(self.subject.items)
        for line in invocation.stdin.lines:
            self._restore_line(reader, line, invocation)
        if perhaps and not invocation.netns and not tried:
            takes = flush or any(item.action in _EFFECTS for item in self.subject.items[first:])
            self._perhaps_restored(ruleset, takes)

    def _perhaps_restored(self, ruleset: Ruleset, takes: bool) -> None:
        """Tables that are there perhaps, beside those that are there; ``takes``: then these are no longer certain."""
        present = self.subject.rulesets.setdefault(ruleset.family, Ruleset(ruleset.family))
        for table in ruleset.tables.values():
            into = table_of(present, table.name)
            if takes:
                _doubt(into, None)
            _doubt(table, None)
            for chain in table.chains.values():
                into.chains.setdefault(chain.name, Chain(chain.name, "ACCEPT" if chain.policy else None)).rules += chain.rules

    def _restore_line(self, reader: SaveReader, line: TextLine, invocation: Invocation) -> None:
        location = line.location
        if line.text is None:
            unknown = line.word.unknown
            reason = unknown.reason if unknown is not None else "not known"
            self.subject.unresolved.append((place_of(location or invocation.location), line.word.shown, reason))
            return
        start, end = (location.start, location.end) if location is not None and location.file == self.subject.file else (0, 0)
        reader.take(line.text, place_of(location or invocation.location), start, end)


def _some_chain(shown: str) -> str:
    """A name for a chain of which only this is known."""
    return "".join(shown.split())[:_LONGEST]


def _stand_in(word: Word, before: str, family: int) -> str:
    candidates = word.unknown.candidates if word.unknown is not None and len(word.pieces) == 1 else ()
    if candidates:
        return candidates[0]
    guess = _AFTER.get(before, "1")
    return _ADDRESS[family] if guess == "address" else guess


def _doubt(table: Table, chain: str | None) -> None:
    for found in table.chains.values():
        if chain in (None, found.name):
            for rule in found.rules:
                if rule.spec is not None and not _is_perhaps(rule):
                    rule.spec = rule.spec.copy()
                    rule.spec.matches = [*rule.spec.matches, Perhaps(4)]


def _is_perhaps(rule: Rule) -> bool:
    return rule.spec is not None and any(isinstance(match, Perhaps) for match in rule.spec.matches)
