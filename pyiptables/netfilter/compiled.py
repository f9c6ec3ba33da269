"""Rules made ready for walking: each becomes a flat tuple of header tests and a :class:`Code` with the rest.

The header tests are read straight from the canonical text, so that of ten thousand rules only those whose header fits
the packet are ever typed. What the flat tuple cannot say (inverted tests, wildcards, fragments) goes into
``Code.odd`` (``ip_packet_match``, ``net/ipv4/netfilter/ip_tables.c``; ``ip6_packet_match`` likewise).
"""

from __future__ import annotations

from pyiptables.netfilter.names import PROTOCOLS
from pyiptables.netfilter.packet import Verdict
from pyiptables.xtables.addresses import ALL_ONES, parse_ip4, parse_ip6, prefix_mask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Packet
    from pyiptables.ruleset import Chain, Rule, RuleSpec, Ruleset

    #: source mask and address, destination mask and address, protocol, interfaces in and out (0/'' = any), the rest
    Flat = tuple[int, int, int, int, int, str, str, "Code"]

__all__ = ["Code", "CompiledChain", "CompiledTable", "compile_table"]

_VERDICTS = {"ACCEPT": Verdict.ACCEPT, "DROP": Verdict.DROP, "RETURN": Verdict.RETURN, "QUEUE": Verdict.QUEUE}
_UNCONDITIONAL = {f"-j {name}" for name in _VERDICTS}


class Code:
    """One rule ready to be walked; counters are kept here, not on the rule."""

    __slots__ = (
        "bytes", "family", "jump", "kind", "matches", "more", "num", "octets", "odd", "packets", "ready", "rule",
        "spec", "table", "target", "verdict",
    )  # fmt: skip

    def __init__(self, rule: Rule, num: int, family: int, table: CompiledTable, builtin: bool) -> None:
        self.rule = rule
        self.num = num
        self.family = family
        self.table = table
        self.packets = 0
        self.octets = 0
        #: What TRACE calls it: an unconditional verdict is the tail of its chain to the kernel.
        self.kind = "rule" if rule.text not in _UNCONDITIONAL else "policy" if builtin else "return"
        self.odd: tuple[tuple[str, Any, bool], ...] = ()
        self.more = True
        self.ready = False
        self.spec: RuleSpec | None = None
        self.matches: list[Any] = []
        self.target: Any = None
        self.verdict: Verdict | None = None
        self.jump: CompiledChain | None = None

    def prepare(self) -> None:
        """Type the rule and resolve where it goes."""
        from pyiptables.syntax.rule import typed

        spec = self.spec = typed(self.rule, self.family)
        self.matches = spec.matches
        self.target = spec.target
        self.verdict = None
        self.jump = None
        if spec.target is None:
            if not spec.jump:
                self.verdict = Verdict.CONTINUE
            elif spec.jump in self.table.chains:
                self.jump = self.table.chains[spec.jump]
            else:
                self.verdict = _VERDICTS.get(spec.jump, Verdict.CONTINUE)
        self.more = bool(self.odd or self.matches)
        self.ready = True

    def odd_holds(self, packet: Packet) -> bool:
        """The header tests that are not in the flat tuple."""
        return all(test_holds(test, packet) for test in self.odd)


def test_holds(test: tuple[str, Any, bool], packet: Packet) -> bool:
    """One header test: (option letter, value, inverted)."""
    what, value, inverted = test
    if what == "s":
        found = packet.src & value[1] == value[0]
    elif what == "d":
        found = packet.dst & value[1] == value[0]
    elif what == "i":
        found = _interface(value, packet.iniface)
    elif what == "o":
        found = _interface(value, packet.outiface)
    elif what == "p":
        found = value in (0, packet.proto)
        if value == 0:
            return True
    else:
        found = packet.frag_offset != 0
    return found is not inverted


