"""``getopt_long`` as the iptables programs use it: options in any order, abbreviations, ``--opt=value``.

Long options come in groups: the program's own first, then those of the extensions, the latest loaded before the
earlier ones (``xtables_merge_options``, ``xtables.c``).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["MISSING", "NONE", "OPTIONAL", "POSITIONAL", "REQUIRED", "UNKNOWN", "Scanner"]

NONE, REQUIRED, OPTIONAL = 0, 1, 2

#: Codes that :meth:`Scanner.next` returns besides option keys.
POSITIONAL = "\1"
UNKNOWN = "?"
MISSING = ":"


class Scanner:
    """Walks an argument list and yields (key, argument) pairs.

    ``shorts`` maps letters to (has_arg, key), ``groups`` is a list of dicts from long names to (has_arg, key).
    After UNKNOWN and MISSING, ``failed`` is what the error message quotes.
    """

    __slots__ = ("_cluster", "_in_order", "argv", "failed", "groups", "index", "operands", "shorts")

    def __init__(
        self,
        argv: list[str],
        shorts: dict[str, tuple[int, Any]],
        groups: list[dict[str, tuple[int, Any]]],
        in_order: bool = True,
    ) -> None:
        self.argv = argv
        self.shorts = shorts
        self.groups = groups
        self.index = 0
        self.failed = ""
        #: Arguments that are no options, when they are not to be returned in order.
        self.operands: list[str] = []
        self._cluster = ""
        self._in_order = in_order

    def next(self) -> tuple[Any, str | None] | None:
        """The next option, or None at the end (``index`` then stands on what ``--`` left over)."""
        if self._cluster:
            return self._short()
        argv = self.argv
        while self.index < len(argv):
            word = argv[self.index]
            self.index += 1
            if word == "--":
                return None
            if len(word) < 2 or word[0] != "-":
                if self._in_order:
                    return POSITIONAL, word
                self.operands.append(word)
                continue
            if word[1] == "-":
                return self._long(word)
            self._cluster = word[1:]
            return self._short()
        return None

    def back(self) -> None:
        """Read the last word once more (a protocol match brought new options with it)."""
        self.index -= 1
        self._cluster = ""

    def has_argument(self) -> bool:
        """``xs_has_arg``: does a word follow that is no option and no ``!``?"""
        return self.index < len(self.argv) and self.argv[self.index][:1] not in ("-", "!")

    def take(self) -> str:
        word = self.argv[self.index]
        self.index += 1
        return word

    def _short(self) -> tuple[Any, str | None]:
        letter, rest = self._cluster[0], self._cluster[1:]
        self._cluster = rest
        known = self.shorts.get(letter)
        if known is None:
            self.failed = f"-{letter}"
            return UNKNOWN, None
        has_arg, key = known
        if has_arg == NONE:
            return key, None
        self._cluster = ""
        if rest:
            return key, rest
        if has_arg == OPTIONAL:
            return key, None
        if self.index < len(self.argv):
            return key, self.take()
        self.failed = self.argv[-1]
        return MISSING, None

    def _long(self, word: str) -> tuple[Any, str | None]:
        name, equals, value = word[2:].partition("=")
        found = self._find(name)
        if found is None:
            self.failed = word
            return UNKNOWN, None
        has_arg, key = found
        if equals:
            if has_arg == NONE:
                # getopt leaves the option's code in optopt, and the message prints that as a letter.
                self.failed = f"-{key}" if isinstance(key, str) else word
                return UNKNOWN, None
            return key, value
        if has_arg != REQUIRED:
            return key, None
        if self.index < len(self.argv):
            return key, self.take()
        self.failed = self.argv[-1]
        return MISSING, None

    def _find(self, name: str) -> tuple[int, Any] | None:
        for group in self.groups:
            if name in group:
                return group[name]
        found: tuple[int, Any] | None = None
        for group in self.groups:
            for candidate, entry in group.items():
                if candidate.startswith(name):
                    if found is None:
                        found = entry
                    elif found != entry:
                        return None
        return found
