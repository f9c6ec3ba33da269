"""``plan``: what a script would leave, compared with what its commands leave when the emulator carries them out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("tree_sitter_bash", reason="scripts need the lint extra")

from real_shell import Shims
from test_real_shell import SCRIPTS, confined

from pyiptables.commands.plan import command
from pyiptables.tools.run import run as run_tool


def plan(*args: str, stdin: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(command, args, input=stdin)
    return result.exit_code, result.stdout, result.stderr


def saved(state: Path, family: int) -> list[str]:
    """The state's rules; tables that say nothing are left out."""
    done = run_tool(["iptables-save" if family == 4 else "ip6tables-save"], state=str(state))
    lines: list[str] = []
    for table in done.stdout.split("*")[1:]:
        body = [line.partition(" [")[0] for line in table.splitlines() if line and not line.startswith("#")]
        if any(line.startswith("-A") or line.endswith(" DROP") for line in body):
            lines += body
    return lines


#: Scripts that are known to their last word, with the arguments that make them so.
DETERMINED = {
    "dualstack.sh": "", "flood-guard.sh": "", "k8s-node.sh": "both", "killswitch.sh": "", "lockdown.sh": "",
    "panic.sh": "", "portknock.sh": "", "qos-mark.sh": "", "ratelimit.sh": "", "rc.firewall.sh": "", "tproxy.sh": "",
    "nat-gateway.sh": "", "entrypoint.sh": "", "restore-heredoc.sh": "",
}  # fmt: skip


@pytest.mark.parametrize("name", DETERMINED)
def test_plan_is_what_a_run_leaves(name: str, tmp_path: Path) -> None:
    text = (SCRIPTS / name).read_text()
    shell = "bash" if "bash" in text.split("\n", 1)[0] or "ksh" in text.split("\n", 1)[0] else "dash"
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    script = tmp_path / name
    script.write_text(confined(text, tmp_path / "root"))
    words = tuple(DETERMINED[name].split())
    calls, complaint = Shims(tmp_path).run(script.read_text(), shell, words)
    state = tmp_path / "state"
    for call in calls:
        done = run_tool([call.program, *call.argv], state=str(state), stdin=call.stdin)
        assert done.returncode in (0, 1), (call, done.stderr)
    assert calls, complaint
    planned = tmp_path / "planned"
    status, _, err = plan(str(script), "--args", " ".join(words), "--apply", "--state", str(planned))
    assert status == 0, err
    for family in (4, 6):
        real = [line for line in saved(state, family) if "vpn" not in line]
        assert [line for line in saved(planned, family) if "vpn" not in line] == real


def test_lines_and_doubts(tmp_path: Path) -> None:
    script = tmp_path / "fw.sh"
    script.write_text(
        "allow() { iptables -A INPUT -s $1 -j ACCEPT; }\nallow 10.0.0.1\n[ -f /x ] && allow 10.0.0.2\nallow $(ip)\niptables --bad\nip netns exec n iptables -F\n"
    )
    status, out, err = plan(str(script))
    assert status == 0
    assert [" ".join(line.split()) for line in out.splitlines() if "-A INPUT" in line] == [
        "-A INPUT -s 10.0.0.1/32 -j ACCEPT # line 1",
        "? -A INPUT -s 10.0.0.2/32 -j ACCEPT # line 1",
        "? iptables -A INPUT -s $1 -j ACCEPT # line 1",
    ]
    assert "not known: $1 (output of ip)" in err
    assert f"{script}:5: refused:" in err
    assert f"{script}: not shown: 1 command that acts elsewhere (n)" in err


def test_jumps_follow_a_chain_to_its_new_name() -> None:
    script = (
        "iptables -N OLD\niptables -N B\niptables -A INPUT -p tcp -j OLD\niptables -A B -g OLD\niptables -E OLD NEW\niptables -A B -j NEW\n"
    )
    status, out, _ = plan("-", stdin=script)
    assert status == 0
    assert [" ".join(line.split()) for line in out.splitlines() if "-A " in line] == [
        "-A INPUT -p tcp -j NEW # line 3",
        "-A B -g NEW # line 4",
        "-A B -j NEW # line 6",
    ]


def test_a_rule_with_words_that_are_not_known_is_there_perhaps() -> None:
    script = "iptables -A INPUT $X -j web\niptables -A INPUT -p tcp --syn $X -j DROP\niptables -A INPUT -j $GOAL\niptables -A INPUT -p udp $REST\n"
    _, out, _ = plan("-", stdin=script + "iptables -A INPUT -m $M -j DROP\niptables -A INPUT -j $(a b)\niptables -A $C -j DROP\n")
    assert [" ".join(line.split()) for line in out.splitlines() if "-A " in line] == [
        "? iptables -A INPUT $X -j web # line 1",
        "? iptables -A INPUT -p tcp --syn $X -j DROP # line 2",
        "? iptables -A INPUT -j $GOAL # line 3",
        "? iptables -A INPUT -p udp $REST # line 4",
        "? iptables -A INPUT -m $M -j DROP # line 5",
        "? iptables -A INPUT -j $(a b) # line 6",
    ]


