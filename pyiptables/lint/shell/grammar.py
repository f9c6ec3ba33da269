"""From tree-sitter's syntax tree to statements.

tree-sitter-bash (https://github.com/tree-sitter/tree-sitter-bash) tells where statements begin and end;
simple commands, tests and redirections are scanned from their bytes (``commands``), here-documents are
taken out before (``heredocs``). Nodes that the grammar could not make sense of are reported, and what
stands in them is still read.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from pyiptables.lint.shell.commands import read_word, redirect_at, simple_commands, skip_blanks, words_between
from pyiptables.lint.shell.headers import Headers, blanked, under
from pyiptables.lint.shell.scanning import ansi_end, arithmetic_end, backtick_end, dollar_end, double_end, single_end
from pyiptables.lint.shell.source import Source
from pyiptables.lint.shell.tree import (
    AndOr,
    Arithmetic,
    Background,
    Case,
    CaseItem,
    CountingFor,
    For,
    Function,
    If,
    Negated,
    Node,
    Pipeline,
    RawWord,
    Redirect,
    Redirected,
    Sequence,
    Simple,
    Subshell,
    Test,
    While,
)

if TYPE_CHECKING:
    from tree_sitter import Parser

__all__ = ["ShellReaderMissing", "parse"]

#: Statements nested deeper are not followed; far beyond what people write, below Python's recursion limit.
_DEEPEST = 100

_parser: Parser | None = None


class ShellReaderMissing(ImportError):
    """The grammar for shell scripts is not installed."""

    def __init__(self) -> None:
        super().__init__('Reading shell scripts needs tree-sitter-bash; install it with: pip install "pyiptables-emulator[lint]"')


def _the_parser() -> Parser:
    global _parser  # noqa: PLW0603 - one parser a process; making it takes longer than parsing a script
    if _parser is None:
        try:
            import tree_sitter
        except ImportError:
            raise ShellReaderMissing from None
        _parser = tree_sitter.Parser(tree_sitter.Language(_language()))
    return _parser


def _language() -> object:
    """The compiled grammar. Its package would import ``importlib.resources``, with half the library behind it, for
    files that nobody asks for here; so its binary module is loaded alone where it can be found."""
    from importlib.util import find_spec, module_from_spec, spec_from_file_location

    package = find_spec("tree_sitter_bash")
    if package is None:
        raise ShellReaderMissing
    for folder in package.submodule_search_locations or ():
        for name in os.listdir(folder):
            if name.startswith("_binding.") and name.endswith((".so", ".pyd")):
                spec = spec_from_file_location("tree_sitter_bash._binding", os.path.join(folder, name))
                if spec is not None and spec.loader is not None:
                    module = module_from_spec(spec)
                    spec.loader.exec_module(module)
                    return module.language()
    import tree_sitter_bash

    return tree_sitter_bash.language()


def parse(source: Source, start: int = 0, end: int | None = None) -> tuple[Node, list[tuple[int, int, str]]]:
    """The statements of a span of the source's view, and the spans that the grammar does not understand."""
    end = len(source.view) if end is None else end
    data = _opaque(source.view, start, end).encode("latin-1", "replace")
    # The grammar reads other bytes than ASCII as UTF-8; a letter for each keeps offsets whatever they are.
    if not data.isascii():
        data = data.translate(_ASCII)
    if b"=" in data:
        data = _ASSIGNMENTS.sub(rb"\1;", data)
        data = _ASSIGNED.sub(lambda found: found[1] + b" " * len(found[2]), data)
    data = _TESTS.sub(lambda found: b"xx" if found[0][:1] == b"=" else _EXTENDED.sub(_letters, found[0]), data)
    data = _NO_LIST.sub(rb"\1;", data)
    data = _EMPTY_LIST.sub(rb"  \1", _BRACKET.sub(b"x", data))
    data = _CLOSED.sub(_closed, data.replace(b"<<<", b" < ").replace(b"<>", b"> "))
    if b";&" in data:
        data = data.replace(b";;&", b";; ").replace(b";&", b";;")
    data = _COUNTING.sub(lambda found: found[0].replace(b"\n", b" "), _PLAIN.sub(b"x", data))
    if "extglob" in source.view:
        data = _EXTENDED.sub(_letters, data)
    data, headers = blanked(data, source.view, start)
    tree = _the_parser().parse(data)
    reader = _Reader(source, start, headers)
    items = reader.statements(tree.root_node, 0)
    if tree.root_node.has_error:
        reader.find_errors(tree.root_node)
    return Sequence(start, end, items), reader.errors


