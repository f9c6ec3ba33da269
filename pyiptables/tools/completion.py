"""What could come next on a command line: the one place behind the completions of all shells.

Everything comes from the option tables, the present state and the subcommands' own options, so it is never out of
step with them.
"""

from __future__ import annotations

import os

from pyiptables.extensions import find_match, find_target, names
from pyiptables.store import State, StateError, default_directory
from pyiptables.syntax.arguments import VERDICTS
from pyiptables.syntax.scanner import LONG_OPTIONS, NONE, SHORT_OPTIONS
from pyiptables.syntax.variant import CHAINS
from pyiptables.tools.help import COMMANDS, OPTIONS
from pyiptables.tools.run import TOOLS
from pyiptables.xtables.names import CHAIN_PROTOCOLS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from click import Command

    from pyiptables.xtables.option import Extension, Option

    #: What may stand there → what it means, '' where there is nothing to say.
    Words = dict[str, str]

__all__ = ["FILE", "candidates"]

#: Stands for all names of files, which the shell knows better.
FILE = "\0file"
_FILES = {FILE: ""}
_TABLES = dict.fromkeys(CHAINS, "")
_SAVE_OPTIONS = {
    "c": ("counters", "with counters"), "t": ("table", "this table only"), "f": ("file", "write to this file"),
    "M": ("modprobe", "accepted; nothing is ever loaded"), "V": ("version", "show the version"),
}  # fmt: skip
_RESTORE_OPTIONS = {
    "c": ("counters", "restore counters"), "n": ("noflush", "keep the rules that are there"), "t": ("test", "read, change nothing"),
    "v": ("verbose", "say more"), "T": ("table", "this table only"), "w": ("wait", "wait for the lock"),
    "W": ("wait-interval", "accepted and ignored"), "M": ("modprobe", "accepted; nothing is ever loaded"),
    "h": ("help", "show the options"), "V": ("version", "show the version"),
}  # fmt: skip


_LONG = {f"--{name}": key for name, (_, key) in LONG_OPTIONS.items()}
#: Letters that a value may follow without a blank.
_WITH_VALUE = frozenset([letter for letter, (argument, _) in SHORT_OPTIONS.items() if argument != NONE])


def candidates(words: list[str]) -> Words:
    """The completions of the last word, given all words from the program's name on, with what they mean.

    The word FILE means: and names of files.
    """
    program = os.path.basename(words[0])
    arguments = _joined(words[1:]) or [""]
    found = _own(arguments) if program == "pyiptables" else _emulated(program, arguments)
    last = arguments[-1]
    option, equals, start = last.partition("=")
    if equals and option.startswith("--"):
        # `--option=value`: the shells replace what follows the sign.
        again = [*arguments[:-1], option, start]
        found = _own(again) if program == "pyiptables" else _emulated(program, again)
        last = start
    return {word: found[word] for word in sorted(found) if word.startswith(last) or word == FILE}


def _joined(words: list[str]) -> list[str]:
    """bash cuts words at ``=``: put them together again."""
    out: list[str] = []
    for word in words:
        if out and (word == "=" or out[-1].endswith("=")) and out[-1].startswith("--"):
            out[-1] += word
        else:
            out.append(word)
    return out


# -- our own commands -------------------------------------------------------------------------------------
def _own(words: list[str]) -> Words:
    from pyiptables.commands import SUBCOMMANDS

    rest = list(words)
    directory: str | None = None
    if len(rest) > 2 and rest[0] == "--state":
        directory, rest = rest[1], rest[2:]
    elif len(rest) == 2 and rest[0] == "--state":
        return _FILES
    elif len(rest) > 1 and rest[0].startswith("--state="):
        directory, rest = rest[0].partition("=")[2], rest[1:]
    if len(rest) <= 1:
        plain = {tool: "emulated" for tool in TOOLS if not _of_one_variant(tool) or _of_one_variant(rest[0])}
        return {**SUBCOMMANDS, **plain, **_click_options(None)}
    if rest[0] in TOOLS:
        return _emulated(rest[0], rest[1:], directory)
    return _arguments(rest[0], rest[1:]) if rest[0] in SUBCOMMANDS else {}


def _of_one_variant(tool: str) -> bool:
    return "-l" in tool or "-n" in tool


def _click_options(name: str | None) -> Words:
    """The options of a subcommand, or those in front of it."""
    found = {"--help": "Show the options and stop."}
    for option in _click_command(name).params:
        if option.param_type_name == "option" and not getattr(option, "hidden", False):
            found |= {word: getattr(option, "help", "") or "" for word in option.opts}
    return found


