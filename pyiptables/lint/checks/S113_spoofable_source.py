from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import Filtering, filterings
from pyiptables.lint.outside import is_private, outer_interfaces
from pyiptables.lint.places import option_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject
from pyiptables.xtables.addresses import address_text, mask_prefix


class SpoofableSource(Check):
    """Trust in an inner address that comes from outside.

    What it does: where it can be told which interface faces the world (it translates addresses, or is called ppp or wan),
    sends packets with the source of a private network in by it, and reports the rule of INPUT or FORWARD that accepts new
    ones for that source.

    Why it matters: whoever is outside can write any source address. Reverse path filtering (`rp_filter`) stops most of that,
    but it is often loose or off, and IPv6 has none.

    Instead: name the inner interface (`-i eth1 -s 192.168.1.0/24`), or drop private sources from outside first
    (`-i eth0 -s 192.168.0.0/16 -j DROP`, or `-m rpfilter --invert -j DROP` in table raw).
    """

    code = "S113"
    name = "spoofable-source"
    bad = (
        "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n-A INPUT -s 192.168.1.0/24 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -i ppp0 -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
    )
    good = (
        "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n"
        "-A INPUT -i eth1 -s 192.168.1.0/24 -j ACCEPT\nCOMMIT\n",
        "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n"
        "-A INPUT -i eth0 -s 192.168.0.0/16 -j DROP\n-A INPUT -s 192.168.1.0/24 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -s 192.168.1.0/24 -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n"
        "-A INPUT -s 192.168.1.0/24 -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n",
        "*raw\n-A PREROUTING -m rpfilter --invert -j DROP\nCOMMIT\n*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n"
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -s 192.168.1.0/24 -j ACCEPT\nCOMMIT\n",
        "*nat\n-A POSTROUTING -s 10.8.0.0/24 -o eth0 -j MASQUERADE\nCOMMIT\n*filter\n:FORWARD DROP [0:0]\n"
        "-A FORWARD -i tun0 -s 10.8.0.0/24 -j ACCEPT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for filtering in filterings(subject):
            family = filtering.family
            facing = [name for name in outer_interfaces(filtering) if _known_outside(filtering, name)]
            if not facing or _reverse_path_filtered(filtering):
                continue
            told = set()
            for name in ("INPUT", "FORWARD"):
                if name not in filtering.table.chains:
                    continue
                packets = filtering.filter.packets(iniface=facing[0].replace("+", "0"))
                for spec, item in filtering.accepting(name, packets, partial(is_private, family=family)):
                    if id(item) in told or any(match.name in ("mac", "policy", "set") for match in spec.matches):
                        continue
                    told.add(id(item))
                    length = mask_prefix(spec.src_mask, family)
                    source = f"{address_text(spec.src, family)}/{length}"
                    named = spec.iniface and not spec.iniface_inv
                    message = f"accepts {source} by {facing[0]}, where anybody can write that address"
                    hint = f"name the inner interface (-i), or drop {source} by {facing[0]} first"
                    if named:
                        hint = "no such sender is out there: drop it"
                    place = option_place(item, "-s", "--source", "--src")
                    yield Diagnostic(self.code, message, place, self.severity if named else "info", item.text, hint)


def _known_outside(filtering: Filtering, name: str) -> bool:
    """Does more speak for it than being the only interface that is named?"""
    if name.startswith(("ppp", "wan", "pppoe")):
        return True
    nat = filtering.ruleset.tables.get("nat")
    return nat is not None and any(
        rule.spec is not None and rule.spec.outiface == name and rule.spec.target is not None
        for chain in nat.chains.values()
        for rule in chain.rules
    )


def _reverse_path_filtered(filtering: Filtering) -> bool:
    for table in filtering.ruleset.tables.values():
        for chain in table.chains.values():
            for rule in chain.rules:
                if rule.spec is not None and any(match.name == "rpfilter" for match in rule.spec.matches):
                    return True
    return False


CHECKS = (SpoofableSource,)
