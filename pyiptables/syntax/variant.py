"""Where iptables-nft and iptables-legacy differ: their data and small strategies, in one place."""

from __future__ import annotations

from pyiptables.xtables.numbers import UINT8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.ruleset import Ruleset, RuleSpec
    from pyiptables.xtables.option import Match

__all__ = ["CHAINS", "LEGACY", "NFT", "Variant", "variant_named"]

#: The built-in chains of each table in hook order (``xtables_ipv4`` in ``nft.c``; the kernel's table modules).
CHAINS: dict[str, tuple[str, ...]] = {
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "raw": ("PREROUTING", "OUTPUT"),
    "security": ("INPUT", "FORWARD", "OUTPUT"),
}


class Variant:
    """What both have in common, and the legacy answers."""

    name = "legacy"
    #: Behind the version number in messages.
    version = "1.8.11 (legacy)"
    #: Behind the version number in save files.
    save_version = "1.8.11"
    #: Whether ``-P`` takes the counters of ``-c`` (nft resets them instead).
    policy_counters = True
    #: Whether a lock can be found busy.
    locks = True
    #: Whether the first of several rules that fails ends the command.
    stops_at_failure = False

    def echoes_first(self, action: str) -> bool:
        """Whether ``-v`` shows the rule before (and even if not) the action succeeds."""
        return True

    def table_order(self, ruleset: Ruleset) -> list[str]:
        """The order of tables in a save: ``/proc/net/ip_tables_names`` has the youngest first."""
        return list(reversed(ruleset.tables))

    def read_back(self, spec: RuleSpec, adding: bool = True) -> RuleSpec:
        """The rule as the kernel gives it back; one that is only looked for keeps its matches as given."""
        return spec

    def unprintable(self, match: str) -> str:
        """What a listing shows for a match without a print function."""
        return f"{match} "


class NftVariant(Variant):
    name = "nft"
    version = "1.8.11 (nf_tables)"
    save_version = "1.8.11 (nf_tables)"
    policy_counters = False
    locks = False
    stops_at_failure = True

    def echoes_first(self, action: str) -> bool:
        return action == "A"

    def table_order(self, ruleset: Ruleset) -> list[str]:
        """``enum nft_table_type``: the order of its built-in tables."""
        return [name for name in ("mangle", "security", "raw", "filter", "nat") if name in ruleset.tables]

    def read_back(self, spec: RuleSpec, adding: bool = True) -> RuleSpec:
        """Rules pass through expressions and back: native matches may merge, ``-i +`` leaves no trace, protocols are octets."""
        if spec.iniface == "+" and not spec.iniface_inv:
            spec.iniface = ""
        if spec.outiface == "+" and not spec.outiface_inv:
            spec.outiface = ""
        if spec.target is not None:
            spec.target = spec.target.nft_form(spec)
        if not adding:
            spec.proto &= UINT8
            return spec
        matches: list[Match] = []
        for match in spec.matches:
            form = match.nft_form(matches, spec)
            if form is not None:
                matches.append(form)
        spec.matches = matches
        spec.proto &= UINT8
        return spec

    def unprintable(self, match: str) -> str:
        return ""


LEGACY = Variant()
NFT = NftVariant()


def variant_named(name: str) -> Variant:
    """``nft`` or ``legacy``; ValueError for anything else."""
    for variant in (NFT, LEGACY):
        if variant.name == name:
            return variant
    raise ValueError(f"no variant is called {name!r}: nft or legacy")
