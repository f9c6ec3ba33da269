"""A shell text and the places in it.

Scanning works on a *view*: the bytes as latin-1 characters, so that an offset in the view is an offset in
the file, whatever the file's encoding is. Only literal text that leaves the reader is decoded (UTF-8,
undecodable bytes kept as surrogates). A text found inside another one (the argument of ``eval``, the value
of ``PostUp =``) is a source of its own that knows where its characters stand in the outer one.
"""

from __future__ import annotations

from bisect import bisect_right

__all__ = ["Location", "Source", "decode"]


def decode(view: str) -> str:
    """The text that a piece of a view stands for."""
    if view.isascii():
        return view
    return view.encode("latin-1", "replace").decode("utf-8", "surrogateescape")


def encode(text: str) -> str:
    """The view of a text; the inverse of :func:`decode`."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


class Location:
    """The bytes ``start`` to ``end`` of a file; lines and columns (in characters) count from 1."""

    __slots__ = ("end", "source", "start")

    def __init__(self, source: Source, start: int, end: int) -> None:
        self.source = source
        self.start = start
        self.end = end

    @property
    def file(self) -> str:
        return self.source.file

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.position(self.start)[1]

    @property
    def end_line(self) -> int:
        return self.source.position(self.end)[0]

    @property
    def end_column(self) -> int:
        """The first column behind it."""
        return self.source.position(self.end)[1]

    @property
    def span(self) -> tuple[int, int, int, int]:
        """Line and column of its beginning and of its end."""
        return (*self.source.position(self.start), *self.source.position(self.end))

    @property
    def text(self) -> str:
        """What the file has there, unchanged."""
        return self.source.data[self.start : self.end].decode("utf-8", "surrogateescape")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Location):
            return NotImplemented
        return (self.start, self.end, self.file) == (other.start, other.end, other.file)

    def __hash__(self) -> int:
        return hash((self.start, self.end, self.file))

    def __repr__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Heredoc:
    """A here-document: where its body lies in the view, and whether the shell expands it."""

    __slots__ = ("end", "expands", "start", "strips_tabs")

    def __init__(self, start: int, end: int, expands: bool, strips_tabs: bool) -> None:
        self.start = start
        self.end = end
        self.expands = expands
        self.strips_tabs = strips_tabs


class Source:
    """A shell text.

    ``view`` is what is scanned; it is as long as ``data``. ``heredocs`` holds the here-documents by the
    offset of their ``<<``. ``outer`` and ``segments`` (pairs of own offset, outer offset, ascending) say
    where an inner text stands in the outer source; without segments all of it stands at ``at``.
    """

    __slots__ = ("_starts", "at", "data", "file", "full", "heredocs", "outer", "problems", "segments", "view")

    def __init__(
        self,
        file: str,
        data: bytes,
        *,
        outer: Source | None = None,
        segments: tuple[tuple[int, int], ...] = (),
        at: Location | None = None,
    ) -> None:
        self.file = file
        self.data = data
        self.outer = outer
        self.segments = segments
        self.at = at
        self.heredocs: dict[int, Heredoc] = {}
        self.problems: list[tuple[int, int, str, str]] = []
        self._starts: list[int] | None = None
        view = data.decode("latin-1")
        if "\0" in view:
            where = view.index("\0")
            self.problems.append((where, where + 1, "NUL byte", "the shell skips it; it is read as a blank"))
            view = view.replace("\0", " ")
        if "\r\n" in view:
            where = view.index("\r\n")
            reason = "the shell takes the carriage return as part of the last word; the lines are read without it"
            self.problems.append((where, where + 2, "CRLF line ends", reason))
            view = view.replace("\\\r\n", " \\\n").replace("\r\n", " \n")
        #: The view before here-documents were taken out.
        self.full = view
        if "<<" in view:
            from pyiptables.lint.shell.heredocs import mask_heredocs

            view = mask_heredocs(view, self.heredocs)
        self.view = view

    def location(self, start: int, end: int) -> Location:
        """The place in the outermost file of the view's characters ``start`` to ``end``."""
        if self.outer is None:
            return Location(self, start, end)
        if self.segments:
            first, last = self._outward(start), self._outward(max(start, end - 1)) + (end > start)
            return self.outer.location(first, max(first, last))
        assert self.at is not None
        return self.at

    def _outward(self, offset: int) -> int:
        index = max(0, bisect_right(self.segments, offset, key=lambda segment: segment[0]) - 1)
        own, out = self.segments[index]
        return out + max(0, offset - own)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1."""
        starts = self._starts
        if starts is None:
            starts = [0]
            find, at = self.data.find, 0
            while at := find(b"\n", at) + 1:
                starts.append(at)
            self._starts = starts
        line = bisect_right(starts, offset)
        begin = starts[line - 1]
        before = self.data[begin:offset]
        column = len(before) if before.isascii() else len(before.decode("utf-8", "surrogateescape"))
        return line, column + 1
