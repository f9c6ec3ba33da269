"""What could come next on a command line: the one place behind the completions of all shells.

Everything comes from the option tables, the present state and the subcommands' own options, so it is never out of
step with them.
"""

from __future__ import annotations

import os

from pyiptables.extensions import find_match, find_target, names
from pyiptables.store import State, StateError, default_directory
from pyiptables.syntax.command import LONG_OPTIONS, VERDICTS
from pyiptables.syntax.variant import CHAINS
from pyiptables.xtables.names import CHAIN_PROTOCOLS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.xtables.option import Extension, Option

__all__ = ["candidates"]

_CHAIN_OPTIONS = {
    "-A": "append", "-C": "check", "-D": "delete", "-I": "insert", "-R": "replace", "-L": "list", "-S": "list-rules",
    "-F": "flush", "-Z": "zero", "-X": "delete-chain", "-E": "rename-chain", "-P": "policy", "-g": "goto",
}  # fmt: skip
_FILE = "\0file"

_SAVE_OPTIONS = ("-c", "-t", "-M", "-f", "-V", "--counters", "--table", "--modprobe", "--file", "--version")
_RESTORE_OPTIONS = (
    "-c", "-h", "-n", "-t", "-v", "-V", "-T", "-w", "-W", "-M", "--counters", "--help", "--modprobe", "--noflush",
    "--table", "--test", "--verbose", "--version", "--wait", "--wait-interval",
)  # fmt: skip


def candidates(words: list[str]) -> list[str]:
    """The completions of the last word, given all words from the program's name on.

    A single entry ``"\\0file"`` means: file names, which the shell knows better.
    """
    program = os.path.basename(words[0])
    if program == "pyiptables":
        found = _own(words[1:])
    else:
        found = _emulated(program, words[1:])
    last = words[-1] if len(words) > 1 else ""
    if found == [_FILE]:
        return found
    return sorted({word for word in found if word.startswith(last)})


def _own(words: list[str]) -> list[str]:
    from pyiptables.commands import SUBCOMMANDS
    from pyiptables.tools.run import TOOLS

    rest = list(words)
    if len(rest) > 2 and rest[0] == "--state":
        rest = rest[2:]
    elif len(rest) == 2 and rest[0] == "--state":
        return [_FILE]
    if len(rest) <= 1:
        plain = [tool for tool in TOOLS if not tool.endswith(("-legacy", "-nft"))]
        return [*SUBCOMMANDS, *plain, "--state", "--version", "--help"]
    name = rest[0]
    if name in TOOLS:
        return _emulated(name, rest[1:])
    if name not in SUBCOMMANDS:
        return []
    return _click_options(name, rest[1:])


def _click_options(name: str, words: list[str]) -> list[str]:
    import click

    command: click.Command = __import__(f"pyiptables.commands.{name}", fromlist=["command"]).command
    previous = words[-2] if len(words) > 1 else ""
    options: list[str] = []
    for parameter in command.params:
        if not isinstance(parameter, click.Option):
            continue
        if previous in parameter.opts and not parameter.is_flag:
            if isinstance(parameter.type, click.Choice):
                return [str(choice) for choice in parameter.type.choices]
            return _lint_codes() if parameter.metavar in ("CODES", "CODE") else [_FILE]
        options += [opt for opt in parameter.opts if opt.startswith("-")]
    return options if words[-1].startswith("-") else [_FILE]


def _lint_codes() -> list[str]:
    from pyiptables.lint.registry import all_checks

    return list(all_checks())


def _emulated(program: str, words: list[str]) -> list[str]:
    family = 6 if program.startswith("ip6") else 4
    previous = words[-2] if len(words) > 1 else ""
    if "-save" in program:
        if previous in ("-t", "--table"):
            return list(CHAINS)
        return [_FILE] if previous in ("-f", "--file") else list(_SAVE_OPTIONS)
    if "-restore" in program:
        if previous in ("-T", "--table"):
            return list(CHAINS)
        return list(_RESTORE_OPTIONS) if words[-1].startswith("-") else [_FILE]
    return _rule_words(family, words, previous)


def _rule_words(family: int, words: list[str], previous: str) -> list[str]:
    table = _value(words, "-t", "--table") or "filter"
    long = {f"--{name}": key for name, (_, key) in LONG_OPTIONS.items()}
    key = long.get(previous, previous.lstrip("-") if previous.startswith("-") and len(previous) == 2 else "")
    if key == "t":
        return list(CHAINS)
    if key in set("ACDIRLSFZXEPg"):
        user_only = key in "XE"
        return _chains(family, table, builtin_only=key == "P", user_only=user_only)
    if key == "j":
        return [*VERDICTS, *[n for n in names("target", family) if n != "standard"], *_chains(family, table, user_only=True)]
    if key == "m":
        return names("match", family)
    if key == "p":
        return [*CHAIN_PROTOCOLS]
    if key in ("i", "o"):
        return _interfaces()
    if len(words) > 2 and words[-3] in ("-P", "--policy"):
        return ["ACCEPT", "DROP"]
    option = _extension_option(family, words, previous)
    if option is not None:
        return [*option.type.words]
    found = [f"--{name}" for name in LONG_OPTIONS]
    found += [f"-{letter}" for letter in "ACDIRLSFZNXPEtpsdiomjgcvnxwh"]
    for extension in _loaded(family, words[:-1]):
        for entry in extension.options:
            found += [f"--{name}" for name in (entry.name, *entry.aliases)]
    return [*found, "!"]


def _value(words: list[str], *flags: str) -> str | None:
    for flag, value in zip(words, words[1:], strict=False):
        if flag in flags:
            return value
    return None


def _loaded(family: int, words: list[str]) -> list[type[Extension]]:
    """The extensions whose options are open now."""
    found: list[type[Extension]] = []
    for flag, value in zip(words, words[1:], strict=False):
        extension: type[Extension] | None = None
        if flag in ("-m", "--match", "-p", "--protocol"):
            extension = find_match(value.lower() if flag in ("-p", "--protocol") else value, family)
        elif flag in ("-j", "--jump"):
            extension = find_target(value, family)
        if extension is not None:
            found.append(extension)
    return found


def _extension_option(family: int, words: list[str], previous: str) -> Option | None:
    if not previous.startswith("--"):
        return None
    for extension in reversed(_loaded(family, words[:-1])):
        for option in extension.options:
            if previous[2:] in (option.name, *option.aliases) and option.type.takes_argument:
                return option
    return None


def _chains(family: int, table: str, builtin_only: bool = False, user_only: bool = False) -> list[str]:
    """Chain names of the present state."""
    found = [] if user_only else list(CHAINS.get(table, ()))
    if builtin_only:
        return found
    try:
        data = State(default_directory(os.environ)).read(family)
    except StateError:
        return found
    inside = False
    for line in data.decode("utf-8", "replace").split("\n"):
        if line[:1] == "*":
            inside = line[1:] == table
        elif inside and line[:1] == ":":
            name = line[1:].split(" ")[0]
            if name not in found and name not in CHAINS.get(table, ()):
                found.append(name)
    return found


def _interfaces() -> list[str]:
    try:
        return sorted(os.listdir("/sys/class/net"))
    except OSError:
        return ["lo"]
