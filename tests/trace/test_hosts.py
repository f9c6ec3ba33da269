"""Hosts from folders of live outputs, snapshots, connections that there were."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import Trace

from pyiptables.commands import snapshot

ADDR = [
    {"ifname": "lo", "flags": ["LOOPBACK", "UP"], "mtu": 65536, "group": "default", "link_type": "loopback",
     "addr_info": [{"family": "inet", "local": "127.0.0.1", "prefixlen": 8}]},
    {"ifname": "wan", "flags": ["UP"], "mtu": 1500, "group": "default", "link_type": "ether", "address": "02:00:00:00:00:01",
     "addr_info": [{"family": "inet", "local": "203.0.113.1", "prefixlen": 24}]},
    {"ifname": "lan", "flags": ["UP"], "mtu": 1500, "group": "default", "link_type": "ether", "address": "02:00:00:00:00:02",
     "addr_info": [{"family": "inet", "local": "10.0.0.1", "prefixlen": 24}, {"family": "inet6", "local": "fd00::1", "prefixlen": 64}]},
]  # fmt: skip
ROUTES = [
    {"dst": "default", "gateway": "203.0.113.254", "dev": "wan", "flags": []},
    {"dst": "default", "gateway": "10.0.0.254", "dev": "lan", "table": "100", "flags": []},
    {"dst": "10.0.0.0/24", "dev": "lan", "protocol": "kernel", "scope": "link", "prefsrc": "10.0.0.1", "flags": []},
    {"dst": "203.0.113.0/24", "dev": "wan", "protocol": "kernel", "scope": "link", "prefsrc": "203.0.113.1", "flags": []},
    {"type": "local", "dst": "10.0.0.1", "dev": "lan", "table": "local", "protocol": "kernel", "scope": "host", "prefsrc": "10.0.0.1", "flags": []},
    {"type": "local", "dst": "203.0.113.1", "dev": "wan", "table": "local", "protocol": "kernel", "scope": "host", "prefsrc": "203.0.113.1", "flags": []},
    {"type": "local", "dst": "127.0.0.0/8", "dev": "lo", "table": "local", "protocol": "kernel", "scope": "host", "prefsrc": "127.0.0.1", "flags": []},
]  # fmt: skip
RULES = [
    {"priority": 0, "src": "all", "table": "local"},
    {"priority": 100, "src": "all", "fwmark": "0x1", "table": "100"},
    {"priority": 32766, "src": "all", "table": "main"},
]
TABLES = """\
*mangle
-A PREROUTING -p tcp -m tcp --dport 25 -j MARK --set-xmark 0x1/0xffffffff
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
-A FORWARD -m set --match-set banned src -j DROP
-A FORWARD -m mac --mac-source 02:00:00:00:00:07 -j ACCEPT
-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A FORWARD -m mark --mark 0x1 -j ACCEPT
COMMIT
"""
CONNECTIONS = """\
udp      17 29 src=10.0.0.8 dst=192.0.2.53 sport=5353 dport=53 src=192.0.2.53 dst=203.0.113.1 sport=53 dport=5353 [ASSURED] mark=0 use=1
tcp      6 431999 ESTABLISHED src=10.0.0.8 dst=192.0.2.80 sport=4000 dport=80 src=192.0.2.80 dst=203.0.113.1 sport=80 dport=4000 [ASSURED] mark=7 use=1
conntrack v1.4.8 (conntrack-tools): 2 flow entries have been shown.
"""


@pytest.fixture
def live(folder: Path) -> Path:
    """What somebody kept of a host, under names of their own."""
    (folder / "none").write_text("*filter\nCOMMIT\n")
    home = folder / "kept"
    home.mkdir()
    for name, what in {"a.txt": ADDR, "routes": ROUTES, "the-rules": RULES, "neigh": [{"dst": "10.0.0.7", "dev": "lan", "lladdr": "02:00:00:00:00:07", "state": ["REACHABLE"]}]}.items():  # fmt: skip
        (home / name).write_text(json.dumps(what))
    (home / "sets").write_text("create banned hash:ip family inet\nadd banned 10.0.0.66\n")
    (home / "conns").write_text(CONNECTIONS)
    (home / "sysctl").write_text(
        "net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter = 1\nnet.ipv4.conf.wan.rp_filter = 1\nnet.ipv4.tcp_congestion_control = cubic\n"
    )
    (home / "rules.v4").write_text(TABLES)
    return home


@pytest.mark.parametrize(
    ("packet", "closing"),
    [
        ("udp 10.0.0.66:5 -> 192.0.2.1:9", "DROP by filter/FORWARD rule 1 (kept/rules.v4:7)"),
        ("udp 10.0.0.7:5 -> 192.0.2.1:9", "ACCEPT by filter/FORWARD rule 2 (kept/rules.v4:8), forwarded by wan"),
        ("udp 192.0.2.53:53 -> 203.0.113.1:5353 in wan", "ACCEPT by filter/FORWARD rule 3 (kept/rules.v4:9), forwarded by lan as udp 192.0.2.53:53 -> 10.0.0.8:5353"),
        ("tcp 10.0.0.8:4000 -> 192.0.2.80:80 ack", "ACCEPT by filter/FORWARD rule 3 (kept/rules.v4:9), forwarded by wan as tcp 203.0.113.1:4000 -> 192.0.2.80:80 ack"),
        ("tcp 10.0.0.9:5 -> 192.0.2.1:25", "ACCEPT by filter/FORWARD rule 4 (kept/rules.v4:10), forwarded by lan"),
        ("udp 10.0.0.9:5 -> 192.0.2.1:9 in wan", "DROP by the kernel: rp_filter"),
        ("udp 10.0.0.9:5 -> 203.0.113.1:9", "DROP by filter/INPUT policy"),
    ],
)  # fmt: skip
def test_a_live_host_decides(trace: Trace, live: Path, monkeypatch: pytest.MonkeyPatch, packet: str, closing: str) -> None:
    """Sets, neighbours, connections, marks with their routes, rp_filter, and the host's own rules."""
    monkeypatch.delenv("PYIPTABLES_STATE")
    done = trace(packet, "--host", "kept", rules=None)
    found = next(line for line in done.stdout.splitlines() if line.split(" ")[0] in ("ACCEPT", "DROP"))
    assert found.startswith(closing) if "rp_filter" in closing else found == closing


