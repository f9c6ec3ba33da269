"""``pyiptables trace``: push packets through the rules and show the path."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from pyiptables.commands._input import Unusable

__all__ = ["command"]

_FORMATS = ("tree", "json", "kernel", "mermaid", "svg", "html")
_ARROW = "\N{RIGHTWARDS ARROW}"


class _Command(click.Command):
    """A packet's arrow is a word, not an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [_ARROW if word == "->" else word for word in args])


@click.command(cls=_Command, short_help="Push packets through the rules and show the path.")
@click.argument("words", nargs=-1, metavar="[PACKET]...")
@click.option("-i", "--in-interface", "iniface", metavar="NAME", help="Interface the packet arrives by.")
@click.option("-o", "--out-interface", "outiface", metavar="NAME", help="Interface it leaves by.")
@click.option("-p", "--protocol", metavar="NAME", help="Protocol (default: udp; tcp with --syn, icmp with --icmp-type).")
@click.option("-s", "--source", "--src", metavar="ADDRESS", help="Source address.")
@click.option("-d", "--destination", "--dst", metavar="ADDRESS", help="Destination address.")
@click.option("--sport", "--source-port", metavar="PORT", help="Source port, number or name.")
@click.option("--dport", "--destination-port", metavar="PORT", help="Destination port, number or name.")
@click.option("--syn", is_flag=True, help="A TCP connection request.")
@click.option("--tcp-flags", metavar="FLAGS", help="TCP flags set, as SYN,ACK (or the two lists that iptables takes).")
@click.option("--icmp-type", "--icmpv6-type", "icmp_type", metavar="TYPE", help="Name, or number[/code].")
@click.option("--mark", metavar="NUMBER", help="Mark the packet begins with.")
@click.option("--ttl", "--ttl-eq", "--hl", "--hl-eq", "ttl", type=int, metavar="NUMBER", help="TTL or hop limit.")
@click.option("--tos", metavar="NUMBER", help="TOS or traffic class.")
@click.option("--dscp", metavar="NUMBER", help="DSCP, the upper six bits of the TOS.")
@click.option("--length", type=int, metavar="NUMBER", help="Length of the whole packet.")
@click.option("--ctstate", "--state-is", "ctstate", metavar="STATE", help="State to assume instead of tracking the connection.")
@click.option("--helper", metavar="NAME", help="Conntrack helper of its connection.")
@click.option("--uid-owner", "uid", type=int, metavar="UID", help="User who sends it.")
@click.option("--gid-owner", "gid", type=int, metavar="GID", help="Group that sends it.")
@click.option("--mac-source", "mac", metavar="MAC", help="Link address it comes from.")
@click.option("--pkt-type", "pkttype", type=click.Choice(["unicast", "broadcast", "multicast"]), help="Kind of frame.")
@click.option("--physdev-in", "physin", metavar="NAME", help="Bridge port it came by.")
@click.option("--physdev-out", "physout", metavar="NAME", help="Bridge port it goes by.")
@click.option("-m", "--match", multiple=True, metavar="NAME", help="Taken and ignored, so that a rule's words can be pasted.")
@click.option("--rules", "-r", metavar="FILE", help="iptables-save file to trace through, - for stdin (default: the state).")
@click.option("--state", metavar="DIR", help="State directory to take the rules from.")
@click.option("--packets", metavar="FILE", help="Packets from a file, one a line, or JSON; - for stdin.")
@click.option("--pcap", metavar="FILE", help="Packets from a capture (pcap, pcapng); -i and -o say where the first of each flow goes.")
@click.option("--host", metavar="FILE|DIR", help="The host: JSON, or a directory of outputs as snapshot makes it; routing decides then.")
@click.option("--conntrack", metavar="FILE", help="Connections that there are, as conntrack -L lists them.")
@click.option("--ipset", metavar="FILE", help="The host's ipsets, as ipset save writes them.")
@click.option("--scenario", metavar="FILE", help="Rules, host and packets in one JSON document, or a list of them.")
@click.option("--save-scenario", metavar="FILE", help="Write what is traced as a scenario, for a bug report.")
@click.option("--reply", is_flag=True, help="Trace the answer to the last packet too.")
@click.option("--explore", is_flag=True, help="Follow every outcome of what the description leaves open.")
@click.option("--seed", type=int, metavar="NUMBER", default=0, help="Seed of all chance.", show_default=True)
@click.option("--counters", is_flag=True, help="Count the packets in the state, as live traffic would.")
@click.option("--expect", type=click.Choice(["ACCEPT", "DROP", "REJECT"], case_sensitive=False), help="Exit 1 unless every packet ends so.")
@click.option("--format", "style", type=click.Choice(_FORMATS), default="tree", help="How to show it.", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Same as --format json.")
@click.option("-v", "--verbose", is_flag=True, help="Show rules that did not match too, and why; tables in full.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour the tree.", show_default=True)
@click.option("--output", metavar="FILE", help="Write to a file, not to standard output.")
def command(words: tuple[str, ...], **options: Any) -> None:
    """Push packets through the rules and show the path, step by step.

    PACKET is a sentence: tcp 10.0.0.2:40000 -> 192.0.2.10:443 in eth0 syn. Or say it with iptables' own options. Given
    "in" and "out" it is forwarded, with "in" alone it is for this host, with "out" alone it comes from this host; with
    --host routing decides. Several sentences, separated by ";", are the packets of a flow: "reply syn,ack" answers.
    """
    from pyiptables.commands._trace_run import Run
    from pyiptables.netfilter.player import ScenarioError

    try:
        Run([word.replace(_ARROW, "->") for word in words], options).go()
    except (ScenarioError, Unusable) as error:
        click.echo(f"pyiptables trace: {' '.join(str(error).splitlines())}", err=True)
        if isinstance(error, Unusable) and error.excerpt and sys.stderr.isatty():
            click.echo(error.excerpt, err=True)
        sys.exit(2)
    except OSError as error:
        if error.filename is None:
            raise
        click.echo(f"pyiptables trace: {os.fspath(error.filename)}: {error.strerror}", err=True)
        sys.exit(2)
