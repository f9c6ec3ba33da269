"""A rule between its canonical text (the save form) and its typed form."""

from __future__ import annotations

from pyiptables.ruleset import Rule, RuleSpec
from pyiptables.syntax.command import parse
from pyiptables.xtables.addresses import ALL_ONES, address_text, ip4_text, ip6_text, mask_prefix
from pyiptables.xtables.names import chain_protocol_name
from pyiptables.xtables.option import Parsing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Extension

__all__ = ["quoted", "text_of", "typed"]

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
        parts.append(f" -m {match.real_name or match.name}{_words(match, given)}")
    if counters is not None:
        parts.append(f" -c {counters[0]} {counters[1]}")
    if spec.jump:
        if spec.target is not None:
            parts.append(f" -j {spec.target.save_name()}{_words(spec.target, given)}")
        else:
            parts.append(f" -g {spec.jump}" if spec.goto else f" -j {spec.jump}")
    return "".join(parts)[1:]


def _words(extension: Extension, given: dict[int, list[str]] | None) -> str:
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

        parsing = Parsing(family, names)
        command = parse(["-A", "-", *split_words(rule.text, room=1 << 20)], parsing)
        spec = command.spec
        spec.src, spec.src_mask = command.sources[0]
        spec.dst, spec.dst_mask = command.destinations[0]
        rule.spec = spec
    return spec
