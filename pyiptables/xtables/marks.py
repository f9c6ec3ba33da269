"""Values with masks: marks and types of service, as options take and print them."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import UINT8, UINT32, scan_unsigned
from pyiptables.xtables.values import ValueType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyiptables.xtables.option import Extension, Option, Parsing

__all__ = ["TOS_NAMES", "MarkMask", "TosMask", "mark_text", "parse_value_mask"]


TOS_NAMES = {
    "Minimize-Delay": 0x10,
    "Maximize-Throughput": 0x08,
    "Maximize-Reliability": 0x04,
    "Minimize-Cost": 0x02,
    "Normal-Service": 0x00,
}


class TosMask(ValueType):
    """``XTTYPE_TOSMASK``; value: (tos, mask). ``name_mask`` is the mask of symbolic names."""

    metavar = "value[/mask]"
    words = tuple(TOS_NAMES)

    def __init__(self, name_mask: int = 0x3F):
        self.name_mask = name_mask

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> tuple[int, int]:
        got = scan_unsigned(text, 0, UINT8)
        if got is None:
            for name, tos in TOS_NAMES.items():
                if name.lower() == text.lower():
                    return tos, self.name_mask
            raise ParameterProblem(f'Symbolic name "{text}" is unknown')
        value, end = got
        mask = UINT8
        if text[end : end + 1] == "/":
            after = scan_unsigned(text[end + 1 :], 0, UINT8)
            if after is None:
                raise ParameterProblem(f'Illegal value: "{text}"')
            mask = after[0]
            end += 1 + after[1]
        if end != len(text):
            raise ParameterProblem(f'Illegal value: "{text}"')
        return value, mask

    def text(self, value: Any) -> str:
        return f" 0x{value[0]:02x}/0x{value[1]:02x}"


class MarkMask(ValueType):
    """``XTTYPE_MARKMASK32`` (``xtables_parse_val_mask``); value: (mark, mask)."""

    metavar = "value[/mask]"

    def parse(self, text: str, option: Option, ext: Extension, parsing: Parsing) -> tuple[int, int]:
        return parse_value_mask(text, option.name, ext.name)

    def text(self, value: Any) -> str:
        return " " + mark_text(*value)


def parse_value_mask(text: str, option: str, extension: str, named: Callable[[str], int | None] | None = None) -> tuple[int, int]:
    """``xtables_parse_val_mask``; ``named`` looks up what is no number, where there is a list of names."""
    got = scan_unsigned(text, 0, UINT32)
    end = -1 if got is None else got[1]
    if got is not None and end == len(text):
        return got[0], UINT32
    if got is None or text[end] != "/":
        if named is not None:
            number = named(text)
            if number is None:
                raise ParameterProblem(f'{extension}: could not map name {text} to an integer value for option "--{option}".\n')
            return number, UINT32
        if got is not None:
            raise ParameterProblem(f'{extension}: trailing garbage after value for option "--{option}".\n')
    else:
        mask = scan_unsigned(text[end + 1 :], 0, UINT32)
        if mask is not None and end + 1 + mask[1] == len(text):
            return got[0], mask[0]
        if mask is not None:
            raise ParameterProblem(f'{extension}: trailing garbage after value for option "--{option}".\n')
    raise ParameterProblem(f'{extension}: bad integer value for option "--{option}", or out of range.\n')


def mark_text(value: int, mask: int = UINT32) -> str:
    return f"0x{value:x}" if mask == UINT32 else f"0x{value:x}/0x{mask:x}"
