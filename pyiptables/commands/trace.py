"""``pyiptables trace``: push packets through the rules and show the path."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pyiptables.netfilter.scenario import Player
    from pyiptables.netfilter.trip import Trip
    from pyiptables.ruleset import Ruleset

__all__ = ["command"]

Json = dict[str, Any]

_FORMATS = ("tree", "json", "kernel", "mermaid", "svg", "html")
_MANY = 20
_ARROW = "\N{RIGHTWARDS ARROW}"
#: Outcomes that --explore shows at most.
_OUTCOMES = 64


class _Command(click.Command):
    """A packet's arrow is a word, not an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [_ARROW if word == "->" else word for word in args])


@click.command(cls=_Command, short_help="Push packets through the rules and show the path.")
@click.argument("words", nargs=-1, metavar="[PACKET]...")
@click.option("-i", "--in-interface", "iniface", metavar="NAME", help="Interface the packet arrives by.")
@click.option("-o", "--out-interface", "outiface", metavar="NAME", help="Interface it leaves by.")
@click.option("-p", "--protocol", metavar="NAME", help="Protocol (default: udp).")
@click.option("-s", "--source", metavar="ADDRESS", help="Address it comes from.")
@click.option("-d", "--destination", metavar="ADDRESS", help="Address it goes to.")
@click.option("--sport", "--source-port", type=int, metavar="PORT", help="Port it comes from.")
@click.option("--dport", "--destination-port", type=int, metavar="PORT", help="Port it goes to.")
@click.option("--syn", is_flag=True, help="A TCP connection request.")
@click.option("--tcp-flags", metavar="FLAGS", help="TCP flags set, as SYN,ACK.")
@click.option("--icmp-type", "--icmpv6-type", "icmp_type", metavar="TYPE", help="Name or number.")
@click.option("--mark", metavar="NUMBER", help="Mark the packet begins with.")
@click.option("--ttl", "--hl", "ttl", type=int, metavar="NUMBER", help="Time to live or hop limit.")
@click.option("--tos", metavar="NUMBER", help="TOS or traffic class byte.")
@click.option("--ctstate", metavar="STATE", help="State to assume instead of tracking the connection.")
@click.option("--uid-owner", "uid", type=int, metavar="UID", help="User who sends it.")
@click.option("--mac-source", "mac", metavar="MAC", help="Link address it comes from.")
@click.option("--rules", "-r", metavar="FILE", help="iptables-save file to trace through (default: the state).")
@click.option("--state", metavar="DIR", help="State directory to take the rules from.")
@click.option("--packets", metavar="FILE", help="Packets from a file, one a line, or JSON; - for stdin.")
@click.option("--pcap", metavar="FILE", help="Packets from a capture; needs -i or -o.")
@click.option("--host", metavar="FILE|DIR", help="Description of the host: JSON, or a directory made by snapshot.")
@click.option("--scenario", metavar="FILE", help="Rules, host and packets in one JSON document, or a list of them.")
@click.option("--save-scenario", metavar="FILE", help="Write what is traced as a scenario.")
@click.option("--reply", is_flag=True, help="Trace the answer to the last packet too.")
@click.option("--explore", is_flag=True, help="Follow every outcome of what the description leaves open.")
@click.option("--seed", type=int, metavar="NUMBER", default=0, help="Seed of all chance.", show_default=True)
@click.option("--counters", is_flag=True, help="Count the packets in the state, as live traffic would.")
@click.option("--expect", type=click.Choice(["ACCEPT", "DROP", "REJECT"], case_sensitive=False), help="Exit 1 unless every packet ends so.")
@click.option("--format", "style", type=click.Choice(_FORMATS), default="tree", help="How to show it.", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Same as --format json.")
@click.option("-v", "--verbose", is_flag=True, help="Show rules that did not match too, and why.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True, help="When to use colours.")
@click.option("--output", metavar="FILE", help="Write to FILE instead of stdout.")
def command(words: tuple[str, ...], **options: Any) -> None:
    """Push packets through the rules and show the path, step by step.

    PACKET is a sentence: tcp 10.0.0.2:40000 -> 192.0.2.10:443 in eth0 syn. Or say it with iptables' own options. Given
    "in" and "out" it is forwarded, with "in" alone it is for this host, with "out" alone it comes from this host; with
    --host routing decides.
    """
    from pyiptables.netfilter.scenario import ScenarioError

    try:
        _Run(words, options).go()
    except (ScenarioError, _Unusable) as error:
        click.echo(f"pyiptables trace: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        if error.filename is None:
            raise
        click.echo(f"pyiptables trace: {error.filename}: {error.strerror}", err=True)
        sys.exit(2)


class _Unusable(Exception):
    """Input that cannot be traced; the text is one line."""


class _Run:
    """One call of the command."""

    def __init__(self, words: tuple[str, ...], options: Json) -> None:
        self.words = words
        self.options = options
        self.style = "json" if options["as_json"] else options["style"]

    def go(self) -> None:
        if self.options["scenario"]:
            self._scenarios()
            return
        packets = self._packets()
        if not packets:
            raise _Unusable("no packet: describe one (tcp 10.0.0.2:40000 -> 192.0.2.10:443 in eth0), or use --packets or --pcap")
        if self.options["reply"]:
            packets.append({"reply_to": len(packets) - 1, **_answer_flags(packets[-1])})
        family = _family(packets)
        ruleset = self._ruleset(family)
        host = self._host()
        if self.options["save_scenario"]:
            self._save(family, ruleset, packets)
        if self.options["explore"]:
            self._explore(ruleset, host, packets)
            return
        player = self._player(ruleset, host)
        trips = [(packet, player.play(packet)) for packet in packets]
        self._report(trips)
        if self.options["counters"]:
            self._count(player, family)
        self._expect([trip for _, trip in trips])

    # -- what goes in ------------------------------------------------------------------------------------
    def _packets(self) -> list[Json]:
        from pyiptables.netfilter.language import DescriptionError, parse_packets

        packets: list[Json] = []
        try:
            if self.options["packets"]:
                packets += _packet_file(self.options["packets"])
            if self.options["pcap"]:
                packets += self._captured()
            if self.words:
                packets += parse_packets(" ".join(self.words).replace(_ARROW, "->"))
        except DescriptionError as error:
            raise _Unusable(str(error)) from error
        if self.options["source"] or self.options["destination"]:
            packets.append(self._described())
        for packet in packets:
            for key, option in (("in", "iniface"), ("out", "outiface")):
                if self.options[option] and "reply_to" not in packet and "related_to" not in packet:
                    packet.setdefault(key, self.options[option])
            if self.options["ctstate"]:
                packet.setdefault("ctstate", self.options["ctstate"].upper())
        return packets

    def _described(self) -> Json:
        options = self.options
        packet: Json = {"proto": (options["protocol"] or "udp").lower()}
        for key, option in (("src", "source"), ("dst", "destination")):
            if not options[option]:
                raise _Unusable(f"the packet has no {option} address (-{option[0]})")
            packet[key] = options[option]
        for key in ("sport", "dport", "ttl", "uid", "mac"):
            if options[key] is not None:
                packet[key] = options[key]
        for key in ("mark", "tos"):
            if options[key] is not None:
                packet[key] = _number(options[key], key)
        if options["syn"] or options["tcp_flags"]:
            if packet["proto"] not in ("tcp", "6"):
                raise _Unusable(f"TCP flags in a packet of {packet['proto']}")
            packet["flags"] = "SYN" if options["syn"] else options["tcp_flags"].upper()
        if options["icmp_type"] is not None:
            packet["type"], packet["code"] = _icmp(options["icmp_type"], ":" in packet["src"])
        return packet

    def _captured(self) -> list[Json]:
        from pyiptables.commands._captures import CaptureError, read_capture

        try:
            return read_capture(self.options["pcap"])
        except CaptureError as error:
            raise _Unusable(str(error)) from error

    def _ruleset(self, family: int) -> Ruleset:
        from pyiptables import load
        from pyiptables.store import State, StateError, default_directory

        try:
            if self.options["rules"]:
                return load(self.options["rules"], f"ipv{family}")
            directory = self.options["state"] or default_directory(os.environ)
            with State(directory) as state:
                text = state.read(family).decode("utf-8", "surrogateescape")
            return load(text + "\n", f"ipv{family}")
        except (ValueError, StateError) as error:
            raise _Unusable(str(error).strip()) from error

    def _host(self) -> Any:
        path = self.options["host"]
        if not path:
            return None
        from pyiptables.commands._hosts import HostError, read_host

        try:
            return read_host(path)
        except HostError as error:
            raise _Unusable(str(error)) from error

    def _player(self, ruleset: Ruleset, host: Any, **options: Any) -> Player:
        from random import Random

        from pyiptables.netfilter.scenario import Player

        explain = self.style == "tree"
        try:
            return Player(ruleset, host, explain=explain, rng=Random(self.options["seed"]), **options)
        except ValueError as error:
            raise _Unusable(f"host: {error}") from error

    # -- what comes out ----------------------------------------------------------------------------------
    def _report(self, trips: list[tuple[Json, Trip]]) -> None:
        from pyiptables.report import trace as report

        if self.style == "json":
            self._write(report.as_json(trips))
        elif self.style == "kernel":
            self._write("\n".join(line for _, trip in trips for line in report.kernel_lines(trip)))
        elif self.style in ("mermaid", "svg", "html"):
            from pyiptables.report import trace_pictures

            self._write(getattr(trace_pictures, self.style)([trip for _, trip in trips]))
        else:
            self._tree(trips)

    def _tree(self, trips: list[tuple[Json, Trip]]) -> None:
        from pyiptables.report import trace as report

        console = self._console()
        if len(trips) > _MANY:
            report.summary(trips, console)
            return
        for number, (_, trip) in enumerate(trips, 1):
            if number > 1:
                console.print()
            report.show(trip, console, number if len(trips) > 1 else None, self.options["verbose"])

    def _console(self) -> Any:
        from rich.console import Console

        colour = self.options["color"]
        out = open(self.options["output"], "w", encoding="utf-8") if self.options["output"] else None  # noqa: SIM115
        return Console(file=out, force_terminal=True if colour == "always" else None, no_color=True if colour == "never" else None)

    def _write(self, text: str) -> None:
        if self.options["output"]:
            with open(self.options["output"], "w", encoding="utf-8") as out:
                out.write(text + "\n")
        else:
            click.echo(text)

    def _expect(self, trips: list[Trip]) -> None:
        expected = self.options["expect"]
        if expected and any(trip.verdict != expected.upper() for trip in trips):
            wrong = next(trip for trip in trips if trip.verdict != expected.upper())
            click.echo(f"pyiptables trace: expected {expected.upper()}, got {wrong.verdict}", err=True)
            sys.exit(1)

    def _count(self, player: Player, family: int) -> None:
        from pyiptables.store import State, StateError, default_directory

        if self.options["rules"]:
            raise _Unusable("--counters counts in the state; it cannot be used with --rules")
        with State(self.options["state"] or default_directory(os.environ)) as state:
            try:
                state.lock(-1)
                text = player.engine.counters().save(counters=True)
                state.write(family, text.encode("utf-8", "surrogateescape"))
            except StateError as error:
                raise _Unusable(str(error)) from error

    def _save(self, family: int, ruleset: Ruleset, packets: list[Json]) -> None:
        case: Json = {"name": "trace", "family": family, "rules": ruleset.save(), "packets": packets}
        if self.options["host"] and os.path.isfile(self.options["host"]):
            with open(self.options["host"], encoding="utf-8") as stream:
                case["host"] = json.load(stream)
        with open(self.options["save_scenario"], "w", encoding="utf-8") as out:
            json.dump(case, out, indent=2)
            out.write("\n")

    # -- several ways ------------------------------------------------------------------------------------
    def _explore(self, ruleset: Ruleset, host: Any, packets: list[Json]) -> None:
        """Every outcome: play again with another answer to the last open question, until all were given."""
        from pyiptables.report import trace as report

        answers: list[bool] = []
        outcomes: list[tuple[list[tuple[str, bool]], list[tuple[Json, Trip]]]] = []
        while len(outcomes) < _OUTCOMES:
            asked: list[tuple[str, bool]] = []

            def choose(what: str, given: list[bool] = answers, asked: list[tuple[str, bool]] = asked) -> bool:
                answer = given[len(asked)] if len(asked) < len(given) else False
                asked.append((what, answer))
                return answer

            player = self._player(ruleset, host, choose=choose)
            outcomes.append((asked, [(packet, player.play(dict(packet))) for packet in packets]))
            answers = [answer for _, answer in asked]
            while answers and answers[-1]:
                answers.pop()
            if not answers:
                break
            answers[-1] = True
        if self.style == "json":
            found = [
                {"if": [{"what": what, "holds": holds} for what, holds in asked], **report.document(trips)} for asked, trips in outcomes
            ]
            self._write(json.dumps({"schema": "pyiptables.trace-outcomes/1", "outcomes": found}, indent=2))
            return
        console = self._console()
        for number, (asked, trips) in enumerate(outcomes, 1):
            console.rule(f"outcome {number} of {len(outcomes)}{' or more' if len(outcomes) == _OUTCOMES else ''}", align="left")
            for what, holds in asked:
                console.print(f"  {'if' if holds else 'if not'}: {what}", markup=False, highlight=False)
            for _, trip in trips:
                report.show(trip, console, verbose=self.options["verbose"])

    def _scenarios(self) -> None:
        from pyiptables.netfilter.scenario import run_scenario

        path = self.options["scenario"]
        cases = _read_json(path)
        single = not isinstance(cases, list)
        answers = []
        for number, case in enumerate([cases] if single else cases, 1):
            if not isinstance(case, dict):
                raise _Unusable(f"{path}: case {number} is not an object")
            try:
                answers.append(run_scenario(case))
            except ValueError as error:
                raise _Unusable(f"{path}: case {number}: {error}") from error
        if self.style == "json":
            self._write(json.dumps(answers[0] if single else answers, indent=2))
            return
        for answer in answers:
            click.echo(answer.get("name") or "scenario")
            if "error" in answer:
                click.echo(f"  {str(answer['error']).strip()}")
            for number, packet in enumerate(answer.get("packets", ()), 1):
                click.echo(f"  packet {number}: {packet['fate']}" + (f" ({packet['reason']})" if "reason" in packet else ""))


def _read_json(path: str) -> Any:
    try:
        with click.open_file(path, encoding="utf-8") as stream:
            return json.load(stream)
    except json.JSONDecodeError as error:
        raise _Unusable(f"{path}:{error.lineno}:{error.colno}: {error.msg}") from error
    except UnicodeDecodeError as error:
        raise _Unusable(f"{path}: not UTF-8 text") from error


def _packet_file(path: str) -> list[Json]:
    """Packets from JSON (a list, or an object with ``packets``) or the packet language, whichever it is."""
    from pyiptables.netfilter.language import DescriptionError, parse_packets

    with click.open_file(path, encoding="utf-8", errors="surrogateescape") as stream:
        text = stream.read()
    if text.lstrip()[:1] in ("[", "{"):
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            if text.lstrip()[:1] == "{":
                try:
                    return [dict(json.loads(line)) for line in text.splitlines() if line.strip()]
                except (ValueError, TypeError):
                    pass
            raise _Unusable(f"{path}:{error.lineno}:{error.colno}: {error.msg}") from error
        found = data.get("packets", [data]) if isinstance(data, dict) else data
        if not all(isinstance(packet, dict) for packet in found):
            raise _Unusable(f"{path}: not a list of packets")
        return list(found)
    try:
        return parse_packets(text)
    except DescriptionError as error:
        raise _Unusable(f"{path}:{error}") from error


def _family(packets: list[Json]) -> int:
    for packet in packets:
        if "src" in packet:
            return 6 if ":" in str(packet["src"]) else 4
    return 4


def _answer_flags(packet: Json) -> Json:
    """Flags of the usual answer: SYN,ACK to a SYN."""
    if str(packet.get("proto")) in ("tcp", "6"):
        return {"flags": "SYN,ACK" if packet.get("flags", "").upper() == "SYN" else "ACK"}
    return {}


def _number(text: str, what: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise _Unusable(f"{what} is no number: {text!r}") from None


def _icmp(text: str, six: bool) -> tuple[int, int]:
    from pyiptables.netfilter.names import ICMP4_TYPES, ICMP6_TYPES

    found = (ICMP6_TYPES if six else ICMP4_TYPES).get(text.lower())
    if found is not None:
        return found if isinstance(found, tuple) else (found, 0)
    number, _, code = text.partition("/")
    return _number(number, "ICMP type"), _number(code or "0", "ICMP code")
