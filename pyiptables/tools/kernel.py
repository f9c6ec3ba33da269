"""What the kernel checks when a table is committed: hooks, tables and protocols of extensions, jumps and loops.

Sources: ``nft_compat.c`` and ``nft_chain_validate`` (``nf_tables_api.c``) for nft; ``mark_source_chains`` and
``find_check_entry`` (``ip_tables.c``), ``xt_check_match``/``xt_check_target`` (``x_tables.c``) for legacy.
"""

from __future__ import annotations

from errno import EINVAL, ELOOP, EMLINK

from pyiptables.extensions import find_match, find_target
from pyiptables.syntax.rule import typed
from pyiptables.xtables.errors import KernelRefusal
from pyiptables.xtables.option import HOOKS, Extension, Parsing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.ruleset import Chain, Rule, RuleSpec, Table

__all__ = ["check_chain_graph", "check_hooks", "check_reached", "check_rule", "jumps_of", "limits_hooks", "live_rules"]

#: ``NFT_JUMP_STACK_SIZE``: how deep nft lets chains call each other.
_NFT_DEPTH = 16
#: Rules without any condition after which the legacy kernel does not look further down a chain.
_ENDS = frozenset(("-j ACCEPT", "-j DROP", "-j RETURN", "-j QUEUE"))


def check_rule(spec: RuleSpec, table: str, hooks: frozenset[str], parsing: Parsing) -> None:
    """Refuse the rule as the kernel would for a rule reached from these hooks (none: a chain nobody calls)."""
    parsing.spec = spec
    # The octet that iptables-nft reads back is not what it told the kernel (mptcp).
    protocol = 0 if spec.proto_inv else max(spec.proto, parsing.proto)
    for match in spec.matches:
        _check_extension(match, protocol, table, hooks, parsing.variant == "nft" and match.native())
        match.kernel_check(parsing)
    if spec.target is not None:
        _check_extension(spec.target, protocol, table, hooks, native=False)
        spec.target.kernel_check(parsing)


def _check_extension(extension: Extension, protocol: int, table: str, hooks: frozenset[str], native: bool) -> None:
    if extension.tables is not None and table not in extension.tables:
        raise KernelRefusal(EINVAL, f"{extension.name} is not for table {table}")
    check_hooks(extension, hooks)
    if extension.protocols is not None and not native and protocol not in extension.protocols:
        raise KernelRefusal(EINVAL, f"{extension.name} needs its protocol")


def check_hooks(extension: Extension, hooks: frozenset[str], registered: bool = False) -> None:
    """``registered``: look only at what the kernel's registration says, not at what depends on the options."""
    allowed = extension.hooks if registered else extension.hooks_allowed()
    if allowed is not None and not hooks.issubset(allowed):
        raise KernelRefusal(EINVAL, f"{extension.name} is not for chain {', '.join(sorted(hooks - set(allowed)))}")


def limits_hooks(spec: RuleSpec) -> bool:
    """Whether something in the rule may stand in some hooks only."""
    return any(extension.hooks_allowed() is not None for extension in spec.matches) or (
        spec.target is not None and spec.target.hooks_allowed() is not None
    )


def jumps_of(rule: Rule, chains: dict[str, Chain], family: int) -> str | None:
    """The chain the rule jumps or goes to, None when it does not."""
    spec = rule.spec
    if spec is not None:
        return spec.jump if spec.target is None and spec.jump in chains else None
    # Canonical text ends in the jump; only a quoted word at the end could look like one.
    head, _, name = rule.text.rpartition(" ")
    if name in chains and (head in ("-j", "-g") or head.endswith((" -j", " -g"))):
        if name[-1] == '"':
            return jumps_of(rule, chains, family) if typed(rule, family) else None
        return name
    return None


def live_rules(chain: Chain) -> list[Rule]:
    """The rules that ``mark_source_chains`` comes to: what follows an unconditional verdict is reached from no hook."""
    for number, rule in enumerate(chain.rules, 1):
        if rule.text in _ENDS:
            return chain.rules[:number]
    return chain.rules


def check_chain_graph(table: Table, family: int, variant: str) -> dict[str, frozenset[str]]:
    """From which hooks each chain is reached. Raises KernelRefusal for loops (and depth, with nft)."""
    chains = table.chains
    calls: dict[str, list[str]] = {}
    for chain in chains.values():
        called = []
        for rule in live_rules(chain) if variant == "legacy" else chain.rules:
            name = jumps_of(rule, chains, family)
            if name is not None:
                called.append(name)
        calls[chain.name] = list(dict.fromkeys(called))
    reached: dict[str, set[str]] = {name: set() for name in chains}
    for base in HOOKS:
        if base in chains:
            if variant == "nft":
                _walk_nft(base, calls, base, reached)
            else:
                _walk_legacy(base, calls, base, reached)
    return {name: frozenset(hooks) for name, hooks in reached.items()}


def _walk_legacy(base: str, calls: dict[str, list[str]], hook: str, reached: dict[str, set[str]]) -> None:
    """Depth-first with the path in hand: a chain met again on its own path is a loop."""
    path = [(base, iter(calls[base]))]
    on_path = {base}
    reached[base].add(hook)
    while path:
        name, rest = path[-1]
        for called in rest:
            if called in on_path:
                raise KernelRefusal(ELOOP)
            if hook not in reached[called]:
                reached[called].add(hook)
                on_path.add(called)
                path.append((called, iter(calls[called])))
                break
        else:
            path.pop()
            on_path.discard(name)


def _walk_nft(base: str, calls: dict[str, list[str]], hook: str, reached: dict[str, set[str]]) -> None:
    """The kernel only counts levels; a loop is a path that gets too deep."""
    depth: dict[str, int] = {}
    stack = [(base, 0)]
    while stack:
        name, level = stack.pop()
        if level >= _NFT_DEPTH:
            raise KernelRefusal(EMLINK)
        if depth.get(name, -1) >= level:
            continue
        depth[name] = level
        reached[name].add(hook)
        stack += [(called, level + 1) for called in calls[name]]


def check_reached(table: Table, reached: dict[str, frozenset[str]], family: int, variant: str) -> tuple[Chain, int] | None:
    """The first rule (chain, number) of a user chain whose extensions must not stand where it is reached from.

    nft compares the registered hooks only (``nft_match_validate``, ``nft_target_validate``): ``checkentry`` ran when
    the rule was added, and a user chain has no hook then.
    """
    registered = variant == "nft"
    limited: dict[str, bool] = {}
    for chain in table.chains.values():
        hooks = reached[chain.name]
        if not hooks or chain.policy is not None:
            continue
        for number, rule in enumerate(chain.rules if registered else live_rules(chain), 1):
            if rule.spec is None and not _mentions_limited(rule.text, limited, family):
                continue
            spec = typed(rule, family)
            try:
                for extension in spec.matches:
                    check_hooks(extension, hooks, registered)
                if spec.target is not None:
                    check_hooks(spec.target, hooks, registered)
            except KernelRefusal:
                return chain, number
    return None


def _mentions_limited(text: str, limited: dict[str, bool], family: int) -> bool:
    """Whether canonical text names an extension that is not for all hooks (perhaps in a comment: then for nothing)."""
    words = text.split(" ")
    for flag, name in zip(words, words[1:], strict=False):
        if flag in ("-m", "-j"):
            known = limited.get(name)
            if known is None:
                found = find_match(name, family) if flag == "-m" else find_target(name, family)
                known = found is not None and (found.hooks is not None or found.hooks_allowed is not Extension.hooks_allowed)
                limited[name] = known
            if known:
                return True
    return False