def _click_command(name: str | None) -> Command:
    from pyiptables.commands import group

    if name is None:
        return group
    command: Command = __import__(f"pyiptables.commands.{name}", fromlist=["command"]).command
    return command


def _arguments(name: str, words: list[str]) -> Words:
    import click

    if name == "rehearse" and "--" in words[:-1]:
        return _FILES
    previous = words[-2] if len(words) > 1 else ""
    for parameter in _click_command(name).params:
        choices = parameter.type.choices if isinstance(parameter.type, click.Choice) else ()
        if isinstance(parameter, click.Argument):
            if choices and not words[-1].startswith("-"):
                return dict.fromkeys(map(str, choices), "")
        elif previous in parameter.opts and isinstance(parameter, click.Option) and not parameter.is_flag and not parameter.count:
            if choices:
                return dict.fromkeys(map(str, choices), "")
            return _option_value(parameter.metavar or "")
    if words[-1].startswith("-"):
        return _click_options(name)
    return _packet_words(previous) if name == "trace" else _FILES


def _packet_words(previous: str) -> Words:
    """The words of a packet, given the one before."""
    from pyiptables.netfilter.language import FLAGS, KEYS
    from pyiptables.netfilter.names import PROTOCOLS

    if previous in ("in", "out"):
        return _interfaces()
    if previous == "to":
        return {}
    first = {**dict.fromkeys(PROTOCOLS, "protocol"), "reply": "the answer to a packet", "error": "an ICMP error about a packet"}
    return {**KEYS, **FLAGS, **first}


def _option_value(metavar: str) -> Words:
    if metavar in ("CODE", "CODES"):
        from pyiptables.lint.registry import all_checks

        return {code: check.summary() for code, check in all_checks().items()}
    return _FILES if any(kind in metavar for kind in ("FILE", "DIR", "STATE")) else {}


# -- the emulated programs --------------------------------------------------------------------------------
def _emulated(program: str, words: list[str], directory: str | None = None) -> Words:
    family, kind, _ = TOOLS.get(program, (4, "", None))
    previous = words[-2] if len(words) > 1 else ""
    if kind == "-save":
        if previous in ("-t", "--table"):
            return _TABLES
        return _FILES if previous in ("-f", "--file") else _options(_SAVE_OPTIONS)
    if kind == "-restore":
        if previous in ("-T", "--table"):
            return _TABLES
        return _options(_RESTORE_OPTIONS) if words[-1].startswith("-") else _FILES
    line = _Line(family, words, directory or default_directory(os.environ))
    return {f"{line.joined}{word}": meaning for word, meaning in line.words().items()}


def _options(table: dict[str, tuple[str, str]]) -> Words:
    return {word: help for letter, (name, help) in table.items() for word in (f"-{letter}", f"--{name}")}


