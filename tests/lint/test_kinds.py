"""The family of a rule file, guessed by its name and by what is in it."""

from __future__ import annotations

import pytest

from pyiptables.lint.kinds import kind_of


@pytest.mark.parametrize(
    ("name", "rule", "family"),
    [
        ("a.rules", "-p tcp --dport 22", 4),
        ("a.rules", "-p tcp -m multiport --dports 1024:65535,80", 4),
        ("a.rules", "-m mac --mac-source 00:11:22:33:44:55", 4),
        ("a.rules", "-m time --timestart 08:00:00", 4),
        ("a.rules", '-j LOG --log-prefix "in::out: "', 4),
        ("a.rules", "-s 10.0.0.1 -m comment --comment fe80::1", 4),
        ("a.rules", "-s fe80::/10", 6),
        ("a.rules", "-s ::1", 6),
        ("a.rules", "-d ::/0", 6),
        ("a.rules", "-s 2001:db8::1:2/128", 6),
        ("a.rules", "-s 2001:db8:1:2:3:4:5:6", 6),
        ("a.rules", "-p tcp -j DNAT --to-destination [2001:db8::2]:80", 6),
        ("a.rules", "-p icmpv6", 6),
        ("rules.v6", "-p tcp", 6),
        ("rules.v4", "-p tcp", 4),
    ],
)
def test_family(name: str, rule: str, family: int) -> None:
    text = f"*filter\n:INPUT DROP [0:0]\n-A INPUT {rule}\nCOMMIT\n"
    assert kind_of(name, text.encode()) == ("save", family)
