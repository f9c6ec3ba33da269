"""``pyiptables shims``: programs named iptables … that act on a state instead of the kernel."""

from __future__ import annotations

import os

import click

__all__ = ["command"]


@click.command(short_help="Put programs named iptables … into a folder.")
@click.argument("folder", metavar="DIR")
@click.option("--state", metavar="STATE", help="The state they act on (default: what PYIPTABLES_STATE says when they run).")
@click.pass_context
def command(context: click.Context, folder: str, state: str | None) -> None:
    """Put iptables, ip6tables, their -save and -restore and the -legacy and -nft names into DIR.

    PATH=DIR:$PATH sh firewall.sh then runs a script unchanged, against a state.
    """
    from pyiptables.commands._failure import Failure
    from pyiptables.tools.shims import ShimError, write_shims

    try:
        parent = context.parent.params if context.parent is not None else {}
        names = write_shims(folder, state or parent.get("state"))
    except ShimError as error:
        raise Failure(str(error)) from error
    click.echo(f"{len(names)} programs in {folder}: PATH={os.path.abspath(folder)}:$PATH")
