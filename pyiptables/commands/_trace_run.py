"""What ``pyiptables trace`` does with its words and options: gather rules, host and packets, play, show."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from pyiptables.commands._input import Unusable

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyiptables.netfilter.player import Player
    from pyiptables.ruleset import Ruleset

__all__ = ["Run"]

Json = dict[str, Any]

#: What a host description says that does not say it, so that a saved scenario is whole.
_BARE = {"interfaces": {}, "routes": [], "rules": [], "forwarding": True, "rp_filter": 0, "sysctl": {}}
#: What a scenario says itself, or cannot be asked.
_OF_A_SCENARIO = (
    "source", "destination", "rules", "state", "packets", "pcap", "host", "conntrack", "ipset", "reply", "explore", "save_scenario",
)  # fmt: skip
#: Outcomes that --explore follows at most.
_OUTCOMES = 64


class Run:
    """One call: ``words`` are the packet's, ``options`` those of the command by name."""

    def __init__(self, words: list[str], options: Json) -> None:
        from pyiptables.commands._trace_output import Output

        self.words = words
        self.options = options
        style = "json" if options["as_json"] else options["style"]
        self.output = Output(style, options["output"], options["color"], options["verbose"], options["expect"])

    def go(self) -> None:
        """Trace and show. Raises Unusable, ScenarioError, OSError; exits with 1 when a packet fared otherwise than expected."""
        if self.options["counters"] and (self.options["rules"] or self.options["scenario"]):
            raise Unusable("--counters counts in the state; it cannot be used with --rules or --scenario")
        if self.options["scenario"]:
            self._alone("--scenario has its own rules, host and packets", _OF_A_SCENARIO)
            self._scenarios()
        elif self.options["pcap"]:
            self._alone("--pcap has its own packets", ("packets", "source", "destination"))
            self._capture()
        else:
            self._described()
        self.output.close()

    def _alone(self, what: str, others: tuple[str, ...]) -> None:
        """Complain about input that would be passed over."""
        given = [f"--{option.replace('_', '-')}" for option in others if self.options[option]]
        if self.words:
            given.insert(0, "a packet")
        if given:
            raise Unusable(f"{what}: it cannot be used with {' and '.join(given)}")

    # -- kinds of input ----------------------------------------------------------------------------------
    def _described(self) -> None:
        from pyiptables.commands._packets import family_of, packets_described, packets_in_file, usual_answer
        from pyiptables.netfilter.player import ScenarioError

        options = self.options
        packets = packets_in_file(options["packets"]) if options["packets"] else []
        in_file = len(packets)
        packets += packets_described(self.words, options, packets)
        if not packets:
            raise Unusable("no packet: describe one (tcp 10.0.0.2:40000 -> 192.0.2.10:443 in eth0), or use --packets or --pcap")
        for packet in packets:
            if not packet.keys() & {"reply_to", "related_to", "from", "in", "out"}:
                packet.update({key: options[option] for key, option in (("in", "iniface"), ("out", "outiface")) if options[option]})
            if options["ctstate"]:
                packet.setdefault("ctstate", options["ctstate"].upper())
        if options["reply"]:
            packets.append(usual_answer(packets))
        family = family_of(packets)
        ruleset = self._ruleset(family)
        case = self._case(family, ruleset, packets)
        if options["save_scenario"]:
            self._save(case)
        if options["explore"]:
            self._explore(case, ruleset)
            return
        player = self._player(case, ruleset)
        with self.output.flow(player, len(packets)) as show:
            for number, packet in enumerate(packets, 1):
                if "reply_to" in packet and player.trips[-1:] and options["reply"] and player.trips[-1].verdict != "ACCEPT":
                    click.echo("pyiptables trace: no answer to trace: the packet did not arrive", err=True)
                    break
                try:
                    trip = player.play(packet)
                except ScenarioError as error:
                    from_file = options["packets"] and options["packets"] != "-" and number <= in_file
                    raise Unusable(f"{options['packets']}: {error}" if from_file else str(error)) from error
                show(player.concrete(packet), trip)
        if options["counters"]:
            self._count(player, family)

    def _capture(self) -> None:
        from pyiptables.commands._captures import Capture, described

        options = self.options
        if options["explore"] or options["reply"]:
            raise Unusable("--explore and --reply are for described packets, not for --pcap")
        capture = Capture(options["pcap"], None)
        start = iter(capture)
        first = next(start)
        assert capture.family is not None
        ruleset = self._ruleset(capture.family)
        case = self._case(capture.family, ruleset, [])
        player = self._player(case, ruleset)
        if player.host is None and not options["iniface"] and not options["outiface"]:
            raise Unusable("where do the captured packets go? Say -i, -o or both, or describe the host")
        saving = options["save_scenario"]
        with self.output.flow(player, capture) as show:
            for packet, sent, at in _again(first, start):
                iface, outiface = player.ends(packet, sent, options["iniface"] or "", options["outiface"] or "")
                player.note_offloading(packet, iface)
                told = described(packet, at) if saving or self.output.wants_descriptions else {}
                if told:
                    told |= {key: name for key, name in (("in", iface), ("out", outiface)) if name}
                if saving:
                    case["packets"].append(told)
                show(told, player.push(packet, iface, outiface, at))
        for what, count in capture.left_out.items():
            click.echo(f"pyiptables trace: {options['pcap']}: left out {count} frames: {what}", err=True)
        if saving:
            self._save(case)
        if options["counters"]:
            self._count(player, capture.family)

    def _scenarios(self) -> None:
        from pyiptables.commands._input import parse_json, read_text
        from pyiptables.netfilter.player import ScenarioError
        from pyiptables.tools.scenario import RulesError, answer_of, open_scenario

        path = self.options["scenario"]
        cases = parse_json(read_text(path), path)
        single = not isinstance(cases, list)
        if not single and not cases:
            raise Unusable(f"{path}: no scenario in the list")
        answers: list[Json] = []
        for number, case in enumerate([cases] if single else cases, 1):
            where = path if single else f"{path}: case {number}"
            if not isinstance(case, dict):
                raise Unusable(f"{where}: a scenario is an object")
            answer: Json = {"name": case.get("name")}
            answers.append(answer)
            try:
                packets = case.get("packets", [])
                count = len(packets) if isinstance(packets, list) else 0
                player = open_scenario(case, explain=self.output.explains(count), near=not self.options["verbose"])
                title = None if single else str(case.get("name") or f"case {number}")
                if self.output.style == "json":
                    for packet in packets:
                        self.output.judge(player.play_next(packet))
                else:
                    with self.output.flow(player, count, title) as show:
                        for packet in packets:
                            show(packet, player.play_next(packet))
                answer |= answer_of(case, player)
            except RulesError as error:
                answer["error"] = str(error)
                click.echo(f"pyiptables trace: {where}: rules: {error}", err=True)
            except ScenarioError as error:
                raise Unusable(f"{where}: {error}") from error
        if self.output.style == "json":
            self.output.answers(answers[0] if single else answers)
        if all("error" in answer for answer in answers):
            self.output.close()
            sys.exit(2)

    def _explore(self, case: Json, ruleset: Ruleset) -> None:
        from itertools import islice

        from pyiptables.netfilter.outcomes import explore

        def make(choose: Callable[..., bool]) -> Player:
            return self._player(case, ruleset, choose=choose)

        outcomes = list(islice(explore(make, case["packets"], _OUTCOMES + 1), _OUTCOMES + 1))
        self.output.outcomes(outcomes[:_OUTCOMES], case["packets"], complete=len(outcomes) <= _OUTCOMES)

    # -- what the packets go through ---------------------------------------------------------------------
    def _ruleset(self, family: int) -> Ruleset:
        from pyiptables.commands._hosts import find_rules
        from pyiptables.commands._rules import load_rules

        path = self.options["rules"]
        named = self.options["state"] or os.environ.get("PYIPTABLES_STATE")
        if path is None and not named and self.options["host"]:
            path = find_rules(self.options["host"], family)
        return load_rules(path, named, family)

    def _case(self, family: int, ruleset: Ruleset, packets: list[Json]) -> Json:
        """What is traced, as a scenario."""
        from pyiptables.commands._hosts import read_host
        from pyiptables.commands._input import read_text

        options = self.options
        case: Json = {"name": "trace", "family": family, "variant": "nft"}
        if options["save_scenario"]:
            case["rules"] = ruleset.save()
        case["host"] = {**_BARE, **read_host(options["host"])} if options["host"] else None
        if case["host"] is None and any("from" in packet for packet in packets):
            # Sides of a scenario are sides of the default host.
            case["host"] = {}
        if case["host"] is not None and any("reply_to" in packet for packet in packets):
            # Who says what answers does not mean the host that nothing runs on.
            case["host"].setdefault("stack_replies", False)
        for key in ("conntrack", "ipset"):
            if options[key]:
                case[key] = read_text(options[key])
        if options["seed"]:
            case["seed"] = options["seed"]
        case |= {"closed": False, "packets": packets}
        return case

    def _player(self, case: Json, ruleset: Ruleset, **more: Any) -> Player:
        from pyiptables.commands._trace_output import MANY
        from pyiptables.netfilter.player import ScenarioError
        from pyiptables.tools.scenario import open_scenario

        count = MANY + 1 if self.options["pcap"] else len(case["packets"])
        explain = self.output.explains(count)
        try:
            return open_scenario(case, ruleset, explain=explain, near=not self.options["verbose"], batch=count > MANY, **more)
        except ScenarioError as error:
            raise Unusable(self._placed(str(error))) from error

    def _placed(self, text: str) -> str:
        """An error about a part of the scenario, with the file that the part came from."""
        what, _, rest = text.partition(": ")
        path = self.options.get(what) or (self.options["host"] if what in ("conntrack", "ipset") else None)
        if what not in ("host", "conntrack", "ipset") or not path:
            return text
        line, _, why = rest.removeprefix("line ").partition(": ")
        return f"{path}:{line}: {why}" if self.options.get(what) and line.isdigit() else f"{path}: {rest}"

    def _save(self, case: Json) -> None:
        from pyiptables.report.trace_document import dumps

        with open(self.options["save_scenario"], "w", encoding="utf-8", errors="backslashreplace") as out:
            out.write(dumps(case) + "\n")

    def _count(self, player: Player, family: int) -> None:
        from pyiptables.commands._rules import store_counters

        store_counters(self.options["state"] or os.environ.get("PYIPTABLES_STATE"), family, player.engine)


def _again(first: Any, rest: Any) -> Any:
    yield first
    yield from rest
