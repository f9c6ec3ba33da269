"""Typical mistakes: the finding stands at the guilty word, and its hint says how to mend the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyiptables.lint.engine import lint_data
from pyiptables.lint.settings import Settings

#: Rules with one mistake in angle brackets, and a piece of the hint.
FILTER = (
    ("-A INPUT -p tcp <--dprot> 22 -j ACCEPT", "--dport?"),
    ("-A INPUT -p tcp <-dport> 22 -j ACCEPT", "--dport?"),
    ("-A INPUT <--dport> 22 -j ACCEPT", "-p tcp or -p udp"),
    ("-A INPUT -p <tpc> --dport 22 -j ACCEPT", "tcp?"),
    ("-A INPUT -p <icmp6> -j ACCEPT", "icmpv6"),
    ("-A INPUT -p tcp --dport <shh> -j ACCEPT", "ssh?"),
    ("-A INPUT -p tcp --dport <70000> -j ACCEPT", "0 to 65535"),
    ("-A INPUT -p tcp --dport <22,80> -j ACCEPT", "-m multiport --dports 22,80"),
    ("-A INPUT -p tcp --dport <1000-2000> -j ACCEPT", "1000:2000"),
    ("-A INPUT -p tcp --dport <443:80> -j ACCEPT", "lower port"),
    ("-A INPUT -p tcp <--dports> 22,80 -j ACCEPT", "-m multiport"),
    ("-A INPUT -p tcp --dport 80 --dport <443> -j ACCEPT", "--dports 80,443"),
    ("-A INPUT -m <multiport> --dports 22 -j ACCEPT", "-p tcp or -p udp"),
    ("-A INPUT -s 10.0.0.0/<33> -j ACCEPT", "0 to 32"),
    ("-A INPUT -s <10.0.0.256> -j ACCEPT", "0 to 255"),
    ("-A INPUT -s <10.0.0.1-10.0.0.9> -j ACCEPT", "--src-range"),
    ("-A INPUT -s <fe80::1> -j ACCEPT", "ip6tables"),
    ("-A INPUT -m <conntrak> --ctstate NEW -j ACCEPT", "conntrack?"),
    ("-A INPUT -m conntrack --ctstate <NWE> -j ACCEPT", "NEW?"),
    ("-A INPUT -m conntrack <--state> NEW -j ACCEPT", "--ctstate?"),
    ("-A INPUT -m state --state ESTABLISHED <RELATED> -j ACCEPT", "ESTABLISHED,RELATED"),
    ("-A INPUT -m <unclean> -j DROP", "INVALID"),
    ("-A INPUT -m <layer7> -j DROP", "never part"),
    ("-A INPUT -p tcp -j <ACEPT>", "ACCEPT?"),
    ("-A INPUT -p tcp -j <accept>", "Capitals"),
    ("-A INPUT -p tcp -j <DENY>", "DROP"),
    ("-A INPUT -p tcp -j <ACCEPT;>", "-j ACCEPT"),
    ("-A INPUT -p tcp <-J> ACCEPT", "-j?"),
    ("-A INPUT <ACCEPT>", "-j ACCEPT"),
    ("-A INPUT -g <ACCEPT>", "-j ACCEPT"),
    ("-A <INPUTT> -j ACCEPT", "INPUT?"),
    ("-A <PREROUTING> -j ACCEPT", "nat"),
    ("-A INPUT <-o> eth0 -j ACCEPT", "use -i"),
    ("-A OUTPUT <-i> eth0 -j ACCEPT", "use -o"),
    ("-A INPUT -i <averyverylonginterface> -j ACCEPT", "15 characters"),
    ("-A INPUT -j REJECT <--reject-type> icmp-port-unreachable", "--reject-with?"),
    ("-A INPUT -j REJECT --reject-with <icmp6-port-unreachable>", "icmp-port-unreachable"),
    ("-A INPUT -p udp -j REJECT --reject-with <tcp-reset>", "-p tcp"),
    ("-A INPUT -j LOG --log-level <warn1>", "0 to 7"),
    ("-A INPUT <--limit> 5/min -j LOG", "-m limit"),
    ("-A INPUT -m limit --limit <5/fortnight> -j LOG", "5/minute"),
    ("-A INPUT -j <MASQUERADE>", "table nat, chain POSTROUTING"),
    ("-A INPUT -j <NOTRACK>", "table raw"),
    ("-A INPUT -m <owner> --uid-owner 0 -j DROP", "OUTPUT"),
    ("-A INPUT -j <QUEUE>", "NFQUEUE"),
    ("-A INPUT -p icmp --icmp-type <echo-requst> -j ACCEPT", "echo-request?"),
    ("-A INPUT -p icmp <--icmpv6-type> echo-request -j ACCEPT", "ip6tables"),
    ("-A INPUT -p tcp <--tcp-flags> SYN -j ACCEPT", "SYN,ACK SYN"),
    ("-A INPUT -p tcp --tcp-flags SYN,ACK <SIN> -j ACCEPT", "SYN?"),
    ("-A INPUT -m mac --mac-source <00:11:22:33:44> -j ACCEPT", "six pairs"),
    ("-A INPUT -m iprange --src-range 10.0.0.1 <10.0.0.9> -j ACCEPT", "10.0.0.1-10.0.0.9"),
    ("-A INPUT -m comment --comment hello <world> -j DROP", "quotes"),
    ("-A INPUT -m <string> --string foo -j DROP", "--algo bm"),
    ("-A INPUT <-t> nat -j ACCEPT", "*TABLE"),
    ("-A INPUT -j ACCEPT <#> ssh", "comment"),
    ("<iptables> -A INPUT -j ACCEPT", "behind the program's name"),
    ("-A INPUT -p tcp <\N{EN DASH}dport> 22 -j ACCEPT", "U+2013"),
    ("-A INPUT -m owner <--pid-owner> 1 -j ACCEPT", "2.6.14"),
    ("-P INPUT <REJECT>", "ACCEPT and DROP"),
    ("-P <web> DROP", "built-in"),
    ("-N <ACCEPT>", "choose another"),
)
NAT = (
    ("-A POSTROUTING -j SNAT <--to-destination> 10.0.0.1", "--to-source?"),
    ("-A PREROUTING -j <DNAT>", "--to-destination 10.0.0.2:80"),
    ("-A PREROUTING -j DNAT --to-destination <10.0.0.1:80>", "-p tcp"),
    ("-A PREROUTING -j <MASQUERADE>", "DNAT"),
    ("-A POSTROUTING -j <MASQURADE>", "MASQUERADE?"),
    ("-A POSTROUTING <-i> eth0 -j MASQUERADE", "use -o"),
    ("-A POSTROUTING -j <DROP>", "table filter"),
    ("-A <FORWARD> -j ACCEPT", "table filter"),
)
V6 = (
    ("-A INPUT -p tcp -j <ULOG>", "NFLOG"),
    ("-A INPUT -s <10.0.0.1> -j ACCEPT", "use iptables"),
    ("-A INPUT -p icmp <--icmp-type> echo-request -j ACCEPT", "--icmpv6-type"),
    ("-A INPUT -m <ttl> --ttl-eq 1 -j DROP", "-m hl"),
    ("-A INPUT -j REJECT --reject-with <icmp-port-unreachable>", "icmp6-port-unreachable"),
)
ROWS = [("filter", 4, *row) for row in FILTER] + [("nat", 4, *row) for row in NAT] + [("filter", 6, *row) for row in V6]


@pytest.mark.parametrize(("table", "family", "rule", "hint"), ROWS, ids=[row[2] for row in ROWS])
def test_hint(table: str, family: int, rule: str, hint: str) -> None:
    before, _, rest = rule.partition("<")
    word, _, after = rest.partition(">")
    text = f"*{table}\n{before}{word}{after}\nCOMMIT\n"
    found = lint_data(text.encode(), "r.rules", Settings(select=("E",)), family=family).diagnostics
    assert len(found) == 1
    place = found[0].place
    assert (place.line, place.column, place.end_column) == (2, len(before) + 1, len(before) + len(word) + 1)
    assert hint in found[0].hint


QUIET = sorted((Path(__file__).parent / "quiet").iterdir())


@pytest.mark.parametrize("file", QUIET, ids=[file.name for file in QUIET])
def test_good_files_are_left_alone(file: Path) -> None:
    if file.suffix in (".sh", ".conf"):
        pytest.importorskip("tree_sitter_bash", reason="scripts need the lint extra")
    found = lint_data(file.read_bytes(), file.name, Settings()).diagnostics
    assert [f"{each.place.line}: {each.code} {each.message}" for each in found] == []
