"""Completion: what may come next, and that bash, zsh and fish offer it at their own prompt."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyiptables.commands.completion import SHELLS, script
from pyiptables.tools.completion import FILE, candidates
from pyiptables.tools.run import run
from pyiptables.tools.shims import write_shims

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    directory = str(tmp_path / "state")
    monkeypatch.setenv("PYIPTABLES_STATE", directory)
    for program, chain in (("iptables", "SSH"), ("ip6tables", "SIX")):
        run([program, "-N", chain], state=directory)
    run(["iptables", "-t", "nat", "-N", "PORTS"], state=directory)
    for port in ("22", "2222"):
        run(["iptables", "-A", "SSH", "-p", "tcp", "--dport", port, "-j", "ACCEPT"], state=directory)
    return directory


@pytest.mark.parametrize(("shell", "name"), SHELLS.items())
def test_files_are_in_step(shell: str, name: str) -> None:
    written = (ROOT / "completions" / name).read_text(encoding="utf-8")
    assert written == script(shell), f"run: pyiptables completion {shell} > completions/{name}"


@pytest.mark.parametrize(
    ("line", "wanted", "unwanted"),
    [
        ("iptables -", ["-A", "--append", "-t", "--table"], ["--dport"]),
        ("iptables -t ", ["filter", "nat", "mangle", "raw", "security"], []),
        ("iptables -A ", ["INPUT", "SSH"], ["PREROUTING", "PORTS", "SIX"]),
        ("ip6tables -A ", ["INPUT", "SIX"], ["SSH"]),
        ("iptables -t nat -A ", ["PREROUTING", "PORTS"], ["FORWARD", "SSH"]),
        ("iptables -t nat -X ", ["PORTS"], ["PREROUTING"]),
        ("iptables -P ", ["INPUT"], ["SSH"]),
        ("iptables -P INPUT ", ["ACCEPT", "DROP"], ["REJECT"]),
        ("iptables -A INPUT -", ["-p", "--jump", "-m"], ["-D", "--flush"]),
        ("iptables -A INPUT -p ", ["tcp", "udp", "icmp"], []),
        ("iptables -A INPUT -p tcp --d", ["--dport", "--destination-port", "--dst"], ["--sport"]),
        ("iptables -A INPUT -m ", ["conntrack", "multiport", "recent"], ["DNAT", "standard"]),
        ("iptables -A INPUT -m conntrack --", ["--ctstate", "--ctdir"], ["--dport"]),
        ("iptables -A INPUT -m conntrack --ctstate ", ["NEW", "ESTABLISHED", "UNTRACKED"], []),
        ("iptables -A INPUT -m conntrack --ctstate NEW,", ["NEW,ESTABLISHED"], ["NEW,NEW"]),
        ("iptables -A INPUT -j ", ["ACCEPT", "RETURN", "REJECT", "SSH"], ["INPUT", "conntrack"]),
        ("iptables -g ", ["SSH"], ["INPUT", "ACCEPT"]),
        ("iptables -j LOG --log-level ", ["emerg", "warning", "debug"], []),
        ("iptables -j REJECT --reject-with ", ["tcp-reset", "icmp-port-unreachable"], ["icmp6-port-unreachable"]),
        ("ip6tables -j REJECT --reject-with ", ["tcp-reset", "icmp6-port-unreachable"], ["icmp-port-unreachable"]),
        ("iptables -p icmp --icmp-type echo", ["echo-request", "echo-reply"], ["ping"]),
        ("ip6tables -p icmpv6 --icmpv6-type ", ["packet-too-big", "echo-request"], ["source-quench"]),
        ("iptables -p tcp --tcp-flags SYN,ACK S", ["SYN"], ["SYN,ACK"]),
        ("iptables -tnat -A ", ["PREROUTING", "PORTS"], ["FORWARD", "SSH"]),
        ("iptables --table=nat -A ", ["PREROUTING", "PORTS"], ["FORWARD", "SSH"]),
        ("iptables -tn", ["-tnat"], ["-tfilter", "nat"]),
        ("iptables -A INPUT -jR", ["-jREJECT", "-jRETURN"], ["-jACCEPT"]),
        ("iptables -A INPUT -ptcp --dp", ["--dport"], []),
        ("iptables -A INPUT -m conntrack ! ", ["--ctstate", "--source", "-s"], ["!", "--ctdir", "--jump", "-m", "--version"]),
        ("iptables -D SSH ", ["1", "2"], ["3", "-p"]),
        ("iptables -D SSH -", ["-p"], ["1"]),
        ("iptables -t nat -D SSH ", ["-p"], ["1"]),
        ("iptables -A SSH ", ["-p"], ["1"]),
        ("iptables-save -t ", ["filter", "nat"], []),
        ("iptables-restore -", ["--noflush", "-n", "--test"], []),
        ("iptables-restore ", [FILE], []),
        ("pyiptables ", ["trace", "lint", "rehearse", "iptables", "ip6tables-save", "--version"], ["iptables-nft-save"]),
        ("pyiptables --state x trace --f", ["--format"], ["--explore"]),
        ("pyiptables --state x iptables -A ", ["INPUT"], ["SSH"]),
        ("pyiptables --state=x iptables -A ", ["INPUT"], ["SSH"]),
        ("pyiptables iptables -A ", ["SSH"], []),
        ("pyiptables trace --format ", ["tree", "json", "svg"], []),
        ("pyiptables trace --format = s", ["svg"], ["tree"]),
        ("pyiptables trace --format=s", ["svg"], ["tree"]),
        ("pyiptables trace ", ["tcp", "icmpv6", "reply"], [FILE]),
        ("pyiptables trace tcp 10.0.0.1:5 to 10.0.0.2:80 ", ["in", "ttl", "df"], ["--rules"]),
        ("pyiptables trace tcp 10.0.0.1:5 to 10.0.0.2:80 in ", ["lo"], ["ttl"]),
        ("pyiptables lint --explain U1", ["U101"], ["S101"]),
        ("pyiptables lint ", [FILE], []),
        ("pyiptables completion ", ["bash", "zsh", "fish"], []),
        ("pyiptables rehearse -- sh ", [FILE], []),
        ("pyiptables no-such-thing ", [], ["--help"]),
    ],
)
def test_candidates(line: str, wanted: list[str], unwanted: list[str]) -> None:
    found = candidates(line.split(" "))
    assert set(wanted) <= set(found)
    assert not set(unwanted) & set(found)
    assert wanted or not found


def test_candidates_have_meanings() -> None:
    assert candidates(["iptables", "-A", "INPUT", "-p", "tcp", "--syn"])["--syn"].startswith("only SYN set")
    assert candidates(["pyiptables", "reh"]) == {"rehearse": "Run a script against a state and show what it did."}


def test_numbers_show_their_rules() -> None:
    assert candidates(["iptables", "-D", "SSH", "2"]) == {"2": "-p tcp -m tcp --dport 2222 -j ACCEPT"}


def test_the_command_is_silent_about_nonsense() -> None:
    done = subprocess.run([sys.executable, "-m", "pyiptables", "complete", "--"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("", "")


class _Terminal:
    """A shell in a terminal of its own, typed at and looked at."""

    def __init__(self, folder: Path, command: str, path: str) -> None:
        self._tmux = ["tmux", "-S", str(folder / "terminal"), "-f", os.devnull]
        environ = {
            "PATH": path,
            "HOME": str(folder),
            "TERM": "screen",
            "PYIPTABLES_STATE": os.environ["PYIPTABLES_STATE"],
            "LC_ALL": "C.UTF-8",
        }
        subprocess.run([*self._tmux, "new-session", "-d", "-x", "150", "-y", "50", command], env=environ, check=True)

    def type(self, text: str) -> None:
        subprocess.run([*self._tmux, "send-keys", "-l", "--", text], check=True)

    def press(self, key: str) -> None:
        subprocess.run([*self._tmux, "send-keys", key], check=True)

    def screen(self) -> str:
        return subprocess.run([*self._tmux, "capture-pane", "-p"], capture_output=True, text=True, check=True).stdout

    def wait_for(self, text: str, patience: float = 20) -> None:
        end = time.monotonic() + patience
        while text not in self.screen():
            assert time.monotonic() < end, f"no {text!r} in:\n{self.screen().rstrip()}"
            time.sleep(0.05)

    def wait_for_prompt(self) -> None:
        """Keys that come while a command still runs may be lost."""
        end = time.monotonic() + 20
        while not self.screen().rstrip().endswith("ready$"):
            assert time.monotonic() < end, self.screen().rstrip()
            time.sleep(0.05)

    def close(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], check=False)


_STARTS = {
    "bash": ("bash --norc --noprofile", "PS1='ready$ '; . {file}"),
    "zsh": ("zsh -f", "PS1='ready$ '; autoload -Uz compinit; compinit -u -D; . {file}"),
    "fish": ("fish --no-config", "function fish_prompt; echo -n 'ready$ '; end; source {file}"),
}


@pytest.fixture(params=SHELLS)
def terminal(request: pytest.FixtureRequest, tmp_path: Path, state: str) -> Iterator[_Terminal]:
    shell: str = request.param
    for program in (shell, "tmux", "grep"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if not (Path(sys.executable).parent / "pyiptables").exists():
        pytest.skip("the pyiptables command is not installed beside this Python")
    shims = str(tmp_path / "shims")
    write_shims(shims, state)
    command, prepare = _STARTS[shell]
    terminal = _Terminal(tmp_path, command, os.pathsep.join([shims, str(Path(sys.executable).parent), os.environ["PATH"]]))
    try:
        while not terminal.screen().strip():
            time.sleep(0.05)
        terminal.type(prepare.format(file=ROOT / "completions" / SHELLS[shell]))
        terminal.press("Enter")
        terminal.wait_for("\nready$")
        yield terminal
    finally:
        terminal.close()


def test_at_the_prompt(terminal: _Terminal, tmp_path: Path) -> None:
    """One rule typed with as few letters as the shell lets one, the chain being one of the state."""
    for start, whole in (
        ("iptables -A SS", "-A SSH"),
        ("-p tcp --dp", "--dport"),
        ("22 -m conntr", "conntrack"),
        ("--ctstate NEW,E", "NEW,ESTABLISHED"),
        ("-j REJ", "-j REJECT"),
        ("--reject-with tcp-r", "tcp-reset"),
    ):
        terminal.type(start)
        terminal.press("Tab")
        terminal.wait_for(whole)
        # Whether or not the shell put a space behind the word.
        terminal.type(" ")
    terminal.press("Enter")
    terminal.wait_for_prompt()
    terminal.type("pyiptables trace --format=s")
    terminal.press("Tab")
    terminal.wait_for("--format=svg")
    terminal.press("C-c")
    terminal.wait_for_prompt()
    (tmp_path / "written").touch()
    terminal.type(f"pyiptables trace --output={tmp_path}/writ")
    terminal.press("Tab")
    terminal.wait_for("/written")
    terminal.press("C-c")
    terminal.wait_for_prompt()
    terminal.type("iptables-save | gr''ep 'A SS'")
    terminal.press("Enter")
    terminal.wait_for("-A SSH -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW,ESTABLISHED -j REJECT --reject-with tcp-reset")


def test_a_program_that_is_not_ours_is_left_to_others(terminal: _Terminal, tmp_path: Path) -> None:
    other = tmp_path / "shims" / "iptables"
    other.write_text("#!/bin/sh\n# The real one.\n", encoding="utf-8")
    terminal.type("iptables -A SS")
    terminal.press("Tab")
    time.sleep(0.5)
    assert "-A SSH" not in terminal.screen()