def _opaque(view: str, at: int, end: int) -> str:
    """The span with a plain letter for every character of quotes and expansions, and a blank for those of comments.

    What is in them is scanned elsewhere, and the grammar stumbles over much of it; the offsets stay.
    """
    pieces: list[str] = []
    start = at
    while at < end:
        run = _OPEN.match(view, at, end)
        if run:
            pieces.append(run.group())
            at = run.end()
            continue
        char = view[at]
        mark = "x"
        if char == "#":
            begins = at == start or view[at - 1] in " \t\n;&|()"
            newline = view.find("\n", at, end) if begins else at + 1
            close = newline if newline >= 0 else end
            mark = " " if begins else mark
        elif char == "\\":
            close = min(at + 2, end)
            mark = "" if view.startswith("\n", at + 1) else mark
        elif char == "'":
            close = single_end(view, at + 1)
        elif char == '"':
            close = double_end(view, at + 1)
        elif char == "`":
            close = backtick_end(view, at + 1)
        elif char == "$":
            close = ansi_end(view, at + 2) if view.startswith("$'", at) else dollar_end(view, at)
        else:
            close = arithmetic_end(view, at + 2) if view.startswith("((", at) else at + 1
            if close < 0:
                close = at + 1
            mark = "" if close == at + 1 else "0"
        if not 0 <= close <= end:
            # Nothing closes it: the grammar shall say so.
            close, mark = end, ""
        if mark == "0":
            pieces += ["((", "0" * (close - at - 4), "))"]
        else:
            pieces.append(mark * (close - at) if mark else view[at:close])
        at = close
    return "".join(pieces)


_OPEN = re.compile(r"[^'\"\\$`#(]+")
# Without the semicolon the grammar joins a line of several assignments with the line below it.
_VALUE = rb"\w+\+?=[^\s;&|()<>]*"
_ASSIGNMENTS = re.compile(rb"^([ \t]*(?:" + _VALUE + rb"[ \t]+)+" + _VALUE + rb"[ \t]*)\n", re.M)
# It knows `[` as a construct with a grammar of its own, narrower than the command that it is.
_BRACKET = re.compile(rb"(?<![^\s;&|(!])\[(?=[ \t])")
# It takes a lone `==` outside of `[[` for more than a word, and misses what ends the command; patterns in `[[` may be extended.
_TESTS = re.compile(rb"(?<![^\s;&|(!])\[\[(?=\s)[\s\S]{0,4000}?\s\]\](?=[\s;&|)])|(?<=[ \t])=[=~](?=[ \t\n;])")
# It stumbles over what follows a redirection of assignments alone, which redirects nothing.
_ASSIGNED = re.compile(rb"((?<![^\s;&|({])(?:" + _VALUE + rb"[ \t]+)+)((?:\d*>>?&?[ \t]*[^\s;&|()<>]+[ \t]*)+)(?=;(?!;)|&&|\|\|)")
# `for name do` has a separator for it only in another line.
_NO_LIST = re.compile(rb"((?<![^\s;&|({])for[ \t]+\w+)[ \t](?=[ \t]*do(?![^\s;&|()<>]))")
# It wants a word in the list of a `for`.
_EMPTY_LIST = re.compile(rb"\bin([ \t]*[;\n]\s*do\b)")
# A word that ends a compound command may be followed by the next one without a separator (XCU 2.10.2): `) fi`, `]] then`.
_CLOSED = re.compile(
    rb"(?:\)(?![ \t]+esac)|\]\]|(?<![^;\n&)])[ \t]*(?:fi|done|esac|\})(?=[ \t]))(?:[ \t]+(?:fi|done|esac|\})(?=[ \t]))*"
    rb"[ \t]+(?:then|do|done|fi|else|elif|\})(?![^\s;&|()<>])"
)
# Plain characters of words that it takes for more.
_PLAIN = re.compile(rb"[%@](?!\()")
# The header of a counting `for` may go over several lines, and patterns of `shopt -s extglob` are words.
_COUNTING = re.compile(rb"(?<![^\s;&|(])for[ \t]*\(\((?:[^()]|\([^()]*\))*\)\)")
_EXTENDED = re.compile(rb"[?*+@!]\([^()\n]*\)")
_BEHIND = re.compile(rb"(?<=\S)[ \t]")
_ASCII = bytes(range(128)) + b"x" * 128
_SIMPLE = {
    "command", "declaration_command", "unset_command", "variable_assignment", "variable_assignments", "word",
    "string", "concatenation", "simple_expansion", "expansion", "command_substitution", "raw_string",
    "subscript",
}  # fmt: skip
_SKIPPED = {
    "comment",
    "file_redirect",
    "heredoc_redirect",
    "herestring_redirect",
    "heredoc_body",
    "heredoc_end",
}


