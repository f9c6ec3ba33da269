"""Words of a restore line: quotes and escapes (``add_param_to_argv``, ``iptables/xshared.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.values import byte_length

__all__ = ["split_words"]

#: ``struct xt_param_buf`` and ``MAX_ARGC``.
_WORD_SIZE = 1024
_MAX_WORDS = 255


def split_words(line: str, room: int = _MAX_WORDS - 1) -> list[str]:
    """The words of a line. A word ends at blank, tab or newline; in double quotes a backslash escapes anything.

    As in the original the closing quote ends the word: ``"a"b`` is two words, ``a"b c"`` one, ``""`` an empty one.
    Raises ParameterProblem for a word of 1024 bytes or more and for more than ``room`` words.
    """
    if '"' not in line:
        words = line.split() if line.isascii() and not _ODD_SPACE.intersection(line) else _split_plain(line)
    else:
        words = _split_quoted(line)
    if len(line) >= _WORD_SIZE and any(byte_length(word) >= _WORD_SIZE for word in words):
        raise ParameterProblem("Parameter too long!")
    if len(words) > room:
        raise ParameterProblem("Parser cannot handle more arguments")
    return words


#: White space to ``str.split`` that separates no words here.
_ODD_SPACE = frozenset("\r\v\f\x1c\x1d\x1e\x1f")


def _split_plain(line: str) -> list[str]:
    return [word for word in line.replace("\t", " ").replace("\n", " ").split(" ") if word]


def _split_quoted(line: str) -> list[str]:
    words: list[str] = []
    word: list[str] = []
    in_quotes = False
    escaped = False
    for char in line:
        if in_quotes:
            if escaped:
                word.append(char)
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                in_quotes = False
                words.append("".join(word))
                word = []
            else:
                word.append(char)
        elif char == '"':
            in_quotes = True
        elif char in " \t\n":
            if word:
                words.append("".join(word))
                word = []
        else:
            word.append(char)
    if word:
        words.append("".join(word))
    return words
