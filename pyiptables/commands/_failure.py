"""What a subcommand raises when it cannot do its work: one line on stderr, exit status 2."""

from __future__ import annotations

from typing import IO, Any

import click

__all__ = ["Failure"]


class Failure(click.ClickException):
    """The text says what cannot be used and why; the subcommand's name goes in front."""

    exit_code = 2

    def __init__(self, text: str) -> None:
        super().__init__(text)
        context = click.get_current_context(silent=True)
        self.command = "" if context is None else f"{context.info_name} "

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"pyiptables {self.command.removeprefix('pyiptables ').rstrip()}: {self.message}", file=file, err=file is None)
