"""Rules made ready for walking: each becomes a flat tuple of header tests and a :class:`Code` with the rest.

The header tests are read straight from the canonical text, so that of ten thousand rules only those whose header fits
the packet are ever typed. What the flat tuple cannot say (inverted tests, wildcards, fragments) goes into
``Code.odd`` (``ip_packet_match``, ``net/ipv4/netfilter/ip_tables.c``; ``ip6_packet_match`` likewise).
"""

from __future__ import annotations

from operator import attrgetter

from pyiptables.netfilter.names import PROTOCOLS
from pyiptables.netfilter.packet import Verdict
from pyiptables.xtables.addresses import parse_ip4, parse_ip6, prefix_mask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from pyiptables.netfilter.packet import Packet
    from pyiptables.ruleset import Chain, Rule, Ruleset, RuleSpec

    #: source mask and address, destination mask and address, protocol, interfaces in and out (0/'' = any), number
    Flat = tuple[int, int, int, int, int, str, str, int]
    #: (option letter, value, inverted)
    Test = tuple[str, Any, bool]

__all__ = ["Code", "CompiledChain", "CompiledTable", "Path", "compile_table", "header_tests", "loaded", "test_holds"]

_VERDICTS = {"ACCEPT": Verdict.ACCEPT, "DROP": Verdict.DROP, "RETURN": Verdict.RETURN, "QUEUE": Verdict.QUEUE}
_UNCONDITIONAL = {f"-j {name}" for name in _VERDICTS}


class Code:
    """One rule ready to be evaluated; counters are kept here, not on the rule.

    ``odd`` are header tests beyond the flat entry's, ``more`` whether there is anything to test beside the entry, ``plain``
    whether all it tests are fields of the packet.
    """

    __slots__ = (
        "chain", "family", "jump", "kind", "matches", "more", "num", "octets", "odd", "packets", "plain", "rule", "spec",
        "target", "verdict",
    )  # fmt: skip

    def __init__(self, rule: Rule, num: int, chain: CompiledChain) -> None:
        self.rule = rule
        self.num = num
        self.chain = chain
        self.family = chain.table.family
        self.packets = 0
        self.octets = 0
        self.odd = chain.odd.get(num, ())
        self.matches: list[Any] = []
        self.target: Any = None
        self.verdict: Verdict | None = None
        self.jump: CompiledChain | None = None
        self.spec: RuleSpec
        self.prepare()
        #: What TRACE calls it: an unconditional verdict is the tail of its chain to the kernel. A name of any interface is a
        #: condition to it (``unconditional`` compares octets), though no save form shows it; so is any protocol for IPv6.
        bare = rule.text in _UNCONDITIONAL and "+" not in (self.spec.iniface, self.spec.outiface)
        bare = bare and not (self.family == 6 and self.spec.proto_given)
        self.kind = "rule" if not bare else "policy" if chain.builtin else "return"

    def prepare(self) -> None:
        """Type the rule and resolve where it goes."""
        from pyiptables.syntax.rule import typed

        spec = self.spec = typed(self.rule, self.family)
        self.matches = [match for match in spec.matches if not match.idle]
        self.target = spec.target
        if spec.target is None:
            if not spec.jump:
                self.verdict = Verdict.CONTINUE
            elif spec.jump in self.chain.table.chains:
                self.jump = self.chain.table.chains[spec.jump]
            else:
                self.verdict = _VERDICTS.get(spec.jump, Verdict.CONTINUE)
        self.more = bool(self.odd or self.matches)
        self.plain = True
        for match in self.matches:
            fields = match.reads()
            if fields is None:
                self.plain = False
            else:
                self.chain.table.note_fields(fields)

    def odd_holds(self, packet: Packet) -> bool:
        """The header tests that are not in the flat tuple."""
        return all(test_holds(test, packet) for test in self.odd)