def _interface(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("+") else name == pattern


class CompiledChain:
    """A chain ready to be walked. ``end`` is the number of the rule that the kernel puts at its end."""

    __slots__ = ("builtin", "codes", "end", "flat", "name", "octets", "packets", "policy", "slow", "source", "index")  # fmt: skip

    def __init__(self, source: Chain) -> None:
        self.source = source
        self.name = source.name
        self.builtin = source.policy is not None
        self.policy = _VERDICTS.get(source.policy or "RETURN", Verdict.ACCEPT)
        self.flat: list[Flat] = []
        #: Every rule with all its tests in ``Code.odd``: for explaining, rule by rule.
        self.slow: list[Flat] | None = None
        self.codes: list[Code] = []
        self.end = len(source.rules) + 1
        self.packets = 0
        self.octets = 0
        #: A faster way to the rules that may match, made when many packets come (``index.py``).
        self.index: Any = None

    def explained(self) -> list[Flat]:
        """The chain with every header test as an odd one."""
        if self.slow is None:
            self.slow = [(0, 0, 0, 0, 0, "", "", code) for code in self.codes]
        return self.slow


class CompiledTable:
    """A table ready to be walked."""

    __slots__ = ("chains", "codes", "family", "name")

    def __init__(self, name: str, family: int) -> None:
        self.name = name
        self.family = family
        self.chains: dict[str, CompiledChain] = {}


def compile_table(ruleset: Ruleset, name: str) -> CompiledTable:
    """The table of a ruleset, ready; chains are filled when first walked (:func:`fill`)."""
    table = CompiledTable(name, ruleset.family)
    for chain in ruleset.tables[name].chains.values():
        table.chains[chain.name] = CompiledChain(chain)
    return table


def fill(chain: CompiledChain, table: CompiledTable) -> None:
    """Read the header tests of a chain's rules."""
    family = table.family
    flat = chain.flat
    codes = chain.codes
    for num, rule in enumerate(chain.source.rules, 1):
        code = Code(rule, num, family, table, chain.builtin)
        codes.append(code)
        flat.append(_flat(rule, code, family))


_addresses: dict[tuple[str, int], tuple[int, int]] = {}


def _address(text: str, family: int) -> tuple[int, int]:
    """Address and mask of ``10.0.0.0/8``."""
    try:
        return _addresses[text, family]
    except KeyError:
        pass
    address, _, mask = text.partition("/")
    read = parse_ip4 if family == 4 else parse_ip6
    value = read(address)
    if value is None:
        raise ValueError(text)
    if not mask:
        bits: int | None = ALL_ONES[family]
    elif mask.isdigit():
        bits = prefix_mask(int(mask), family)
    else:
        bits = read(mask)
    if bits is None:
        raise ValueError(text)
    if len(_addresses) > 100_000:
        _addresses.clear()
    _addresses[text, family] = (value, bits)
    return value, bits


def _flat(rule: Rule, code: Code, family: int) -> Flat:
    try:
        return _flat_of_text(rule.text, code, family)
    except (ValueError, IndexError, KeyError):
        return _flat_of_spec(code)


def _flat_of_text(text: str, code: Code, family: int) -> Flat:
    words = text.split(" ", 13)
    smask = saddr = dmask = daddr = proto = 0
    iniface = outiface = ""
    odd: list[tuple[str, Any, bool]] = []
    inverted = False
    at = 0
    while at < len(words):
        word = words[at]
        if word == "!":
            inverted = True
            at += 1
            continue
        if word == "-s":
            if inverted:
                odd.append(("s", _address(words[at + 1], family), True))
            else:
                saddr, smask = _address(words[at + 1], family)
        elif word == "-d":
            if inverted:
                odd.append(("d", _address(words[at + 1], family), True))
            else:
                daddr, dmask = _address(words[at + 1], family)
        elif word in ("-i", "-o"):
            name = words[at + 1]
            if '"' in name:
                raise ValueError(name)
            if inverted or name.endswith("+"):
                odd.append((word[1], name, inverted))
            elif word == "-i":
                iniface = name
            else:
                outiface = name
        elif word == "-p":
            name = words[at + 1]
            number = int(name) if name.isdigit() else PROTOCOLS[name]
            if inverted:
                odd.append(("p", number, True))
            else:
                proto = number
        elif word == "-f":
            odd.append(("f", True, inverted))
            at -= 1
        else:
            break
        at += 2
        inverted = False
    code.odd = tuple(odd)
    return (smask, saddr, dmask, daddr, proto, iniface, outiface, code)


def _flat_of_spec(code: Code) -> Flat:
    code.prepare()
    code.odd = header_tests(code)
    code.more = bool(code.odd or code.matches)
    return (0, 0, 0, 0, 0, "", "", code)


def header_tests(code: Code) -> tuple[tuple[str, Any, bool], ...]:
    """All header tests of a rule, in the order the kernel makes them."""
    if not code.ready:
        code.prepare()
    spec = code.spec
    assert spec is not None
    tests: list[tuple[str, Any, bool]] = []
    if spec.src_mask or spec.src_inv:
        tests.append(("s", (spec.src, spec.src_mask), spec.src_inv))
    if spec.dst_mask or spec.dst_inv:
        tests.append(("d", (spec.dst, spec.dst_mask), spec.dst_inv))
    if spec.iniface:
        tests.append(("i", spec.iniface, spec.iniface_inv))
    if spec.outiface:
        tests.append(("o", spec.outiface, spec.outiface_inv))
    if spec.proto:
        tests.append(("p", spec.proto, spec.proto_inv))
    if spec.fragment:
        tests.append(("f", True, spec.fragment_inv))
    return tuple(tests)
