"""Which conditions of a rule exclude each other."""

from __future__ import annotations

from collections.abc import Iterator

from pyiptables.analysis.region import Region
from pyiptables.analysis.space import Space
from pyiptables.ruleset import RuleSpec
from pyiptables.syntax.rule import text_of

__all__ = ["conflict"]

_HEAD = (
    ("src", "src_mask", "src_inv"),
    ("dst", "dst_mask", "dst_inv"),
    ("iniface", "iniface_inv"),
    ("outiface", "outiface_inv"),
    ("proto", "proto_inv"),
    ("fragment", "fragment_inv"),
)


def conflict(space: Space, spec: RuleSpec) -> list[str]:
    """Conditions of a rule that no packet fulfils together, as they are saved, none of them needless."""
    kept = [(text_of(piece, space.family), space.rule_region(piece)) for piece in _pieces(spec)]
    for piece in reversed(kept.copy()):
        fewer = [other for other in kept if other is not piece]
        if fewer and not _common(space, [region for _, region in fewer]).upper:
            kept = fewer
    return [text for text, _ in kept]


def _common(space: Space, regions: list[Region]) -> Region:
    common = space.everything
    for region in regions:
        common &= region
    return common


def _pieces(spec: RuleSpec) -> Iterator[RuleSpec]:
    """The rule's conditions one by one."""
    stand_ins = [match.instead_of for match in spec.matches]
    for names in _HEAD:
        if names[0] in stand_ins:
            continue
        piece = RuleSpec()
        for name in names:
            setattr(piece, name, getattr(spec, name))
        if any(getattr(piece, name) for name in names):
            yield piece
    for match in spec.matches:
        piece = RuleSpec()
        piece.matches = [match]
        yield piece
