"""``-m set`` and ``-j SET`` over the host's ``ipset save``: which packets are in, and what the sets hold afterwards."""

from __future__ import annotations

import os
import random
import subprocess
from types import ModuleType
from typing import Any

import pytest

from pyiptables.netfilter.ipsets import IpSetError, IpSets
from pyiptables.tools.scenario import DEFAULT_HOST, run_scenario

SETS = """\
create ip4 hash:ip family inet counters
add ip4 10.0.0.2 packets 3 bytes 300
add ip4 10.0.1.2
create masked hash:ip family inet netmask 24
add masked 10.0.0.0
create ports hash:ip,port family inet
add ports 10.0.1.2,tcp:80
add ports 10.0.1.2,icmp:echo-request
add ports 10.0.1.2,gre:0
add ports 10.0.1.2,udp:53
create nets hash:net family inet
add nets 10.0.0.0/16
add nets 10.0.1.0/24 nomatch
add nets 10.0.1.2/32
create netport hash:net,port family inet
add netport 10.0.1.0/24,udp:53
add netport 10.0.0.0/8,tcp:80 nomatch
create netif hash:net,iface family inet
add netif 10.0.0.0/24,eth0
add netif 0.0.0.0/0,eth1
create low bitmap:port range 0-1024
add low 53
add low 80
create hosts bitmap:ip range 10.0.0.0-10.0.1.255
add hosts 10.0.0.2
create pairs bitmap:ip,mac range 10.0.0.0-10.0.0.255
add pairs 10.0.0.2,02:00:00:00:00:0A
create triple hash:ip,port,ip family inet
add triple 10.0.0.2,tcp:80,10.0.1.2
create ipportnet hash:ip,port,net family inet
add ipportnet 10.0.0.2,tcp:80,10.0.0.0/16
create short hash:ip family inet timeout 600
add short 10.0.0.2 timeout 500
add short 10.0.1.2 timeout 0
create values hash:ip family inet skbinfo
add values 10.0.0.2 skbmark 0x5/0xff
add values 10.0.1.2 skbmark 0x7
create both list:set size 8
add both nets
add both ports
create fill hash:net family inet timeout 60
add fill 192.168.0.0/24 timeout 0
create six hash:net family inet6
add six 2001:db8::/32
"""
_NAMES = [line.split()[1] for line in SETS.splitlines() if line.startswith("create")]


def _packets() -> list[dict[str, Any]]:
    ends = [("a", "10.0.0.2", "10.0.1.2"), ("a", "10.0.0.2", "10.0.1.3"), ("b", "10.0.1.2", "10.0.0.2"), ("b", "10.0.1.9", "10.0.0.9")]
    kinds: list[dict[str, Any]] = [
        {"proto": "tcp", "sport": 4000, "dport": 80}, {"proto": "udp", "sport": 53, "dport": 53},
        {"proto": "udp", "sport": 4000, "dport": 2000}, {"proto": "icmp", "type": 8}, {"proto": 47, "l4": "0000080000000000"},
    ]  # fmt: skip
    return [{"from": side, "src": src, "dst": dst, **kind} for side, src, dst in ends for kind in kinds]


def _case(rules: str, packets: list[dict[str, Any]], name: str = "sets") -> dict[str, Any]:
    return {"name": name, "family": 4, "rules": f"*mangle\n{rules}COMMIT\n", "packets": packets, "counters": True}


def _ours(case: dict[str, Any]) -> dict[str, Any]:
    return run_scenario({**case, "host": {**DEFAULT_HOST, "stack_replies": False, "ipset": SETS}})


def _hits(rule: str) -> list[int]:
    """Numbers of the packets that a match holds for."""
    answer = _ours(_case(f"-A FORWARD {rule}\n", _packets()))
    return [at for at, packet in enumerate(answer["packets"]) if any(step["kind"] == "rule" for step in packet["steps"])]


def _random_rule(rng: random.Random) -> str:
    name = rng.choice(_NAMES[:-1])
    ways = ",".join(rng.choice(("src", "dst")) for _ in range(rng.randint(1, 3)))
    if rng.random() < 0.2:
        verb = rng.choice(("--add-set", "--add-set", "--del-set", "--map-set"))
        more = {"--add-set": rng.choice(("", " --exist", " --timeout 5")), "--map-set": " --map-mark"}.get(verb, "")
        target = name if verb != "--add-set" else rng.choice([each for each in _NAMES[:-1] if each != "both"])
        return f"-A FORWARD -p udp -j SET {verb} {target} {ways}{more}"
    more = rng.choice(("", "", "", " --return-nomatch", " ! --update-counters", " --packets-gt 3", " --bytes-lt 400", " ! --packets-eq 4"))
    return f"-A FORWARD -m set {rng.choice(('', '! '))}--match-set {name} {ways}{more}"


