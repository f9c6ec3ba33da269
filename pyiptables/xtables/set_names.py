"""Names and directions of ipsets, as ``-m set`` and ``-j SET`` read them (``libxt_set.h``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.values import byte_length

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.xtables.option import Parsing

__all__ = ["parse_set", "set_text"]

_LONGEST = 31
_DIMENSIONS = 6

SetUse = tuple[str, tuple[str, ...]]


def parse_set(text: str, option: str, taken: bool, parsing: Parsing) -> SetUse:
    """(name, directions) of ``--option name src,dst``; the set must exist where that can be asked."""
    if taken:
        raise ParameterProblem(f"--{option} can be specified only once")
    directions = parsing.next_word()
    if directions is None:
        raise ParameterProblem(f"--{option} requires two args.")
    if byte_length(text) > _LONGEST:
        raise ParameterProblem(f"setname `{text}' too long, max {_LONGEST} characters.")
    if parsing.sets is not None and parsing.sets(text) is None:
        raise ParameterProblem(f"Set {text} doesn't exist.\n")
    words = directions.split(",")
    found = []
    for word in words[:_DIMENSIONS]:
        if word[:3] not in ("src", "dst"):
            raise ParameterProblem("You must specify (the comma separated list of) 'src' or 'dst'.")
        found.append(word[:3])
    if len(words) > _DIMENSIONS:
        raise ParameterProblem(f"Can't be more src/dst options than {_DIMENSIONS}.")
    return text, tuple(found)


def set_text(use: SetUse) -> str:
    return f"{use[0]} {','.join(use[1])}"
