"""Write the lists of the manual pages: ``python man/generate.py``; with ``--check`` only say which are out of step.

The prose of a page is written by hand. A list that some table of the program knows better stands between the comments
``.\\" generated: NAME`` and ``.\\" end``; NAME chooses the function below that writes it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click

__all__ = ["FOLDER", "PAGES", "generated", "main", "pages"]

FOLDER = Path(__file__).parent
_REGION = re.compile(r'^\.\\" generated: (?P<name>.+)\n(?P<body>(?s:.*?))^\.\\" end\n', re.MULTILINE)
_FAMILIES = (4, 6)


def pages() -> list[Path]:
    """All pages, by name."""
    return sorted([*FOLDER.glob("*.1"), *FOLDER.glob("*.5")])


def generated(text: str) -> str:
    """The page with its lists as they should be. Raises KeyError for a list that nobody writes."""

    def fill(found: re.Match[str]) -> str:
        kind, _, argument = found["name"].partition(" ")
        body = "".join([f"{line}\n" for line in PAGES[kind](*argument.split())])
        return f'.\\" generated: {found["name"]}\n{body}.\\" end\n'

    return _REGION.sub(fill, text)


# -- lists ------------------------------------------------------------------------------------------------
def _options(name: str) -> Iterator[str]:
    """The options of a subcommand, or with ``pyiptables`` those in front of it."""
    from pyiptables.commands import group

    with click.Context(group) as context:
        command = group if name == "pyiptables" else group.get_command(context, name)
    assert command is not None
    items: list[tuple[str, str]] = []
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            default = f" The default is {option.default}." if option.show_default else ""
            items.append((_flags(option), (option.help or "") + default))
    items.append((".It Fl h , Fl Fl help", "Show the options and stop."))
    yield from _list(items, "Ds")


def _flags(option: click.Option) -> str:
    """``.It Fl r , Fl Fl rules Ar file``: short names first."""
    names = sorted([name for name in option.opts if name.startswith("-")], key=lambda name: name.startswith("--"))
    shown = " , ".join([f"Fl {'Fl ' if name.startswith('--') else ''}{_macro(name.lstrip('-'))}" for name in names])
    return f".It {shown}{_argument(option)}"


def _argument(option: click.Option) -> str:
    if option.is_flag or option.count:
        return ""
    if isinstance(option.type, click.Choice):
        return " " + " | ".join([f"Cm {_macro(str(choice))}" for choice in option.type.choices])
    metavar = (option.metavar or option.type.name).strip("'")
    parts = re.split(r"([|=])", metavar)
    words = [part if part == "|" else f"Ns {part} Ns" if part == "=" else f"Ar {_macro(part.lower())}" for part in parts]
    return " " + " ".join(words)


def _subcommands() -> Iterator[str]:
    from pyiptables.commands import SUBCOMMANDS

    items = [(f".It Xr pyiptables-{name} 1", SUBCOMMANDS[name]) for name in sorted(SUBCOMMANDS)]
    yield from _list(items, "pyiptables-rehearse(1)")


def _programs() -> Iterator[str]:
    from pyiptables.tools.shims import SHIM_NAMES

    yield from _commas([f".Nm {name}" for name in SHIM_NAMES])


def _checks() -> Iterator[str]:
    from pyiptables.lint.registry import FAMILIES, all_checks

    for letter, meaning in FAMILIES.items():
        items = []
        for code, check in all_checks().items():
            if code.startswith(letter):
                remarks = [check.severity, *check.sets, *([] if check.default else ["only when selected"])]
                items.append((f".It Sy {code} Pq Li {_macro(check.name)}", f"{check.summary()} ({', '.join(remarks)})"))
        if items:
            yield f".Ss {letter}: {meaning}"
            yield from _list(items, "Ds")


def _settings() -> Iterator[str]:
    from dataclasses import fields

    from pyiptables.lint.settings import Settings

    items = []
    for setting in fields(Settings):
        if setting.name != "source":
            value = getattr(Settings(), setting.name)
            items.append((f".It Ic {setting.name.replace('_', '-')}", f"Default: {_toml(value)}"))
    yield from _list(items, "per-file-ignores")


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join([_toml(item) for item in value])}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _keys() -> Iterator[str]:
    from pyiptables.netfilter.language import KEYS

    numbers = r"\d+-\d+$"
    items = []
    for key, meaning in KEYS.items():
        items.append((f".It Cm {key} Ar {'number' if re.search(numbers, meaning) else 'word'}", f"{meaning[:1].upper()}{meaning[1:]}."))
    yield from _list(items, '"payload-hex word"')


def _names(of: str) -> Iterator[str]:
    from pyiptables.netfilter.names import PROTOCOLS, TCP_FLAGS
    from pyiptables.xtables.icmp_types import ICMP, ICMPV6

    tables = {
        "protocols": list(PROTOCOLS),
        "icmp": [name for name, *_ in ICMP if name != "any"],
        "icmpv6": [name for name, *_ in ICMPV6 if name != "any"],
        "flags": [name.lower() for name in TCP_FLAGS],
    }
    yield from _commas([f".Cm {_macro(name)}" for name in tables[of]])


def _alone() -> Iterator[str]:
    from pyiptables.netfilter.language import FLAGS

    yield from _list([(f".It Cm {word}", f"{meaning[:1].upper()}{meaning[1:]}.") for word, meaning in FLAGS.items()], "more-fragments")


def _snapshot() -> Iterator[str]:
    from pyiptables.commands._hosts import FILES

    yield from _list([(f".It Pa {name}", f"What {' '.join(words)} says.") for name, words in FILES.items()], "conntrack.txt")


def _extensions(kind: str) -> Iterator[str]:
    from pyiptables.extensions import find_match, find_target, names

    find = find_match if kind == "match" else find_target
    known = sorted({name for family in _FAMILIES for name in names(kind, family)} - {"standard"}, key=str.lower)
    for name in known:
        families = [family for family in _FAMILIES if find(name, family) is not None]
        extension = find(name, families[0])
        assert extension is not None
        yield f".Ss {_macro(name)}"
        only = "" if len(families) == 2 else f" (IPv{families[0]} only)"
        yield _text(f"{extension.summary[:1].upper()}{extension.summary[1:]}{only}.")
        if extension.tables is not None:
            yield _text(f"Tables: {', '.join(extension.tables)}.")
        if extension.hooks is not None:
            yield _text(f"Chains: {', '.join(extension.hooks)}.")
        items = []
        for option in extension.options:
            flags = " , ".join([f"Fl Fl {_macro(each)}" for each in (option.name, *option.aliases)])
            words = " ".join([f"Ar {_macro(word)}" for word in option.metavar.split()])
            mark = r"Oo \&! Oc " if option.invert else ""
            items.append((f".It {mark}{flags} {words}".rstrip(), f"{option.help[:1].upper()}{option.help[1:]}."))
        if items:
            yield from _list(items, "Ds")


PAGES: dict[str, Callable[..., Iterable[str]]] = {
    "options": _options,
    "subcommands": _subcommands,
    "programs": _programs,
    "checks": _checks,
    "settings": _settings,
    "alone": _alone,
    "keys": _keys,
    "names": _names,
    "extensions": _extensions,
    "snapshot": _snapshot,
}


# -- mdoc -------------------------------------------------------------------------------------------------
def _list(items: Iterable[tuple[str, str]], width: str) -> Iterator[str]:
    yield f".Bl -tag -width {width}"
    for head, text in items:
        yield head
        yield _text(text)
    yield ".El"


def _commas(items: list[str]) -> Iterator[str]:
    for item in items[:-1]:
        yield f"{item} ,"
    yield f"{items[-1]} ."


def _text(text: str) -> str:
    """Words for people as one text line of mdoc: what a reader types keeps its hyphens."""
    text = " ".join(text.split()).replace("\\", "\\e").replace("…", "...")
    text = re.sub(r"`([^`]+)`", r"\\(oq\1\\(cq", text)
    text = re.sub(r"(?<![\w-])-{1,2}[A-Za-z][\w-]*", lambda found: found[0].replace("-", "\\-"), text)
    # A sentence begins a line.
    text = re.sub(r"(?<=[.!?]) (?=[A-Z])", "\n", text)
    return f"\\&{text}" if text[:1] in (".", "'") else text


def _macro(word: str) -> str:
    """A word as the argument of a macro."""
    word = word.replace("\\", "\\e").replace("…", "...")
    word = f'"{word}"' if " " in word else word
    # A macro's name, or punctuation, would be taken as that.
    return f"\\&{word}" if not word[:1].isalnum() or re.fullmatch("[A-Z][a-z]", word) else word


def main(argv: list[str]) -> int:
    """Write the pages, or with ``--check`` return 1 if one is out of step."""
    stale = []
    for page in pages():
        old = page.read_text(encoding="utf-8")
        new = generated(old)
        if new != old:
            stale.append(page)
            if argv != ["--check"]:
                page.write_text(new, encoding="utf-8")
    for page in stale:
        print(f"{page}: {'out of step' if argv == ['--check'] else 'written'}")
    return int(argv == ["--check"] and bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
