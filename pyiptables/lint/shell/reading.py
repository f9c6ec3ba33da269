"""What a script says about the firewall: the commands that it would run, in order, and what cannot be
known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from pyiptables.lint.shell.source import Location

__all__ = [
    "Assignment", "Binding", "Frame", "FunctionDefinition", "Guard", "HostSetting", "Invocation", "Known",
    "Limits",
    "OtherCommand", "ScriptReading", "Text", "TextLine", "Unknown", "Unresolved", "Word",
]  # fmt: skip


#: Reasons that the evaluator itself looks at.
NOT_SET = "not set in the script"
ELEMENT = "element of a list that is not known"
POSITIONAL = "argument of the script"


class Known:
    """A part of a word whose text is known."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Known) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Known({self.text!r})"


class Unknown:
    """A part of a word that only running the script would tell.

    ``source_text`` is what the script has there, ``reason`` why it is not known. With ``many`` it may stand
    for no word or several ones. ``candidates`` are the texts that it can be, if it is one of a few (empty:
    anything). ``default`` is what it is if the script is called without arguments.
    """

    __slots__ = ("_first", "candidates", "default", "many", "reason", "source_text")

    def __init__(
        self,
        source_text: str,
        reason: str,
        many: bool = False,
        candidates: tuple[str, ...] = (),
        default: str | None = None,
        first: Unknown | None = None,
    ) -> None:
        self.source_text = source_text
        self.reason = reason
        self.many = many
        self.candidates = candidates
        self.default = default
        # The value as it first came up: two that share it are the same text, whatever it is.
        self._first: Unknown = first._first if first is not None else self

    def spread(self, many: bool) -> Unknown:
        """The same, as one word or as any number of them."""
        if many == self.many or (many and self.reason == ELEMENT):
            return self
        return Unknown(self.source_text, self.reason, many, self.candidates, self.default, self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unknown) and other._first is self._first

    def __hash__(self) -> int:
        return id(self._first)

    def __repr__(self) -> str:
        return f"Unknown({self.source_text!r}, {self.reason!r})"


Part = str | Unknown


class Word:
    """One word of a command, after expansion.

    ``text`` is None if a part is unknown. ``location`` is the place of the word that the shell expanded.
    ``origin`` is the place of the characters (quotes included) that alone spell it, wherever in the script
    they are; None if it was put together. A fixer may replace the bytes of ``origin`` if no other word has
    the same one.
    """

    __slots__ = ("location", "origin", "quoted", "raw", "text")

    def __init__(
        self,
        raw: str | tuple[Part, ...],
        location: Location | None = None,
        quoted: bool = False,
        origin: Location | None = None,
    ) -> None:
        if isinstance(raw, tuple):
            if not raw:
                raw = ""
            elif len(raw) == 1 and isinstance(raw[0], str):
                raw = raw[0]
        self.raw = raw
        self.text = raw if isinstance(raw, str) else None
        self.location = location
        self.quoted = quoted
        self.origin = origin

    @property
    def parts(self) -> tuple[Known | Unknown, ...]:
        if isinstance(self.raw, str):
            return (Known(self.raw),)
        return tuple(Known(part) if isinstance(part, str) else part for part in self.raw)

    @property
    def pieces(self) -> tuple[Part, ...]:
        return (self.raw,) if isinstance(self.raw, str) else self.raw

    @property
    def many(self) -> bool:
        """Whether it may be no word or several."""
        return self.text is None and any(isinstance(part, Unknown) and part.many for part in self.raw)

    @property
    def unknown(self) -> Unknown | None:
        """Its first unknown part."""
        return next((part for part in self.pieces if isinstance(part, Unknown)), None)

    @property
    def shown(self) -> str:
        """Its text, with the script's own words for what is unknown."""
        if self.text is not None:
            return self.text
        return "".join(part if isinstance(part, str) else part.source_text for part in self.raw)

    @property
    def prefix(self) -> str:
        """The known text that it begins with."""
        first = self.pieces[0]
        return first if isinstance(first, str) else ""

    @property
    def suffix(self) -> str:
        """The known text that it ends with."""
        last = self.pieces[-1]
        return last if isinstance(last, str) else ""

    @property
    def settled(self) -> Word:
        """The same, with defaults in the place of arguments that were not given."""
        if self.text is not None or all(isinstance(part, str) or part.default is None for part in self.raw):
            return self
        parts = [part if isinstance(part, str) or part.default is None else part.default for part in self.raw]
        raw = tuple(parts) if any(isinstance(part, Unknown) for part in parts) else "".join(map(str, parts))
        return Word(raw, self.location, self.quoted, self.origin)

    def __repr__(self) -> str:
        return f"Word({self.shown!r})"


@dataclass(slots=True, eq=False, repr=False)
class TextLine:
    """A line of a text that a command reads; ``origin`` is the line of a here-document that it is,
    literally."""

    word: Word
    location: Location | None

    @property
    def text(self) -> str | None:
        return self.word.text

    @property
    def parts(self) -> tuple[Known | Unknown, ...]:
        return self.word.parts


