"""``pyiptables trace`` as its user sees it: what goes in, what comes out, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from conftest import HOST, RULES, Trace

from pyiptables.tools.run import run

SSH = "tcp 198.51.100.7:50000 -> 203.0.113.1:22 in eth0"
WEB = "tcp 198.51.100.7:50000 -> 203.0.113.1:8080 in eth0 out eth1"


def _last(text: str) -> str:
    """The closing sentence."""
    return next(line for line in reversed(text.splitlines()) if line.split(" ")[0] in ("ACCEPT", "DROP", "REJECT"))


# -- ways to say a packet ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "words",
    [
        [SSH],
        SSH.split(),
        ["-i", "eth0", "tcp 198.51.100.7:50000 to 203.0.113.1:22 syn"],
        ["-i", "eth0", "-p", "tcp", "-s", "198.51.100.7", "--sport", "50000", "-d", "203.0.113.1", "--dport", "22", "--syn"],
        [
            "-i",
            "eth0",
            "-p",
            "tcp",
            "-m",
            "tcp",
            "-s",
            "198.51.100.7",
            "-d",
            "203.0.113.1",
            "--dport",
            "22",
            "--tcp-flags",
            "FIN,SYN,RST,ACK",
            "SYN",
        ],
        [
            "-i",
            "eth0",
            "-s",
            "198.51.100.7",
            "-d",
            "203.0.113.1",
            "--destination-port",
            "22",
            "--tcp-flags",
            "SYN",
            "--ttl",
            "3",
            "--mark",
            "0x7",
            "--tos",
            "8",
        ],
        ["--host", "host.json", "tcp 198.51.100.7:50000 -> 203.0.113.1:22"],
    ],
)
def test_one_packet_in_many_ways(trace: Trace, words: list[str]) -> None:
    done = trace(*words)
    assert (done.exit_code, _last(done.stdout.split("This host answers")[0])) == (0, "REJECT by filter/SSH rule 2 (rules.v4:22)")


@pytest.mark.parametrize(
    ("name", "text", "verdicts"),
    [
        ("flow.txt", f"{SSH}\n\nudp 10.0.0.7:5 -> 192.0.2.9:53 in eth1 out eth0 # a comment\nreply; reply to 2 at +2s", "RAAA"),
        ("one.json", '{"src": "198.51.100.7", "dst": "203.0.113.1", "proto": "icmp", "in": "eth0"}', "A"),
        ("list.json", '[{"src": "1.2.3.4", "dst": "203.0.113.1", "proto": "icmp", "type": 13, "in": "eth0"}, {"reply_to": 0}]', "DA"),
        ("object.json", '{"packets": [{"src": "1.2.3.4", "dst": "203.0.113.1", "dport": 53, "in": "eth0"}]}', "A"),
        ("lines.json", '{"src": "1.2.3.4", "dst": "5.6.7.8", "in": "eth0"}\n{"src": "1.2.3.4", "dst": "5.6.7.8", "out": "eth0"}\n', "DA"),
    ],
)
def test_packets_from_files(trace: Trace, folder: Path, name: str, text: str, verdicts: str) -> None:
    (folder / name).write_text(text)
    by_name, by_stdin = trace("--packets", name, "--json"), trace("--packets", "-", "--json", stdin=text)
    assert by_name.stdout == by_stdin.stdout
    assert "".join(packet["verdict"][0] for packet in json.loads(by_name.stdout)["packets"]) == verdicts


def test_words_follow_a_file(trace: Trace, folder: Path) -> None:
    (folder / "first").write_text("udp 10.0.0.7:5 -> 192.0.2.9:53 in eth1 out eth0")
    packets = json.loads(trace("--packets", "first", "reply", "--json").stdout)["packets"]
    assert [(packet["ctstate"], packet["verdict"]) for packet in packets] == [("NEW", "ACCEPT"), ("ESTABLISHED", "ACCEPT")]


@pytest.mark.parametrize(
    ("packet", "hooks"),
    [
        ("udp 1.2.3.4:5 -> 5.6.7.8:9 in eth0", ["PREROUTING", "INPUT"]),
        ("udp 1.2.3.4:5 -> 5.6.7.8:9 in eth1 out eth0", ["PREROUTING", "FORWARD", "POSTROUTING"]),
        ("udp 1.2.3.4:5 -> 5.6.7.8:9 out eth0", ["OUTPUT", "POSTROUTING"]),
    ],
)
def test_in_and_out_say_the_way(trace: Trace, packet: str, hooks: list[str]) -> None:
    steps = json.loads(trace(packet, "--json").stdout)["packets"][0]["steps"]
    assert list(dict.fromkeys(step["hook"] for step in steps)) == hooks


# -- what comes out -----------------------------------------------------------------------------------------
def test_tree(trace: Trace) -> None:
    assert [line.rstrip() for line in trace(WEB).stdout.splitlines()] == [
        "tcp 198.51.100.7:50000 → 203.0.113.1:8080 syn  in eth0",
        "├── 1 PREROUTING",
        "│   ├── conntrack  NEW, original direction",
        "│   └── nat",
        "│       └──  1 -i eth0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.20:80   rules.v4:6",
        "│              ⇒ dst 10.0.0.20, dport 80",
        "├── routing  out by eth1",
        "└── 2 FORWARD",
        "    └── filter  policy DROP",
        "DROP by filter/FORWARD policy",
        "  near miss filter/FORWARD rule 1 (rules.v4:19) ACCEPT fails only in -m conntrack --ctstate",
        "            RELATED,ESTABLISHED (here NEW)",
        "  hint      DNAT worked, but the packet is then forwarded, and filter/FORWARD does not let it pass:",
        "            -A FORWARD -d 10.0.0.20 -p tcp --dport 80 -j ACCEPT would",
    ]


def test_tracking_stands_before_translation(trace: Trace, folder: Path) -> None:
    """Also where no rule was asked before it."""
    (folder / "port.v4").write_text("*nat\n-A PREROUTING -p tcp -m tcp --dport 2222 -j DNAT --to-destination :22\nCOMMIT\n")
    told = trace("tcp 198.51.100.7:5 -> 203.0.113.1:2222 in eth0; reply", "--rules", "port.v4").stdout
    lines = [line.strip("│├└─ ") for line in told.partition("2. tcp")[2].splitlines()]
    assert lines.index("conntrack  ESTABLISHED, reply direction") < lines.index("1 POSTROUTING") < lines.index("nat  sport 2222")


def test_verbose_names_the_first_condition_that_failed(trace: Trace) -> None:
    text = trace("udp 1.2.3.4:5 -> 203.0.113.1:53 in eth0", "-v").stdout
    shown = [line.strip("│├└─ ").rstrip() for line in text.splitlines()]
    assert [line for line in shown if line.startswith("×")] == [
        "× -p tcp", "× -i lo", "× -m conntrack --ctstate RELATED,ESTABLISHED", "× -p icmp", "× -p tcp"
    ]  # fmt: skip
    assert "# the resolver" in text


def test_near_misses_fail_in_one_condition(trace: Trace) -> None:
    lines = trace(SSH, "-v").stdout.splitlines()
    near = [line.split("near miss ")[1].rstrip() for line in lines if "near miss" in line]
    assert near[0] == "filter/SSH rule 1 (rules.v4:21) ACCEPT fails only in -s 192.0.2.0/24 (here 198.51.100.7)"
    assert not any("rule 5" in line for line in near)


def test_document(trace: Trace) -> None:
    found = json.loads(trace(WEB, "--json").stdout)
    assert found["schema"] == "pyiptables.trace/1"
    (packet,) = found["packets"]
    assert packet["packet"]["dport"] == 8080
    known = {key: packet[key] for key in ("verdict", "fate", "reason", "ctstate", "final", "replies", "unknown")}
    assert known == {
        "verdict": "DROP", "fate": "dropped", "reason": "policy", "ctstate": "NEW", "final": None, "replies": [], "unknown": [],
    }  # fmt: skip
    decided = {"table": "filter", "chain": "FORWARD", "kind": "policy", "num": 3, "text": "-P FORWARD DROP"}
    assert decided.items() <= packet["decided_by"].items()
    assert packet["steps"][0] == {
        "hook": "PREROUTING", "table": "nat", "chain": "PREROUTING", "kind": "rule", "num": 1, "in": "eth0", "out": "",
        "src": "198.51.100.7", "dst": "203.0.113.1", "sport": 50000, "dport": 8080, "ttl": 64, "tos": 0, "mark": 0,
        "text": "-A PREROUTING -i eth0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.20:80", "target": "DNAT",
        "file": "rules.v4", "line": 6, "effect": {"dst": "10.0.0.20", "dport": 80},
    }  # fmt: skip
    rejected = json.loads(trace(SSH, "--json").stdout)["packets"][0]
    assert (rejected["decided_by"]["file"], rejected["decided_by"]["line"]) == ("rules.v4", 22)
    (answer,) = rejected["replies"]
    assert (answer["fate"], answer["final"]["flags"], answer["ctstate"]) == ("sent", "RST,ACK", "RELATED")


@pytest.mark.parametrize(
    ("packet", "options", "hint"),
    [
        (WEB, [], "DNAT worked, but the packet is then forwarded"),
        ("tcp 10.0.0.1:5 -> 203.0.113.1:8080", ["--host", "host.json"], "meets OUTPUT, never PREROUTING"),
        ("tcp 198.51.100.7:5 -> 203.0.113.1:8080 in eth0 out eth1", ["--rules", "published.v4"], "never meets filter/INPUT: rule 1 (published.v4:11)"),
        ("tcp 198.51.100.7:5 -> 203.0.113.1:8080 in eth0 out eth0", ["--rules", "published.v4"], "the server answers the client directly"),
        ("udp 192.0.2.9:53 -> 10.0.0.7:5 in eth1 out eth0 ctstate established", ["--rules", "nothing.v4"], "--ctstate RELATED,ESTABLISHED -j ACCEPT"),
        ("udp 203.0.113.1:5 -> 203.0.113.1:9", ["--host", "host.json", "--rules", "nothing.v4"], "-A INPUT -i lo -j ACCEPT"),
        ("tcp 198.51.100.7:5 -> 203.0.113.1:8080 in eth0", [], "its destination became 10.0.0.20: if that is another host, it meets FORWARD and not INPUT"),
        ("tcp 203.0.113.1:5 -> 203.0.113.1:80 out lo", ["--rules", "local.v4"], "whether 10.0.0.20 is reached by lo too is not known"),
        ("tcp 127.0.0.1:5 -> 127.0.0.1:80 out lo", ["--rules", "redirect.v4"], "meets OUTPUT, never PREROUTING"),
        ("tcp 10.0.0.7:5 -> 192.0.2.9:25; reply", ["--host", "marks.json", "--rules", "marks.v4"], "the answer turns back to where it came from: its mark 0x2 chooses a routing table that lacks the route to 10.0.0.7 by eth1"),
        ("tcp 10.0.0.7:5 -> 192.0.2.9:25 in eth1 out eth0", ["--rules", "random.v4"], "the kernel draws lots for this translation"),
    ],
)  # fmt: skip
def test_usual_causes(trace: Trace, folder: Path, packet: str, options: list[str], hint: str) -> None:
    published = RULES.replace(":FORWARD DROP", ":FORWARD ACCEPT").replace("-A POSTROUTING -o eth0 -j MASQUERADE\n", "")
    (folder / "published.v4").write_text(published.replace("-A INPUT -i lo -j ACCEPT", "-A INPUT -p tcp -m tcp --dport 8080 -j DROP").replace(":INPUT ACCEPT [0:0]\n", "", 1).replace(":SSH - [0:0]\n", "").replace("-j SSH", "-j DROP").replace("-A SSH -s 192.0.2.0/24 -j ACCEPT\n-A SSH -p tcp -j REJECT --reject-with tcp-reset\n", ""))  # fmt: skip
    for name, rules in {
        "local": "*nat\n-A OUTPUT -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.20\nCOMMIT\n",
        "redirect": "*nat\n-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080\nCOMMIT\n",
        "random": "*nat\n-A POSTROUTING -p tcp -j SNAT --to-source 203.0.113.1 --random-fully\nCOMMIT\n",
        "marks": "*mangle\n-A PREROUTING -j CONNMARK --restore-mark\n-A PREROUTING -p tcp -m tcp --dport 25 -j MARK --set-mark 2\n"
        "-A PREROUTING -j CONNMARK --save-mark\nCOMMIT\n",
    }.items():
        (folder / f"{name}.v4").write_text(rules)
    ways = {"rules": ["fwmark 2 table 2"], "routes": ["default via 203.0.113.254", "default via 203.0.113.253 table 2"]}
    (folder / "marks.json").write_text(json.dumps({**HOST, **ways}))
    (folder / "nothing.v4").write_text("*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n")
    text = " ".join(trace(packet, *options).stdout.split())
    assert hint in text


@pytest.mark.parametrize(
    ("packet", "options"),
    [
        # The answers of servers do not turn round, and DNAT would not help what is for the host itself.
        ("tcp 198.51.100.7:5 -> 203.0.113.1:8080 in eth0 out eth0; reply", ["--rules", "hairpin.v4"]),
        ("tcp 127.0.0.1:5 -> 127.0.0.1:8080 out lo", ["--rules", "hairpin.v4"]),
    ],
)
def test_no_cause_is_made_up(trace: Trace, folder: Path, packet: str, options: list[str]) -> None:
    (folder / "hairpin.v4").write_text("*nat\n-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.20\nCOMMIT\n")
    assert "hint" not in trace(packet, *options).stdout.rpartition("2. tcp")[2]


@pytest.mark.parametrize(
    ("packet", "told"),
    [
        ("icmp 198.51.100.7 -> 203.0.113.1 timestamp-request in eth0", "--icmp-type 8 (here timestamp-request)"),
        ("tcp 198.51.100.7:5 -> 203.0.113.1:22 in eth0 rst", "! --tcp-flags SYN SYN (here rst)"),
        ("udp 198.51.100.7:5 -> 203.0.113.1:9 in eth0 ttl 3", "-m ttl --ttl-gt 5 (here 3)"),
    ],
)
def test_near_misses_tell_what_was_seen(trace: Trace, folder: Path, packet: str, told: str) -> None:
    rules = "-p icmp -m icmp --icmp-type 8 -j ACCEPT", "-p tcp -m tcp --tcp-flags SYN SYN -j ACCEPT", "-p udp -m ttl --ttl-gt 5 -j ACCEPT"
    (folder / "near.v4").write_text("*filter\n:INPUT DROP [0:0]\n" + "".join(f"-A INPUT {rule}\n" for rule in rules) + "COMMIT\n")
    assert told.replace("! ", "") in " ".join(trace(packet, "--rules", "near.v4").stdout.split())


@pytest.mark.parametrize(
    ("packet", "verdict", "open"),
    [
        ("tcp 198.51.100.7:5 -> 203.0.113.1:22 in eth0", "ACCEPT by filter/INPUT rule 2", False),
        ("tcp 198.51.100.7:5 -> 203.0.113.255:22 in eth0 l2 broadcast", "DROP by filter/INPUT rule 1", False),
        ("tcp 198.51.100.7:5 -> 255.255.255.255:22 in eth0", "DROP by filter/INPUT rule 1", False),
        ("tcp 198.51.100.7:5 -> 203.0.113.255:22 in eth0", "DROP by filter/INPUT policy", True),
        ("tcp 198.51.100.7:5 -> 224.0.0.1:22 in eth0", "DROP by filter/INPUT rule 3", False),
        ("tcp 203.0.113.1:5 -> 198.51.100.7:22 out eth0", "ACCEPT by filter/OUTPUT rule 2", False),
        ("tcp 203.0.113.1:5 -> 203.0.113.2:22 out lo", "DROP by filter/OUTPUT rule 1", False),
        ("tcp 198.51.100.7:5 -> 10.0.0.20:22 in eth0 out eth1", "ACCEPT by filter/FORWARD rule 2", False),
        ("tcp 198.51.100.7:5 -> 10.0.0.20:80 in eth0 out eth1", "ACCEPT by filter/FORWARD rule 2", True),
        ("tcp [2001:db8:1::7]:5 -> [2001:db8::1]:22 in eth0", "ACCEPT by filter/INPUT rule 2", False),
        ("tcp [2001:db8:1::7]:5 -> [2001:db8::2]:22 in eth0 out eth1", "ACCEPT by filter/FORWARD rule 2", False),
    ],
)
def test_the_way_tells_whose_address_it_is(trace: Trace, folder: Path, packet: str, verdict: str, open: bool) -> None:
    """What is for this host has an address of it, even where no host is described."""
    rules = "*nat\n-A PREROUTING -p tcp -m tcp --dport 80 -m addrtype --dst-type LOCAL -j DNAT --to-destination 10.0.0.21\nCOMMIT\n"
    rules += (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -m addrtype --dst-type BROADCAST -j DROP\n-A INPUT -m addrtype --dst-type LOCAL -j ACCEPT\n"
    )
    rules += "-A INPUT -m addrtype --src-type LOCAL -j ACCEPT\n-A INPUT -j DROP -m addrtype --dst-type MULTICAST\n"
    rules += "-A OUTPUT -m addrtype --dst-type LOCAL -j DROP\n-A OUTPUT -m addrtype --src-type LOCAL -j ACCEPT\n"
    rules += "-A FORWARD -m addrtype --dst-type LOCAL -j DROP\n-A FORWARD -m addrtype ! --src-type LOCAL -j ACCEPT\nCOMMIT\n"
    if ":" in packet.split()[1][:6]:
        rules = rules.replace("10.0.0.21", "fd00::21").replace("BROADCAST", "MULTICAST")
    (folder / "types.v4").write_text(rules)
    told = trace(packet, "--rules", "types.v4").stdout
    assert verdict in told or verdict.replace("rule 3", "rule 4") in told
    assert ("no host is described: whether" in " ".join(told.split())) == open


def test_copies_are_no_answers(trace: Trace, folder: Path) -> None:
    """Nor is what the host gets itself of a multicast; without a host nobody knows where the copy goes."""
    (folder / "tee.v4").write_text("*mangle\n-A PREROUTING -p tcp -j TEE --gateway 10.0.0.9\n-A OUTPUT -j LOG\nCOMMIT\n*filter\nCOMMIT\n")
    described = ["--host", "host.json", "--rules", "tee.v4"]
    told = trace("tcp 198.51.100.7:5 -> 203.0.113.1:80", *described).stdout
    assert "A copy that this host sends:\ntcp 198.51.100.7:5 → 203.0.113.1:80 syn\n" in told and "answers" not in told
    copied = json.loads(trace("tcp 198.51.100.7:5 -> 203.0.113.1:80", *described, "--json").stdout)["packets"][0]["replies"][0]
    assert (copied["copy"], copied["outiface"], copied["final"]["ttl"]) == ("sent", "eth1", 63)
    assert "The host is among those it is for:" in trace("udp 203.0.113.1:5 -> 224.0.0.1:80", *described).stdout
    assert "by which interface 10.0.0.9 is reached" in " ".join(
        trace("tcp 198.51.100.7:5 -> 203.0.113.1:80 in eth0", "--rules", "tee.v4").stdout.split()
    )


@pytest.mark.parametrize(
    ("packet", "options", "kind"),
    [
        ("udp 10.0.0.7:5 -> 255.255.255.255:67 in eth1", [], "broadcast"),
        ("udp 10.0.0.7:5 -> 10.0.0.255:67 in eth1", ["--host", "host.json"], "broadcast"),
        ("udp 10.0.0.7:5 -> 10.0.0.255:67 in eth1 l2 unicast", ["--host", "host.json"], "unicast"),
        ("udp 10.0.0.7:5 -> 224.0.0.1:67 in eth1", [], "multicast"),
        ("udp fe80::7 -> ff02::1 in eth1", [], "multicast"),
        ("udp 10.0.0.7:5 -> 10.0.0.1:67 in eth1", ["--host", "host.json"], "unicast"),
    ],
)
def test_frames_are_as_their_destination(trace: Trace, folder: Path, packet: str, options: list[str], kind: str) -> None:
    kinds = ("unicast", "broadcast", "multicast")
    rules = "".join(f"-A PREROUTING -m pkttype --pkt-type {each} -j LOG\n" for each in kinds)
    (folder / "kinds.v4").write_text(f"*mangle\n{rules}COMMIT\n")
    told = json.loads(trace(packet, "--rules", "kinds.v4", *options, "--json").stdout)["packets"][0]
    assert [step["num"] - 1 for step in told["steps"] if step["kind"] == "rule"] == [kinds.index(kind)]


@pytest.mark.parametrize(
    ("packet", "hooks", "fate"),
    [
        ("tcp 127.0.0.1:5 -> 127.0.0.1:22 out lo", ["OUTPUT", "POSTROUTING", "INPUT"], "delivered"),
        ("tcp 203.0.113.1:5 -> 192.0.2.9:80 out eth0", ["OUTPUT", "POSTROUTING", "INPUT"], "delivered"),
        ("tcp 127.0.0.1:5 -> 127.0.0.1:25 out lo", ["OUTPUT", "POSTROUTING"], "sent"),
    ],
)
def test_what_goes_out_by_lo_comes_in_again(trace: Trace, folder: Path, packet: str, hooks: list[str], fate: str) -> None:
    """Also where no host is described; REDIRECT sends there, DNAT away from there."""
    (folder / "lo.v4").write_text(
        "*nat\n:PREROUTING ACCEPT [0:0]\n-A OUTPUT -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080\n"
        "-A OUTPUT -p tcp -m tcp --dport 25 -j DNAT --to-destination 10.0.0.20\n-A POSTROUTING -o lo -j ACCEPT\nCOMMIT\n"
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n"
    )
    told = json.loads(trace(packet, "--rules", "lo.v4", "--json").stdout)["packets"][0]
    assert list(dict.fromkeys(step["hook"] for step in told["steps"])) == hooks and told["fate"] == fate


def test_what_a_template_wants_is_its_effect(trace: Trace, folder: Path) -> None:
    (folder / "zone.v4").write_text(
        "*raw\n-A PREROUTING -p udp -j CT --zone 7\n-A PREROUTING -p tcp -j CT --zone-orig 3 --helper ftp\n-A PREROUTING -p icmp -j CT --zone mark\nCOMMIT\n"
    )
    for packet, effect in (("udp", {"zone": "7"}), ("tcp", {"helper": "ftp", "zone": "3 of orig packets"}), ("icmp", {"zone": "the mark"})):
        told = json.loads(trace(f"{packet} 10.0.0.7 -> 10.0.0.1 in eth1", "--rules", "zone.v4", "--json").stdout)["packets"][0]
        assert told["steps"][0]["effect"] == effect


def test_redirect_keeps_the_address_that_nobody_knows(trace: Trace, folder: Path) -> None:
    (folder / "redirect.v4").write_text(
        "*nat\n-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080\nCOMMIT\n"
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 8080 -j ACCEPT\nCOMMIT\n"
    )
    told = " ".join(trace("tcp 198.51.100.7:5 -> 203.0.113.1:80 in eth0", "--rules", "redirect.v4").stdout.split())
    assert "ACCEPT by filter/INPUT rule 1" in told and "the address of eth0 is not known, and 203.0.113.1 stays" in told


def test_who_describes_an_answer_has_a_program_listen(trace: Trace, folder: Path) -> None:
    """A closed port would refuse the connection before it is answered."""
    (folder / "open.v4").write_text("*filter\nCOMMIT\n")
    (folder / "host.json").write_text(json.dumps({key: value for key, value in HOST.items() if key != "stack_replies"}))
    words = ["tcp 198.51.100.7:5 -> 203.0.113.1:22", "--rules", "open.v4", "--host", "host.json", "--json"]
    assert len(json.loads(trace(*words).stdout)["packets"][0]["replies"]) == 1
    for told in (trace(*words, "--reply"), trace(f"{words[0]}; reply", *words[1:])):
        there, back = json.loads(told.stdout)["packets"]
        assert (there["replies"], back["ctstate"], back["packet"]["flags"]) == ([], "ESTABLISHED", "SYN,ACK")


def test_words_of_a_shell(trace: Trace) -> None:
    """A semicolon that is a word of its own, and services by name."""
    words = [
        "tcp",
        "198.51.100.7:5",
        "to",
        "203.0.113.1:22",
        "in",
        "eth0",
        ";",
        "udp",
        "198.51.100.7:5",
        "to",
        "203.0.113.1:53",
        "in",
        "eth0",
    ]
    assert [p["verdict"] for p in json.loads(trace(*words, "--json").stdout)["packets"]] == ["REJECT", "ACCEPT"]
    named = ["-p", "tcp", "-s", "198.51.100.7", "-d", "203.0.113.1", "-i", "eth0", "--syn", "--json"]
    assert trace(*named, "--dport", "ssh").stdout == trace(*named, "--dport", "22").stdout


def test_rules_have_room_beside_a_long_path(trace: Trace, folder: Path) -> None:
    """Rows name the file only, and put it below the rule where it would squeeze it."""
    deep = folder / ("long" * 10)
    deep.mkdir()
    (deep / "rules.v4").write_text((folder / "rules.v4").read_text())
    told = trace(WEB, "--rules", str(deep / "rules.v4")).stdout.splitlines()
    assert any(line.endswith("-j DNAT --to-destination 10.0.0.20:80   rules.v4:6") for line in told)
    (folder / "a-file-with-a-name-of-many-letters-that-leaves-no-room.v4").write_text((folder / "rules.v4").read_text())
    told = trace(WEB, "--rules", "a-file-with-a-name-of-many-letters-that-leaves-no-room.v4").stdout.splitlines()
    assert any(line.endswith("--dport 8080 -j DNAT --to-destination 10.0.0.20:80") for line in told)


def test_reply_is_the_answer_as_nat_left_it(trace: Trace) -> None:
    words = ["--host", "host.json", "tcp 10.0.0.7:5 -> 192.0.2.9:443", "--reply", "--json"]
    there, back = json.loads(trace(*words).stdout)["packets"]
    assert (there["final"]["src"], there["outiface"]) == ("203.0.113.1", "eth0")
    assert back["steps"][0]["dst"] == "10.0.0.7" and back["steps"][0]["in"] == "eth0"
    assert (back["packet"]["reply_to"], back["packet"]["dst"], back["packet"]["flags"]) == (0, "203.0.113.1", "SYN,ACK")
    assert (back["ctstate"], back["fate"], back["outiface"], back["final"]["dst"]) == ("ESTABLISHED", "forwarded", "eth1", "10.0.0.7")
    refused = trace(WEB, "--reply")
    assert "no answer to trace" in refused.stderr and refused.stdout.count("→") == 1


def test_kernel_lines(trace: Trace) -> None:
    lines = trace(f"{WEB} mark 5 id 7", "--format", "kernel").stdout.splitlines()
    assert lines[0] == (
        "TRACE: nat:PREROUTING:rule:1 IN=eth0 OUT= MAC= SRC=198.51.100.7 DST=203.0.113.1 LEN=40 TOS=0x00 PREC=0x00 TTL=64 ID=7 PROTO=TCP "
        "SPT=50000 DPT=8080 SEQ=1000 ACK=0 WINDOW=65535 RES=0x00 SYN URGP=0 MARK=0x5 "
    )
    assert lines[1].startswith("TRACE: filter:FORWARD:policy:3 IN=eth0 OUT=eth1 MAC= SRC=198.51.100.7 DST=10.0.0.20 ")


@pytest.mark.parametrize("packet", [SSH, WEB, "udp 10.0.0.1:5 -> 10.0.0.1:53", "icmp 198.51.100.7 -> 203.0.113.1 in eth0"])
def test_drawings_are_whole(trace: Trace, packet: str) -> None:
    """Well-formed, nothing from outside, every deciding rule in it."""
    host = [] if "in eth0" in packet else ["--host", "host.json"]
    svg, html, chart = (trace(packet, *host, "--format", style).stdout for style in ("svg", "html", "mermaid"))
    root = ElementTree.fromstring(svg)
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "") and svg.strip() in html
    texts = ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]
    closing = _last(trace(packet, *host).stdout.split("This host")[0])
    assert any(closing.startswith(text) for text in texts if text)
    assert chart.startswith("flowchart TD") and chart.count("subgraph") == chart.count("\n  end")


def test_many_packets_are_summed_up(trace: Trace, folder: Path) -> None:
    (folder / "many").write_text("\n".join(f"udp 192.0.2.{n % 250}:5 -> 203.0.113.1:{53 if n % 3 else 54} in eth0" for n in range(60)))
    text = trace("--packets", "many").stdout
    assert text.startswith("60 packets: 40 ACCEPT, 20 DROP\n")
    assert "filter/INPUT rule 5 (rules.v4:18)" in text and "never hit (10)" in text
    document = json.loads(trace("--packets", "many", "--json").stdout)
    assert len(document["packets"]) == 60 and document["packets"][1]["decided_by"]["line"] == 18


# -- branches ------------------------------------------------------------------------------------------------
BRANCHES = """\
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:SVC - [0:0]
-A PREROUTING -d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j SVC
-A SVC -p tcp -m statistic --mode random --probability 0.33333333349 -j DNAT --to-destination 10.244.0.1:8080
-A SVC -p tcp -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.244.0.2:8080
-A SVC -p tcp -j DNAT --to-destination 10.244.0.3:8080
COMMIT
"""


def test_explore_follows_every_outcome(trace: Trace, folder: Path) -> None:
    (folder / "branches").write_text(BRANCHES)
    packet = "tcp 10.0.0.7:5 -> 10.96.0.1:80 in eth0 out eth1"
    found = json.loads(trace(packet, "--explore", "--json", rules="branches").stdout)
    assert found["complete"] is True
    shown = [
        ([q["holds"] for q in each["if"]], round(each["probability"], 3), each["packets"][0]["final"]["dst"]) for each in found["outcomes"]
    ]
    assert shown == [([True], 0.333, "10.244.0.1"), ([False, True], 0.333, "10.244.0.2"), ([False, False], 0.333, "10.244.0.3")]
    text = trace(packet, "--explore", rules="branches").stdout
    assert text.count("SVC rule 2: chance 0.5") == 4 and "3 outcomes" in text and "outcome 3, 33.3%" in text


def test_outcomes_of_several_packets_are_numbered(trace: Trace, folder: Path) -> None:
    (folder / "chance.v4").write_text(
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --syn -m statistic --mode random --probability 0.25 -j DROP\nCOMMIT\n"
    )
    told = trace("tcp 198.51.100.7:5 -> 203.0.113.1:22 in eth0", "--rules", "chance.v4", "--explore", "--reply").stdout
    assert "outcome 2, 75.0%" in told and "\n\n2. tcp 203.0.113.1:22 → 198.51.100.7:5 syn,ack\n" in told
    table = " ".join(told.rpartition("2 outcomes")[2].split())
    assert "DROP by filter/INPUT rule 1 (chance.v4:3) 2 75.0%" in table and "2. ACCEPT" in table


def test_explore_follows_what_is_not_known(trace: Trace, folder: Path) -> None:
    (folder / "open").write_text("*filter\n-A INPUT -m set --match-set bad src -j DROP\nCOMMIT\n")
    found = json.loads(trace(SSH, "--explore", "--json", rules="open").stdout)
    assert [each["packets"][0]["verdict"] for each in found["outcomes"]] == ["DROP", "ACCEPT"]
    both = json.loads(trace(SSH, "--explore", "--reply", "--json", rules="open").stdout)
    assert [[p["verdict"] for p in each["packets"]] for each in both["outcomes"]] == [["DROP"], ["ACCEPT", "ACCEPT"]]
    (unknown,) = json.loads(trace(SSH, "--json", rules="open").stdout)["packets"][0]["unknown"]
    assert (unknown["match"], unknown["reason"], unknown["assumed"]) == (
        "-m set --match-set bad src",
        "set bad is not described",
        "no match",
    )


def test_chance_goes_by_the_seed(trace: Trace, folder: Path) -> None:
    (folder / "branches").write_text(BRANCHES)
    seen = set()
    for seed in "12345678":
        words = ["tcp 10.0.0.7:5 -> 10.96.0.1:80 in eth0 out eth1", "--json", "--seed", seed]
        first, second = (trace(*words, rules="branches").stdout for _ in range(2))
        assert first == second
        seen.add(json.loads(first)["packets"][0]["final"]["dst"])
    assert len(seen) > 1


# -- attributes that decide ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rule", "yes", "no", "way"),
    [
        ("-m owner --uid-owner 1000", "uid 1000", "uid 0", "OUTPUT"),
        ("-m owner --gid-owner 5", "uid 1 gid 5", "uid 1 gid 6", "OUTPUT"),
        ("-m cgroup --path /system.slice", "cgroup /system.slice/ssh.service", "cgroup /user.slice", "OUTPUT"),
        ("-m cgroup --cgroup 7", "classid 7", "classid 8", "OUTPUT"),
        ("-m socket --transparent", "socket transparent", "socket none", "INPUT"),
        ("-m socket", "socket open", "socket wildcard", "INPUT"),
        ("-m socket --nowildcard", "socket wildcard", "socket none", "INPUT"),
        ("-m policy --dir in --pol none", "ipsec none", None, "INPUT"),
        ("-m physdev --physdev-in tap0", "physin tap0", "physin tap1", "INPUT"),
        ("-m set --match-set bad src", "set bad", "set good", "INPUT"),
        ("-m string --string GET --algo bm", 'payload "GET /"', "payload PUT", "INPUT"),
        ('-m u32 --u32 "0>>22&0x3C@4>>24=0x47"', None, "payload PUT", "INPUT"),
        ("-m time --timestart 09:00 --timestop 17:00 --weekdays Mon", "at 2026-11-23T10:00", "at 2026-11-23T18:00", "INPUT"),
        ("-m mac --mac-source 02:00:00:00:00:09", "mac 02:00:00:00:00:09", "mac 02:00:00:00:00:08", "INPUT"),
        ("-m helper --helper ftp", "helper ftp", "helper irc", "INPUT"),
        ("-m conntrack --ctstate RELATED", "ctstate related", "ctstate new", "INPUT"),
        ("-m length --length 100", "length 100", "length 99", "INPUT"),
        ("-m dscp --dscp 46", "dscp 46", "dscp 45", "INPUT"),
        ("-m mark --mark 0x10/0xff", "mark 0x110", "mark 0x111", "INPUT"),
        ("-m pkttype --pkt-type broadcast", "l2 broadcast", "l2 unicast", "INPUT"),
    ],
)  # fmt: skip
def test_attributes_decide(trace: Trace, folder: Path, rule: str, yes: str | None, no: str | None, way: str) -> None:
    (folder / "rule").write_text(f"*filter\n-A {way} {rule} -j DROP\nCOMMIT\n")
    start = f"udp 1.2.3.4:5 -> 5.6.7.8:9 {'in' if way == 'INPUT' else 'out'} eth0"
    for words, verdict in ((yes, "DROP"), (no, "ACCEPT")):
        if words is not None:
            packet = json.loads(trace(f"{start} {words}", "--json", rules="rule").stdout)["packets"][0]
            assert (packet["verdict"], packet["unknown"]) == (verdict, []), words


def test_fragments_become_their_packet(trace: Trace, folder: Path) -> None:
    """In any order, of one id, within half a minute; each is measured by itself where packets are too long."""
    first = "udp 10.0.0.7:5 -> 192.0.2.9:53 in eth1 more-fragments payload-len 1472 id"
    last = "udp 10.0.0.7 -> 192.0.2.9 in eth1 frag 185 payload-len 100 id"
    for packets, fate in ((f"{first} 7; {last} 7", "forwarded"), (f"{last} 7 df; {first} 7 df", "forwarded"), (f"{first} 7; {last} 8", "dropped"), (f"{first} 7; {last} 7 at +31s", "dropped")):  # fmt: skip
        before, whole = json.loads(trace(packets, "--host", "host.json", "--json").stdout)["packets"]
        assert (before["fate"], before["why"]) == ("dropped", "a fragment waits for the rest of its packet")
        assert whole["fate"] == fate, packets
        if fate == "forwarded":
            assert (whole["final"]["length"], whole["steps"][0]["dport"]) == (1500, 53), "it leaves as the fragments that came"
    told = trace(f"{first} 7; {last} 7", "--host", "host.json").stdout
    assert told.index("reassembled  length 1600") < told.index("conntrack  NEW")


@pytest.mark.parametrize(
    ("packet", "verdict", "unknown"),
    [
        ("udp 198.51.100.7:5 -> 203.0.113.1:53", "ACCEPT", 1),
        ("udp 198.51.100.7:5 -> 203.0.113.1:53 payload-len 40", "ACCEPT", 1),
        ("udp 198.51.100.7:5 -> 203.0.113.1:53 payload other", "ACCEPT", 0),
        ("udp 198.51.100.7:5 -> 203.0.113.1:53 payload version.bind", "DROP", 0),
        ("tcp 198.51.100.7:5 -> 203.0.113.1:53", "ACCEPT", 0),
        ("tcp 198.51.100.7:5 -> 203.0.113.1:53 psh,ack", "ACCEPT", 1),
    ],
)
def test_a_payload_that_nobody_described(trace: Trace, folder: Path, packet: str, verdict: str, unknown: int) -> None:
    """It may have what a rule looks for, unless the packet only opens a connection."""
    (folder / "text.v4").write_text("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m string --string version.bind --algo bm -j DROP\nCOMMIT\n")
    told = json.loads(trace(f"{packet} in eth0", "--rules", "text.v4", "--json").stdout)["packets"][0]
    assert (told["verdict"], len(told["unknown"])) == (verdict, unknown)


def test_a_header_that_nobody_described_is_not_empty(trace: Trace, folder: Path) -> None:
    """The kernel would lose a packet that is too short for its header."""
    (folder / "spi.v4").write_text(
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p esp -m esp --espspi 5 -j ACCEPT\n-A INPUT -p esp -j REJECT\nCOMMIT\n"
    )
    for more, verdict, unknown in (("", "REJECT", 1), (" l4 0000000500000001", "ACCEPT", 0), (" l4 00000005", "DROP", 0)):
        told = json.loads(trace(f"esp 198.51.100.7 -> 203.0.113.1 in eth0{more}", "--rules", "spi.v4", "--json").stdout)["packets"][0]
        assert (told["verdict"], len(told["unknown"])) == (verdict, unknown), more


def test_transparent_proxies_take_what_is_for_others(trace: Trace, folder: Path) -> None:
    """A listening socket gets the packet, as the routing rule has it; nobody answers that nothing listened."""
    (folder / "proxy.v4").write_text("*mangle\n-A PREROUTING -p tcp -j TPROXY --on-port 3128 --tproxy-mark 0x1\nCOMMIT\n*filter\nCOMMIT\n")
    ways = {
        "rules": ["fwmark 1 table 100"],
        "routes": ["default via 203.0.113.254", "local default dev lo table 100"],
        "stack_replies": True,
    }
    (folder / "proxy.json").write_text(json.dumps({**HOST, **ways}))
    words = ["tcp 10.0.0.7:5 -> 192.0.2.9:80", "--host", "proxy.json", "--rules", "proxy.v4", "--json"]
    for socket, fate, unknown in (("", "dropped", 1), (" socket none", "dropped", 0), (" socket transparent", "delivered", 0)):
        told = json.loads(trace(words[0] + socket, *words[1:]).stdout)["packets"][0]
        assert (told["fate"], len(told["unknown"]), told["replies"]) == (fate, unknown, []), socket


def test_expectations_by_declaration(trace: Trace, folder: Path) -> None:
    (folder / "ftp").write_text("*filter\n-A FORWARD -m conntrack --ctstate RELATED -m helper --helper ftp -j ACCEPT\n-A FORWARD -p tcp -m tcp --dport 21 -j ACCEPT\n:FORWARD DROP [0:0]\nCOMMIT\n".replace("*filter\n", "*filter\n:FORWARD DROP [0:0]\n", 1).replace("-j ACCEPT\n:FORWARD DROP [0:0]\n", "-j ACCEPT\n"))  # fmt: skip
    flow = "tcp 10.0.0.7:5 -> 192.0.2.9:21 in eth1 out eth0; tcp 192.0.2.9:20 -> 10.0.0.7:6 in eth0 out eth1"
    assert [p["verdict"] for p in json.loads(trace(flow, "--json", rules="ftp").stdout)["packets"]] == ["ACCEPT", "DROP"]
    packets = json.loads(trace(f"{flow} expected-by 1 helper ftp", "--json", rules="ftp").stdout)["packets"]
    assert [(p["ctstate"], p["verdict"]) for p in packets] == [("NEW", "ACCEPT"), ("RELATED", "ACCEPT")]


# -- the state, expectations of the user, scenarios ----------------------------------------------------------
def test_state_and_its_counters(trace: Trace, folder: Path) -> None:
    state = str(folder / "state")
    assert run(["iptables-restore"], state=state, stdin=RULES).returncode == 0
    assert _last(trace(SSH, rules=None).stdout.split("This host")[0]).startswith("REJECT by filter/SSH rule 2 (rules.v4:")
    assert trace(SSH, "--counters", rules=None).exit_code == 0
    assert trace(SSH, "--counters", "--state", state, rules=None).exit_code == 0
    listed = run(["iptables", "-L", "SSH", "-n", "-v", "-x"], state=state).stdout.splitlines()
    assert [line.split()[:2] for line in listed[2:]] == [["0", "0"], ["2", "80"]]
    assert "[2:80]" in run(["iptables-save", "-c"], state=state).stdout


@pytest.mark.parametrize(
    ("expect", "code"), [("REJECT", 0), ("reject", 0), ("ACCEPT", 1), ("DROP", 1)]
)  # fmt: skip
def test_expect_sets_the_exit_status(trace: Trace, expect: str, code: int) -> None:
    for style in (["--json"], ["--explore"], []):
        done = trace(SSH, "--expect", expect, *style)
        assert done.exit_code == code
        assert ("expected" in done.stderr) == bool(code)
    done = trace(f"{SSH}; {SSH}; udp 198.51.100.7:5 -> 203.0.113.1:53 in eth0", "--expect", expect)
    assert ("(the first of 2 that ended otherwise, of 3)" in done.stderr) == (expect == "ACCEPT")


@pytest.mark.parametrize(
    "options", [[], ["--host", "host.json"], ["--host", "host.json", "--conntrack", "ct", "--ipset", "sets", "--seed", "4"]]
)
def test_saved_scenarios_play_again(trace: Trace, folder: Path, options: list[str]) -> None:
    (folder / "ct").write_text(
        "udp 17 29 src=10.0.0.7 dst=192.0.2.9 sport=5 dport=53 src=192.0.2.9 dst=203.0.113.1 sport=53 dport=5 mark=3 use=1\n"
    )
    (folder / "sets").write_text("create bad hash:ip family inet\nadd bad 10.0.0.9\n")
    (folder / "rules.v4").write_text(RULES.replace("-A SSH -s", "-A FORWARD -m set --match-set bad src -j DROP\n-A SSH -s"))
    packets = "udp 10.0.0.7:5 -> 192.0.2.9:53 in eth1 out eth0; reply; tcp 10.0.0.9:6 -> 192.0.2.9:80 in eth1 out eth0"
    told = json.loads(trace(packets, *options, "--json", "--save-scenario", "case.json").stdout)["packets"]
    played = json.loads(trace("--scenario", "case.json", "--json", rules=None).stdout)["packets"]
    keys = ("hook", "table", "chain", "kind", "num", "src", "dst", "in", "out", "mark")
    for mine, again in zip(told, played, strict=True):
        assert [[step[key] for key in keys] for step in mine["steps"]] == [[step[key] for key in keys] for step in again["steps"]]
        assert (mine["fate"], mine["ctstate"], mine["mark"]) == (again["fate"], again["ctstate"], again["mark"])
    if "--conntrack" in options:
        assert told[0]["ctstate"] == "ESTABLISHED"


def test_scenarios(trace: Trace, folder: Path) -> None:
    case: dict[str, Any] = {"name": "one", "rules": "*filter\n-A FORWARD -p udp -j DROP\nCOMMIT\n", "counters": True}
    case["packets"] = [
        {"from": "a", "src": "10.0.0.2", "dst": "10.0.1.2", "proto": "udp"},
        {"from": "a", "src": "10.0.0.2", "dst": "10.0.1.2", "proto": "tcp"},
    ]
    (folder / "cases").write_text(json.dumps([case, {**case, "name": "two", "rules": "*filter\nnonsense\n"}]))
    done = trace("--scenario", "cases", "--json", rules=None)
    one, two = json.loads(done.stdout)
    assert [packet["fate"] for packet in one["packets"]] == ["dropped", "forwarded"]
    assert "[1:28] -A FORWARD -p udp -j DROP" in one["counters"] and "Bad argument" in two["error"] and "packets" not in two
    assert done.exit_code == 0 and "case 2" in done.stderr
    shown = trace("--scenario", "cases", "--expect", "DROP", rules=None)
    assert "DROP by filter/FORWARD rule 1" in shown.stdout and shown.exit_code == 1


def test_the_manuals_scenario_plays(trace: Trace, folder: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "man" / "pyiptables-scenario.5").read_text(encoding="utf-8")
    (folder / "case").write_text(page.partition(".Bd -literal -offset indent\n")[2].partition(".Ed\n")[0].replace("\\en", "\\n"))
    there, back = json.loads(trace("--scenario", "case", "--json", rules=None).stdout)["packets"]
    assert (there["final"]["dst"], there["final"]["dport"], back["final"]["src"]) == ("10.0.0.20", 80, "203.0.113.1")


# -- what is refused -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["tcp 1.2.3.4:5 -> 5.6.7.8:80"], "packet 1: where does it come in or go out? Say in, out or both, or describe the host"),
        (["tcp 1.2.3.4:5 -> 5.6.7.8:80 in eth0 synx"], "1:37: unknown word 'synx' (did you mean 'syn'?)"),
        (["udp 1.2.3.4:5 -> 5.6.7.8:80 in eth0 syn"], "1:37: TCP flags in a packet of udp"),
        (["-p", "udp", "-s", "1.2.3.4", "-d", "5.6.7.8", "--syn", "-i", "eth0"], "TCP flags in a packet of udp: -p tcp has them"),
        (["-p", "tcp", "-s", "1.2.3.4", "-d", "5.6.7.8", "--icmp-type", "8", "-i", "eth0"], "an ICMP type in a packet of tcp"),
        (["-s", "1.2.3.4", "-i", "eth0"], "the packet has no destination address (-d)"),
        (["-s", "1.2.3.4", "-d", "5.6.7.8", "--dport", "70000", "-i", "eth0"], "packet 1: dport 70000 is not within 0 to 65535"),
        (["-s", "1.2.3.4", "-d", "5.6.7.8", "--mark", "x", "-i", "eth0"], "--mark is no number: 'x'"),
        (["-s", "1.2.3.4", "-d", "5.6.7.8", "--dport", "sshh", "-i", "eth0"], "--dport: no port: 'sshh'"),
        (["-s", "1.2.3.4", "-d", "5.6.7.8", "--dscp", "64", "-i", "eth0"], "--dscp 64 is not within 0 to 63"),
        (["--host", "host.json", "-i", "eth9", "-s", "1.2.3.4", "-d", "5.6.7.8"], "packet 1: the host has no interface 'eth9' (it has eth0, eth1, lo)"),
        (["--host", "nowhere", "-i", "eth0", "-s", "1.2.3.4", "-d", "5.6.7.8"], "nowhere: No such file or directory"),
        (["--host", "bad.json", "-i", "eth0", "-s", "1.2.3.4", "-d", "5.6.7.8"], "bad.json:1:18: not JSON: Expecting ',' delimiter"),
        (["--host", "typo.json", "-i", "eth0", "-s", "1.2.3.4", "-d", "5.6.7.8"], "typo.json: unknown key 'interface': did you mean 'interfaces'?"),
        (["--host", "route.json", "-i", "eth0", "-s", "1.2.3.4", "-d", "5.6.7.8"], "route.json: route 'default dev eth7': there is no interface 'eth7'"),
        (["--host", "empty", "-i", "eth0", "-s", "1.2.3.4", "-d", "5.6.7.8"], "empty: no output of 'ip -j addr' in this folder ('pyiptables snapshot DIR' makes one)"),
        (["--conntrack", "bad.ct", "-i", "eth0", "-s", "1.2.3.4", "-d", "5.6.7.8"], "bad.ct:2: there is no reply tuple"),
        (["--conntrack", "bad.v4", "-i", "eth0", "-s", "1.2.3.4", "-d", "5.6.7.8"], "bad.v4:1: not a line of conntrack -L"),
        (["--rules", "script", "-i", "eth0", "-s", "1.2.3.4", "-d", "5.6.7.8"], "script:1: iptables-restore: line 1 failed (not an iptables-save file: it has no table; 'pyiptables plan' reads scripts)"),
        (["--ipset", "bad.ct", "-i", "eth0", "-s", "1.2.3.4", "-d", "5.6.7.8"], "bad.ct:1: not a line of ipset save: 'conntrack'"),
        (["--rules", "loop.v4", "-i", "eth0", "-s", "1.2.3.4", "-d", "5.6.7.8"], "loop.v4:7: line 6: RULE_APPEND failed (Too many links): rule in chain INPUT"),
        (["--rules", "bad.v4", "-i", "eth0", "-s", "1.2.3.4", "-d", "5.6.7.8"], "bad.v4:2: unknown option \"--nonsense\""),
        (["udp 1.2.3.4 -> 5.6.7.8 in interface-of-16-c"], "packet 1: no interface has a name as long as 'interface-of-16-c'"),
        (["--packets", "keys.json"], "keys.json: packet 1: unknown key 'protocol': did you mean 'proto'?"),
        (["--packets", "bad.packets"], "bad.packets:2:5: '1.2.3.400' is no address"),
        (["--packets", "bad.json"], "bad.json:1:18: not JSON: Expecting ',' delimiter"),
        (["--packets", "numbers.json"], "numbers.json: packet 2: ttl 'x' is no whole number"),
        (["--pcap", "bad.json", "-i", "eth0"], "bad.json: not a pcap or pcapng file: got 19, 24 needed at least"),
        (["--scenario", "numbers.json", "tcp 1.2.3.4 -> 5.6.7.8", "--reply"], "--scenario has its own rules, host and packets: it cannot be used with a packet and --rules and --reply"),
        (["--pcap", "bad.json", "-i", "eth0", "-s", "1.2.3.4"], "--pcap has its own packets: it cannot be used with --source"),
        (["--counters", "-i", "eth0", "-s", "1.2.3.4", "-d", "5.6.7.8"], "--counters counts in the state; it cannot be used with --rules or --scenario"),
        ([], "no packet: describe one (tcp 10.0.0.2:40000 -> 192.0.2.10:443 in eth0), or use --packets or --pcap"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_exit_2(trace: Trace, folder: Path, words: list[str], error: str) -> None:
    (folder / "empty").mkdir()
    loop = "*filter\n:A - [0:0]\n:B - [0:0]\n-A A -j B\n-A B -j A\n-A INPUT -j A\nCOMMIT\n"
    for name, text in {
        "bad.json": '{"interfaces":{} 1}', "typo.json": '{"interface": {}}', "loop.v4": loop,
        "route.json": '{"interfaces": {"eth0": []}, "routes": ["default dev eth7"]}', "bad.v4": "*filter\n-A INPUT --nonsense\nCOMMIT\n",
        "bad.ct": "conntrack v1.4.8 (conntrack-tools): 0 flow entries\nudp 17 30 src=1.2.3.4 dst=2.3.4.5 sport=1 dport=2\n",
        "script": "iptables -F\n",
        "keys.json": '{"src": "1.2.3.4", "dst": "1.2.3.5", "in": "eth0", "protocol": "tcp", "remark": "of mine"}',
        "bad.packets": "# packets\ntcp 1.2.3.400:5 -> 5.6.7.8:9 in eth0\n",
        "numbers.json": '[{"src": "1.2.3.4", "dst": "1.2.3.5", "in": "eth0", "host": null}, {"src": "1.2.3.4", "dst": "1.2.3.5", "in": "eth0", "ttl": "x"}]',
    }.items():  # fmt: skip
        (folder / name).write_text(text)
    done = trace(*words)
    assert (done.exit_code, done.stderr) == (2, f"pyiptables trace: {error}\n")


def test_ports_by_name_are_those_of_the_protocol(trace: Trace, folder: Path) -> None:
    words = ["-s", "198.51.100.7", "-d", "203.0.113.1", "-i", "eth0", "--dport"]
    for proto, name, port in (("tcp", "ssh", 22), ("udp", "domain", 53)):
        [packet] = json.loads(trace("-p", proto, *words, name, "--json").stdout)["packets"]
        assert packet["packet"]["dport"] == port
    assert trace("-p", "udp", *words, "ssh").stderr == "pyiptables trace: --dport: no port: 'ssh'\n"


def test_a_state_edited_by_hand_has_places(trace: Trace, folder: Path) -> None:
    (folder / "state").mkdir()
    (folder / "state" / "rules.v4").write_text("*filter\n# by hand\n-A INPUT -j DROP\nCOMMIT\n")
    assert _last(trace(SSH, "--state", "state", rules=None).stdout) == "DROP by filter/INPUT rule 1 (rules.v4:3)"
    (folder / "state" / "rules.v4").write_text("*filter\n-A INPUT -j NOWHERE\nCOMMIT\n")
    assert trace(SSH, "--state", "state", rules=None).stderr.startswith("pyiptables trace: state/rules.v4:")


def test_without_dpkt(trace: Trace, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dpkt", None)
    done = trace("--pcap", "rules.v4", "-i", "eth0")
    assert (done.exit_code, done.stderr) == (2, "pyiptables trace: captures need dpkt: pip install 'pyiptables-emulator[pcap]'\n")


def test_colour_only_on_a_terminal(folder: Path) -> None:
    """A real process: no escapes into a pipe, unless asked for."""
    words = [sys.executable, "-m", "pyiptables", "trace", "--rules", "rules.v4", SSH]
    plain = subprocess.run(words, capture_output=True, text=True, check=True, encoding="utf-8").stdout
    assert "\x1b" not in plain
    colours = subprocess.run(
        [*words, "--color", "always"], capture_output=True, text=True, check=True, encoding="utf-8", env={"PATH": ""}
    ).stdout
    assert "\x1b[1;31mREJECT by filter/SSH rule 2 (rules.v4:22)\x1b[0m" in colours


def test_host_json_is_read_as_scenarios_have_it(trace: Trace, folder: Path) -> None:
    (folder / "whole.json").write_text(json.dumps({"host": {**HOST, "sysctls": {"ip_forward": 0}}}))
    done = trace("udp 10.0.0.7:5 -> 192.0.2.9:53", "--host", "whole.json")
    assert _last(done.stdout) == "DROP by the kernel: the host does not forward (ip_forward is 0)"
