"""Where a command, a word of it or what an error speaks of stands in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyiptables.lint.diagnostic import Place
from pyiptables.lint.subject import Item

if TYPE_CHECKING:
    from pyiptables.lint.shell import Location

__all__ = ["command_place", "offending_place", "option_place", "place_of", "word_place"]


def command_place(item: Item) -> Place:
    """Where a command is written: for one that a wrapper function runs, where its words stand."""
    invocation = item.invocation
    if invocation is None:
        return item.place
    if "-restore" in invocation.program:
        return place_of(invocation.location) if item.action == "COMMIT" else item.place
    for word in invocation.argv:
        if word.origin is not None and (word.text or "")[:1] == "-":
            place = place_of(word.origin)
            if item.place.line <= place.line <= max(item.place.end_line, item.place.line):
                return item.place
            end = next((other.origin for other in reversed(invocation.argv) if other.origin is not None), word.origin)
            last = place_of(end)
            if (last.end_line, last.end_column) > (place.line, place.column):
                return Place(place.file, place.line, place.column, last.end_line, last.end_column)
            return place
    return item.place


def place_of(location: Location) -> Place:
    """The place that a script's location is."""
    return Place(location.file, *location.span)


def word_place(item: Item, word: str) -> Place:
    """Where a word stands in the file; the whole item when it cannot be found."""
    invocation = item.invocation
    if invocation is not None and "-restore" not in invocation.program:
        for part in invocation.argv:
            location = part.origin or part.location
            if location is not None and part.text is not None and (part.text == word or f"={word}" in part.text):
                return place_of(location)
        for part in invocation.argv:
            location = part.origin or part.location
            if location is not None and word and word in (part.text or ""):
                return place_of(location)
        return command_place(item)
    at = _find(item.text, word)
    place = item.place
    if at < 0 or "\n" in item.text[:at]:
        return place
    column = place.column + at
    return Place(place.file, place.line, column, place.line, column + len(word))


def option_place(item: Item, *options: str) -> Place:
    """Where the value of the last of these options stands; the whole item when it has none of them."""
    words = item.text.split()
    for option, value in reversed(list(zip(words, words[1:], strict=False))):
        if option in options:
            return word_place(item, value)
    return command_place(item)


def _find(text: str, word: str, whole: bool = False) -> int:
    """The word as a whole word if possible, or only as one."""
    if not word:
        return -1
    start = 0
    while (at := text.find(word, start)) >= 0:
        before = text[at - 1] if at else " "
        after = text[at + len(word)] if at + len(word) < len(text) else " "
        if before in " \t\"'=,:!" and after in " \t\"'=,:\r\n":
            return at
        start = at + 1
    return -1 if whole else text.find(word)


#: Errors that quote nothing, and the options whose values, or the words, they speak of.
_SPOKEN_OF = (
    ("too many ports", ("--dports", "--sports", "--ports", "--destination-ports", "--source-ports")),
    ('Bad ctstate ""', ("--ctstate",)),
    ("Only one `--destination-port'", ("--dport",)),
    ("Only one `--source-port'", ("--sport",)),
    ("invalid portrange", ("--dport", "--sport", "--dports", "--sports", "--ports", "--destination-port", "--source-port")),
    ("Invalid MAC address", ("--mac-source",)),
    ("with port specification", ("--to-ports", "--to-port", "--to-destination", "--to-source", "--to")),
    ("xt_iprange: range", ("--src-range", "--dst-range")),
    ("may not clash with target", ("-N", "--new-chain", "-E")),
    ("too long", ("-N", "-A", "-I", "--log-prefix", "--comment")),
    ("is not intended for filtering", ("-j", "--jump")),
    ("match requires '-p", ("-m", "--match")),
)
_SHORT = {"--out-interface": "-o", "--in-interface": "-i", "--protocol": "-p", "--source": "-s", "--destination": "-d", "--jump": "-j"}


def offending_place(item: Item, message: str) -> Place:
    """The word that an error message quotes or speaks of, where the line has it."""
    for text, options in _SPOKEN_OF:
        if text in message:
            place = option_place(item, *options)
            if place != command_place(item):
                return place
    for opening, closing in (('"', '"'), ("`", "'"), ("'", "'")):
        start = 0
        while (at := message.find(opening, start)) >= 0 and (end := message.find(closing, at + 1)) >= 0:
            word = message[at + 1 : end]
            if word and _find(item.text, word) >= 0:
                return _with_dashes(item, word, message)
            start = end + 1
    if "! not allowed" in message or "'!'" in message or "nothing appropriate following !" in message:
        return word_place(item, "!")
    for word in message.replace("`", " ").replace("'", " ").replace('"', " ").split():
        for spelling in (word.rstrip(".:,"), _SHORT.get(word.rstrip(".:,"), "")):
            known = spelling.startswith("-") or word.endswith(":") or spelling == "multiport"
            if known and spelling.strip("-") and _find(item.text, spelling, whole=True) >= 0:
                return word_place(item, spelling)
    return command_place(item)


def _with_dashes(item: Item, word: str, message: str) -> Place:
    """For ``-dport 22``, where iptables complains of 22, the option; else the word itself."""
    if "Bad argument" in message:
        words = item.text.split()
        before = words[words.index(word) - 1] if word in words[1:] else ""
        if before.startswith("-") and not before.startswith("--") and len(before) > 2:
            return word_place(item, before)
    return word_place(item, word)