@pytest.mark.parametrize(
    ("rule", "packets"),
    [
        ("-m set --match-set ip4 src -p udp", [1, 2, 6, 7, 11, 12]),
        ("-m set --match-set ports dst,dst", [0, 1, 3, 4]),
        ("-m set --match-set ports dst,src", [1, 3, 4]),
        ("-m set --match-set ports dst", []),
        ("-m set --match-set nets dst -p tcp", [0, 10, 15]),
        ("-m set --match-set nets dst --return-nomatch -p tcp", [5]),
        ("-m set --match-set netport dst,dst", [1, 6]),
        ("-m set --match-set netif dst,src -p tcp", []),
        ("-m set --match-set netif dst,dst -p tcp", [0, 5, 10, 15]),
        ("-m set --match-set netif src,src -p tcp", [0, 5, 10, 15]),
        ("-m set --match-set low dst -p udp", [1, 6, 11, 16]),
        ("-m set --match-set low src -p icmp", []),
        ("-m set --match-set pairs src,src -p tcp", [0, 5]),
        ("-m set --match-set triple src,dst,dst", [0]),
        ("-m set --match-set six src", []),
        ("-m set ! --match-set six src -p tcp", [0, 5, 10, 15]),
        ("-m set --match-set both dst,dst -p gre", [4, 14, 19]),
        ("-m set --match-set ip4 src --packets-gt 4 -p icmp", [8]),
    ],
)
def test_which_packets_are_in(rule: str, packets: list[int]) -> None:
    assert _hits(rule) == packets


def test_target_fills_empties_and_maps() -> None:
    rules = (
        "-A FORWARD -p tcp -j SET --add-set fill src --timeout 5\n-A FORWARD -p icmp -j SET --del-set ip4 src\n"
        "-A FORWARD -m set --match-set fill src\n-A FORWARD -m set --match-set ip4 src\n-A FORWARD -j SET --map-set values src --map-mark\n"
    )
    ends = {"from": "a", "src": "10.0.0.77", "dst": "10.0.1.2", "sport": 1, "dport": 2}
    known = {"from": "a", "src": "10.0.0.2", "dst": "10.0.1.2"}
    packets = [
        {**ends, "proto": "udp"}, {**ends, "proto": "tcp"}, {**ends, "proto": "udp", "src": "10.0.0.99"}, {**ends, "proto": "udp", "at": 6},
        {**known, "proto": "udp"}, {**known, "proto": "icmp"}, {**known, "proto": "udp"},
    ]  # fmt: skip
    answer = _ours(_case(rules, packets))
    steps = [[step["num"] for step in packet["steps"] if step["kind"] == "rule"] for packet in answer["packets"]]
    # The set's longest prefix is /24: that is what a packet adds.
    assert steps == [[5], [1, 3, 5], [3, 5], [5], [4, 5], [2, 5], [5]]
    assert [packet["mark"] for packet in answer["packets"]] == [0, 0, 0, 0, 5, 5, 5]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("add a 10.0.0.1", "line 1: there is no set 'a'"),
        ("create a hash:what", "line 1: unknown type of set 'hash:what'"),
        ("create a hash:ip\nadd a 10.0.0.1,tcp:80", "line 2: '10.0.0.1,tcp:80' has not the dimensions of hash:ip"),
        ("create a hash:ip\nadd a 10.0.0.300", "line 2: no address: '10.0.0.300'"),
        ("create a hash:net\nadd a", "line 2: the line ends too early"),
        ("flush", "line 1: not a line of ipset save: 'flush'"),
    ],
)
def test_errors_have_their_line(text: str, error: str) -> None:
    with pytest.raises(IpSetError) as caught:
        IpSets.read(text)
    assert str(caught.value) == error


@pytest.mark.oracle
def test_as_the_kernel(kernel_oracle: ModuleType) -> None:
    """Random rules over the sets above, in the real kernel and here (``IPSET_CASES``, default 20)."""
    from iptables_oracle import oracle_root

    host = {**DEFAULT_HOST, "stack_replies": False}
    wrong = []
    with kernel_oracle.KernelOracle() as kernel:
        kernel.build(host)
        ipset = str(oracle_root() / "bin" / "ipset")
        for seed in range(int(os.environ.get("IPSET_CASES", "20"))):
            rng = random.Random(seed)
            rules = "".join(f"{_random_rule(rng)}\n" for _ in range(8))
            case = _case(rules, rng.sample(_packets(), 12))
            kernel.spaces["fw"].run(["iptables-legacy-restore"], "*mangle\nCOMMIT\n")
            if kernel.spaces["fw"].spawn([ipset, "destroy"], None).returncode:
                kernel.build(host)  # a rule that was refused still holds its set
            done: subprocess.CompletedProcess[bytes] = kernel.spaces["fw"].spawn([ipset, "restore"], SETS)
            if done.returncode:
                pytest.skip(f"no ipsets here: {done.stderr.decode()}")
            real, ours = kernel.run_case({**case, "host": host}), _ours(case)
            if "error" in real:
                continue  # the set's family or type is not for this rule: userspace asks the set
            for at, (mine, theirs) in enumerate(zip(ours["packets"], real.get("packets", ()), strict=True)):
                numbers, real_numbers = ([step["num"] for step in each["steps"] if step["hook"] == "FORWARD"] for each in (mine, theirs))
                if (numbers, mine["fate"], mine["mark"]) != (real_numbers, theirs["fate"], theirs["mark"]):
                    wrong.append(
                        f"seed {seed}\n{rules}{case['packets'][at]}\nours {numbers} {mine['mark']}\nreal {real_numbers} {theirs['mark']}"
                    )
                    break
    assert not wrong, f"{len(wrong)} differ\n" + "\n\n".join(wrong[:3])
