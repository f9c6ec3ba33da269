"""The statements of a script, as the evaluator walks them. Offsets are those of the source's view."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyiptables.lint.shell.reading import Word
    from pyiptables.lint.shell.source import Heredoc
    from pyiptables.lint.shell.words import Piece


class Node:
    __slots__ = ("end", "start")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end


class RawWord(Node):
    """A word before expansion. ``literal`` is its text if it is nothing but plain characters."""

    __slots__ = ("literal", "pieces", "word")

    def __init__(self, start: int, end: int, literal: str | None = None) -> None:
        self.start = start
        self.end = end
        self.literal = literal
        self.pieces: tuple[Piece, ...] | None = None
        #: Its expansion, if that is always the same.
        self.word: Word | None = None


class Assign(Node):
    """``name=value``, ``name[index]+=value`` or ``name=(words)``."""

    __slots__ = ("append", "array", "index", "name", "value")

    def __init__(self, start: int, end: int, name: str, append: bool) -> None:
        super().__init__(start, end)
        self.name = name
        self.append = append
        self.index: RawWord | None = None
        self.value: RawWord | None = None
        self.array: list[RawWord] | None = None


class Redirect(Node):
    """``op`` is ``<``, ``>``, ``>>``, ``>&``, ``<&``, ``<<<``, ``&>``, ``<>``, ``>|`` or ``<<``; ``fd`` -1
    if not given."""

    __slots__ = ("fd", "heredoc", "op", "target")

    def __init__(self, start: int, end: int, fd: int, op: str) -> None:
        super().__init__(start, end)
        self.fd = fd
        self.op = op
        self.target: RawWord | None = None
        self.heredoc: Heredoc | None = None


class Simple(Node):
    __slots__ = ("assigns", "redirects", "words")

    def __init__(self, start: int, end: int) -> None:
        super().__init__(start, end)
        self.assigns: list[Assign] = []
        self.words: list[RawWord] = []
        self.redirects: list[Redirect] = []


class Sequence(Node):
    __slots__ = ("items",)

    def __init__(self, start: int, end: int, items: list[Node]) -> None:
        super().__init__(start, end)
        self.items = items


class Pipeline(Node):
    __slots__ = ("parts",)

    def __init__(self, start: int, end: int, parts: list[Node]) -> None:
        super().__init__(start, end)
        self.parts = parts


class AndOr(Node):
    __slots__ = ("left", "op", "right")

    def __init__(self, start: int, end: int, left: Node, op: str, right: Node) -> None:
        super().__init__(start, end)
        self.left = left
        self.op = op
        self.right = right


class Negated(Node):
    __slots__ = ("body",)

    def __init__(self, start: int, end: int, body: Node) -> None:
        super().__init__(start, end)
        self.body = body


class Background(Negated):
    __slots__ = ()


class Subshell(Negated):
    __slots__ = ()


class Redirected(Node):
    """A compound command with redirections behind it."""

    __slots__ = ("body", "redirects")

    def __init__(self, start: int, end: int, body: Node, redirects: list[Redirect]) -> None:
        super().__init__(start, end)
        self.body = body
        self.redirects = redirects


class If(Node):
    __slots__ = ("arms", "otherwise")

    def __init__(self, start: int, end: int, arms: list[tuple[Node, Node]], otherwise: Node | None) -> None:
        super().__init__(start, end)
        self.arms = arms
        self.otherwise = otherwise


class For(Node):
    """``for`` or ``select``; ``words`` None stands for ``"$@"``."""

    __slots__ = ("body", "name", "selects", "words")

    def __init__(self, start: int, end: int, name: str, words: list[RawWord] | None, body: Node, selects: bool) -> None:
        super().__init__(start, end)
        self.name = name
        self.words = words
        self.body = body
        self.selects = selects


class CountingFor(Node):
    """``for ((init; condition; update))``, each a span of the view."""

    __slots__ = ("body", "clauses")

    def __init__(self, start: int, end: int, clauses: list[tuple[int, int]], body: Node) -> None:
        super().__init__(start, end)
        self.clauses = clauses
        self.body = body


class While(Node):
    __slots__ = ("body", "condition", "until")

    def __init__(self, start: int, end: int, condition: Node, body: Node, until: bool) -> None:
        super().__init__(start, end)
        self.condition = condition
        self.body = body
        self.until = until


class CaseItem(Node):
    """``ending`` is ``;;``, ``;&`` or ``;;&``."""

    __slots__ = ("body", "ending", "patterns")

    def __init__(self, start: int, end: int, patterns: list[RawWord], body: Node, ending: str) -> None:
        super().__init__(start, end)
        self.patterns = patterns
        self.body = body
        self.ending = ending


class Case(Node):
    __slots__ = ("items", "word")

    def __init__(self, start: int, end: int, word: RawWord, items: list[CaseItem]) -> None:
        super().__init__(start, end)
        self.word = word
        self.items = items


class Function(Node):
    __slots__ = ("body", "name")

    def __init__(self, start: int, end: int, name: str, body: Node) -> None:
        super().__init__(start, end)
        self.name = name
        self.body = body


class Arithmetic(Node):
    """``((…))``: the span between the parentheses."""

    __slots__ = ("inner",)

    def __init__(self, start: int, end: int, inner: tuple[int, int]) -> None:
        super().__init__(start, end)
        self.inner = inner


class Test(Node):
    """``[[ … ]]``: its words and operators."""

    __slots__ = ("tokens",)

    def __init__(self, start: int, end: int, tokens: list[RawWord]) -> None:
        super().__init__(start, end)
        self.tokens = tokens