def test_holds(test: Test, packet: Packet) -> bool:
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
    """A chain ready to be walked. ``end`` is the number of the rule that the kernel puts at its end.

    ``flat`` has one entry a rule, in order, as far as they have been read; a rule's :class:`Code` is made when its header
    first fits a packet.
    """

    __slots__ = (
        "builtin", "codes", "end", "flat", "name", "octets", "odd", "packets", "paths", "policy", "slow", "source", "table",
        "way",
    )  # fmt: skip

    def __init__(self, source: Chain, table: CompiledTable) -> None:
        self.source = source
        self.table = table
        self.name = source.name
        self.builtin = source.policy is not None
        self.policy = _VERDICTS.get(source.policy or "RETURN", Verdict.ACCEPT)
        self.flat: list[Flat] = []
        #: Header tests that a flat entry cannot hold, by rule number.
        self.odd: dict[int, tuple[Test, ...]] = {}
        #: Every rule without header tests in its flat entry: for explaining, rule by rule.
        self.slow: list[Flat] | None = None
        self.codes: dict[int, Code] = {}
        self.end = len(source.rules) + 1
        self.packets = 0
        self.octets = 0
        #: Ways from here that packets took, by :attr:`CompiledTable.key`.
        self.paths: dict[tuple[Any, ...], Path] = {}
        #: A faster way to the entries that may match, found when many packets come (``index``).
        self.way: Callable[[Packet], Iterator[Flat]] | None = None

    def entries(self) -> list[Flat]:
        """The flat entries of all rules, read from the rules on first use."""
        flat, family = self.flat, self.table.family
        done = len(flat)
        flat += [self._entry(rule, num, family) for num, rule in enumerate(self.source.rules[done:], done + 1)]
        return flat

    def entries_in_turn(self) -> Iterator[Flat]:
        """The flat entries, each read from its rule when asked for: a single packet seldom gets to the last."""
        flat, family, rules = self.flat, self.table.family, self.source.rules
        for num in range(1, self.end):
            if num > len(flat):
                flat.append(self._entry(rules[num - 1], num, family))
            yield flat[num - 1]

    def explained(self) -> list[Flat]:
        """Entries that send every rule to its whole list of tests."""
        if self.slow is None:
            self.slow = [(0, 0, 0, 0, 0, "", "", num) for num in range(1, self.end)]
        return self.slow

    def code(self, num: int) -> Code:
        """The rule with a number, ready to be evaluated."""
        found = self.codes.get(num)
        if found is None:
            found = self.codes[num] = Code(self.source.rules[num - 1], num, self)
        return found

    def _entry(self, rule: Rule, num: int, family: int) -> Flat:
        try:
            return _entry_of_text(rule.text, num, family, self.odd)
        except (ValueError, KeyError, StopIteration):
            self.odd[num] = header_tests(self.code(num))
            self.codes[num].odd = self.odd[num]
            self.codes[num].more = True
            return (0, 0, 0, 0, 0, "", "", num)


class Path:
    """A way through a table that packets took: ``steps`` as (chain, kind, number, rule), what decided, and how."""

    __slots__ = ("codes", "decided", "steps", "verdict")

    def __init__(self, steps: list[tuple[str, str, int, Code | None]], decided: Code | CompiledChain | None, verdict: Verdict) -> None:
        self.steps = steps
        self.codes = [code for _, _, _, code in steps if code is not None]
        self.decided = decided
        self.verdict = verdict


class CompiledTable:
    """A table ready to be walked. ``key`` gives what decides about a packet's way through it, as far as rules are known."""

    __slots__ = ("_fields", "chains", "family", "key", "name")

    def __init__(self, name: str, family: int) -> None:
        self.name = name
        self.family = family
        self.chains: dict[str, CompiledChain] = {}
        self._fields: set[str] = {"src", "dst", "proto", "iniface", "outiface"}
        self.key: Callable[[Packet], tuple[Any, ...]] = attrgetter(*self._fields)

    def note_fields(self, fields: Iterable[str]) -> None:
        """Some rule tests these fields, too: paths that are known go by a key that was made without."""
        if not self._fields.issuperset(fields):
            self._fields.update(fields)
            self.key = attrgetter(*self._fields)
            for chain in self.chains.values():
                chain.paths.clear()


