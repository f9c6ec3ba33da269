"""The shell itself: walks statements, keeps the state, records what the script would run.

Nothing is executed. A condition that is known decides; where it is not, every side is walked from a copy of
the state (``alternatives``) and what it runs carries a :class:`Guard`. Loops over what is not known run
their body once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pyiptables.lint.shell import branches, loops
from pyiptables.lint.shell.arithmetic import NotKnown
from pyiptables.lint.shell.conditions import conditional
from pyiptables.lint.shell.expansion import Expander
from pyiptables.lint.shell.grammar import parse
from pyiptables.lint.shell.reading import (
    Assignment,
    Binding,
    Frame,
    Guard,
    HostSetting,
    Invocation,
    Limits,
    OtherCommand,
    Unknown,
    Unresolved,
    Word,
)
from pyiptables.lint.shell.redirection import file_lines, redirected
from pyiptables.lint.shell.simple import run_simple
from pyiptables.lint.shell.source import Location, Source, decode
from pyiptables.lint.shell.state import (
    FAILURE,
    LIKELY,
    SUCCESS,
    UNKNOWN,
    Flow,
    Output,
    ShellFunction,
    State,
    Status,
    TooMuch,
    Variable,
    join,
)
from pyiptables.lint.shell.tree import (
    AndOr,
    Arithmetic,
    Background,
    Case,
    CountingFor,
    For,
    Function,
    If,
    Negated,
    Node,
    Pipeline,
    Redirected,
    Sequence,
    Simple,
    Subshell,
    Test,
    While,
)
from pyiptables.lint.shell.words import Command, unescape_backticks

__all__ = ["Shell", "SourceReader"]

SourceReader = Callable[[str, str], tuple[str, bytes] | None]

#: So many items of an array take about as long as a command.
_ITEMS_A_COMMAND = 100


class Shell:
    def __init__(self, source: Source, arguments: tuple[Word, ...], limits: Limits, reader: SourceReader | None) -> None:
        self.source = source
        self.name = source.file
        self.limits = limits
        self.reader = reader
        self.state = State(arguments)
        self.status = SUCCESS
        self.expander = Expander(self)
        # Where output goes: to a terminal if None.
        self.out: Output | None = None
        self.guards: tuple[Guard, ...] = ()
        self.stack: tuple[Frame, ...] = ()
        self.bindings: tuple[Binding, ...] = ()
        self.check: Location | None = None
        self.ignored = False
        self.netns = ""
        self.stdin_file: Word | None = None
        self.stdout_file: Word | None = None
        # Whether `echo` takes backslash escapes, as dash's does.
        self.escapes = False
        self.aliases: dict[str, str] = {}
        self.depth = 0
        self.commands = self.rounds = 0
        self.locals: list[dict[str, Variable | None]] = []
        self.pending: list[tuple[str, State]] = []
        self.invocations: list[Invocation] = []
        self.unresolved: dict[tuple[Location, str], Unresolved] = {}
        self.errors: list[Unresolved] = []
        self.assignments: dict[Location, Assignment] = {}
        self.others: list[OtherCommand] = []
        self.settings: list[HostSetting] = []
        self.defined: dict[Location, ShellFunction] = {}
        self.called: set[ShellFunction] = set()
        self.options: set[str] = set()

    # -- records
    # -------------------------------------------------------------------------------------------------

    def unresolve(self, location: Location, what: str, why: str) -> None:
        self.unresolved.setdefault((location, what), Unresolved(location, what, why))

    def place(self, node: Node) -> Location:
        return self.source.location(node.start, node.end)

    def shown(self, node: Node) -> str:
        return " ".join(decode(self.source.full[node.start : node.end]).split())[:400]

    # -- running
    # -------------------------------------------------------------------------------------------------

    def parsed(self, start: int = 0, end: int | None = None) -> Node:
        """The statements of a span of the current source; problems are recorded."""
        tree, errors = parse(self.source, start, end)
        for first, last, why in errors:
            self.errors.append(Unresolved(self.source.location(first, last), "syntax", why))
        for first, last, what, why in self.source.problems:
            self.errors.append(Unresolved(self.source.location(first, last), what, why))
        self.source.problems.clear()
        return tree

    def run(self, node: Node) -> Flow | None:
        return _RUNNERS[type(node)](self, node)

    def sequence(self, node: Sequence) -> Flow | None:
        for item in node.items:
            flow = _RUNNERS[type(item)](self, item)
            if flow is not None:
                return flow
        return None

    def simple(self, node: Simple) -> Flow | None:
        self.count_command()
        return run_simple(self, node)

    def count_command(self, work: int = 1) -> None:
        """``work``: how many commands something else is as much as."""
        self.commands += work
        if self.commands > self.limits.commands:
            raise TooMuch("more commands than the limit")

    def count_items(self, items: int) -> None:
        """Going through a list of so many words is work, too."""
        self.count_command(items // _ITEMS_A_COMMAND)

    def pipeline(self, node: Pipeline) -> Flow | None:
        stdin = self.state.stdin
        for index, part in enumerate(node.parts):
            last = index == len(node.parts) - 1
            before, out = self.state, self.out
            self.state = before.copy()
            self.state.stdin = stdin
            if not last:
                self.out = Output()
            check = self.status.check if index else None
            with self.scoped():
                self.left(self.run(part))
            output, self.out = self.out, out
            files = self.state.files
            self.state = before
            self.state.files = files
            if not last:
                assert output is not None
                stdin = tuple(output.lines())
            elif self.status.code is None and self.status.check is None and check is not None:
                # `iptables -S | grep -q …` checks as `-C` does.
                self.status = Status(None, None, check)
        return None

    def negate(self, node: Negated) -> Flow | None:
        flow = self.run(node.body)
        status = self.status
        if status.code is not None:
            self.status = FAILURE if status.code == 0 else SUCCESS
        else:
            likely = None if status.likely is None else int(status.likely == 0)
            self.status = Status(None, likely, status.check, not status.inverted)
        return flow

    def aside(self, node: Background) -> Flow | None:
        self.subshell(node)
        self.status = SUCCESS
        return None

    def subshell(self, node: Negated) -> Flow | None:
        before = self.state
        self.state = before.copy()
        with self.scoped():
            self.left(self.run(node.body))
        files, stdin = self.state.files, self.state.stdin
        self.state = before
        self.state.files, self.state.stdin = files, stdin
        return None

    def left(self, flow: Flow | None) -> None:
        """A subshell has come to its end, perhaps by ``exit``."""
        if flow is not None and flow[0] in ("exit", "return") and flow[1] >= 0:
            self.status = Status(flow[1])

    @contextmanager
    def scoped(self) -> Iterator[None]:
        """Conditions met inside do not hold for what comes after."""
        guards, check, pending = self.guards, self.check, self.pending
        self.pending = []
        try:
            yield
        finally:
            self.guards, self.check, self.pending = guards, check, pending

    @contextmanager
    def inside(self, source: Source) -> Iterator[None]:
        """Walk another text."""
        outer, self.source = self.source, source
        try:
            yield
        finally:
            self.source = outer

    @contextmanager
    def framed(self, frame: Frame) -> Iterator[None]:
        """One level deeper in calls; raises TooMuch beyond the limit."""
        if self.depth >= self.limits.depth:
            raise TooMuch(f"{frame.kind} nested too deeply")
        stack = self.stack
        self.stack = (*stack, frame)
        self.depth += 1
        try:
            yield
        finally:
            self.stack = stack
            self.depth -= 1

    def define(self, node: Function) -> Flow | None:
        function = ShellFunction(decode(node.name), self.source, node.body, node.start, node.end)
        place = self.place(node)
        function = self.defined.setdefault(place, function)
        self.state.functions[function.name] = function
        self.status = SUCCESS
        return None

    def arithmetic(self, node: Arithmetic) -> Flow | None:
        try:
            value = self.expander.compute(self.expander.span(node.inner))
        except NotKnown:
            self.status = UNKNOWN
        else:
            self.status = SUCCESS if value else FAILURE
        return None

    def test(self, node: Test) -> Flow | None:
        verdict = conditional(self, node.tokens)
        self.status = UNKNOWN if verdict is None else SUCCESS if verdict else FAILURE
        return None

    def redirected(self, node: Redirected) -> Flow | None:
        with redirected(self, node.redirects):
            return self.run(node.body)

    # -- services
    # ------------------------------------------------------------------------------------------------

    def assign(self, name: str, value: Word, index: str | None = None, place: Location | None = None) -> None:
        variables = self.state.variables
        old = variables.get(name)
        if place is not None:
            self.note_assignment(name, value, place)
        if index is None and (old is None or old.items is None):
            variables[name] = Variable(value)
            return
        items = dict(old.items) if old is not None and old.items is not None else {}
        if old is not None and old.items is None and old.value is not None:
            items[0] = old.value
        named = old is not None and old.named
        if named:
            items[(index or "0").strip("\"'")] = value
        else:
            try:
                items[self.expander.compute(Word(index or "0"))] = value
            except NotKnown:
                items[max((key for key in items if isinstance(key, int)), default=-1) + 1] = value
        variables[name] = Variable(None, items, named)

    def assign_list(self, name: str, words: list[Word]) -> None:
        self.state.variables[name] = Variable(None, dict(enumerate(words)))

    def note_assignment(self, name: str, value: Word, place: Location) -> None:
        if place not in self.assignments:
            self.assignments[place] = Assignment(name, value, place)

    def call(self, function: ShellFunction, words: list[Word], location: Location) -> Flow | None:
        """Call a function with arguments."""
        self.called.add(function)
        active = any([frame.kind == "call" and frame.name == function.name for frame in self.stack])
        if active and not all([guard.assumed for guard in self.guards]):
            # A menu that comes back to itself: what it does is being read.
            self.unresolve(location, function.name, "calls itself, perhaps again and again")
            self.status = UNKNOWN
            return None
        state = self.state
        saved = state.arguments
        pending = self.pending
        self.pending = []
        out = self.out
        ended, written = ([], 0) if out is None else (out.ended, len(out.chunks))
        if out is not None:
            out.ended = []
        guards, check = self.guards, self.check
        self.locals.append({})
        state.arguments = tuple(words)
        self.status = SUCCESS
        try:
            with self.framed(Frame("call", function.name, location)), self.inside(function.source):
                flow = self.run(function.body)
        finally:
            ends = [self.state, *(state for kind, state in self.pending if kind == "return")]
            leaving = [(kind, state) for kind, state in self.pending if kind == "exit"]
            self.pending = pending
            self.pending += leaving
            if out is not None:
                returned = [chunks[written:] for kind, chunks in out.ended if kind == "return"]
                out.ended = ended + [way for way in out.ended if way[0] != "return"]
                if returned:
                    out.write_either([*returned, out.take_back(written)])
            hidden = self.locals.pop()
            self.guards, self.check = guards, check
        if flow is not None and flow[0] == "exit":
            return flow
        self.state = join(ends) if len(ends) > 1 else self.state
        self.state.arguments = saved
        for name, variable in hidden.items():
            if variable is None:
                self.state.variables.pop(name, None)
            else:
                self.state.variables[name] = variable
        if flow is not None and flow[0] == "return" and flow[1] >= 0:
            self.status = Status(flow[1])
        if len(ends) > 1:
            self.status = UNKNOWN
        return None

    def captured(self, piece: Command, one_way: bool = False) -> Output | None:
        """What the commands of a substitution write; None if it cannot be followed."""
        begin, end = piece.inner
        text = self.source.view[begin:end]
        if piece.kind == "`" and "\\" in text:
            place = self.source.location(piece.start, piece.end)
            plain = unescape_backticks(text).encode("latin-1")
            with self.inside(Source(self.source.file, plain, outer=self.source, at=place)):
                return self.output_of(lambda: self.run(self.parsed()), one_way)
        return self.output_of(lambda: self.run(self.parsed(begin, end)), one_way)

    def output_of(self, run: Callable[[], Flow | None], one_way: bool = False) -> Output | None:
        """What something writes that runs in a subshell."""
        if self.depth >= self.limits.depth:
            raise TooMuch("substitutions nested too deeply")
        before, out = self.state, self.out
        self.state, self.out = before.copy(), Output(one_way)
        self.depth += 1
        try:
            with self.scoped():
                self.left(run())
            output = self.out
            if output is not None and output.ended:
                output.write_either([*[chunks for _, chunks in output.ended], output.take_back(0)])
        finally:
            self.depth -= 1
            files = self.state.files
            self.state, self.out = before, out
            self.state.files = files
        return output if output is not None and output.size <= self.limits.text else None

    def write(self, text: str, location: Location | None = None) -> None:
        if self.out is not None:
            self.out.write(Word(text, location, True))
            self.check_output()

    def check_output(self) -> None:
        if self.out is not None and self.out.size > self.limits.text:
            raise TooMuch("output longer than the limit")

    def write_unknown(self, source_text: str, reason: str, location: Location | None = None) -> None:
        if self.out is not None:
            self.out.write(Word((Unknown(source_text, reason, True),), location))

    def run_text(
        self,
        words: list[Word],
        kind: str,
        place: Location,
        arguments: tuple[Word, ...] | None = None,
        separator: str = " ",
    ) -> Flow | None:
        """Read words as commands: for ``eval`` in this shell, else (arguments given) in one of its own."""
        from pyiptables.lint.shell.inner_text import inner_source

        source = inner_source(self, words, place, separator)
        if source is None:
            self.unresolve(place, kind, "its text is too long")
            self.status = UNKNOWN
            return None
        self.count_command()
        with self.framed(Frame(kind, "", place)), self.inside(source):
            tree = self.parsed()
            if arguments is None:
                return self.run(tree)
            before, name = self.state, self.name
            self.state = before.copy()
            self.state.arguments = arguments[1:]
            self.name = arguments[0].shown if arguments else name
            with self.scoped():
                self.left(self.run(tree))
            files = self.state.files
            self.state, self.name = before, name
            self.state.files = files
        return None

    def run_file(self, name: Word, arguments: list[Word], place: Location) -> Flow | None:
        """``. name``: read a file in this shell, if the caller has it."""
        path = name.text if name.text is not None else name.suffix.lstrip("/")
        lines = file_lines(self, name)
        self.status = LIKELY
        if lines is not None:
            return self.run_text([line.word for line in lines], "source", place, None, "\n")
        found = self.reader(path, self.source.file) if self.reader is not None and path else None
        if found is None:
            self.unresolve(place, f"source {name.shown}", "the file is not read")
            return None
        saved = self.state.arguments
        if arguments:
            self.state.arguments = tuple(arguments)
        with self.framed(Frame("source", path, place)), self.inside(Source(*found)):
            flow = self.run(self.parsed())
        if arguments:
            self.state.arguments = saved
        return None if flow is not None and flow[0] == "return" else flow


_RUNNERS: dict[type, Callable[[Shell, Any], Flow | None]] = {
    Sequence: Shell.sequence,
    Simple: Shell.simple,
    Pipeline: Shell.pipeline,
    Negated: Shell.negate,
    Background: Shell.aside,
    Subshell: Shell.subshell,
    AndOr: branches.run_and_or,
    If: branches.run_if,
    Case: branches.run_case,
    Function: Shell.define,
    Arithmetic: Shell.arithmetic,
    Test: Shell.test,
    Redirected: Shell.redirected,
    For: loops.run_for,
    CountingFor: loops.run_counting,
    While: loops.run_while,
}
