"""Values of parameters, and the operators of ``${…}`` (XCU 2.6.2; bash manual 3.5.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pyiptables.lint.shell.arithmetic import NotKnown
from pyiptables.lint.shell.patterns import TooHard, compiled, regex_of
from pyiptables.lint.shell.reading import ELEMENT, NOT_SET, POSITIONAL, Unknown, Word
from pyiptables.lint.shell.source import decode
from pyiptables.lint.shell.state import Variable
from pyiptables.lint.shell.words import Lit, Param, Piece, scan

if TYPE_CHECKING:
    from pyiptables.lint.shell.evaluator import Shell

__all__ = ["Parameters"]

_NAME = re.compile(r"[A-Za-z_]\w*\Z")


class Parameters:
    """The part of the expander that knows parameters."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell

    def span(self, span: tuple[int, int], in_double: bool = True) -> Word:
        raise NotImplementedError

    def compute(self, word: Word) -> int:
        raise NotImplementedError

    def value(self, piece: Piece) -> Word | list[Word]:
        raise NotImplementedError

    def joined(self, pieces: Iterable[Piece]) -> Word:
        raise NotImplementedError

    def ifs(self) -> str:
        variable = self.shell.state.variables.get("IFS")
        if variable is None or variable.value is None or variable.value.text is None:
            return " \t\n"
        return variable.value.text

    def variable(self, name: str) -> Word:
        """The value of a variable or of a special parameter."""
        if name.isdigit():
            return self.argument(int(name))
        shell = self.shell
        variable = shell.state.variables.get(name)
        if variable is not None:
            if variable.items is not None:
                return variable.items.get("0" if variable.named else 0, Word(""))
            return variable.value or Word("")
        if name == "#":
            arguments = shell.state.arguments
            if any(word.many for word in arguments):
                return Word((Unknown("$#", "number of arguments"),))
            return Word(str(len(arguments)))
        if name == "?" and shell.status.code is not None:
            return Word(str(shell.status.code))
        if name in ("BASH_SOURCE",):
            return Word(shell.source.file)
        if name in "?$!-_" or name in ("RANDOM", "SECONDS", "LINENO", "PPID", "EPOCHSECONDS"):
            return Word((Unknown(f"${name}", "known only when it runs"),))
        return Word((Unknown(f"${name}", NOT_SET),))

    def is_set(self, name: str) -> bool | None:
        """Whether a parameter has a value; None if that is not known."""
        if name.isdigit() and name != "0":
            arguments = self.shell.state.arguments[: int(name)]
            return None if any(word.many for word in arguments) else len(arguments) == int(name)
        variable = self.shell.state.variables.get(name)
        if variable is None:
            return name in "#?$!-0"
        return variable.value is not None or bool(variable.items)

    def argument(self, number: int) -> Word:
        if number == 0:
            return Word(self.shell.name)
        arguments = self.shell.state.arguments
        hidden = next((word.unknown for word in arguments[:number] if word.many), None)
        if hidden is not None:
            return Word((Unknown(f"${number}", hidden.reason if hidden.reason != ELEMENT else POSITIONAL),))
        return arguments[number - 1] if number <= len(arguments) else Word("")

    def element(self, name: str, index: str) -> Word:
        """``${name[index]}``; the index is text that may be an expression."""
        variable = self.shell.state.variables.get(name)
        shown = f"${{{name}[{index}]}}"
        if variable is None:
            return Word((Unknown(shown, NOT_SET),))
        if variable.items is None:
            return self.variable(name) if index == "0" else Word("")
        if variable.named:
            return variable.items.get(index.strip("\"'"), Word(""))
        try:
            number = self.compute(Word(index))
        except NotKnown:
            return Word((Unknown(shown, "index that is not known"),))
        if any(word.many for word in variable.items.values()):
            return Word((Unknown(shown, "element of a list that is not known", False),))
        if number < 0:
            number += 1 + max((key for key in variable.items if isinstance(key, int)), default=-1)
        return variable.items.get(number, Word(""))

    def elements(self, name: str) -> list[Word]:
        """``"$@"`` or ``"${name[@]}"``."""
        if name in "@*":
            return list(self.shell.state.arguments)
        variable = self.shell.state.variables.get(name)
        if variable is None:
            return [Word((Unknown(f"${{{name}[@]}}", NOT_SET, True),))]
        if variable.items is not None:
            if variable.named:
                return list(variable.items.values())
            return [variable.items[key] for key in sorted(key for key in variable.items if isinstance(key, int))]
        if variable.value is not None and variable.value.unknown is not None:
            return [Word(tuple(p if isinstance(p, str) else p.spread(True) for p in variable.value.pieces))]
        return [variable.value] if variable.value is not None else []

    def assign_number(self, name: str, value: int) -> None:
        base, _, index = name.partition("[")
        self.shell.assign(base, Word(str(value)), index[:-1] if index else None)

    def parameter(self, param: Param) -> Word | list[Word]:
        name, view = param.name, self.shell.source.view
        shown = decode(view[param.start : param.end])
        if name == "\0":
            return Word((Unknown(shown, "no parameter expansion"),))
        if param.mark == "!":
            found = self._indirect(param, shown)
            if not isinstance(found, str):
                return found
            name = found
        index = decode(view[param.index[0] : param.index[1]]) if param.index else None
        if name in "@*" or index in ("@", "*"):
            return self._listed(param, name, index, shown)
        if index is not None and param.index is not None:
            word = self.span(param.index)
            if word.text is None:
                return Word((Unknown(shown, "index that is not known"),))
            value = self.element(name, word.text)
            is_set: bool | None = value.text != "" if value.text is not None else True
        else:
            value = self.variable(name)
            is_set = self.is_set(name)
        if param.mark == "#":
            return Word((Unknown(shown, "length of what is not known"),)) if value.text is None else Word(str(len(value.text)))
        if not param.op:
            return value if value.text is not None else _shown_as(value, shown)
        return self._operate(param, name, index, value, is_set, shown)

    def _indirect(self, param: Param, shown: str) -> str | Word | list[Word]:
        """The name that ``${!name}`` refers to, or what ``${!name[@]}`` and ``${!prefix*}`` give."""
        view = self.shell.source.view
        variables = self.shell.state.variables
        index = view[param.index[0] : param.index[1]] if param.index else None
        if index in ("@", "*"):
            variable = variables.get(param.name)
            if variable is None or variable.items is None:
                return Word((Unknown(shown, "keys of a list that is not known"),))
            return [Word(str(key)) for key in variable.items]
        if param.op in ("@", "?!") and view[param.end - 2] in "*@":
            return [Word(name) for name in sorted(variables) if name.startswith(param.name)]
        target = self.variable(param.name).text
        if target is None:
            return Word((Unknown(shown, "name that is not known"),))
        found = re.fullmatch(r"(\w+)\[([@*]|\w+)\]", target)
        if found:
            if found.group(2) in "@*":
                return self.elements(found.group(1))
            return self.element(found.group(1), found.group(2))
        if not _NAME.match(target) and not target.isdigit():
            return Word((Unknown(shown, "no name of a variable"),))
        return target

    def _listed(self, param: Param, name: str, index: str | None, shown: str) -> Word | list[Word]:
        words = self.elements(name)
        self.shell.count_items(len(words))
        if param.mark == "#":
            if any(word.many for word in words):
                return Word((Unknown(shown, "number of elements"),))
            return Word(str(len(words)))
        star = "*" in (name, index)
        op = param.op
        if op in (":-", "-", ":+", "+", ":=", "="):
            empty = not words or (op[0] == ":" and len(words) == 1 and words[0].text == "")
            variable = self.shell.state.variables.get(name)
            if variable is None and name not in "@*":
                empty = True
            if op in (":+", "+"):
                return Word("") if empty else self._argument(param)
            if empty:
                return self._argument(param)
        elif op == ":" and not any(word.many for word in words):
            try:
                words = self._slice(param, words, name in "@*")
            except NotKnown:
                return [Word((Unknown(shown, "part of a list that is not known", True),))]
        elif op:
            words = [self._operate(param, name, index, word, True, shown) for word in words]
        if star and param.quoted:
            separator = self.ifs()[:1]
            if any(word.text is None for word in words):
                parts = [part for word in words for part in (separator, *word.pieces)][1:]
                return Word(tuple(part if isinstance(part, str) else part.spread(False) for part in parts))
            return Word(separator.join(word.text or "" for word in words))
        return words

    def _slice(self, param: Param, words: list[Word], positional: bool) -> list[Word]:
        first, length = self._bounds(param)
        if positional:
            words = [Word(self.shell.name), *words]
        begin = max(0, first + len(words) if first < 0 else first)
        end = len(words) if length is None else begin + length
        return words[begin : max(begin, end)]

    def _bounds(self, param: Param) -> tuple[int, int | None]:
        word = self.span(param.argument)
        if word.text is None:
            raise NotKnown
        first, colon, length = word.text.partition(":")
        return self.compute(Word(first)), self.compute(Word(length)) if colon else None

    def argument_pieces(self, param: Param) -> tuple[Piece, ...] | None:
        """The pieces behind ``-`` or ``+`` if they are what the parameter certainly becomes; each with quotes of its own."""
        if param.op not in (":-", "-", ":+", "+") or param.mark or param.index is not None or param.name in "@*\0":
            return None
        is_set = self.is_set(param.name)
        text = self.variable(param.name).text if is_set else ""
        if is_set is None or text is None:
            return None
        empty = not is_set or (not text and param.op[0] == ":")
        return self._inner(param) if empty == (param.op[-1] == "-") else None

    def _inner(self, param: Param) -> tuple[Piece, ...]:
        if param.inner is None:
            view = self.shell.source.view
            param.inner = tuple(scan(view, param.argument[0], param.argument[1], param.quoted))
        return param.inner

    def _argument(self, param: Param) -> Word:
        """The word behind the operator."""
        inner = self._inner(param)
        word = self.joined(inner)
        if len(inner) == 1 and isinstance(inner[0], Lit):
            place = self.shell.source.location(*param.argument)
            return Word(word.raw, place, False, place)
        return word

    def _operate(self, param: Param, name: str, index: str | None, value: Word, is_set: bool | None, shown: str) -> Word:
        op = param.op
        text = value.text
        if op in (":-", "-", ":=", "="):
            if text is not None and is_set and (text or op[0] != ":"):
                return value
            if text is None and is_set is not False:
                if any(part for part in value.pieces if isinstance(part, str)):
                    return value
                default = self._argument(param)
                if is_set is None and default.text is not None:
                    return Word((Unknown(shown, POSITIONAL, False, (), default.text),))
                unknown = value.unknown
                assert unknown is not None
                if is_set is None or (not unknown.candidates and default.text is not None):
                    return Word((Unknown(shown, unknown.reason, False, (), unknown.default),))
                return value
            default = self._argument(param)
            if op in (":=", "=") and not name.isdigit():
                self.shell.assign(name, default, index, self.shell.source.location(param.start, param.end))
            return default
        if op in (":+", "+"):
            if not is_set and is_set is not None:
                return Word("")
            if text is None and is_set is not True:
                return Word((Unknown(shown, "depends on what is not known", True),))
            return Word("") if op == ":+" and text == "" else self._argument(param)
        if op in (":?", "?"):
            return value if text is not None else _shown_as(value, shown)
        if text is None:
            return _shown_as(value, shown)
        try:
            return Word(self._edit(param, op, text))
        except NotKnown:
            return Word((Unknown(shown, "depends on what is not known"),))

    def _edit(self, param: Param, op: str, text: str) -> str:
        if op == ":":
            first, length = self._bounds(param)
            begin = first + len(text) if first < 0 else first
            if begin < 0 or begin > len(text):
                return ""
            end = len(text) if length is None else begin + length if length >= 0 else len(text) + length
            return text[begin : max(begin, end)]
        view = self.shell.source.view
        if op in ("#", "##", "%", "%%"):
            return _trimmed(text, self.pattern(scan(view, *param.argument, False)), op)
        if op[0] == "/":
            return self._replaced(param, op, text)
        if op[0] in "^,":
            change = str.upper if op[0] == "^" else str.lower
            return change(text) if len(op) == 2 else change(text[:1]) + text[1:]
        if op == "@":
            kind = view[param.argument[0] : param.argument[1]]
            if kind in ("U", "L", "u"):
                return {"U": text.upper(), "L": text.lower(), "u": text[:1].upper() + text[1:]}[kind]
        raise NotKnown

    def _replaced(self, param: Param, op: str, text: str) -> str:
        view = self.shell.source.view
        begin, end = param.argument
        at, slash = begin, -1
        while at < end:
            if view[at] == "\\":
                at += 1
            elif view[at] == "'" and "'" in view[at + 1 : end]:
                at = view.index("'", at + 1)
            elif view[at] == '"' and '"' in view[at + 1 : end]:
                at = view.index('"', at + 1)
            elif view[at] == "/" and (at > begin or op in ("/#", "/%")):
                slash = at
                break
            at += 1
        pattern = self.pattern(scan(view, begin, slash if slash >= 0 else end, False))
        new = self.joined(scan(view, slash + 1, end, False)).text if slash >= 0 else ""
        if new is None:
            raise NotKnown
        if not pattern and op not in ("/#", "/%"):
            return text
        pattern = {"/#": rf"\A(?:{pattern})", "/%": rf"(?:{pattern})\Z"}.get(op, pattern)
        replaced = _substituted(text, pattern, new, 0 if op == "//" else 1)
        if len(replaced) > self.shell.limits.text:
            raise NotKnown
        return replaced

    def pattern(self, pieces: Iterable[Piece]) -> str:
        """The regular expression of a pattern; raises NotKnown."""
        return regex_of(self._pattern(pieces))

    def _pattern(self, pieces: Iterable[Piece]) -> list[tuple[str, bool]]:
        """A pattern's text with whether it is quoted; raises NotKnown."""
        pattern: list[tuple[str, bool]] = []
        for piece in pieces:
            if isinstance(piece, Lit):
                pattern.append((piece.text, piece.quoted))
                continue
            value = self.value(piece)
            words = [value] if isinstance(value, Word) else value
            text = " ".join(word.text if word.text is not None else "\0" for word in words)
            if "\0" in text:
                raise NotKnown
            pattern.append((text, piece.quoted))
        return pattern

    def declare(self, name: str, named: bool) -> None:
        """``declare -A name``."""
        if name not in self.shell.state.variables or named:
            self.shell.state.variables[name] = Variable(None, {} if named else None, named)


def _substituted(text: str, pattern: str, new: str, count: int) -> str:
    try:
        return compiled(pattern, len(text)).sub(lambda _: new, text, count=count)
    except TooHard:
        raise NotKnown from None


def _trimmed(text: str, pattern: str, op: str) -> str:
    """``${x#p}`` and its like: without the shortest or longest match at an end."""
    size = len(text)
    if size > 4000:
        raise NotKnown
    try:
        fits = compiled(pattern, size).fullmatch
    except TooHard:
        raise NotKnown from None
    cuts = range(size + 1) if op in ("#", "%%") else range(size, -1, -1)
    for cut in cuts:
        if fits(text[:cut] if op[0] == "#" else text[cut:]):
            return text[cut:] if op[0] == "#" else text[:cut]
    return text


def _shown_as(value: Word, shown: str) -> Word:
    """An unknown value, with the expansion as the script has it."""
    if len(value.pieces) != 1 or not isinstance(value.pieces[0], Unknown):
        return value
    unknown = value.pieces[0]
    if unknown.source_text == shown or shown.startswith("${__unknown_"):
        return value
    return Word(
        (Unknown(shown, unknown.reason, unknown.many, unknown.candidates, unknown.default, unknown),),
        value.location,
    )
