"""Lines of a kind that was read before come to the same as if the parser had read each of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pyiptables.lint.recurring import Recurring
from pyiptables.lint.settings import Settings
from pyiptables.lint.subject import Subject, read_save_file
from pyiptables.ruleset import RuleSpec

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
sys.path.insert(0, str(Path(__file__).parents[1] / "analysis"))

from campus import campus
from mutants import RULESETS

#: Each stands twice, with other addresses the second time; some are refused, the second time as well.
ODD = """
-A INPUT -s {} -j ACCEPT
-A INPUT -s {} -s {} -j ACCEPT
-A INPUT ! -s {} -d {} -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp ! -d {} --dport 22 -m comment --comment "from -s 10.0.0.1 to" -j ACCEPT
-A INPUT -p tcp --dport 22 -m comment --comment " -s {} -d {}" -j ACCEPT
-A OUTPUT -i eth0 -s {} -j ACCEPT
-A INPUT -o eth0 -d {} -j ACCEPT
-A web -o eth0 -d {} -j ACCEPT
-A nowhere -d {} -j ACCEPT
-A INPUT -s {},{} -j ACCEPT
-A INPUT -s ! {} -j ACCEPT
-A INPUT -d {}/24 -j web
-A INPUT -d {}/0 -j web
-A INPUT -d {}/255.255.0.0 -g web
-A INPUT -d {}/33 -j web
-A INPUT -d {}/08 -j web
-A INPUT -s {} -p udp -m udp --dport 53 -j LOG --log-prefix "x "
-A INPUT -s {} -m nothing -j ACCEPT
-A INPUT -s {} -m state --state NEW -j ACCEPT
-A INPUT -s {} -j web -c 5 7
[5:7] -A web -s {} -j REJECT
-A web -s {}\t-j DROP
-A web -s {} -d host.example.org -j DROP
-A web
-A web -j DROP
-A web -i + -s {} -j ACCEPT
-A web ! -i + -s {} -p tcp -m tcp --syn -m tcp --dport 5 -j ACCEPT
-A web -s  -d {} -j DROP
-A web -s -d {} -j DROP
-A web --source 10.0.0.9 -d {} -j DROP
-A web -p tcp -m comment --comment -s {} -j ACCEPT
""".strip().splitlines()


#: Each stands once with every one of the values.
WITH_PORTS = """
-A web -p tcp -m tcp --dport {} -j ACCEPT
-A web -p tcp --dport {} -j ACCEPT
-A web -p tcp -m tcp ! --sport {} --dport 1{} -j ACCEPT
-A web -p tcp --dport {} --sport 5 -j ACCEPT
-A web -p tcp --dport {} --dport {} -j ACCEPT
-A web -p tcp --dport {} ! --syn -m comment --comment "--dport {}" -j ACCEPT
-A web -p tcp -m tcp --sport {} -m tcp --dport {} -j ACCEPT
-A web -p tcp -m tcp --sport {} -m tcp --sport {} -j ACCEPT
-A web -p udp -m udp ! --dport {} -j ACCEPT
-A web -p udp -m udp --sport {} --dport {} -j ACCEPT
-A web -p sctp -m sctp --dport {} -j ACCEPT
-A web -p udp -m multiport ! --dports {} -j ACCEPT
-A web -p tcp -m multiport --ports {} -m tcp --dport 7 -j ACCEPT
-A web -p tcp -m multiport --dports {} -m multiport --dports {},9 -j ACCEPT
-A web -p icmp -m multiport --dports {} -j ACCEPT
-A web -m mac --mac-source {} -j ACCEPT
-A web -m mac ! --mac-source {} -m mac --mac-source 00:11:22:33:44:55 -j ACCEPT
-A web --dport {} -j ACCEPT
-A web -m comment --comment {} -j ACCEPT
-A web -p tcp -m comment --comment "{}" --dport 22 -j ACCEPT
-A web -p tcp -m tcp --dport 22 -m comment --comment "a {}" -j LOG --log-prefix "-s {} "
-A web -p tcp -m comment --comment "a {}"x --dport 22 -j ACCEPT
-A web -p tcp -m comment --comment "a\\" --dport {} b" -m tcp --dport 22 -j ACCEPT
-A web -p tcp -m comment --comment "a" -m comment --comment "b {}" -j ACCEPT
-A web -p tcp -j LOG --log-prefix "x -m comment --comment " -m comment --comment "-s {}"
-A web -m comment --comment "{}
""".strip().splitlines()
VALUES = [
    "22", "80", "0", "1", "65535", "65536", "022", "0x16", "ssh", "nothing", "1:65535", "0:65535", "0:5", "5:5", "6:5", "5:6", ":7", "7:",
    "1024:65535", "65535:65535", "22,80", "22,80:90", "22,90:80", "22,", ",22", "-1", "!", "--syn", "\u0662\u0662",
    "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16", "1:2,3:4,5:6,7:8,9:10,11:12,13:14,15",
    "1:2,3:4,5:6,7:8,9:10,11:12,13:14,15:16", "02:00:00:00:00:01", "2:0:0:0:0:1", "02:00:00:00:00:AF", "02:00:00:00:00:af",
    "02:00:00:00:00:0g", "x-y_z", "a b", "it's", "\u00e9", "a\\b", "a$b", "-", "--", "a'b c", "x" * 254, "x" * 255, "x" * 256, "#", "`id`", " ", "",
]  # fmt: skip


def _with_ports() -> str:
    lines = [line.replace("{}", value) for value in VALUES for line in WITH_PORTS]
    return "\n".join(["*filter", ":web - [0:0]", *lines, "COMMIT", ""])


def _odd() -> str:
    lines = ["*filter", ":INPUT ACCEPT [0:0]", ":web - [0:0]"]
    for number, host in enumerate(("10.0.0.1", "192.0.2.77", "10.1.2.3")):
        lines += [line.replace("{}", f"{host}") if number < 2 else line.format("0x0a.1.2.3", "10.9.8.7") for line in ODD]
    return "\n".join([*lines, "COMMIT", ""])


TEXTS = {
    "odd": (4, _odd()),
    "ports": (4, _with_ports()),
    "campus4": (4, campus(4, 8, 20)[0]),
    "campus6": (6, campus(6, 8, 20)[0]),
    **RULESETS,
}


@pytest.mark.parametrize("variant", ["nft", "legacy"])
@pytest.mark.parametrize("name", TEXTS)
def test_as_if_each_were_parsed(name: str, variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    family, text = TEXTS[name]
    found = _read(text, family, variant)
    monkeypatch.setattr(Recurring, "find", lambda self, line: None)
    for one, two in zip(found, _read(text, family, variant), strict=True):
        assert one == two


def test_one_kind_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    known = []
    find = Recurring.find
    monkeypatch.setattr(Recurring, "find", lambda self, line: known.append(find(self, line)) or known[-1])
    rules = [
        f"-A web -s 10.0.{number}.0/24 ! -d 192.0.2.{number} -p tcp -m tcp --dport {80 + number} -m mac --mac-source 02:00:00:00:00:{number:02x} -j ACCEPT"
        for number in range(200)
    ]
    _read("\n".join(["*filter", ":web - [0:0]", *rules, "COMMIT", ""]), 4, "nft")
    assert [entry is None for entry in known] == [True] + [False] * 199


def _read(text: str, family: int, variant: str) -> list[object]:
    subject = Subject("file", text.encode(), Settings(variant=variant), family)
    read_save_file(subject)
    return [
        (item.text, item.action, item.chain, item.error and item.error.text, item.notices, item.host_names, item.obscure,
         item.command and (item.command.action, item.command.counters, _kind(item.command.spec)),
         [(rule.text, rule.packets, rule.bytes, rule.source, _said(rule.spec)) for rule in item.rules])
        for item in subject.items
    ]  # fmt: skip


def _kind(spec: RuleSpec) -> object:
    """What lines of one kind have in common."""
    names = [match.name for match in spec.matches], spec.target and spec.target.save(), spec.jump, spec.goto
    return names, spec.iniface, spec.outiface, spec.proto, spec.src_inv, spec.dst_inv


def _said(spec: RuleSpec | None) -> object:
    assert spec is not None
    return [
        [(match.name, match.save(), match.values, match.inverted) for match in spec.matches] if name == "matches"
        else spec.target and spec.target.save() if name == "target"
        else getattr(spec, name)
        for name in RuleSpec.__slots__
    ]  # fmt: skip
