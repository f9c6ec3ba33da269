"""Expansion of words (XCU 2.6): parameters, substitutions, arithmetic, field splitting.

What cannot be known stays in the word as :class:`Unknown`, beside the text that is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pyiptables.lint.shell.arithmetic import NotKnown, evaluate
from pyiptables.lint.shell.parameters import Parameters
from pyiptables.lint.shell.patterns import TooManyWords, braces
from pyiptables.lint.shell.reading import Part, Unknown, Word
from pyiptables.lint.shell.scanning import backtick_end, dollar_end
from pyiptables.lint.shell.source import Heredoc, Source, decode
from pyiptables.lint.shell.state import Output, merged, too_long
from pyiptables.lint.shell.tree import RawWord
from pyiptables.lint.shell.words import Arith, Command, Lit, Param, Piece, pieces_of, scan

if TYPE_CHECKING:
    from pyiptables.lint.shell.evaluator import Shell

__all__ = ["Expander"]

#: So many words take about as long as a command.
_WORDS_A_COMMAND = 20


class _Fields:
    """Fields in the making (XCU 2.6.5)."""

    def __init__(self, ifs: str) -> None:
        self.ifs = ifs
        self.blank = "".join(char for char in ifs if char in " \t\n")
        self.done: list[tuple[list[Part], bool, Word | None]] = []
        self.parts: list[Part] = []
        self.exists = False
        self.quoted = False
        # The one value that makes up the whole field so far.
        self.whole: Word | None = None

    def end(self) -> None:
        if self.exists:
            self.done.append((self.parts, self.quoted, self.whole))
        self.parts, self.exists, self.quoted, self.whole = [], False, False, None

    def add(self, part: Part, quoted: bool, whole: Word | None = None) -> None:
        self.whole = whole if not self.exists else None
        self.parts.append(part)
        self.exists = True
        self.quoted = self.quoted or quoted

    def add_word(self, word: Word, quoted: bool) -> None:
        """The value of an expansion, as one piece."""
        first = not self.exists
        for part in word.pieces:
            self.add(part.spread(False) if quoted and isinstance(part, Unknown) else part, quoted)
        self.whole = word if first else None

    def split(self, word: Word) -> None:
        """The value of an unquoted expansion: split at the characters of IFS."""
        text = word.text
        if text is not None and not any(char in text for char in self.ifs):
            if text:
                self.add(text, False, word)
            return
        for part in word.pieces:
            if isinstance(part, Unknown):
                self.add(part.spread(True), False, word if len(word.pieces) == 1 else None)
            else:
                self.split_text(part)

    def split_text(self, text: str) -> None:
        run: list[str] = []
        pending = False
        for char in text:
            if char not in self.ifs:
                run.append(char)
                pending = False
                continue
            if run:
                self.add("".join(run), False)
                run = []
            if char in self.blank:
                pending = self.exists or pending
                self.end()
            else:
                # Each other separator ends a field, an empty one too, unless a blank has just ended it.
                if not self.exists and not pending:
                    self.add("", False)
                pending = False
                self.end()
        if run:
            self.add("".join(run), False)


class Expander(Parameters):
    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)

    def fields(self, raw: RawWord) -> list[Word]:
        """The words that a word of a command becomes."""
        if raw.word is not None:
            return [raw.word]
        location = self.shell.source.location(raw.start, raw.end)
        if raw.literal is not None:
            raw.word = Word(raw.literal, location, False, location)
            return [raw.word]
        pieces = pieces_of(self.shell.source.view, raw)
        if all(isinstance(piece, Lit) for piece in pieces) and not _may_brace(pieces):
            text = "".join(piece.text for piece in pieces if isinstance(piece, Lit))
            raw.word = Word(text, location, any(piece.quoted for piece in pieces if isinstance(piece, Lit)), location)
            return [raw.word]
        words: list[Word] = []
        if _may_brace(pieces):
            try:
                variants = braces(pieces, self.shell.limits.words)
            except TooManyWords:
                self.shell.unresolve(location, "brace expansion", "gives too many words")
                return [Word((Unknown(location.text, "brace expansion of too many words", True),), location)]
        else:
            variants = [pieces]
        for variant in variants:
            fields = self.split(variant)
            for parts, quoted, whole in fields:
                if too_long(parts, self.shell.limits.text):
                    parts = [Unknown(location.text[:80], "too long")]
                origin = whole.origin if whole is not None and whole.raw == _raw(parts) else None
                words.append(Word(merged(parts), location, quoted, origin))
        self.shell.count_command(len(words) // _WORDS_A_COMMAND)
        if len(words) > self.shell.limits.words:
            self.shell.unresolve(location, "expansion", "gives too many words")
            del words[self.shell.limits.words :]
        return words

    def all_fields(self, raws: Iterable[RawWord]) -> list[Word]:
        words: list[Word] = []
        for raw in raws:
            words += self.fields(raw)
        return words

    def split(self, pieces: tuple[Piece, ...]) -> list[tuple[list[Part], bool, Word | None]]:
        fields = _Fields(self.ifs())
        self._split_into(fields, pieces)
        fields.end()
        return fields.done

    def _split_into(self, fields: _Fields, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            if isinstance(piece, Lit):
                if piece.text or piece.quoted:
                    fields.add(piece.text, piece.quoted)
                continue
            if isinstance(piece, Param) and piece.op:
                inner = self.argument_pieces(piece)
                if inner is not None:
                    self._split_argument(fields, inner or (Lit("", piece.quoted),))
                    continue
            value = self.value(piece)
            if isinstance(value, Word):
                if piece.quoted:
                    fields.add_word(value, True)
                else:
                    fields.split(value.settled)
                continue
            for number, element in enumerate(value):
                if number:
                    fields.end()
                if piece.quoted:
                    if element.many:
                        for part in element.pieces:
                            fields.add(part, True, element)
                    else:
                        fields.add_word(element, True)
                else:
                    fields.split(element.settled)

    def _split_argument(self, fields: _Fields, inner: tuple[Piece, ...]) -> None:
        """The word of ``${x:-word}`` without quotes around: split where it has none itself."""
        for piece in inner:
            if isinstance(piece, Lit) and not piece.quoted:
                fields.split(Word(piece.text))
            else:
                self._split_into(fields, (piece,))

    def scalar(self, raw: RawWord | None) -> Word:
        """The one word that a word becomes where none is split: in assignments, ``case``, redirections."""
        if raw is None:
            return Word("")
        if raw.word is not None:
            return raw.word
        location = self.shell.source.location(raw.start, raw.end)
        if raw.literal is not None:
            raw.word = Word(raw.literal, location, False, location)
            return raw.word
        pieces = pieces_of(self.shell.source.view, raw)
        return self.joined(pieces, location)

    def joined(self, pieces: Iterable[Piece], location: object = None) -> Word:
        """The text of pieces as one word."""
        parts: list[Part] = []
        quoted = literal = False
        whole: Word | None = None
        number = 0
        for piece in pieces:
            number += 1
            if isinstance(piece, Lit):
                parts.append(piece.text)
                quoted = quoted or piece.quoted
                literal = number == 1
                continue
            literal = False
            quoted = quoted or piece.quoted
            value = self.value(piece)
            if not isinstance(value, Word):
                separator = self.ifs()[:1] or ""
                listed: list[Part] = []
                for index, element in enumerate(value):
                    if index:
                        listed.append(separator)
                    listed += element.pieces
                value = Word(merged(listed))
            parts += [part.spread(False) if isinstance(part, Unknown) else part for part in value.pieces]
            whole = value if number == 1 else None
        if too_long(parts, self.shell.limits.text):
            return Word((Unknown("…", "too long"),))
        from pyiptables.lint.shell.source import Location

        place = location if isinstance(location, Location) else None
        raw = merged(parts)
        origin = place if literal and number == 1 else whole.origin if whole is not None and number == 1 else None
        return Word(raw, place, quoted, origin)

    def span(self, span: tuple[int, int], in_double: bool = True) -> Word:
        """The text of a span of the current source's view."""
        return self.joined(scan(self.shell.source.view, span[0], span[1], in_double))

    def value(self, piece: Piece) -> Word | list[Word]:
        """What a piece expands to; a list for ``$@`` and its like."""
        if isinstance(piece, Lit):
            return Word(piece.text)
        if isinstance(piece, Command):
            return self.substitution(piece)
        if isinstance(piece, Arith):
            return self.arithmetic(piece.inner, piece.start, piece.end)
        return self.parameter(piece)

    def arithmetic(self, inner: tuple[int, int], start: int, end: int) -> Word:
        try:
            return Word(str(self.compute(self.span(inner))))
        except NotKnown as problem:
            shown = decode(self.shell.source.view[start:end])
            return Word((Unknown(shown, str(problem) or "arithmetic on what is not known"),))

    def compute(self, word: Word) -> int:
        """The value of an expression; raises NotKnown."""
        if word.text is None:
            raise NotKnown("arithmetic on what is not known")
        return evaluate(word.text, self._number_text, self.assign_number)

    def _number_text(self, name: str) -> str:
        base, _, index = name.partition("[")
        word = self.element(base, index[:-1]) if index else self.variable(base)
        if word.text is None:
            if word.unknown is not None and word.unknown.default is not None and len(word.pieces) == 1:
                return word.unknown.default
            raise NotKnown("arithmetic on what is not known")
        return word.text

    def substitution(self, piece: Command) -> Word:
        """``$(…)``: what the commands write, without the line ends behind it."""
        shell = self.shell
        shown = decode(shell.source.view[piece.start : piece.end])
        if piece.kind in "<>":
            return Word((Unknown(shown, "process substitution"),))
        output = shell.captured(piece, one_way=True)
        if output is None:
            return Word((Unknown(shown, "output of a command"),))
        parts = list(output.parts())
        while parts and isinstance(parts[-1], str):
            parts[-1] = parts[-1].rstrip("\n")
            if parts[-1]:
                break
            parts.pop()
        if any(isinstance(part, Unknown) for part in parts):
            if len(parts) == 1 and isinstance(parts[0], Unknown):
                only = parts[0]
                candidates = tuple([text.rstrip("\n") for text in only.candidates])
                return Word((Unknown(shown, only.reason, False, candidates),))
            parts = [part.spread(False) if isinstance(part, Unknown) else part for part in parts]
        origin = output.chunks[0].origin if len(output.chunks) == 1 else None
        return Word(tuple(parts), None, False, origin)

    def heredoc(self, heredoc: Heredoc) -> Output:
        """The lines of a here-document."""
        source = self.shell.source
        output = Output()
        view, at, end = source.full, heredoc.start, heredoc.end
        while at < end:
            if heredoc.strips_tabs:
                while at < end and view[at] == "\t":
                    at += 1
            newline = view.find("\n", at, end)
            stop = newline if newline >= 0 else end
            line = view[at:stop]
            if heredoc.expands and ("$" in line or "`" in line or "\\" in line):
                self.shell.count_command()
                stop = _logical_end(view, at, end)
                output.chunks += self._expanded_line(source, at, stop)
            else:
                place = source.location(at, stop)
                output.write(Word(decode(line) + "\n", place, True, place))
            at = stop + 1
        return output

    def _expanded_line(self, source: Source, at: int, stop: int) -> list[Word]:
        place = source.location(at, stop)
        text = source.full[at:stop]
        inner = Source(source.file, text.encode("latin-1"), outer=source, segments=((0, at),))
        with self.shell.inside(inner):
            word = self.joined(scan(inner.full, 0, len(inner.full), True, heredoc=True))
        return [Word(merged((*word.pieces, "\n")), place, True)]


def _logical_end(view: str, at: int, end: int) -> int:
    """The end of the line at ``at``, behind the substitutions and continuations that run across line ends."""
    while at < end:
        char = view[at]
        if char == "\n":
            return at
        if char == "\\":
            at += 2
        elif char == "$":
            close = dollar_end(view, at)
            at = close if 0 < close <= end else at + 1
        elif char == "`":
            close = backtick_end(view, at + 1)
            at = close if 0 < close <= end else at + 1
        else:
            at += 1
    return min(at, end)


def _may_brace(pieces: tuple[Piece, ...]) -> bool:
    return any(isinstance(piece, Lit) and not piece.quoted and "{" in piece.text for piece in pieces)


def _raw(parts: list[Part]) -> str | tuple[Part, ...]:
    raw = merged(parts)
    return raw[0] if len(raw) == 1 and isinstance(raw[0], str) else raw
