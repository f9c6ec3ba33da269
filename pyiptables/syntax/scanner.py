"""``getopt_long`` as the iptables programs use it: options in any order, abbreviations, ``--opt=value``; and the options.

Long options come in groups: the program's own first, then those of the extensions, the latest loaded before the
earlier ones (``xtables_merge_options``, ``xtables.c``).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.xtables.option import Parsing

__all__ = [
    "ALLOWED",
    "INVERTIBLE",
    "LONG_OPTIONS",
    "MISSING",
    "NONE",
    "OPTIONAL",
    "OPTION_NAMES",
    "POSITIONAL",
    "REQUIRED",
    "SHORT_OPTIONS",
    "UNKNOWN",
    "Scanner",
    "extension_options",
    "program_options",
]

NONE, REQUIRED, OPTIONAL = 0, 1, 2

#: Codes that :meth:`Scanner.next` returns besides option keys.
POSITIONAL = "\1"
UNKNOWN = "?"
MISSING = ":"

#: ``iptables_globals.orig_opts``: long name → (has argument, key).
LONG_OPTIONS: dict[str, tuple[int, Any]] = {
    "append": (REQUIRED, "A"),
    "delete": (REQUIRED, "D"),
    "check": (REQUIRED, "C"),
    "insert": (REQUIRED, "I"),
    "replace": (REQUIRED, "R"),
    "list": (OPTIONAL, "L"),
    "list-rules": (OPTIONAL, "S"),
    "flush": (OPTIONAL, "F"),
    "zero": (OPTIONAL, "Z"),
    "new-chain": (REQUIRED, "N"),
    "delete-chain": (OPTIONAL, "X"),
    "rename-chain": (REQUIRED, "E"),
    "policy": (REQUIRED, "P"),
    "source": (REQUIRED, "s"),
    "destination": (REQUIRED, "d"),
    "src": (REQUIRED, "s"),
    "dst": (REQUIRED, "d"),
    "protocol": (REQUIRED, "p"),
    "in-interface": (REQUIRED, "i"),
    "jump": (REQUIRED, "j"),
    "table": (REQUIRED, "t"),
    "match": (REQUIRED, "m"),
    "numeric": (NONE, "n"),
    "out-interface": (REQUIRED, "o"),
    "verbose": (NONE, "v"),
    "wait": (OPTIONAL, "w"),
    "wait-interval": (OPTIONAL, "W"),
    "exact": (NONE, "x"),
    "fragments": (NONE, "f"),
    "version": (NONE, "V"),
    "help": (OPTIONAL, "h"),
    "line-numbers": (NONE, "0"),
    "modprobe": (REQUIRED, "M"),
    "set-counters": (REQUIRED, "c"),
    "goto": (REQUIRED, "g"),
    "ipv4": (NONE, "4"),
    "ipv6": (NONE, "6"),
}

#: ``IPT_OPTSTRING``.
SHORT_OPTIONS: dict[str, tuple[int, Any]] = {
    **{letter: (REQUIRED, letter) for letter in "ACDEIMNPRcdijopstgm"},
    **{letter: (OPTIONAL, letter) for letter in "FLSXZWhw"},
    **{letter: (NONE, letter) for letter in "Vv46fnx"},
}

#: How messages call an option.
OPTION_NAMES = {
    "n": "--numeric",
    "s": "--source",
    "d": "--destination",
    "p": "--protocol",
    "j": "--jump",
    "v": "--verbose",
    "x": "--exact",
    "i": "--in-interface",
    "o": "--out-interface",
    "0": "--line-numbers",
    "c": "--set-counters",
    "f": "--fragments",
}
#: Options that ``!`` may stand before.
INVERTIBLE = "sdpiof"
#: ``options_v_commands``, in the order ``generic_opt_check`` walks: option → commands that allow it.
ALLOWED = {
    "n": "L",
    "s": "IDRAC",
    "d": "IDRAC",
    "p": "IDRAC",
    "j": "IDRAC",
    "x": "L",
    "i": "IDRAC",
    "o": "IDRAC",
    "0": "L",
    "c": "IRAP",
    "f": "IDRAC",
}
_WITHOUT_FRAGMENTS = {name: entry for name, entry in LONG_OPTIONS.items() if name != "fragments"}


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
        """Read the last word once more (a protocol match brought new options with it).

        What getopt has not read of it comes first, and one of those letters can take the whole word as its argument.
        """
        self.index -= 1

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
            # getopt reads octets.
            octets = letter.encode("utf-8", "surrogateescape")
            self.failed = f"-{octets[:1].decode('utf-8', 'surrogateescape')}"
            self._cluster = octets[1:].decode("utf-8", "surrogateescape") + rest
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
                self.failed = f"-{key if isinstance(key, str) else _code(*key)}"
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


def program_options(parsing: Parsing) -> dict[str, tuple[int, Any]]:
    """ip6tables-legacy alone has no ``--fragments`` (``ip6tables.c``)."""
    return _WITHOUT_FRAGMENTS if parsing.family == 6 and parsing.variant == "legacy" else LONG_OPTIONS


_extension_options: dict[type, dict[str, tuple[int, Any]]] = {}


def _code(extension: type[Any], option: Any) -> str:
    """The code of an extension's option as a letter; nothing for 0."""
    code = extension.options.index(option) if option.code is None else option.code
    return chr(code) if code else ""


def extension_options(extension: type[Any]) -> dict[str, tuple[int, Any]]:
    """The extension's options as a group for the scanner; keys are (class, option)."""
    group = _extension_options.get(extension)
    if group is None:
        group = {}
        for option in extension.options:
            entry = (REQUIRED if option.type.takes_argument else NONE, (extension, option))
            group[option.name] = entry
            for alias in option.aliases:
                group[alias] = entry
        _extension_options[extension] = group
    return group