@pytest.mark.parametrize(
    ("rules", "packet", "iface"),
    [
        # What wg-quick leaves behind when all traffic goes through the tunnel.
        ([{"priority": 32764, "src": "all", "table": "main", "suppress_prefixlen": 0}, {"priority": 32765, "not": None, "src": "all", "fwmark": "0xca6c", "table": "100"}],
         "udp 203.0.113.1:5 -> 192.0.2.1:9", "lan"),
        ([{"priority": 32764, "src": "all", "table": "main", "suppress_prefixlen": 0}, {"priority": 32765, "not": None, "src": "all", "fwmark": "0xca6c", "table": "100"}],
         "udp 203.0.113.1:5 -> 192.0.2.1:9 mark 0xca6c", "wan"),
        ([{"priority": 9, "src": "all", "uid_start": 1000, "uid_end": 1999, "table": "100"}], "udp 203.0.113.1:5 -> 192.0.2.1:9 uid 1500", "lan"),
        ([{"priority": 9, "src": "all", "uid_start": 1000, "uid_end": 1999, "table": "100"}], "udp 203.0.113.1:5 -> 192.0.2.1:9 uid 2000", "wan"),
        ([{"priority": 9, "src": "all", "tos": "EF", "table": "100"}], "udp 203.0.113.1:5 -> 192.0.2.1:9 tos 0xef", "wan"),
        ([{"priority": 9, "src": "all", "ipproto": "sctp", "table": "100"}], "tcp 203.0.113.1:5 -> 192.0.2.1:9", "wan"),
        ([{"priority": 9, "src": "all", "ipproto": "ipproto-99", "table": "100"}], "99 203.0.113.1 -> 192.0.2.1", "lan"),
        ([{"priority": 9, "src": "all", "l3mdev": None}, {"priority": 10, "src": "all", "table": "100"}], "udp 203.0.113.1:5 -> 192.0.2.1:9", "lan"),
    ],
)  # fmt: skip
def test_routing_rules_of_a_live_host(trace: Trace, live: Path, rules: list[Any], packet: str, iface: str) -> None:
    (live / "the-rules").write_text(json.dumps([RULES[0], *rules, RULES[2]]))
    told = json.loads(trace(packet, "--host", "kept", "--json").stdout)["packets"][0]
    assert told["steps"][-1]["out"] == iface


def test_a_default_route_without_an_address_in_it(trace: Trace, live: Path) -> None:
    """What IPv6 adds to every route tells its family."""
    (live / "route6").write_text(json.dumps([{"dst": "default", "dev": "lan", "metric": 1024, "flags": [], "pref": "medium"}]))
    for packet, iface in (("udp fd00::1 -> 2001:db8::9", "lan"), ("udp 203.0.113.1 -> 192.0.2.9", "wan")):
        assert json.loads(trace(packet, "--host", "kept", "--json", rules="none").stdout)["packets"][0]["outiface"] == iface


def test_a_user_was_assumed(trace: Trace, live: Path) -> None:
    """Where routing rules ask whose packet it is, root's is one answer of several."""
    (live / "the-rules").write_text(json.dumps([*RULES, {"priority": 9, "src": "all", "uid_start": 7, "uid_end": 7, "table": "100"}]))
    assert "routed as one of user 0" in trace("udp 203.0.113.1:5 -> 192.0.2.1:9", "--host", "kept").stdout
    assert "routed as one of user 0" not in trace("udp 203.0.113.1:5 -> 192.0.2.1:9 uid 0", "--host", "kept").stdout


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ("colour blue table 7", "not understood: 'colour' in rule 'colour blue table 7'"),
        ("fwmark red table 7", "fwmark: 'red' is no number"),
        ("tos loud table 7", "no type of service: 'loud'"),
        ("uidrange a-b table 7", "uidrange: 'a' is no number"),
        ("table 7 pref", "nothing after 'pref' in rule 'table 7 pref'"),
    ],
)
def test_a_routing_rule_that_is_none(trace: Trace, folder: Path, rule: str, complaint: str) -> None:
    (folder / "host.json").write_text(json.dumps({"interfaces": {"eth0": ["10.0.0.1/24"]}, "rules": [rule]}))
    done = trace("udp 10.0.0.1:5 -> 10.0.0.2:9", "--host", "host.json")
    assert (done.exit_code, done.stdout) == (2, "") and complaint in done.stderr and len(done.stderr.splitlines()) == 1


