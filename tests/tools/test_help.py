"""``-h``: every option of every extension with what it does, and the phrases that programs look for in it."""

from __future__ import annotations

import pytest

from pyiptables import run
from pyiptables.extensions import find_match, find_target, names

CASES = [
    (family, kind, name)
    for family in (4, 6)
    for kind in ("match", "target")
    for name in names(kind, family)
    if name != "standard"
]  # fmt: skip


def _help(family: int, *words: str) -> str:
    done = run(["iptables" if family == 4 else "ip6tables", *words, "-h"])
    assert done.returncode == 0
    assert done.stderr == "" or "missing kernel module" in done.stderr
    return done.stdout


@pytest.mark.parametrize(("family", "kind", "name"), CASES, ids=str)
def test_extension(family: int, kind: str, name: str) -> None:
    extension = find_match(name, family) if kind == "match" else find_target(name, family)
    assert extension is not None
    assert extension.summary
    text = _help(family, "-m" if kind == "match" else "-j", name)
    part = text.partition(f"\n{extension.name} {kind}: ")[2]
    assert part
    for option in extension.options:
        for word in (option.name, *option.aliases):
            assert f"--{word}" in part
        assert option.help.replace(" ", "") in "".join(part.split())
    assert max(map(len, text.splitlines())) <= 110


@pytest.mark.parametrize(
    ("words", "phrase"),
    [
        ("", "iptables -h (print this help information)"),
        ("-p tcp", "tcp match options:"),
        ("-p tcp -j DNAT", "DNAT target options:"),
        ("-m limit", "limit match options:"),
        ("-p icmp", "Valid ICMP Types:\nany\necho-reply (pong)\ndestination-unreachable\n   network-unreachable\n"),
        ("-j REJECT", "icmp-net-unreachable, icmp-host-unreachable, "),
        ("-j TCPOPTSTRIP", "(wscale, mss, sack-permitted,"),
        ("-m sctp", "all, any, only, DATA, INIT, "),
        ("-m ipvs", "ORIGINAL|REPLY                    direction within the connection\n"),
        ("-m owner", "only: reached from OUTPUT, POSTROUTING"),
    ],
)
def test_phrases(words: str, phrase: str) -> None:
    assert phrase in _help(4, *words.split())
