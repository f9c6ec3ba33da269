"""Which names stand for programs of the iptables family."""

from __future__ import annotations

import re

from pyiptables.lint.shell.reading import Word

__all__ = ["family_program", "guess_program", "looks_like_rules"]

_FAMILY = re.compile(r"(?:ip6?tables(?:-legacy|-nft)?(?:-save|-restore|-translate|-restore-translate|-apply|-xml)?|ipset)\Z")
# `IPT`, `ip6t`, `IPTABLES_SAVE`, `$(which iptables)` – but not the end of `SCRIPT`.
_NAMED = re.compile(r"(?<![a-z])ip(?:v?[46])?_?t(?:ables|bls?|b|s)?(?![a-z])|ip6?tables|xtables")
_COMMANDS = {
    "-A", "-I", "-D", "-R", "-C", "--append", "--insert", "--delete", "--replace", "--check",
}  # fmt: skip
_TABLES = {"filter", "nat", "mangle", "raw", "security"}
_CHAINS = {"INPUT", "OUTPUT", "FORWARD", "PREROUTING", "POSTROUTING"}


def family_program(name: str) -> str:
    """The base name of a program of the family, "" for any other."""
    folder, _, base = name.rpartition("/")
    # /etc/init.d/iptables is a script that is called like the program.
    return base if _FAMILY.match(base) and not folder.endswith(".d") else ""


def guess_program(shown: str) -> str:
    """The program that a variable or substitution seems to name by its own name, "" if none."""
    text = shown.lower()
    if "://" in text:
        # Something fetched from somewhere.
        return ""
    found = _NAMED.search(text)
    if not found:
        return ""
    six = "6" in found.group() or re.search(r"(?<!\d)6(?!\d)|ip6|v6", text)
    ending = next((ending for ending in ("restore", "save") if ending in text), "")
    return f"ip{'6' if six else ''}tables{'-' if ending else ''}{ending}"


def looks_like_rules(words: list[Word]) -> bool:
    """Whether arguments are those of an iptables command."""
    texts = [word.text for word in words]
    if texts[:1] in (["-w"], ["--wait"]):
        texts = texts[1:]
    if texts[:1] in (["-t"], ["--table"]) and len(texts) > 1:
        return texts[1] in _TABLES
    if texts[:1] == ["-P"]:
        return len(texts) > 1 and texts[1] in _CHAINS
    return bool(texts) and texts[0] in _COMMANDS and ("-j" in texts or (len(texts) > 1 and texts[1] in _CHAINS))
