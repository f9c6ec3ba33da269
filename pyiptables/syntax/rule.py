"""A rule between its canonical text (the save form) and its typed form.

``iptables-save`` leaves ``-i +`` out, and prints interface names and some extensions' words bare even where they
hold blanks or quotes, so that no restore takes them. The state file must not lose such a rule: it stands there under
a comment line that says so, each odd word in quotes, a line break in a word as ``\\n``.
"""

from __future__ import annotations

from pyiptables.ruleset import Rule, RuleSpec
from pyiptables.syntax.command import parse
from pyiptables.xtables.addresses import ALL_ONES, address_text, ip4_text, ip6_text, mask_prefix
from pyiptables.xtables.errors import IptablesError
from pyiptables.xtables.names import chain_protocol_name
from pyiptables.xtables.option import Parsing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.syntax.command import Command
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Extension

__all__ = ["StoredRule", "jump_to", "quoted", "read_stored", "renamed_jump", "rule_of", "text_of", "typed"]

_ODD = frozenset(' \t\n\v\f\r"\\')


def quoted(word: str) -> str:
    """The word, in quotes if a line of words would not give it back."""
    if _ODD.isdisjoint(word):
        return word
    if not word:
        return '""'
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def text_of(
    spec: RuleSpec,
    family: int,
    counters: tuple[int, int] | None = None,
    given: dict[int, list[str]] | None = None,
) -> str:
    """The save form of a rule after ``-A CHAIN``: '' or text without a leading space.

    ``counters`` puts ``-c packets bytes`` where ``-S -v`` shows them, before the target. With ``given``, the words
    for each extension object by its ``id``, it is the form that reads back where the save form does not.
    """
    parts = []
    if spec.src_inv or spec.src_mask or spec.src:
        parts.append(_address("s", spec.src, spec.src_mask, spec.src_inv, family))
    if spec.dst_inv or spec.dst_mask or spec.dst:
        parts.append(_address("d", spec.dst, spec.dst_mask, spec.dst_inv, family))
    if spec.iniface and (spec.iniface_inv or spec.iniface != "+" or given is not None):
        name = spec.iniface if given is None else quoted(spec.iniface)
        parts.append(f" ! -i {name}" if spec.iniface_inv else f" -i {name}")
    if spec.outiface and (spec.outiface_inv or spec.outiface != "+" or given is not None):
        name = spec.outiface if given is None else quoted(spec.outiface)
        parts.append(f" ! -o {name}" if spec.outiface_inv else f" -o {name}")
    if spec.proto:
        name = chain_protocol_name(spec.proto) or str(spec.proto)
        parts.append(f" ! -p {name}" if spec.proto_inv else f" -p {name}")
    if spec.fragment:
        parts.append(" ! -f" if spec.fragment_inv else " -f")
    for match in spec.matches:
        parts.append(f" -m {match.real_name or match.name}{_words_of(match, given)}")
    if counters is not None:
        parts.append(f" -c {counters[0]} {counters[1]}")
    if spec.jump:
        if spec.target is not None:
            parts.append(f" -j {spec.target.save_name()}{_words_of(spec.target, given)}")
        else:
            parts.append(f" -g {spec.jump}" if spec.goto else f" -j {spec.jump}")
    return "".join(parts)[1:]


def _words_of(extension: Extension, given: dict[int, list[str]] | None) -> str:
    words = None if given is None else given.get(id(extension))
    return extension.save() if words is None else "".join([f" {quoted(word)}" for word in words])


def _address(letter: str, address: int, mask: int, inverted: bool, family: int) -> str:
    if family == 4:
        text = ip4_text(address)
        length = 32 if mask == 0xFFFFFFFF else mask_prefix(mask, 4)
    else:
        text = ip6_text(address)
        length = 128 if mask == ALL_ONES[6] else mask_prefix(mask, 6)
    tail = address_text(mask, family) if length is None else length
    return f"{' !' if inverted else ''} -{letter} {text}/{tail}"


def typed(rule: Rule, family: int, names: Names | None = None) -> RuleSpec:
    """The typed form of a rule, made on first use and kept. ``names`` resolves what canonical text never has."""
    spec = rule.spec
    if spec is None:
        from pyiptables.syntax.canonical import typed_canonical

        spec = rule.spec = typed_canonical(rule.text, family)
    if spec is None:
        from pyiptables.syntax.words import split_words

        spec = rule.spec = _parsed(split_words(rule.text, room=1 << 20), family, names)
    return spec


def _parsed(words: list[str], family: int, names: Names | None = None) -> RuleSpec:
    parsing = Parsing(family, names)
    parsing.kept = True
    command = parse(["-A", "-", *words], parsing)
    spec = command.spec
    (spec.src, spec.src_mask), (spec.dst, spec.dst_mask) = command.sources[0], command.destinations[0]
    return spec


def jump_to(rule: Rule, chain: str, family: int) -> None:
    """Take the name behind ``-j``, with which the rule ends, for a chain's."""
    rule.spec = typed(Rule(rule.text[: -len(chain) - len(" -j ")]), family).copy()
    rule.spec.jump = chain


class StoredRule(Rule):
    """A rule with a form for the state file besides its save form."""

    __slots__ = ("stored",)

    stored: str


def rule_of(spec: RuleSpec, family: int, command: Command) -> Rule:
    """The rule that a command adds, with its counters."""
    packets, octets = command.counters or (0, 0)
    rule = Rule(text_of(spec, family), packets, octets, spec=spec)
    odd_interface = any([name and quoted(name) != name for name in (spec.iniface, spec.outiface)])
    extensions: list[Extension] = [*spec.matches, *([] if spec.target is None else [spec.target])]
    lossy = not all([each.saves_all() for each in extensions])
    if not (odd_interface or lossy or "+" in (spec.iniface, spec.outiface) or command.odd_words):
        return rule
    if not odd_interface and not lossy and _reads_back(rule.text, spec, family):
        return rule
    # The others keep their save form: words as given may be names that a state cannot look up.
    given = {id(each): command.given.get(id(each), []) for each in extensions}
    needed = {id(each): given[id(each)] for each in extensions if not (each.saves_all() and _are_plain(given[id(each)]))}
    stored = text_of(spec, family, given=needed)
    kept = StoredRule(rule.text, packets, octets, spec=spec)
    kept.stored = stored
    try:
        same = read_stored(stored, family, packets, octets).text == rule.text
    except IptablesError:
        same = False
    return kept if same else rule


def _are_plain(words: list[str]) -> bool:
    return all([word and _ODD.isdisjoint(word) for word in words])


def _reads_back(text: str, spec: RuleSpec, family: int) -> bool:
    if "\n" in text:
        return False
    from pyiptables.syntax.words import split_words

    try:
        again = _parsed(split_words(text), family)
        return (again.iniface, again.outiface, text_of(again, family)) == (spec.iniface, spec.outiface, text)
    except IptablesError:
        return False


def read_stored(stored: str, family: int, packets: int, octets: int, source: tuple[str, int] | None = None) -> Rule:
    """The rule of a marked line (what follows ``-A CHAIN``). Raises IptablesError when it is none."""
    spec = _parsed(_words(stored), family)
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
