"""The nouns: Ruleset, Table, Chain, Rule. No text is read or written here, no packet is seen.

A rule's identity is its canonical text (what ``iptables-save`` prints after ``-A CHAIN``); its typed form,
a :class:`RuleSpec`, is made from that text when somebody first asks for it (``syntax.rule.typed``).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["Chain", "Rule", "RuleSpec", "Ruleset", "Table"]


class RuleSpec:
    """What a rule says, typed.

    Addresses and masks are integers, ``iniface``/``outiface`` are names ('' = any, a trailing '+' = prefix),
    ``proto`` is a number (0 = any). ``target`` is the extension object of ``-j``, None for verdicts
    (ACCEPT, DROP, RETURN, QUEUE), for jumps to chains and for rules without ``-j``; ``jump`` is the name after
    ``-j`` or ``-g``, '' when there is none.
    """

    __slots__ = (
        "dst", "dst_inv", "dst_mask", "fragment", "fragment_inv", "goto", "iniface", "iniface_inv", "jump",
        "matches", "outiface", "outiface_inv", "proto", "proto_given", "proto_inv", "src", "src_inv", "src_mask", "target",
    )  # fmt: skip

    def __init__(self) -> None:
        self.src = self.src_mask = self.dst = self.dst_mask = 0
        self.src_inv = self.dst_inv = False
        self.iniface = self.outiface = ""
        self.iniface_inv = self.outiface_inv = False
        self.proto = 0
        self.proto_inv = False
        #: Was there a ``-p``? ``-p all`` is a test of its own to ip6tables (``IP6T_F_PROTO``), though no save form shows it.
        self.proto_given = False
        self.fragment = False
        self.fragment_inv = False
        self.matches: list[Any] = []
        self.target: Any = None
        self.jump = ""
        self.goto = False

    def copy(self) -> RuleSpec:
        """A copy that shares the (immutable once parsed) match and target objects."""
        other = RuleSpec.__new__(RuleSpec)
        other.src, other.src_mask, other.src_inv = self.src, self.src_mask, self.src_inv
        other.dst, other.dst_mask, other.dst_inv = self.dst, self.dst_mask, self.dst_inv
        other.iniface, other.iniface_inv = self.iniface, self.iniface_inv
        other.outiface, other.outiface_inv = self.outiface, self.outiface_inv
        other.proto, other.proto_inv, other.proto_given = self.proto, self.proto_inv, self.proto_given
        other.fragment, other.fragment_inv = self.fragment, self.fragment_inv
        other.matches, other.target = self.matches, self.target
        other.jump, other.goto = self.jump, self.goto
        return other


class Rule:
    """One rule: its canonical text without ``-A CHAIN``, its counters, and where it was read."""

    __slots__ = ("bytes", "file", "line", "packets", "spec", "text")

    #: The form for the state file where the save form cannot be read back (``syntax.rule``).
    stored: str | None = None

    def __init__(
        self,
        text: str,
        packets: int = 0,
        octets: int = 0,
        source: tuple[str, int] | None = None,
        spec: RuleSpec | None = None,
    ) -> None:
        self.text = text
        self.packets = packets
        self.bytes = octets
        self.file: str | None = None
        self.line = 0
        if source is not None:
            self.file, self.line = source
        self.spec = spec

    @property
    def source(self) -> tuple[str, int] | None:
        """File (``-``: unnamed) and line where the rule was read, None for one that comes from no file."""
        return None if self.file is None else (self.file, self.line)

    @source.setter
    def source(self, place: tuple[str, int] | None) -> None:
        self.file, self.line = (None, 0) if place is None else place

    def __repr__(self) -> str:
        return f"Rule({self.text!r})"


class Chain:
    """A chain of rules. ``policy`` is None for a user-defined chain, else ``ACCEPT`` or ``DROP``."""

    __slots__ = ("bytes", "name", "packets", "policy", "rules")

    def __init__(self, name: str, policy: str | None = None, packets: int = 0, octets: int = 0) -> None:
        self.name = name
        self.policy = policy
        self.packets = packets
        self.bytes = octets
        self.rules: list[Rule] = []

    def copy(self) -> Chain:
        other = Chain(self.name, self.policy, self.packets, self.bytes)
        other.rules = self.rules.copy()
        return other

    def __repr__(self) -> str:
        return f"Chain({self.name!r}, {len(self.rules)} rules)"


class Table:
    """A table: its chains by name, in order of creation."""

    __slots__ = ("chains", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.chains: dict[str, Chain] = {}

    def copy(self) -> Table:
        other = Table(self.name)
        other.chains = {name: chain.copy() for name, chain in self.chains.items()}
        return other


class Ruleset:
    """The tables of one address family (4 or 6), in order of their coming into being."""

    __slots__ = ("family", "tables")

    def __init__(self, family: int) -> None:
        self.family = family
        self.tables: dict[str, Table] = {}

    def copy(self) -> Ruleset:
        other = Ruleset(self.family)
        other.tables = {name: table.copy() for name, table in self.tables.items()}
        return other

    def rules(self) -> Iterator[tuple[Table, Chain, int, Rule]]:
        """Every rule with its table, chain and number (from 1)."""
        for table in self.tables.values():
            for chain in table.chains.values():
                for number, rule in enumerate(chain.rules, 1):
                    yield table, chain, number, rule

    def zero(self) -> None:
        """Set every counter to 0."""
        for _, _, _, rule in self.rules():
            rule.packets = rule.bytes = 0
        for table in self.tables.values():
            for chain in table.chains.values():
                chain.packets = chain.bytes = 0

    def save(self, counters: bool = False) -> str:
        """The ruleset as iptables-save text (without the time stamps)."""
        from pyiptables.syntax.savefile import write

        return write(self, counters)
