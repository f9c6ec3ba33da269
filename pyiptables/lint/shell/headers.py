"""What stands before compound commands where the grammar knows it before simple ones only, or not at all.

``!``, ``time`` and ``coproc`` before a loop or braces, a function whose body is a loop, ``for`` with its body in braces:
the header is blanked, the grammar sees the compound command alone, and the header is put round it afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial

from pyiptables.lint.shell.commands import words_between
from pyiptables.lint.shell.tree import AndOr, Background, For, Function, Negated, Node

__all__ = ["Headers", "blanked", "under"]

Header = Callable[[Node], Node]
#: By the offset of the command: what is to be put round it, the innermost first.
Headers = dict[int, list[Header]]

_NAME = rb"(?:[ \t]+(?!(?:if|for|while|until|case|select)\b)\w+)"
_BEGINS = (
    rb"(?:\A|[\n;&|()]|(?<![^\s;&|(])"
    rb"(?:if|elif|while|until|then|do|else|\{|!|time|coproc" + _NAME + rb"?|function[ \t]+[^\s()]+)(?=\s))[ \t]*"
)
_LOOP = rb"(?:for|while|until|case|select)(?=[\s(])"
_COMPOUND = rb"(?:\{(?=\s)|\(|if(?=\s)|" + _LOOP + rb")"
_BRACED = re.compile(_BEGINS + rb"(?P<head>(?:for|select)[ \t]+(?P<name>\w+)(?:\s+in(?P<list>[ \t][^\n;&|()<>]*)?)?[ \t]*[;\n]\s*)(?=\{\s)")
_BODY = re.compile(
    _BEGINS + rb"(?P<head>(?:function[ \t]+(?P<word>[^\s()]+)[ \t]*(?:\([ \t]*\))?|(?P<name>[^\s()$=;&|<>]+)[ \t]*\([ \t]*\))\s*)"
    rb"(?=" + _LOOP + rb")"
)
_MARKS = re.compile(
    _BEGINS + rb"(?P<head>(?:(?:!|time(?:[ \t]+-p)?|coproc(?:" + _NAME + rb"(?=[ \t]+" + _COMPOUND + rb"))?)[ \t]+)+)"
    rb"(?=(?P<next>" + _COMPOUND + rb")?)"
)


def blanked(data: bytes, view: str, base: int) -> tuple[bytes, Headers]:
    """The text for the grammar without these headers, and the headers; ``data`` begins at ``base`` of the view."""
    headers: Headers = {}
    for pattern, made in ((_BRACED, _loop), (_BODY, _function), (_MARKS, _marks)):
        pieces: list[bytes] = []
        at = 0
        for found in pattern.finditer(data):
            around = made(found, view, base)
            if around is not None:
                start, end = found.span("head")
                pieces += [data[at:start], b" " * (end - start)]
                at = end
                headers.setdefault(base + end, []).extend(around)
        data = b"".join([*pieces, data[at:]])
    return data, headers


def under(node: Node, headers: Iterable[Header]) -> Node:
    """Headers put round a command; round the first one of a list."""
    for header in headers:
        if isinstance(node, AndOr):
            node.left = under(node.left, (header,))
        else:
            node = header(node)
    return node


def _loop(found: re.Match[bytes], view: str, base: int) -> list[Header]:
    first, last = found.span("name")
    words = None
    if found["list"] is not None:
        words = words_between(view, base + found.start("list"), base + found.end("list"))
    start, selects = base + found.start("head"), found["head"].startswith(b"select")
    return [lambda body: For(start, body.end, view[base + first : base + last], words, body, selects)]


def _function(found: re.Match[bytes], view: str, base: int) -> list[Header]:
    first, last = found.span("word" if found["word"] is not None else "name")
    start = base + found.start("head")
    return [lambda body: Function(start, body.end, view[base + first : base + last], body)]


def _marks(found: re.Match[bytes], view: str, base: int) -> list[Header] | None:
    """Negation and background; None for a lone mark before a simple command, which the grammar knows."""
    marks = found["head"].split()
    if found["next"] is None and b"coproc" not in marks and len(marks) < 2:
        return None
    kinds = [*([Background] if b"coproc" in marks else []), *([Negated] if marks.count(b"!") % 2 else [])]
    return [partial(_around, kind, base + found.start("head")) for kind in kinds]


def _around(kind: type[Negated], start: int, node: Node) -> Node:
    return kind(start, node.end, node)
