"""Where quotes, expansions and substitutions end.

Every function takes the view and the offset just behind the opening mark, and returns the offset just
behind the closing one, or ``-1`` if there is none. POSIX.1-2017, Shell Command Language, 2.2 and 2.6.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = [
    "arithmetic_end",
    "backtick_end",
    "brace_end",
    "bracket_end",
    "dollar_end",
    "double_end",
    "paren_end",
    "single_end",
]

_IN_DOUBLE = re.compile(r'[^"\\$`]+')
_IN_PAREN = re.compile(r"[^()'\"\\$`#]+")
_IN_BRACE = re.compile(r"[^}'\"\\$`]+")
# Nesting deeper than any script has; below Python's own limit.
_DEEPEST = 60
_LONGEST = 400


def single_end(view: str, at: int) -> int:
    end = view.find("'", at)
    return end + 1 if end >= 0 else -1


def ansi_end(view: str, at: int) -> int:
    """Behind ``$'…'``, where a backslash protects a quote."""
    return _protected_end(view, at, "'")


def backtick_end(view: str, at: int) -> int:
    return _protected_end(view, at, "`")


def _protected_end(view: str, at: int, closing: str) -> int:
    size = len(view)
    while at < size:
        if view[at] == "\\":
            at += 2
        elif view[at] == closing:
            return at + 1
        else:
            at += 1
    return -1


def double_end(view: str, at: int, depth: int = 0) -> int:
    size = len(view)
    while at < size:
        run = _IN_DOUBLE.match(view, at)
        if run:
            at = run.end()
            continue
        char = view[at]
        if char == '"':
            return at + 1
        if char == "\\":
            at += 2
        elif char == "`":
            at = backtick_end(view, at + 1)
        else:
            at = dollar_end(view, at, depth)
        if at < 0:
            return -1
    return -1


def dollar_end(view: str, at: int, depth: int = 0) -> int:
    """Behind what the ``$`` at ``at`` begins; behind the ``$`` alone if that is nothing."""
    if depth > _DEEPEST:
        return -1
    following = view[at + 1 : at + 2]
    if following == "{":
        return brace_end(view, at + 2, depth + 1)
    if following == "(":
        return _substitution_end(view, at, depth)
    if following == "[":
        return max(at + 1, bracket_end(view, at + 2, depth + 1))
    return at + 1


@lru_cache(maxsize=1024)
def _substitution_end(view: str, at: int, depth: int) -> int:
    """Behind ``$((…))`` or ``$(…)``. Kept, as what was no arithmetic is read again with all that is nested in it."""
    if view.startswith("((", at + 1):
        end = arithmetic_end(view, at + 3, depth + 1)
        if end >= 0:
            return end
    return paren_end(view, at + 2, depth + 1)


def brace_end(view: str, at: int, depth: int = 0) -> int:
    size = len(view)
    while at < size:
        run = _IN_BRACE.match(view, at)
        if run:
            at = run.end()
            continue
        char = view[at]
        if char == "}":
            return at + 1
        if char == "\\":
            at += 2
        elif char == "'":
            # Inside double quotes a lone quote is a character; then there is no partner before the brace.
            end = single_end(view, at + 1)
            closing = view.find("}", at)
            at = end if end >= 0 and (closing < 0 or end <= closing or "\n" not in view[at:end]) else at + 1
        elif char == '"':
            at = double_end(view, at + 1, depth + 1)
        elif char == "`":
            at = backtick_end(view, at + 1)
        else:
            at = dollar_end(view, at, depth)
        if at < 0:
            return -1
    return -1


def bracket_end(view: str, at: int, depth: int = 0) -> int:
    """Behind the ``]`` that closes a ``$[``, as bash still reads arithmetic; ``-1`` if none is near."""
    level, size = 0, min(len(view), at + _LONGEST)
    while at < size:
        char = view[at]
        if char in "\n'\"`;":
            return -1
        # What is unclosed in one of many would be looked for again in each: `$[` in `$[` is a bracket like others.
        if char == "$" and not view.startswith("[", at + 1):
            at = dollar_end(view, at, depth)
            if at < 0:
                return -1
            continue
        at += 1
        level += (char == "[") - (char == "]")
        if level < 0:
            return at
    return -1


def arithmetic_end(view: str, at: int, depth: int = 0) -> int:
    """Behind the ``))`` that closes a ``((``; ``-1`` if the parentheses close one by one."""
    level, size = 0, len(view)
    while at < size:
        char = view[at]
        if char == "(":
            level += 1
        elif char == ")":
            if level == 0:
                return at + 2 if view.startswith("))", at) else -1
            level -= 1
        elif char == "$":
            at = dollar_end(view, at, depth)
            if at < 0:
                return -1
            continue
        elif char in ";'" or (char == "\n" and view[at - 1] != "\\" and level > 20):
            return -1
        at += 1
    return -1


def paren_end(view: str, at: int, depth: int = 0) -> int:
    """Behind the ``)`` that closes a ``(`` with commands in it."""
    level, size = 0, len(view)
    # A pattern of `case` may end in a lone parenthesis.
    cases = 0
    while at < size:
        run = _IN_PAREN.match(view, at)
        if run:
            if "case" in run.group() or "esac" in run.group():
                words = re.findall(r"\b(?:case|esac)\b", run.group())
                cases = max(0, cases + words.count("case") - words.count("esac"))
            at = run.end()
            continue
        char = view[at]
        if char == "(":
            level += 1
            at += 1
        elif char == ")":
            at += 1
            if level == 0:
                if not cases:
                    return at
            else:
                level -= 1
        elif char == "'":
            at = single_end(view, at + 1)
        elif char == '"':
            at = double_end(view, at + 1, depth + 1)
        elif char == "\\":
            at += 2
        elif char == "`":
            at = backtick_end(view, at + 1)
        elif char == "#":
            if view[at - 1] in " \t\n;(&|":
                newline = view.find("\n", at)
                at = newline if newline >= 0 else size
            else:
                at += 1
        else:
            at = ansi_end(view, at + 2) if view.startswith("$'", at) else dollar_end(view, at, depth)
        if at < 0:
            return -1
    return -1