def compile_table(ruleset: Ruleset, name: str) -> CompiledTable:
    """The table of a ruleset, ready; chains read their rules when first walked."""
    table = CompiledTable(name, ruleset.family)
    for chain in ruleset.tables[name].chains.values():
        table.chains[chain.name] = CompiledChain(chain, table)
    return table


def loaded(ruleset: Ruleset, name: str) -> Iterator[Any]:
    """The matches of a kind in the order in which the kernel checks them when the ruleset is loaded.

    Tables come as they stand in the file; within one, built-in chains in the order of their hooks, then the others by
    name (``iptcc_insert_chain`` in ``libiptc.c``).
    """
    from pyiptables.syntax.rule import typed

    word = f"-m {name} "
    for table in ruleset.tables.values():
        chains = sorted(table.chains.values(), key=lambda chain: (chain.policy is None, chain.name if chain.policy is None else ""))
        for chain in chains:
            for rule in chain.rules:
                if word in rule.text:
                    yield from (match for match in typed(rule, ruleset.family).matches if match.name == name)


_addresses: dict[str, tuple[int, int]] = {}
_masks = {family: [prefix_mask(length, family) for length in range(width + 1)] for family, width in ((4, 32), (6, 128))}
_CACHED = 200_000


def _address(text: str, family: int) -> tuple[int, int]:
    """Address and mask of canonical ``10.0.0.0/8`` (the two families cannot be mistaken for each other)."""
    found = _addresses.get(text)
    if found is not None:
        return found
    address, _, mask = text.partition("/")
    value: int | None
    if family == 4:
        a, b, c, d = address.split(".")
        value = int(a) << 24 | int(b) << 16 | int(c) << 8 | int(d)
    else:
        value = parse_ip6(address)
    bits: int | None
    if mask.isdigit():
        bits = _masks[family][int(mask)]
    else:
        bits = parse_ip4(mask) if family == 4 else parse_ip6(mask)
    if value is None or bits is None:
        raise ValueError(text)
    if len(_addresses) > _CACHED:
        _addresses.clear()
    _addresses[text] = (value, bits)
    return value, bits


_protocols = {**PROTOCOLS, **{str(number): number for number in range(256)}}


_HEADER = frozenset(("-s", "-d", "-i", "-o", "-p", "-f"))


def _entry_of_text(text: str, num: int, family: int, odd: dict[int, tuple[Test, ...]]) -> Flat:
    """The header tests at the front of a rule's canonical text. Raises ValueError and the like where it is not."""
    words = iter(text.split(" ", 13))
    smask = saddr = dmask = daddr = proto = 0
    iniface = outiface = ""
    rest: list[Test] | None = None
    inverted = False
    for word in words:
        if word == "!":
            inverted = True
            continue
        if word not in _HEADER:
            break
        value = next(words) if word != "-f" else ""
        test: Test
        if word == "-s" or word == "-d":
            address, mask = _address(value, family)
            if not inverted:
                if word == "-s":
                    saddr, smask = address, mask
                else:
                    daddr, dmask = address, mask
                continue
            test = (word[1], (address, mask), True)
        elif word == "-p":
            if not inverted:
                proto = _protocols[value]
                continue
            test = ("p", _protocols[value], True)
        elif word == "-i" or word == "-o":
            if '"' in value:
                raise ValueError(value)
            if not inverted and value[-1:] != "+":
                if word == "-i":
                    iniface = value
                else:
                    outiface = value
                continue
            test = (word[1], value, inverted)
        else:
            test = ("f", True, inverted)
        inverted = False
        if rest is None:
            rest = []
        rest.append(test)
    if rest is not None:
        odd[num] = tuple(rest)
    return (smask, saddr, dmask, daddr, proto, iniface, outiface, num)


def header_tests(code: Code) -> tuple[Test, ...]:
    """All header tests of a rule, in the order the kernel makes them."""
    spec = code.spec
    tests: list[Test] = []
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