class _Line:
    """The words behind iptables or ip6tables, the last of which is to be completed."""

    def __init__(self, family: int, words: list[str], directory: str) -> None:
        self.family = family
        self.directory = directory
        #: What the last word begins with, if it is an option's letter and the value in one.
        self.joined = words[-1][:2] if _is_joined(words[-1]) else ""
        self.given = _apart(words[:-1]) + ([self.joined] if self.joined else [])
        self.last = words[-1][len(self.joined) :]
        self.table = _value(self.given, "-t", "--table") or "filter"

    def words(self) -> Words:
        key = self._key(1)
        builtin = CHAINS.get(self.table, ())
        if key == "t":
            return _TABLES
        if key and key in "ACDIRLSFZXEPg":
            chains = self._chains()
            if key in "XEg":
                return {name: what for name, what in chains.items() if name not in builtin}
            return {name: what for name, what in chains.items() if name in builtin} if key == "P" else chains
        if key == "j":
            chains = {name: what for name, what in self._chains().items() if name not in builtin}
            return {**dict.fromkeys(VERDICTS, "verdict"), **_extensions("target", self.family), **chains}
        if key == "m":
            return _extensions("match", self.family)
        if key == "p":
            return dict.fromkeys(CHAIN_PROTOCOLS, "")
        if key in ("i", "o"):
            return _interfaces()
        before = self._key(2)
        if before == "P":
            return {"ACCEPT": "", "DROP": ""}
        argument = self._argument()
        if argument is not None:
            return argument
        numbers = self._numbers(self.given[-1]) if before and before in "DIRLSZ" and self.last[:1] != "-" else {}
        return numbers or self._options(self.given[-1:] == ["!"])

    def _key(self, back: int) -> str:
        """The letter of the option so many words back; '' for another word."""
        word = self.given[-back] if len(self.given) >= back else ""
        return str(_LONG.get(word, word[1:] if len(word) == 2 and word[0] == "-" else ""))

    def _options(self, inverted: bool) -> Words:
        """The options that may come next; behind ``!`` those that can be inverted."""
        commands = {letter: help for letter, _, _, help in COMMANDS}
        if inverted or any([f"-{letter}" in self.given or f"--{name}" in self.given for letter, name, _, _ in COMMANDS]):
            # There is one command, and it stands alone.
            commands = {}
        open_now = [option for option in OPTIONS if option[0] == "!" or not inverted]
        meaning = commands | {letter: help for _, letter, _, _, help in open_now if letter}
        found = {} if inverted else {"!": "not"}
        found |= {name: meaning[key] for name, key in _LONG.items() if key in meaning}
        found |= {f"-{letter}": help for letter, help in meaning.items()}
        found |= {f"--{name}": help for _, letter, name, _, help in open_now if not letter}
        for extension in self._loaded():
            for option in extension.options:
                if option.invert or not inverted:
                    found |= {f"--{name}": option.help for name in (option.name, *option.aliases)}
        return found

    def _argument(self) -> Words | None:
        """What an extension's option takes, None when no such argument stands here."""
        found = self._option(1)
        if found is None:
            # `--tcp-flags MASK COMPARE`, `--match-set NAME DIRECTIONS`
            found = self._option(2)
            if found is not None and " " not in found[1].metavar:
                found = None
        if found is None:
            return None
        extension, option = found
        choices = extension.choices(option, self.family)
        many = "[," in option.metavar or option.metavar == "mask compare"
        before, comma, _ = self.last.rpartition(",")
        taken = before.split(",") if comma else []
        return {f"{before}{comma}{word}": "" for word in choices if word not in taken} if many else dict.fromkeys(choices, "")

    def _option(self, back: int) -> tuple[type[Extension], Option] | None:
        """The option of an extension so many words back."""
        word = self.given[-back] if len(self.given) >= back else ""
        if not word.startswith("--"):
            return None
        for extension in reversed(self._loaded()):
            for option in extension.options:
                if word[2:] in (option.name, *option.aliases) and option.type.takes_argument:
                    return extension, option
        return None

    def _loaded(self) -> list[type[Extension]]:
        """The extensions whose options are open now."""
        found: list[type[Extension]] = []
        for flag, value in zip(self.given, self.given[1:], strict=False):
            extension: type[Extension] | None = None
            if flag in ("-m", "--match", "-p", "--protocol"):
                extension = find_match(value.lower() if flag in ("-p", "--protocol") else value, self.family)
            elif flag in ("-j", "--jump"):
                extension = find_target(value, self.family)
            if extension is not None:
                found.append(extension)
        return found

    # -- the state -------------------------------------------------------------------------------------------
    def _chains(self) -> Words:
        """The chains of the table, the built-in ones first."""
        found = dict.fromkeys(CHAINS.get(self.table, ()), "built-in chain")
        for line in self._saved():
            if line[:1] == ":":
                found.setdefault(line[1:].split(" ")[0], "chain")
        return found

    def _numbers(self, chain: str) -> Words:
        """The numbers of a chain's rules, and the rules."""
        start = f"-A {chain} "
        rules = [line.partition(start)[2] for line in self._saved() if start in line]
        return {str(number): rule for number, rule in enumerate(rules, 1)}

    def _saved(self) -> list[str]:
        """The table's lines in the state."""
        try:
            text = State(self.directory).read(self.family).decode("utf-8", "replace")
        except StateError:
            return []
        lines = text.split("\n")
        if f"*{self.table}" not in lines:
            return []
        start = lines.index(f"*{self.table}")
        return lines[start : lines.index("COMMIT", start)] if "COMMIT" in lines[start:] else lines[start:]


def _is_joined(word: str) -> bool:
    return len(word) > 2 and word[0] == "-" and word[1] in _WITH_VALUE


def _apart(words: list[str]) -> list[str]:
    """Options and their values as words of their own: ``-tnat``, ``--table=nat``."""
    out: list[str] = []
    for word in words:
        option, equals, value = word.partition("=")
        if equals and option.startswith("--"):
            out += [option, value]
        else:
            out += [word[:2], word[2:]] if _is_joined(word) else [word]
    return out


def _extensions(kind: str, family: int) -> Words:
    find = find_match if kind == "match" else find_target
    return {name: found.summary for name in names(kind, family) if name != "standard" and (found := find(name, family)) is not None}


def _value(words: list[str], *flags: str) -> str | None:
    for flag, value in zip(words, words[1:], strict=False):
        if flag in flags:
            return value
    return None


def _interfaces() -> Words:
    try:
        return dict.fromkeys(sorted(os.listdir("/sys/class/net")), "interface")
    except OSError:
        return {"lo": "interface"}