def test_a_rule_is_added_once_where_the_script_asks_for_it_first() -> None:
    text = "for p in 22 22 80; do iptables -C INPUT -p tcp --dport $p -j ACCEPT 2>/dev/null || iptables -A INPUT -p tcp --dport $p -j ACCEPT; done\n"
    out = plan("-", stdin=text)[1]
    assert [line.partition("  #")[0].rstrip() for line in out.splitlines() if "-A" in line] == [
        f"  -A INPUT -p tcp -m tcp --dport {port} -j ACCEPT" for port in (22, 80)
    ]


def test_what_is_restored_perhaps() -> None:
    text = (
        "iptables -A INPUT -i lo -j ACCEPT\n"
        'if [ -n "$1" ]; then iptables-restore {}<<EOF\n*filter\n:INPUT DROP\n-A INPUT -p tcp --dport 80 -j ACCEPT\nCOMMIT\nEOF\nfi\n'
    )
    for option, first in (("-n ", " "), ("", "?")):
        out = plan("-", stdin=text.format(option))[1].splitlines()
        assert [line.partition("  #")[0].rstrip() for line in out if "-A" in line] == [
            f"{first} -A INPUT -i lo -j ACCEPT",
            "? -A INPUT -p tcp -m tcp --dport 80 -j ACCEPT",
        ]


def test_names_of_the_host_stand_as_they_are(tmp_path: Path) -> None:
    script = "iptables -A INPUT -s gate.example -j ACCEPT\niptables -A OUTPUT -m owner --uid-owner nobody -j DROP\n"
    _, out, err = plan("-", "--apply", "--state", str(tmp_path), stdin=script)
    assert [" ".join(line.split()) for line in out.splitlines() if "-A " in line] == [
        "? iptables -A INPUT -s gate.example -j ACCEPT # line 1",
        "? iptables -A OUTPUT -m owner --uid-owner nobody -j DROP # line 2",
    ]
    assert "-:1:1: not known: gate.example (a host name, looked up when the rule is added)" in err
    assert saved(tmp_path, 4) == []


def test_json_diff_and_apply(tmp_path: Path) -> None:
    script, state = tmp_path / "fw.sh", str(tmp_path / "state")
    script.write_text("iptables -A INPUT -i lo -j ACCEPT\n")
    _, out, _ = plan(str(script), "--json")
    document = json.loads(out)
    assert document["schema"] == "pyiptables.plan/1"
    assert {"text": "-A INPUT -i lo -j ACCEPT", "file": str(script), "line": 1, "perhaps": False} in document["rulesets"]["ipv4"]
    assert "+-A INPUT -i lo -j ACCEPT" in plan(str(script), "--diff", "--state", state)[1]
    assert plan(str(script), "--apply", "--state", state)[0] == 0
    assert plan(str(script), "--diff", "--state", state)[1] == ""
    assert "+-A INPUT -i lo -j ACCEPT" in plan(str(script), "--on-state", "--diff", "--state", state)[1]


def test_families(tmp_path: Path) -> None:
    text = "iptables -A INPUT -j DROP\nip6tables -A INPUT -j ACCEPT\n"
    both = plan("-", stdin=text)[1]
    assert plan("-", "-4", "-6", stdin=text)[1] == both
    four, six = plan("-", "-4", stdin=text)[1], plan("-", "-6", stdin=text)[1]
    assert both == f"# IPv4\n{four}# IPv6\n{six}"
    assert plan("-", "-6", stdin="iptables -A INPUT -j DROP\n") == (0, "", "-: leaves no table of IPv6\n")


def test_notes_stand_below_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the longest line that has room for its own; the longer ones have it where they end."""
    long = f"iptables -A INPUT -m comment --comment {'x' * 60} -j DROP\n"
    text = f"iptables -A INPUT -i lo -j ACCEPT\niptables -A INPUT -s 192.0.2.0/24 -j ACCEPT\n{long}"
    monkeypatch.setattr("pyiptables.commands.plan._WIDEST", 80)
    rules = [line for line in plan("-", stdin=text)[1].splitlines() if "-A" in line]
    assert [line.index("  # line") for line in rules] == [len("  -A INPUT -s 192.0.2.0/24 -j ACCEPT")] * 2 + [
        len(f"  -A INPUT -m comment --comment {'x' * 60} -j DROP")
    ]


def test_arguments_decide(tmp_path: Path) -> None:
    text = 'case "$1" in start) iptables -P INPUT DROP;; stop) iptables -P INPUT ACCEPT;; esac\niptables -A INPUT -p $1 -j DROP\n'
    _, out, err = plan("-", stdin=text)
    assert "--args start (or stop)" in err
    assert ":INPUT DROP" in plan("-", "--args", "start", stdin=text)[1]
    assert ":INPUT ACCEPT" in out


@pytest.mark.parametrize("args", [("missing",), ("--args", "'", "-"), ("--set", "1x", "-")])
def test_unusable_input_is_2(args: tuple[str, ...]) -> None:
    assert plan(*args, stdin="")[0] == 2
