"""The command line of iptables and ip6tables (``do_parse`` in ``iptables/xshared.c``): words → :class:`Command`.

One reader, as there is one ``do_parse``: each option's handler reads and changes what the others do (a ``!`` still open,
the protocol that may load a match, the options known by then), so that the order of words decides what is complained of.
"""

from __future__ import annotations

from pyiptables.extensions import find_match, find_target, match_name
from pyiptables.ruleset import RuleSpec
from pyiptables.syntax.arguments import (
    NAME_SIZE,
    VERDICTS,
    assert_chain_name,
    leading_number,
    note_gone,
    parse_address_list,
    range_number,
    rule_number,
    target_name,
    wait_interval,
    wait_seconds,
)
from pyiptables.syntax.scanner import (
    ALLOWED,
    INVERTIBLE,
    MISSING,
    OPTION_NAMES,
    POSITIONAL,
    SHORT_OPTIONS,
    UNKNOWN,
    Scanner,
    extension_options,
    program_options,
)
from pyiptables.xtables.errors import ParameterProblem, TryHelp
from pyiptables.xtables.names import chain_protocol_name
from pyiptables.xtables.numbers import strtoui
from pyiptables.xtables.option import Match, Option, Parsing, Target
from pyiptables.xtables.values import byte_length, parse_protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Command", "HelpWanted", "LineIgnored", "VersionWanted", "parse"]

_IFNAMSIZ = 16
#: By their ``CMD_`` bits: an error names the highest (``cmdflags``, ``xshared.c``).
_COMMANDS = "IDRALFZNXPESC"

#: What makes a word need quotes in a restore file.
_ODD = frozenset(' \t\n\v\f\r"\\')


class HelpWanted(Exception):
    """``-h`` was met: the matches and targets loaded so far want their help shown too."""

    def __init__(self, matches: list[Match], targets: list[type[Target]]) -> None:
        super().__init__()
        self.matches = matches
        self.targets = targets


class VersionWanted(Exception):
    """``-V`` was met (``! -V`` has its joke)."""

    def __init__(self, inverted: bool) -> None:
        super().__init__()
        self.inverted = inverted


class LineIgnored(Exception):
    """``-4`` in an IPv6 restore file or ``-6`` in an IPv4 one: the line is for the other family."""


class Command:
    """One command, read and checked as far as the command line alone allows.

    ``action`` is the letter of the command (``A``, ``D`` with ``number`` None for a rule, ``L``, ``LZ`` …);
    ``spec`` holds the rule but for its addresses, which are in ``sources``/``destinations`` as (address, mask).
    """

    __slots__ = (
        "action", "chain", "counters", "destinations", "given", "newname", "number", "odd_words",
        "options", "parsing", "policy", "source", "sources", "spec", "table", "verbose", "wait",
        "zeroes_rule",
    )  # fmt: skip

    def __init__(self, table: str, parsing: Parsing) -> None:
        self.action = ""
        self.table = table
        self.chain: str | None = None
        self.number: int | None = None
        self.newname: str | None = None
        self.policy: str | None = None
        self.spec = RuleSpec()
        self.sources: list[tuple[int, int]] = []
        self.destinations: list[tuple[int, int]] = []
        self.counters: tuple[int, int] | None = None
        #: (file, line) where it stands, None for a command line.
        self.source: tuple[str, int] | None = None
        self.verbose = 0
        self.wait: int | None = None
        self.options: set[str] = set()
        #: Whether ``number`` came with ``-Z`` and not with ``-L`` or ``-S``.
        self.zeroes_rule = False
        self.parsing = parsing
        #: The words that each extension object was given, by its ``id``.
        self.given: dict[int, list[str]] = {}
        #: Whether one of them holds a blank, a quote or the like, or nothing.
        self.odd_words = False


def parse(argv: list[str], parsing: Parsing, table: str = "filter", restore: str | None = None) -> Command:
    """Read the words after the program's name.

    ``restore`` is the program's name when the words are a line of a restore file, else None.
    Raises :class:`IptablesError` with the real programs' texts; HelpWanted, VersionWanted, LineIgnored.
    """
    return _Reader(argv, parsing, table, restore).read()