def _letters(found: re.Match[bytes]) -> bytes:
    return b"x" * len(found[0])


def _closed(found: re.Match[bytes]) -> bytes:
    return _BEHIND.sub(b";", found.group())


class _Reader:
    def __init__(self, source: Source, base: int, headers: Headers) -> None:
        self.source = source
        self.view = source.view
        self.base = base
        self.headers = headers
        self.errors: list[tuple[int, int, str]] = []

    def span(self, node: Any) -> tuple[int, int]:
        return self.base + node.start_byte, self.base + node.end_byte

    def statements(self, node: Any, depth: int) -> list[Node]:
        """The statements that are children of a node, with ``&`` behind them taken in."""
        items: list[Node] = []
        for child in node.children:
            if child.is_named:
                self.add(items, child, depth)
            elif child.type == "&" and items:
                last = items[-1]
                items[-1] = Background(last.start, last.end, last)
        return items

    def find_errors(self, root: Any) -> None:
        """Note every place that the grammar had to skip, or where it had to think something up."""
        waiting = [root]
        while waiting:
            node = waiting.pop()
            start, end = self.span(node)
            if node.is_missing:
                self.errors.append((start, end, f"`{node.type}` is missing here"))
            elif node.type == "ERROR":
                self.errors.append((start, end, "not understood as shell"))
            elif node.has_error:
                waiting += reversed(node.children)

    def add(self, items: list[Node], node: Any, depth: int) -> None:
        kind = node.type
        if kind in _SIMPLE:
            start, end = self.span(node)
            commands: list[Node] = [*simple_commands(self.source, start, end)]
            if commands:
                commands[0] = under(commands[0], self.headers.pop(start, ()))
            items += commands
        elif kind == "ERROR":
            if depth < _DEEPEST:
                items += self.statements(node, depth + 1)
        elif kind not in _SKIPPED:
            made = self.statement(node, depth)
            if made is not None:
                items.append(made)

    def statement(self, node: Any, depth: int) -> Node | None:
        start, end = self.span(node)
        if depth > _DEEPEST:
            self.errors.append((start, end, "nested too deeply"))
            return None
        method = _METHODS.get(node.type)
        if method is not None:
            headers = self.headers.pop(start, ()) if node.type != "list" else ()
            made: Node | None = method(self, node, start, end, depth + 1)
            return None if made is None else under(made, headers)
        items: list[Node] = []
        if node.type in _SIMPLE or node.type == "ERROR":
            self.add(items, node, depth + 1)
        else:
            items = self.statements(node, depth + 1)
        return _one(start, end, items)

    def listed(self, node: Any, start: int, end: int, depth: int) -> Node | None:
        """``a && b``, ``a || b``."""
        left: Node | None = None
        op = ""
        for child in node.children:
            if child.is_named:
                if child.type in _SKIPPED:
                    continue
                made = self.statement(child, depth)
                if made is None:
                    continue
                left = made if left is None or not op else _and_or(left, op, made)
            elif child.type in ("&&", "||"):
                op = child.type
        return left

    def pipeline(self, node: Any, start: int, end: int, depth: int) -> Node | None:
        parts: list[Node] = []
        for child in node.children:
            if child.is_named and child.type not in _SKIPPED:
                made = self.statement(child, depth)
                if made is not None:
                    parts.append(made)
        if not parts:
            return None
        # `! a | b` negates the pipeline; the grammar hangs the mark on its first command.
        first = parts[0]
        if isinstance(first, Negated) and type(first) is Negated:
            parts[0] = first.body
            return Negated(start, end, Pipeline(start, end, parts))
        return Pipeline(start, end, parts) if len(parts) > 1 else first

    def negated(self, node: Any, start: int, end: int, depth: int) -> Node | None:
        return Negated(start, end, _one(start, end, self.statements(node, depth)))

    def redirected(self, node: Any, start: int, end: int, depth: int) -> Node | None:
        body = node.child_by_field_name("body")
        if body is None or body.type in _SIMPLE:
            commands = simple_commands(self.source, start, end)
            return _one(start, end, list(commands))
        made = self.statement(body, depth)
        redirects = self.redirects(self.span(body)[1], end)
        if made is None:
            return None
        if isinstance(made, AndOr):
            # `a && b > file`: the redirection belongs to the last command alone.
            made.right = _with_redirects(made.right, redirects, end)
            return made
        if isinstance(made, Pipeline):
            made.parts[-1] = _with_redirects(made.parts[-1], redirects, end)
            return made
        return _with_redirects(made, redirects, end)

    def redirects(self, at: int, end: int) -> list[Redirect]:
        found = []
        while at < end:
            at = skip_blanks(self.view, at, end)
            redirect = redirect_at(self.source, at, end)
            if redirect is None:
                at += 1
                continue
            found.append(redirect)
            at = max(redirect.end, at + 1)
        return found

    def test(self, node: Any, start: int, end: int, depth: int) -> Node | None:
        view = self.view
        if view.startswith("((", start):
            return self.arithmetic(start, end)
        if not view.startswith("[[", start):
            return _one(start, end, list(simple_commands(self.source, start, end)))
        tokens: list[RawWord] = []
        at = start + 2
        while at < end:
            if view[at] == "\n":
                at += 1
                continue
            at = skip_blanks(view, at, end)
            if at >= end:
                break
            behind = tokens[-1] if tokens else None
            operand = behind is not None and behind.literal in ("=~", "==", "=", "!=")
            if operand and behind is not None and behind.literal == "=~":
                word = self.expression(at, end)
            elif view[at] in "()<>&|" and not operand:
                width = 2 if view.startswith(("&&", "||"), at) else 1
                word = RawWord(at, at + width, view[at : at + width])
            else:
                word = read_word(view, at, end, pattern=True)
            if word.end == word.start:
                at += 1
                continue
            at = word.end
            if word.literal == "]]":
                break
            tokens.append(word)
        return Test(start, end, tokens)

    def expression(self, at: int, end: int) -> RawWord:
        """The regular expression behind ``=~``: up to a blank outside of its parentheses."""
        view, begin, level = self.view, at, 0
        while at < end:
            char = view[at]
            if char in " \t\n" and level <= 0:
                break
            if char == "\\":
                at += 1
            level += (char == "(") - (char == ")")
            at += 1
        return RawWord(begin, min(at, end))

    def arithmetic(self, start: int, end: int) -> Node:
        close = arithmetic_end(self.view, start + 2)
        close = close if close > 0 else end
        return Arithmetic(start, end, (start + 2, max(start + 2, close - 2)))

    def group(self, node: Any, start: int, end: int, depth: int) -> Node | None:
        if self.view.startswith("((", start) and node.type == "compound_statement":
            return self.arithmetic(start, end)
        self.expect_command(node, "{")
        return Sequence(start, end, self.statements(node, depth))

    def subshell(self, node: Any, start: int, end: int, depth: int) -> Node | None:
        if self.view.startswith("((", start) and arithmetic_end(self.view, start + 2) == end:
            # Behind a `!` the grammar knows no arithmetic.
            return self.arithmetic(start, end)
        return Subshell(start, end, Sequence(start, end, self.statements(node, depth)))

    def choice(self, node: Any, start: int, end: int, depth: int) -> Node | None:
        arms: list[tuple[Node, Node]] = []
        otherwise: Node | None = None
        condition, body = self.arm(node, "if", depth)
        arms.append((condition, body))
        for child in node.children:
            if child.type == "elif_clause":
                arms.append(self.arm(child, "elif", depth))
            elif child.type == "else_clause":
                first, last = self.span(child)
                self.expect_command(child, "else")
                otherwise = Sequence(first, last, self.statements(child, depth))
        return If(start, end, arms, otherwise)

    def arm(self, node: Any, word: str, depth: int) -> tuple[Node, Node]:
        """What stands between ``if`` and ``then``, and behind ``then``."""
        self.expect_command(node, "then")
        before: list[Node] = []
        body: list[Node] = []
        items = before
        for child in node.children:
            kind = child.type
            if kind == "then":
                items = body
            elif kind in ("elif_clause", "else_clause"):
                continue
            elif child.is_named:
                self.add(items, child, depth)
            elif kind == "&" and items:
                items[-1] = Background(items[-1].start, items[-1].end, items[-1])
        start, end = self.span(node)
        return _one(start, end, before), Sequence(body[0].start if body else end, end, body)

    def loop(self, node: Any, start: int, end: int, depth: int) -> Node | None:
        body = node.child_by_field_name("body")
        name = node.child_by_field_name("variable")
        if body is None or name is None:
            return _one(start, end, self.statements(node, depth))
        first, last = self.span(name)
        begin = self.span(body)[0]
        words: list[RawWord] | None = None
        here = skip_blanks(self.view, last, begin)
        while self.view.startswith("\n", here):
            here = skip_blanks(self.view, here + 1, begin)
        if self.view.startswith("in", here):
            words = words_between(self.view, here + 2, self.before_do(node, begin))
        selects = self.view.startswith("select", start)
        return For(start, end, self.view[first:last], words, self.body(body, depth), selects)

    def before_do(self, node: Any, begin: int) -> int:
        """Where the list of a ``for`` ends: at its ``;``, else at ``do``."""
        for child in node.children:
            if child.type == ";":
                return self.span(child)[0]
        return begin

    def counting(self, node: Any, start: int, end: int, depth: int) -> Node | None:
        body = node.child_by_field_name("body")
        at = self.view.find("((", start, end)
        # The scanner takes a semicolon for a sign that commands stand in the parentheses.
        close = arithmetic_end(self.view[at:end].replace(";", ","), 2) + at
        if body is None or at < 0 or close < at:
            return _one(start, end, self.statements(node, depth))
        clauses: list[tuple[int, int]] = []
        here = at + 2
        for text in self.view[here : close - 2].split(";"):
            clauses.append((here, here + len(text)))
            here += len(text) + 1
        return CountingFor(start, end, clauses[:3], self.body(body, depth))

    def expect_command(self, node: Any, word: str) -> None:
        """No shell takes a body without a command."""
        opening: Any = None
        for child in node.children:
            if child.type == word:
                opening = child
            elif opening is not None and child.is_named and child.type != "comment":
                if child.type not in ("elif_clause", "else_clause"):
                    return
                break
        if opening is not None and not node.has_error:
            self.errors.append((*self.span(opening), f"no command behind `{word}`"))

    def body(self, node: Any, depth: int) -> Node:
        self.expect_command(node, "do")
        start, end = self.span(node)
        return Sequence(start, end, self.statements(node, depth))

    def repeat(self, node: Any, start: int, end: int, depth: int) -> Node | None:
        body = node.child_by_field_name("body")
        before: list[Node] = []
        for child in node.children:
            if child.is_named and child.type != "do_group":
                self.add(before, child, depth)
        made = self.body(body, depth) if body is not None else Sequence(end, end, [])
        return While(start, end, _one(start, end, before), made, self.view.startswith("until", start))

    def case(self, node: Any, start: int, end: int, depth: int) -> Node | None:
        at = skip_blanks(self.view, start + 4, end)
        word = read_word(self.view, at, end)
        items = []
        for child in node.children:
            if child.type == "case_item":
                items.append(self.case_item(child, depth))
            elif child.type == "ERROR":
                self.add([], child, depth)
        return Case(start, end, word, items)

    def case_item(self, node: Any, depth: int) -> CaseItem:
        start, end = self.span(node)
        view = self.view
        at = skip_blanks(view, start, end)
        if view.startswith("(", at):
            at += 1
        patterns = []
        while at < end:
            at = skip_blanks(view, at, end)
            if view[at : at + 1] == ")":
                at += 1
                break
            if view[at : at + 1] in ("|", "\n"):
                at += 1
                continue
            word = read_word(view, at, end, pattern=False)
            if word.end == word.start:
                at += 1
                continue
            patterns.append(word)
            at = word.end
        body: list[Node] = []
        ending = ";;"
        for child in node.children:
            if self.base + child.start_byte < at:
                continue
            if child.type == ";;":
                # The grammar wants no other ending on the last item; it was shown none.
                where = self.span(child)[0]
                ending = next((mark for mark in (";;&", ";&") if view.startswith(mark, where)), ";;")
            elif child.is_named:
                self.add(body, child, depth)
            elif child.type == "&" and body:
                body[-1] = Background(body[-1].start, body[-1].end, body[-1])
        return CaseItem(start, end, patterns, Sequence(body[0].start if body else end, end, body), ending)

    def function(self, node: Any, start: int, end: int, depth: int) -> Node | None:
        name = node.child_by_field_name("name")
        body = node.child_by_field_name("body")
        if name is None or body is None:
            return _one(start, end, self.statements(node, depth))
        first, last = self.span(name)
        made = self.statement(body, depth) or Sequence(end, end, [])
        redirects = self.redirects(self.span(body)[1], end)
        if redirects:
            made = Redirected(made.start, end, made, redirects)
        return Function(start, end, self.view[first:last], made)


