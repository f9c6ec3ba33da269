"""What was probably meant, and which word of a line an error is about."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pyiptables.lint.diagnostic import Place
from pyiptables.lint.subject import Item

__all__ = ["command_place", "hint_for", "near", "offending_place", "option_place", "word_place"]


def near(word: str, known: Iterable[str]) -> str | None:
    """The known word most like this one, None when none is like it."""
    found = get_close_matches(word, list(known), 1, 0.6)
    return found[0] if found else None


def command_place(item: Item) -> Place:
    """Where a command is written: for one that a wrapper function runs, where its words stand."""
    invocation = item.invocation
    if invocation is None:
        return item.place
    if "-restore" in invocation.program:
        return _place(invocation.location) if item.action == "COMMIT" else item.place
    for word in invocation.argv:
        if word.origin is not None and (word.text or "")[:1] == "-":
            place = _place(word.origin)
            if item.place.line <= place.line <= max(item.place.end_line, item.place.line):
                return item.place
            end = next((other.origin for other in reversed(invocation.argv) if other.origin is not None), word.origin)
            last = _place(end)
            if (last.end_line, last.end_column) > (place.line, place.column):
                return Place(place.file, place.line, place.column, last.end_line, last.end_column)
            return place
    return item.place


def _place(location: Any) -> Place:
    return Place(location.file, location.line, location.column, location.end_line, location.end_column)


def word_place(item: Item, word: str) -> Place:
    """Where a word stands in the file; the whole item when it cannot be found."""
    invocation = item.invocation
    if invocation is not None and "-restore" not in invocation.program:
        for part in invocation.argv:
            location = part.origin or part.location
            if location is not None and part.text is not None and (part.text == word or f"={word}" in part.text):
                return _place(location)
        for part in invocation.argv:
            location = part.origin or part.location
            if location is not None and word and word in (part.text or ""):
                return _place(location)
        return command_place(item)
    at = _find(item.text, word)
    place = item.place
    if at < 0 or "\n" in item.text[:at]:
        return place
    column = place.column + at
    return Place(place.file, place.line, column, place.line, column + len(word))


def option_place(item: Item, *options: str) -> Place:
    """Where the value of the first of these options stands; the whole item when it has none of them."""
    words = item.text.split()
    for option, value in zip(words, words[1:], strict=False):
        if option in options:
            return word_place(item, value)
    return command_place(item)


def _find(text: str, word: str) -> int:
    """The word as a whole word if possible."""
    if not word:
        return -1
    start = 0
    while (at := text.find(word, start)) >= 0:
        before = text[at - 1] if at else " "
        after = text[at + len(word)] if at + len(word) < len(text) else " "
        if before in " \t\"'=,:!" and after in " \t\"'=,:\r\n":
            return at
        start = at + 1
    return text.find(word)


def offending_place(item: Item, message: str) -> Place:
    """The word that an error message quotes, where the line has it."""
    for opening, closing in (('"', '"'), ("`", "'"), ("'", "'")):
        start = 0
        while True:
            at = message.find(opening, start)
            if at < 0:
                break
            end = message.find(closing, at + 1)
            if end < 0:
                break
            word = message[at + 1 : end]
            if word and word in item.text:
                return word_place(item, word)
            start = end + 1
    return item.place


def hint_for(item: Item, message: str) -> str:
    """A sentence on how to mend a refused line, '' when there is nothing useful to say."""
    family = item.family
    words = item.text.split()
    if "unknown option" in message:
        return _unknown_option(message, words, family)
    if "Couldn't load match" in message:
        return _unknown_extension(message, "match", family)
    if "Couldn't load target" in message or "does not exist" in message:
        return _unknown_extension(message, "target", family)
    if "unknown protocol" in message:
        from pyiptables.netfilter.names import PROTOCOLS

        meant = near(_quoted(message), PROTOCOLS)
        return f"did you mean {meant}?" if meant else ""
    if "host/network" in message and "not found" in message:
        text = _quoted(message)
        if ":" in text and family == 4:
            return "an IPv6 address: this file is read as IPv4 (--family 6)"
        if text.count(".") == 3 and family == 6:
            return "an IPv4 address: this file is read as IPv6 (--family 4)"
    if "requires '-p" in message:
        return "put the protocol in front of the ports"
    if "intended for filtering" in message:
        return "drop in the filter table, or in mangle or raw where it must be early"
    if "cannot have ! before" in message or "Bad argument `!'" in message:
        return "the ! stands in front of the option: ! -s 10.0.0.1"
    return ""


def _quoted(message: str) -> str:
    for quote, end in (('"', '"'), ("`", "'"), ("'", "'")):
        if quote in message:
            return message.split(quote, 1)[1].split(end, 1)[0]
    return ""


def _unknown_option(message: str, words: list[str], family: int) -> str:
    from pyiptables.extensions import find_match, find_target, names
    from pyiptables.syntax.command import LONG_OPTIONS

    option = _quoted(message).lstrip("-").partition("=")[0]
    loaded: list[str] = list(LONG_OPTIONS)
    for flag, value in zip(words, words[1:], strict=False):
        extension = None
        if flag in ("-m", "--match", "-p", "--protocol"):
            extension = find_match(value.lower(), family)
        elif flag in ("-j", "--jump"):
            extension = find_target(value, family)  # type: ignore[assignment]
        if extension is not None:
            for entry in extension.options:
                loaded += [entry.name, *entry.aliases]
    meant = near(option, loaded)
    if meant:
        return f"did you mean --{meant}?"
    if option in ("dport", "sport", "destination-port", "source-port", "syn", "tcp-flags"):
        return "ports and flags need a protocol first: -p tcp or -p udp"
    owners = []
    for kind, finder in (("match", find_match), ("target", find_target)):
        for name in names(kind, family):
            found = finder(name, family)
            if found is not None and any(option in (e.name, *e.aliases) for e in found.options):
                owners.append(f"-{'m' if kind == 'match' else 'j'} {name}")
    if owners:
        return f"--{option} belongs to {' or '.join(owners[:3])}"
    return ""


def _unknown_extension(message: str, kind: str, family: int) -> str:
    from pyiptables.extensions import names

    name = _quoted(message)
    removed = {
        "MIRROR": "MIRROR left iptables long ago; no replacement is safe",
        "ULOG": "ULOG left the kernel in 3.17: use NFLOG",
        "unclean": "unclean left iptables: use -m conntrack --ctstate INVALID",
        "SAME": "SAME left iptables: use SNAT --persistent",
        "tos": "use -m dscp or -m tos",
        "account": "account was never part of iptables: use nfacct",
        "layer7": "layer7 was never part of iptables",
        "ipp2p": "ipp2p was never part of iptables (xtables-addons)",
        "geoip": "geoip is part of xtables-addons, not of iptables",
    }
    if name in removed:
        return removed[name]
    meant = near(name, names(kind, family)) or near(name.lower(), names(kind, family)) or near(name.upper(), names(kind, family))
    return f"did you mean {meant}?" if meant else ""