class _Reader:
    """The state of ``do_parse``."""

    __slots__ = (
        "addresses", "argv", "command", "family", "groups", "invert", "loaded", "parsing", "proto_text",
        "proto_used", "restore", "scanner", "table_given", "targets", "wait_interval",
    )  # fmt: skip

    def __init__(self, argv: list[str], parsing: Parsing, table: str, restore: str | None) -> None:
        self.parsing = parsing
        self.family = parsing.family
        self.restore = restore
        self.command = Command(table, parsing)
        self.groups: list[dict[str, tuple[int, Any]]] = [program_options(parsing)]
        self.scanner = parsing.scanner = Scanner(argv, SHORT_OPTIONS, self.groups)
        self.proto_text: str | None = None
        self.proto_used = False
        self.invert = False
        self.table_given = restore is not None
        self.wait_interval = False
        self.loaded: dict[type, bool] = {}
        #: Names of the targets met so far, for their help.
        self.targets: list[str] = []
        self.addresses: dict[str, str] = {}

    # -- the walk ------------------------------------------------------------------------------------------
    def read(self) -> Command:
        scanner = self.scanner
        following = scanner.next
        while True:
            start = scanner.index
            item = following()
            if item is None:
                break
            key, argument = item
            if key.__class__ is tuple:
                self._extension_option(key, argument or "", start)
            elif key in _HANDLERS:
                _HANDLERS[key](self, argument)
            elif key == POSITIONAL:
                if argument == "!":
                    if self.invert:
                        raise ParameterProblem("multiple consecutive ! not allowed")
                    self.invert = True
                    continue
                raise TryHelp(f"Bad argument `{argument}'\n")
            elif self._load_protocol():
                continue
            elif key == MISSING:
                raise ParameterProblem(f'option "{scanner.failed}" requires an argument')
            elif key == UNKNOWN:
                raise ParameterProblem(f'unknown option "{scanner.failed}"')
            self.invert = False
        return self._finish()

    def _extension_option(self, key: tuple[Any, Option], argument: str, start: int) -> None:
        owner, option = key
        command = self.command
        spec = command.spec
        taker = spec.target
        if taker.__class__ is not owner:
            # Of several uses of a match the last one takes the options.
            taker = next(match for match in reversed(spec.matches) if match.__class__ is owner)
        taker.parse(option, argument, self.invert, self.parsing)
        words = command.given.setdefault(id(taker), [])
        if self.invert:
            words.append("!")
        words += self.scanner.argv[start : self.scanner.index]
        if option.type.takes_argument and (not argument or not _ODD.isdisjoint(argument)):
            command.odd_words = True

    def _load(self, extension: type[Any]) -> None:
        if extension not in self.loaded:
            self.loaded[extension] = True
            if extension.options:
                self.groups.insert(1, extension_options(extension))

    def _load_protocol(self) -> bool:
        """``load_proto``: an unknown option may belong to the match named like the protocol."""
        if self.proto_text is None or self.proto_used:
            return False
        self.proto_used = True
        name: str | None = self.proto_text
        number = strtoui(self.proto_text, 0, 255)
        if number is not None:
            name = chain_protocol_name(number)
            if name is None and number and "n" not in self.command.options:
                name = self.parsing.names.protocol_name(number)
        extension = None if name is None else find_match(name, self.family)
        if extension is None:
            return False
        self.command.spec.matches.append(extension(self.family))
        self._load(extension)
        self.scanner.back()
        return True

    # -- commands ------------------------------------------------------------------------------------------
    def _add(self, action: str, also: str = "") -> None:
        command = self.command
        if self.invert:
            raise ParameterProblem("unexpected '!' flag")
        others = [other for other in command.action if other not in also]
        if others:
            raise ParameterProblem(f"Cannot use -{action} with -{max(others, key=_COMMANDS.index)}")
        command.action += action

    def _append(self, argument: Any) -> None:
        self._add("A")
        self.command.chain = argument

    def _check(self, argument: Any) -> None:
        self._add("C")
        self.command.chain = argument

    def _delete(self, argument: Any) -> None:
        self._add("D")
        self.command.chain = argument
        if self.scanner.has_argument():
            self.command.number = range_number(self.scanner.take())

    def _replace(self, argument: Any) -> None:
        self._add("R")
        self.command.chain = argument
        if not self.scanner.has_argument():
            raise ParameterProblem("-R requires a rule number")
        self.command.number = rule_number(self.scanner.take())

    def _insert(self, argument: Any) -> None:
        self._add("I")
        self.command.chain = argument
        self.command.number = rule_number(self.scanner.take()) if self.scanner.has_argument() else 1

    def _chain_argument(self, argument: str | None) -> None:
        if argument is not None:
            self.command.chain = argument
        elif self.scanner.has_argument():
            self.command.chain = self.scanner.take()

    def _list(self, argument: Any) -> None:
        self._add("L", "Z")
        self._chain_argument(argument)
        if self.scanner.has_argument():
            self.command.number = rule_number(self.scanner.take())

    def _list_rules(self, argument: Any) -> None:
        self._add("S", "Z")
        self._chain_argument(argument)
        if self.scanner.has_argument():
            self.command.number = rule_number(self.scanner.take())

    def _flush(self, argument: Any) -> None:
        self._add("F")
        self._chain_argument(argument)

    def _zero(self, argument: Any) -> None:
        self._add("Z", "LS")
        self._chain_argument(argument)
        if self.scanner.has_argument():
            self.command.number = rule_number(self.scanner.take())
            # A rule number turns whatever was asked before into zeroing that rule alone.
            self.command.action = "Z"
            self.command.zeroes_rule = True

    def _new_chain(self, argument: Any) -> None:
        self._assert_chain_name(argument)
        self._add("N")
        self.command.chain = argument

    def _delete_chain(self, argument: Any) -> None:
        self._add("X")
        self._chain_argument(argument)

    def _rename(self, argument: Any) -> None:
        self._add("E")
        self.command.chain = argument
        if not self.scanner.has_argument():
            raise ParameterProblem("-E requires old-chain-name and new-chain-name")
        self.command.newname = self.scanner.take()
        self._assert_chain_name(self.command.newname)

    def _assert_chain_name(self, name: str) -> None:
        note_gone(name, self.family, self.parsing.notices)
        assert_chain_name(name, self.family, self.parsing.announced)

    def _policy(self, argument: Any) -> None:
        self._add("P")
        if not self.scanner.has_argument():
            raise ParameterProblem("-P requires a chain and a policy")
        self.command.chain = argument
        self.command.policy = self.scanner.take()

    # -- options -------------------------------------------------------------------------------------------
    def _set(self, key: str) -> None:
        if key in self.command.options:
            raise ParameterProblem(f"multiple {OPTION_NAMES[key]} options not allowed")
        self.command.options.add(key)
        if self.invert and key not in INVERTIBLE:
            raise ParameterProblem(f"cannot have ! before {OPTION_NAMES[key]}")

    def _protocol(self, argument: Any) -> None:
        self._set("p")
        self.proto_text = argument = argument.lower()
        number = parse_protocol(argument, self.parsing)
        if number == 0 and self.invert:
            raise ParameterProblem("rule would never match protocol")
        spec = self.command.spec
        spec.proto = self.parsing.proto = number
        spec.proto_inv = self.parsing.proto_inv = self.invert
        spec.proto_given = True
        if self.family == 6 and number in (43, 44, 51, 60) and not self.invert:
            self.parsing.notices.append(f"Warning: never matched protocol: {argument}. use extension match instead.\n")

    def _source(self, argument: Any) -> None:
        self._set("s")
        self.addresses["s"] = argument
        self.command.spec.src_inv = self.invert

    def _destination(self, argument: Any) -> None:
        self._set("d")
        self.addresses["d"] = argument
        self.command.spec.dst_inv = self.invert

    def _goto(self, argument: Any) -> None:
        self._set("j")
        spec = self.command.spec
        spec.goto = True
        spec.jump = target_name(argument)

    def _jump(self, argument: Any) -> None:
        self._set("j")
        if argument == "CONTINUE":
            return
        spec = self.command.spec
        spec.jump = name = target_name(argument)
        if name in VERDICTS:
            self.targets.append("standard")
            return
        extension = None if name in self.parsing.announced else find_target(name, self.family)
        if extension is not None:
            spec.target = extension(self.family)
            note_gone(name, self.family, self.parsing.notices)
            self.targets.append(name)
            self._load(extension)

    def _interface(self, argument: str) -> str:
        if not argument:
            raise ParameterProblem("Empty interface is likely to be undesired")
        return argument

    def _checked_interface(self, argument: str) -> str:
        if byte_length(argument) >= _IFNAMSIZ:
            raise ParameterProblem(f"interface name `{argument}' must be shorter than {_IFNAMSIZ} characters")
        if "/" in argument or " " in argument:
            self.parsing.notices.append(
                f"Warning: weird character in interface `{argument}' ('/' and ' ' are not allowed by the kernel).\n"
            )
        return argument

    def _in_interface(self, argument: Any) -> None:
        self._interface(argument)
        self._set("i")
        self.command.spec.iniface = self._checked_interface(argument)
        self.command.spec.iniface_inv = self.invert

    def _out_interface(self, argument: Any) -> None:
        self._interface(argument)
        self._set("o")
        self.command.spec.outiface = self._checked_interface(argument)
        self.command.spec.outiface_inv = self.invert

    def _fragments(self, argument: Any) -> None:
        if self.family == 6:
            raise ParameterProblem("`-f' is not supported in IPv6, use -m frag instead")
        self._set("f")
        self.command.spec.fragment = True
        self.command.spec.fragment_inv = self.invert

    def _verbose(self, argument: Any) -> None:
        if not self.command.verbose:
            self._set("v")
        self.command.verbose += 1

    def _match(self, argument: Any) -> None:
        if self.invert:
            raise ParameterProblem("unexpected ! flag before --match")
        if byte_length(argument) >= NAME_SIZE:
            raise ParameterProblem(f'Invalid match name "{argument}" ({NAME_SIZE - 1} chars max)')
        extension = find_match(argument, self.family)
        if extension is None:
            raise ParameterProblem(f"Couldn't load match `{match_name(argument)}':No such file or directory\n")
        match = extension(self.family)
        if extension.real_name and not extension.silent_alias:
            self.parsing.notices.append(
                f"Notice: the {argument} match is converted into {extension.real_name} match in rule listing and saving.\n"
            )
        self.command.spec.matches.append(match)
        self._load(extension)

    def _simple(self, key: str) -> None:
        self._set(key)

    def _table(self, argument: Any) -> None:
        if self.invert:
            raise ParameterProblem("unexpected ! flag before --table")
        if self.restore and self.table_given:
            raise ParameterProblem(f"The -t option cannot be used in {self.restore}.\n")
        self.command.table = self.parsing.table = argument
        self.table_given = True

    def _version(self, argument: Any) -> None:
        raise VersionWanted(self.invert)

    def _help(self, argument: Any) -> None:
        matches = self.command.spec.matches
        if not matches and self.proto_text is not None:
            extension = find_match(self.proto_text, self.family)
            if extension is not None:
                matches = [extension(self.family)]
        raise HelpWanted(matches, [found for name in self.targets if (found := find_target(name, self.family)) is not None])

    def _wait(self, argument: Any) -> None:
        if self.restore:
            raise ParameterProblem("You cannot use `-w' from iptables-restore")
        self.command.wait = wait_seconds(argument, self.scanner)

    def _wait_interval(self, argument: Any) -> None:
        if self.restore:
            raise ParameterProblem("You cannot use `-W' from iptables-restore")
        self.parsing.notices.append(wait_interval(argument, self.scanner))
        self.wait_interval = True

    def _modprobe(self, argument: Any) -> None:
        """``--modprobe`` names a program; nothing is ever loaded here."""

    def _counters(self, argument: Any) -> None:
        self._set("c")
        packets, comma, octets = argument.partition(",")
        if not comma:
            if not self.scanner.has_argument():
                raise ParameterProblem("--set-counters requires packet and byte counter")
            octets = self.scanner.take()
        first = leading_number(packets)
        if first is None:
            raise ParameterProblem("--set-counters packet counter not numeric")
        second = leading_number(octets)
        if second is None:
            raise ParameterProblem("--set-counters byte counter not numeric")
        self.command.counters = first, second

    def _family_4(self, argument: Any) -> None:
        self._other_family(4)

    def _family_6(self, argument: Any) -> None:
        self._other_family(6)

    def _other_family(self, family: int) -> None:
        if self.family == family:
            return
        if self.restore:
            raise LineIgnored
        raise TryHelp("")

    # -- the end -------------------------------------------------------------------------------------------
    def _finish(self) -> Command:
        command, spec, parsing = self.command, self.command.spec, self.parsing
        if command.table == "nat" and "DROP" in (command.policy, spec.jump):
            raise ParameterProblem('\nThe "nat" table is not intended for filtering, the use of DROP is therefore inhibited.\n\n')
        if self.wait_interval and not command.wait:
            raise ParameterProblem("--wait-interval only makes sense with --wait\n")
        for match in spec.matches:
            match.final_check(parsing)
            match.check_options()
        if spec.target is not None:
            spec.target.final_check(parsing)
            spec.target.check_options()
        if self.scanner.index < len(self.scanner.argv):
            raise ParameterProblem("unknown arguments found on commandline")
        if not command.action:
            raise ParameterProblem("no command specified")
        if self.invert:
            raise ParameterProblem("nothing appropriate following !")
        self._addresses()
        self._check_options()
        return command

    def _addresses(self) -> None:
        command, spec = self.command, self.command.spec
        if command.action in ("A", "C", "D", "I", "R") and (command.action != "D" or command.number is None):
            command.sources = command.destinations = [(0, 0)]
        if not self.addresses:
            return
        if "s" in self.addresses:
            command.sources = parse_address_list(self.addresses["s"], self.parsing)
        if "d" in self.addresses:
            command.destinations = parse_address_list(self.addresses["d"], self.parsing)
        if (len(command.sources) > 1 or len(command.destinations) > 1) and (spec.src_inv or spec.dst_inv):
            raise ParameterProblem("! not allowed with multiple source or destination IP addresses")

    def _check_options(self) -> None:
        command = self.command
        options = command.options
        letters = command.action
        by_number = letters == "D" and command.number is not None
        for option, allowed in ALLOWED.items():
            if option in options and (by_number or any(letter not in allowed for letter in letters)):
                raise ParameterProblem(f"Illegal option `{OPTION_NAMES[option]}' with this command")
        chain = command.chain
        if chain is None:
            return
        if byte_length(chain) >= NAME_SIZE:
            raise ParameterProblem(f"chain name `{chain}' too long (must be under {NAME_SIZE} chars)")
        if letters in ("A", "C", "D", "I", "R") and not by_number:
            if chain in ("PREROUTING", "INPUT") and "o" in options:
                raise ParameterProblem(f"Can't use --out-interface with {chain}")
            if chain in ("POSTROUTING", "OUTPUT") and "i" in options:
                raise ParameterProblem(f"Can't use --in-interface with {chain}")