def test_other_rules_go_before_the_folders_own(trace: Trace, live: Path) -> None:
    """Of the state, and of --rules."""
    assert "kept/rules.v4" not in trace("udp 10.0.0.66:5 -> 192.0.2.1:9", "--host", "kept", rules=None).stdout
    assert "rules.v4:19" in trace("udp 10.0.0.66:5 -> 192.0.2.1:9 ctstate ESTABLISHED", "--host", "kept").stdout


def test_a_folder_plays_again_as_scenario(trace: Trace, live: Path) -> None:
    packets = "udp 10.0.0.66:5 -> 192.0.2.1:9; udp 192.0.2.53:53 -> 203.0.113.1:5353 in wan"
    told = trace(packets, "--host", "kept", "--json", "--save-scenario", "case", rules="kept/rules.v4")
    again = json.loads(trace("--scenario", "case", "--json", rules=None).stdout)
    assert [p["fate"] for p in json.loads(told.stdout)["packets"]] == [p["fate"] for p in again["packets"]] == ["dropped", "forwarded"]


def _snapshot(directory: str, path: str) -> Any:
    return CliRunner().invoke(snapshot.command, [directory], env={"PATH": path})


def test_snapshot_works_with_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that are missing, fail, or hang are said and left out; what they said in part is kept."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, body in {
        "ip": f"case \"$*\" in '-j addr') printf '%s' '{json.dumps(ADDR)}';; '-j -4 rule') echo denied >&2; exit 1;; *) echo '[]';; esac",
        "sysctl": "echo 'net.ipv4.ip_forward = 1'; echo 'permission denied on key' >&2; exit 255",
        "conntrack": "sleep 5",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{body}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setattr(snapshot, "_SYSTEM", ())
    monkeypatch.setattr(snapshot, "_PATIENCE", 0.3)
    done = _snapshot(str(tmp_path / "snap"), f"{programs}:/bin")
    if shutil.which("iptables-save", path="/bin") is None:
        assert "iptables-save -c: not installed, left out" in done.stdout
    assert done.exit_code == 0 and "ip -j -4 rule: denied, left out" in done.stdout
    assert "(only in part: permission denied on key)" in done.stdout and "conntrack -L -f ipv4" in done.stdout
    kept = set(os.listdir(tmp_path / "snap"))
    assert {"addr.json", "route4.json", "sysctl.txt"} <= kept and not {"rule4.json", "conntrack4.txt"} & kept


@pytest.mark.oracle
def test_snapshot_of_a_namespace(tmp_path: Path, trace: Trace) -> None:
    """The real ``ip``, ``ipset``, ``conntrack`` and ``iptables-save``, in a network namespace."""
    root = Path(os.environ.get("ORACLE_ROOT", "/opt/iptables-oracle")) / "bin"
    if os.geteuid() or not (root / "ipset").exists() or shutil.which("ip") is None or shutil.which("unshare") is None:
        pytest.skip("needs root, ip, unshare and the oracle's programs")
    script = f"""set -e; export PATH={root}:$PATH
ip link set lo up; ip link add eth0 type veth peer name p0; ip link set p0 up; ip addr add 10.0.0.1/24 dev eth0; ip link set eth0 up
ip route add default via 10.0.0.254; ip rule add fwmark 1 table 100; ip route add default via 10.0.0.253 table 100
ipset create banned hash:ip; ipset add banned 10.0.0.66
iptables -A INPUT -m set --match-set banned src -j DROP; iptables -A OUTPUT -m conntrack --ctstate NEW
python3 -c 'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("10.0.0.1", 5353)); s.sendto(b"x", ("10.0.0.9", 53))'
ip neigh replace 10.0.0.9 lladdr 02:00:00:00:00:09 dev eth0
{sys.executable} -m pyiptables snapshot {tmp_path}/snap"""
    done = subprocess.run(["unshare", "-n", "bash", "-c", script], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the namespace could not be made: {done.stderr}")
    words = ["--host", str(tmp_path / "snap")]
    rules = str(tmp_path / "snap" / "rules.v4")
    banned = trace("udp 10.0.0.66:5 -> 10.0.0.1:9", *words, rules=rules).stdout
    assert "DROP by filter/INPUT rule 1" in banned
    known = json.loads(trace("udp 10.0.0.9:53 -> 10.0.0.1:5353", *words, "--json", rules=rules).stdout)["packets"][0]
    assert (known["ctstate"], known["fate"]) == ("ESTABLISHED", "delivered")
