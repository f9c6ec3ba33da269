"""The options of iptables and ip6tables themselves, and those of extensions as groups for the scanner."""

from __future__ import annotations

from pyiptables.syntax.scanner import NONE, OPTIONAL, REQUIRED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.xtables.option import Parsing

__all__ = ["ALLOWED", "INVERTIBLE", "LONG_OPTIONS", "OPTION_NAMES", "SHORT_OPTIONS", "extension_options", "program_options"]

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


def program_options(parsing: Parsing) -> dict[str, tuple[int, Any]]:
    """ip6tables-legacy alone has no ``--fragments`` (``ip6tables.c``)."""
    return _WITHOUT_FRAGMENTS if parsing.family == 6 and parsing.variant == "legacy" else LONG_OPTIONS


_extension_options: dict[type, dict[str, tuple[int, Any]]] = {}


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
