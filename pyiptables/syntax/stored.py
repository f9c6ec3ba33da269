"""Rules whose save form does not say what they are: kept in the state file with quotes that read back.

``iptables-save`` leaves ``-i +`` out, and prints interface names and some extensions' words bare even where they
hold blanks or quotes, so that no restore takes them. The state file must not lose such a rule: it stands there under
a comment line that says so, each odd word in quotes, a line break in a word as ``\\n``.
"""

from __future__ import annotations

from pyiptables.ruleset import Rule, RuleSpec
from pyiptables.syntax.command import parse
from pyiptables.syntax.rule import quoted, text_of, typed
from pyiptables.xtables.errors import IptablesError
from pyiptables.xtables.option import Parsing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.syntax.command import Command

__all__ = ["StoredRule", "read_stored", "renamed_jump", "rule_of"]


class StoredRule(Rule):
    """A rule with a form for the state file besides its save form."""

    __slots__ = ("stored",)

    stored: str


def rule_of(spec: RuleSpec, family: int, command: Command) -> Rule:
    """The rule that a command adds, with its counters."""
    packets, octets = command.counters or (0, 0)
    rule = Rule(text_of(spec, family), packets, octets, spec=spec)
    odd_interface = any([name and quoted(name) != name for name in (spec.iniface, spec.outiface)])
    lossy = not all([match.saves_all() for match in spec.matches])
    if spec.target is not None and not spec.target.saves_all():
        lossy = True
    if not (odd_interface or lossy or "+" in (spec.iniface, spec.outiface) or command.odd_words):
        return rule
    if not odd_interface and not lossy and _reads_back(rule.text, spec, family):
        return rule
    stored = text_of(spec, family, given=command.given)
    kept = StoredRule(rule.text, packets, octets, spec=spec)
    kept.stored = stored
    try:
        same = read_stored(stored, family, packets, octets).text == rule.text
    except IptablesError:
        same = False
    return kept if same else rule


def _reads_back(text: str, spec: RuleSpec, family: int) -> bool:
    if "\n" in text:
        return False
    try:
        again = typed(Rule(text), family)
        return (again.iniface, again.outiface, text_of(again, family)) == (spec.iniface, spec.outiface, text)
    except IptablesError:
        return False


def read_stored(stored: str, family: int, packets: int, octets: int, source: tuple[str, int] | None = None) -> Rule:
    """The rule of a marked line (what follows ``-A CHAIN``). Raises IptablesError when it is none."""
    command = parse(["-A", "-", *_words(stored)], Parsing(family))
    spec = command.spec
    (spec.src, spec.src_mask), (spec.dst, spec.dst_mask) = command.sources[0], command.destinations[0]
    rule = StoredRule(text_of(spec, family), packets, octets, source, spec)
    rule.stored = stored
    return rule


def renamed_jump(rule: Rule, newname: str, family: int) -> Rule:
    """The rule with another chain to jump to."""
    spec = typed(rule, family).copy()
    spec.jump = newname
    text = text_of(spec, family)
    if not isinstance(rule, StoredRule):
        return Rule(text, rule.packets, rule.bytes, rule.source, spec)
    renamed = StoredRule(text, rule.packets, rule.bytes, rule.source, spec)
    renamed.stored = f"{rule.stored.rpartition(' ')[0]} {newname}"
    return renamed


def _words(stored: str) -> list[str]:
    """The words as :func:`quoted` wrote them."""
    words: list[str] = []
    at, size = 0, len(stored)
    while at < size:
        if stored[at] != '"':
            end = stored.find(" ", at)
            end = size if end < 0 else end
            words.append(stored[at:end])
            at = end + 1
            continue
        word: list[str] = []
        at += 1
        while at < size and stored[at] != '"':
            if stored[at] == "\\":
                at += 1
                word.append("\n" if stored[at : at + 1] == "n" else stored[at : at + 1])
            else:
                word.append(stored[at])
            at += 1
        words.append("".join(word))
        at += 2
    return words
