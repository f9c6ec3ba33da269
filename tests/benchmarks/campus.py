"""A firewall of the size and shape of a real campus border: about 5,500 rules in 94 chains, made up.

One chain per VLAN and direction, anti-spoofing by address and MAC, states, multiport, networks, a default
chain that never returns, rules behind it, duplicates and covered rules in known places (``planted``). The
same seed gives the same text.
"""

from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["campus"]

_SERVICES = (22, 25, 53, 80, 110, 143, 389, 443, 445, 465, 587, 636, 993, 995, 1194, 3389, 5432, 8080, 8443)


def campus(family: int = 4, vlans: int = 44, hosts: int = 42, seed: int = 1) -> tuple[str, list[tuple[str, int]]]:
    """The save text and the places (chain, number) of rules that can never be reached."""
    rng = random.Random(seed)
    chains: dict[str, list[str]] = {name: [] for name in ("INPUT", "FORWARD", "OUTPUT", "spoof", "default", "icmp")}
    planted: list[tuple[str, int]] = []
    icmp = "-p icmp -m icmp --icmp-type" if family == 4 else "-p ipv6-icmp -m icmp6 --icmpv6-type"
    width = 32 if family == 4 else 128

    def network(vlan: int) -> str:
        return f"10.{vlan}.0.0/16" if family == 4 else f"2001:db8:{vlan:x}::/48"

    def address(vlan: int, host: int) -> str:
        if family == 4:
            return f"10.{vlan}.{host // 250}.{host % 250 + 1}/{width}"
        return f"2001:db8:{vlan:x}:{host // 16:x}::{host + 1:x}/{width}"

    def outside() -> str:
        if family == 4:
            return f"{rng.choice((131, 141, 188))}.{rng.randrange(256)}.{rng.randrange(256)}.0/24"
        return f"2a{rng.randrange(256):02x}:{rng.randrange(0x10000):x}::/32"

    def mac() -> str:
        return ":".join(f"{rng.randrange(256):02x}" for _ in range(6))

    for other in (1, 3, 8, 11, 30) if family == 4 else (1, 2, 3, 128, 129):
        chains["icmp"].append(f"{icmp} {other} -j ACCEPT")
    chains["icmp"].append("-j DROP")
    proto = "icmp" if family == 4 else "ipv6-icmp"
    chains["default"] += [
        "-p tcp -m multiport --dports 135,137:139,445 -j DROP",
        '-m limit --limit 10/sec -j LOG --log-prefix "default: "',
        "-p tcp -j REJECT --reject-with tcp-reset",
        "-j DROP",
    ]
    chains["INPUT"] += [
        "-i lo -j ACCEPT",
        "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        f"-p {proto} -j icmp",
    ]
    chains["OUTPUT"] += ["-o lo -j ACCEPT", "-m conntrack --ctstate RELATED,ESTABLISHED,NEW -j ACCEPT"]
    chains["FORWARD"] += [
        "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-m conntrack --ctstate INVALID -j DROP",
        f"-p {proto} -j icmp",
        "-i eth1+ -j spoof",
    ]
    for vlan in range(vlans):
        device = f"eth1.{vlan + 100}"
        inward, outward = f"to_{vlan + 100}", f"from_{vlan + 100}"
        chains["FORWARD"] += [f"-o {device} -j {inward}", f"-i {device} -j {outward}"]
        chains[inward] = _inward(rng, vlan, hosts, address, outside, network, planted, inward)
        chains[outward] = [
            f"-s {network(vlan)} -p tcp -m tcp --dport 25 -j DROP",
            f"-s {network(vlan)} -p udp -m multiport --dports 53,123,443 -j ACCEPT",
            f"-s {network(vlan)} -d {outside()} -j ACCEPT",
            f"-s {network(vlan)} -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate NEW -j ACCEPT",
            "-j default",
        ]
        for host in rng.sample(range(hosts), hosts * 2 // 3):
            chains["spoof"].append(f"-s {address(vlan, host)} -i {device} -m mac --mac-source {mac()} -j RETURN")
    chains["spoof"].append('-m conntrack --ctstate NEW -m comment --comment "nobody we know" -j DROP')
    for number in range(60):
        chains["INPUT"].append(f"-s {outside()} -p tcp -m conntrack --ctstate NEW -m multiport --dports 22,443,{8000 + number} -j ACCEPT")
    chains["INPUT"].append("-j default")
    lines = ["*filter"]
    lines += [f":{name} {'DROP' if name.isupper() else '-'} [0:0]" for name in chains]
    lines += [f"-A {name} {rule}" for name, rules in chains.items() for rule in rules]
    return "\n".join([*lines, "COMMIT", ""]), planted


def _inward(
    rng: random.Random,
    vlan: int,
    hosts: int,
    address: Callable[[int, int], str],
    outside: Callable[[], str],
    network: Callable[[int], str],
    planted: list[tuple[str, int]],
    name: str,
) -> list[str]:
    rules: list[str] = []

    def add(text: str, dead: bool = False) -> None:
        rules.append(text)
        if dead:
            planted.append((name, len(rules)))

    if vlan % 5 == 0:
        add(f"-s {outside()} -d {network(vlan)} -j ACCEPT")
    for host in range(hosts):
        there = f"-d {address(vlan, host)}"
        port = rng.choice(_SERVICES)
        kind = rng.randrange(5)
        if kind == 0:
            add(f"{there} -p tcp -m tcp --dport {port} -m conntrack --ctstate NEW -j ACCEPT")
        elif kind == 1:
            ports = ",".join(map(str, sorted(rng.sample(_SERVICES, 4))))
            add(f"{there} -p tcp -m multiport --dports {ports} -j ACCEPT")
            if rng.randrange(4) == 0:
                add(f"{there} -s {outside()} -p tcp -m tcp --dport {ports.split(',')[1]} -j ACCEPT", dead=True)
        elif kind == 2:
            add(f"-s {outside()} {there} -p tcp -m tcp --dport {port}:{port + rng.randrange(100)} -j ACCEPT")
        elif kind == 3:
            add(f"{there} -p udp -m udp --sport 1024:65535 --dport {port} -j ACCEPT")
        else:
            add(f"-s {outside()} {there} -j ACCEPT")
        tail = f"-p tcp -m tcp --dport {rng.choice(_SERVICES)} -m conntrack --ctstate NEW -j ACCEPT"
        add(f"-s {outside()} {there} {tail}")
        if rng.randrange(25) == 0:
            add(rules[-1], dead=True)
    add("-j default")
    if vlan % 4 == 0:
        add(f"-d {address(vlan, 3)} -p tcp -m tcp --dport 80 -j ACCEPT", dead=True)
    if vlan % 7 == 0:
        add(f"-d {network(vlan)} -p tcp -m conntrack --ctstate ESTABLISHED -j ACCEPT", dead=True)
    return rules


if __name__ == "__main__":
    import sys

    sys.stdout.write(campus(int(sys.argv[1]) if sys.argv[1:] else 4)[0])