@dataclass(slots=True, eq=False, repr=False)
class Text:
    """What a command reads from its standard input, line by line."""

    lines: tuple[TextLine, ...]

    @property
    def text(self) -> str | None:
        """All of it with line ends, None if a part is unknown."""
        texts = [line.text for line in self.lines]
        return None if None in texts else "".join(f"{text}\n" for text in texts)


@dataclass(slots=True, eq=False, repr=False)
class Guard:
    """A condition that the script tests, and the side of it on which something stands.

    ``branch`` is ``then``, ``else``, ``loop``, ``success``, ``failure``, ``uncalled``, ``trap``, ``later``
    (``at``), ``found`` (``find -exec``), ``wrapped`` (in the arguments of a program that nobody knows) or a
    pattern of ``case``. Guards at the same ``location`` with different branches exclude each other.
    ``assumed``: it is the side taken when nothing goes wrong. ``follows``: the command stands behind the
    condition, whose other side left.
    """

    condition: str
    branch: str
    location: Location
    assumed: bool = False
    follows: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Frame:
    """What brought the shell here: ``kind`` is ``call``, ``loop``, ``source``, ``eval``, ``trap`` or
    ``uncalled``."""

    kind: str
    name: str
    location: Location


@dataclass(slots=True, eq=False, repr=False)
class Binding:
    """The value of a loop's variable in this round."""

    name: str
    value: Word
    location: Location


@dataclass(slots=True, eq=False, repr=False)
class Invocation:
    """One call of a program of the iptables family."""

    #: Its name without directory: ``iptables``, ``ip6tables-legacy-restore``, ``ipset`` …
    program: str
    #: The arguments behind the name.
    argv: tuple[Word, ...]
    #: The word that names the program.
    command: Word
    #: The command in the file, from its first word to its last.
    location: Location
    #: What it reads, if the script says so.
    stdin: Text | None = None
    #: The file that its input comes from, or its output goes to, if the command names one.
    stdin_file: Word | None = None
    stdout_file: Word | None = None
    #: The innermost last.
    call_stack: tuple[Frame, ...] = ()
    bindings: tuple[Binding, ...] = ()
    guard: tuple[Guard, ...] = ()
    #: The check (``-C`` …) whose failure alone lets it run.
    guarded_by_check: Location | None = None
    #: ``|| true`` and its like follow.
    ignore_failure: bool = False
    #: The network namespace or container that it runs in, "" for the host's own.
    netns: str = ""
    #: Whether program, arguments and input are all known.
    resolved: bool = True

    @property
    def family(self) -> int:
        """4 or 6; 0 for programs of no family (ipset)."""
        if self.program.startswith("ip6tables"):
            return 6
        return 4 if self.program.startswith("iptables") else 0

    @property
    def texts(self) -> tuple[str | None, ...]:
        return tuple(word.text for word in self.argv)

    @property
    def shown(self) -> str:
        """The command as one would type it, with the script's own words for what is unknown."""
        from shlex import quote

        shown = [word.shown if word.text in (None, "!") else quote(word.shown) for word in self.argv]
        return " ".join([self.program, *shown])

    @property
    def certain(self) -> bool:
        """Whether it runs whenever the script does and nothing goes wrong."""
        return all(guard.assumed for guard in self.guard)


@dataclass(slots=True, eq=False, repr=False)
class OtherCommand:
    """A call of a program that is not of the family."""

    name: str
    location: Location
    argv: tuple[Word, ...] = ()


@dataclass(slots=True, eq=False, repr=False)
class HostSetting:
    """A kernel parameter that the script writes, by its sysctl name (``net.ipv4.ip_forward``)."""

    name: str
    value: Word
    location: Location


@dataclass(slots=True, eq=False, repr=False)
class Assignment:
    """The first value that a place in the script gives to a variable."""

    name: str
    value: Word
    location: Location


@dataclass(slots=True, eq=False, repr=False)
class FunctionDefinition:
    name: str
    location: Location
    called: bool


class Unresolved(NamedTuple):
    """Something that could not be followed."""

    location: Location
    what: str
    why: str


@dataclass(slots=True, eq=False, repr=False)
class Limits:
    """How much work a script may ask for before its reading is cut off."""

    #: Commands evaluated in all.
    commands: int = 20_000
    #: Rounds of all loops together.
    rounds: int = 10_000
    #: Function calls, eval and sourcing inside each other.
    depth: int = 40
    #: Characters of one value, and of one text.
    text: int = 1 << 20
    #: Words that one expansion may give.
    words: int = 10_000


@dataclass(slots=True, eq=False, repr=False)
class ScriptReading:
    """All that a script says, in the order in which it would happen."""

    file: str
    kind: str = "shell"
    invocations: tuple[Invocation, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    #: Places that the grammar does not understand.
    errors: tuple[Unresolved, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    other_commands: tuple[OtherCommand, ...] = ()
    settings: tuple[HostSetting, ...] = ()
    functions: tuple[FunctionDefinition, ...] = ()
    #: Options of ``set`` and the ``#!`` line: ``errexit``, ``nounset``, ``pipefail``, ``noexec`` …
    options: frozenset[str] = field(default_factory=frozenset)
