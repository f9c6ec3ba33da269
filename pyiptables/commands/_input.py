"""What the commands that trace share about input: the error for what cannot be used, and JSON with its place."""

from __future__ import annotations

import json
from typing import Any

import click

__all__ = ["Unusable", "parse_json", "read_text"]


class Unusable(Exception):
    """Input that cannot be used: one line with the place. ``excerpt`` shows it, for a terminal."""

    def __init__(self, text: str, excerpt: str = "") -> None:
        super().__init__(text)
        self.excerpt = excerpt


def read_text(path: str) -> str:
    """A whole text file, ``-`` for stdin. Raises OSError; bytes that are no UTF-8 are kept as surrogates."""
    with click.open_file(path, encoding="utf-8", errors="surrogateescape") as stream:
        text: str = stream.read()
    return text


def parse_json(text: str, path: str) -> Any:
    """A JSON document. Raises Unusable with file, line and column."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise Unusable(f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from error
    except (RecursionError, ValueError) as error:
        raise Unusable(f"{path}: {'nested too deeply' if isinstance(error, RecursionError) else error}") from error
