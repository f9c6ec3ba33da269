"""Numbers that files of iproute2 give names to (``xtables_lmap``, ``xtables_print_val_mask`` in ``xtables.c``).

A value is (number, mask, name): the name as it is printed, None where the file has none. Where no file may be read a
name stands for itself, with the number 0.
"""

from __future__ import annotations

from pyiptables.xtables.marks import mark_text, parse_value_mask
from pyiptables.xtables.names import NoNames
from pyiptables.xtables.numbers import UINT32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

    Named = tuple[int, int, str | None]

__all__ = ["named_text", "parse_named"]


def parse_named(text: str, option: str, extension: str, parsing: Parsing, path: str) -> Named:
    """``number[/mask]`` or a name of the file."""
    names = parsing.names
    blind = names.__class__ is NoNames

    def named(name: str) -> int | None:
        return 0 if blind and name else names.mapped_number(path, name)

    number, mask = parse_value_mask(text, option, extension, named)
    name = names.mapped_name(path, number) if mask == UINT32 else None
    if blind and mask == UINT32 and not text[:1].isdigit():
        name = text
    return number, mask, name


def named_text(value: Named, path: str, numeric: bool = False, names: Names | None = None) -> str:
    """How save forms and listings print it; ``numeric`` asks for the number, and ``names`` for whose."""
    number, mask, name = value
    if name is None or mask != UINT32:
        return mark_text(number, mask)
    if not numeric:
        return name
    found = None if names is None else names.mapped_number(path, name)
    return mark_text(number if found is None else found)