def _and_or(left: Node, op: str, right: Node) -> Node:
    # `a & ` and `! a` keep what they have; `a && b || c` groups to the left (XCU 2.9.3).
    if isinstance(right, AndOr):
        return AndOr(left.start, right.end, _and_or(left, op, right.left), right.op, right.right)
    return AndOr(left.start, right.end, left, op, right)


def _one(start: int, end: int, items: list[Node]) -> Node:
    return items[0] if len(items) == 1 else Sequence(start, end, items)


def _with_redirects(node: Node, redirects: list[Redirect], end: int) -> Node:
    if not redirects:
        return node
    if isinstance(node, Simple):
        node.redirects += redirects
        node.end = end
        return node
    return Redirected(node.start, end, node, redirects)


_METHODS: dict[str, Any] = {
    "list": _Reader.listed,
    "pipeline": _Reader.pipeline,
    "negated_command": _Reader.negated,
    "redirected_statement": _Reader.redirected,
    "test_command": _Reader.test,
    "compound_statement": _Reader.group,
    "subshell": _Reader.subshell,
    "if_statement": _Reader.choice,
    "for_statement": _Reader.loop,
    "c_style_for_statement": _Reader.counting,
    "while_statement": _Reader.repeat,
    "case_statement": _Reader.case,
    "function_definition": _Reader.function,
}