_HANDLERS: dict[str, Any] = {
    "A": _Reader._append,
    "C": _Reader._check,
    "D": _Reader._delete,
    "R": _Reader._replace,
    "I": _Reader._insert,
    "L": _Reader._list,
    "S": _Reader._list_rules,
    "F": _Reader._flush,
    "Z": _Reader._zero,
    "N": _Reader._new_chain,
    "X": _Reader._delete_chain,
    "E": _Reader._rename,
    "P": _Reader._policy,
    "p": _Reader._protocol,
    "s": _Reader._source,
    "d": _Reader._destination,
    "g": _Reader._goto,
    "j": _Reader._jump,
    "i": _Reader._in_interface,
    "o": _Reader._out_interface,
    "f": _Reader._fragments,
    "v": _Reader._verbose,
    "m": _Reader._match,
    "n": lambda reader, argument: reader._simple("n"),
    "x": lambda reader, argument: reader._simple("x"),
    "0": lambda reader, argument: reader._simple("0"),
    "t": _Reader._table,
    "V": _Reader._version,
    "h": _Reader._help,
    "w": _Reader._wait,
    "W": _Reader._wait_interval,
    "M": _Reader._modprobe,
    "c": _Reader._counters,
    "4": _Reader._family_4,
    "6": _Reader._family_6,
}
