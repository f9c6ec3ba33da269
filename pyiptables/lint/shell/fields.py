"""The small part of awk that scripts cut words out of lines with: ``awk -F: '/name/ {print $1, $NF}'``."""

from __future__ import annotations

import re

__all__ = ["Printer", "printer"]

_PROGRAM = re.compile(r"\s*(?:/(?P<wanted>[\w .:-]*)/|NR\s*==\s*(?P<row>\d{1,6}))?\s*(?:\{\s*print\b\s*(?P<what>[^{};]*?)\s*;?\s*\})?\s*")
_ITEM = re.compile(r'\s*(?:\$(\d{1,3}|NF)|"((?:[^"\\]|\\["\\])*)"|(,))')


class Printer:
    """What such a program prints."""

    def __init__(self, wanted: str | None, row: int, items: list[str | int], separator: str) -> None:
        self._wanted = wanted
        self._row = row
        #: Text, and numbers of fields: 0 for the whole line, -1 for the last one.
        self._items = items
        self._separator = separator

    def line(self, number: int, text: str) -> str | None:
        """What it prints for a line; None for nothing."""
        if (self._row and number != self._row) or (self._wanted is not None and self._wanted not in text):
            return None
        fields = text.split(self._separator) if self._separator else text.split()
        fields = fields if text else []
        return "".join([item if isinstance(item, str) else self._field(item, text, fields) for item in self._items])

    @staticmethod
    def _field(number: int, text: str, fields: list[str]) -> str:
        if number == 0:
            return text
        if number < 0:
            return fields[-1] if fields else text
        return fields[number - 1] if number <= len(fields) else ""


def printer(program: str, separator: str) -> Printer | None:
    """What is printed, field by field; None for programs that are not followed. ``separator`` '' stands for blanks."""
    found = _PROGRAM.fullmatch(program)
    special = len(separator) > 1 or separator in ("t", "\\", "^", " ")
    if not found or not program.strip() or (separator and special) or "." in (found["wanted"] or ""):
        return None
    items: list[str | int] = []
    fresh = True
    at, what = 0, found["what"] or "$0"
    while at < len(what):
        item = _ITEM.match(what, at)
        if not item:
            return None
        field, text, comma = item.groups()
        if comma and fresh:
            return None
        fresh = bool(comma)
        items.append(" " if comma else re.sub(r"\\(.)", r"\1", text) if text is not None else -1 if field == "NF" else int(field))
        at = item.end()
    if fresh:
        return None
    return Printer(found["wanted"], int(found["row"] or 0), items, separator)
