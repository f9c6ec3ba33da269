"""``iptables`` and ``ip6tables``: one command (``do_command4`` in ``iptables.c``, ``do_commandx`` in ``xtables.c``)."""

from __future__ import annotations

from errno import EINVAL, ENOENT

from pyiptables.ruleset import Chain, Rule, RuleSpec
from pyiptables.syntax.command import Command, HelpWanted, VersionWanted, parse
from pyiptables.syntax.rule import rule_of, text_of, typed
from pyiptables.tools.run import Exit, Program
from pyiptables.tools.splice import SPLICED, WORTH_IT, splice
from pyiptables.tools.tables import Tables
from pyiptables.xtables.errors import CommandFailure, IptablesError, ResourceProblem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyiptables.syntax.listing import Format

__all__ = ["execute", "main", "settle"]

_READING = frozenset("LSC")


def main(program: Program, argv: list[str]) -> int:
    """Run one command line; returns the exit status, raises what ``run`` turns into messages."""
    parsing = program.parsing()
    try:
        command = parse(argv, parsing)
    except VersionWanted as wanted:
        version = program.variant.version
        program.out.append(f"Not {version} ;-)\n" if wanted.inverted else f"{program.name} v{version}\n")
        return 0
    except HelpWanted as wanted:
        from pyiptables.tools.help import program_help

        program.out.append(program_help(program, wanted.matches, wanted.targets))
        return 0
    reading = command.action in ("L", "S", "C")
    program.lock(command.wait, reading)
    mapped = program.state.mapped(program.family) if command.action in SPLICED else None
    data = program.state.read(program.family) if mapped is None else b""
    tables: Tables | None = None
    try:
        if mapped is not None or (program.state.trusted and len(data) > (0 if program.warm else WORTH_IT)):
            pieces = splice(program, command, data if mapped is None else mapped)
            if pieces is not None:
                if pieces:
                    program.state.write(program.family, *pieces)
                return 0
        tables = program.load(data if mapped is None else None)
        tables.use_table(command.table)
        settle(program, tables, command)
        execute(program, tables, command)
        tables.commit(command.table, parsing)
    except IptablesError as error:
        if tables is not None and tables.born:
            program.save_born(tables.born)
        if not isinstance(error, CommandFailure):
            raise
        hint = " Run `dmesg' for more information." if error.errno == EINVAL else ""
        program.err.append(f"{program.name}: {error.text}.{hint}\n")
        return error.status
    if tables.changed:
        program.save(tables, reading)
    return 0


def execute(program: Program, tables: Tables, command: Command) -> None:
    """Carry a command out on the tables; CommandFailure when it cannot be."""
    action = command.action
    table, chain = command.table, command.chain
    tables.note(action, command.number if command.zeroes_rule or action != "Z" else None)
    if action in ("A", "I", "R", "C") or (action == "D" and command.number is None):
        _rule_command(program, tables, command)
    elif action == "D":
        assert chain is not None and command.number is not None
        tables.delete_number(table, chain, command.number)
    elif action[0] in "LS" or action[-1] in "LS":
        _show(program, tables, command)
    elif action == "F":
        tables.flush(table, chain, _teller(program, command, "Flushing"))
    elif action == "Z":
        _zero(program, tables, command)
    elif action == "X":
        tables.delete_chain(table, chain, _teller(program, command, "Deleting"))
    elif action == "N":
        assert chain is not None
        tables.new_chain(table, chain)
    elif action == "E":
        assert chain is not None and command.newname is not None
        tables.rename(table, chain, command.newname)
    elif action == "P":
        assert chain is not None and command.policy is not None
        counters = command.counters if program.variant.policy_counters else None
        tables.set_policy(table, chain, command.policy, counters)


def settle(program: Program, tables: Tables, command: Command) -> None:
    """Turn the words of a rule into the rule as the variant keeps it; errors here belong to its own line."""
    action = command.action
    if action in ("A", "I", "R", "C") or (action == "D" and command.number is None):
        spec = tables.prepare(command.table, command.spec, command.parsing)
        command.spec = program.variant.read_back(spec, adding=action in ("A", "I", "R"))


def _rule_command(program: Program, tables: Tables, command: Command) -> None:
    action = command.action
    table, chain = command.table, command.chain
    assert chain is not None
    base = command.spec
    tables.assert_jump(table, base)
    echo = _teller_of_rules(program, command) if command.verbose else None
    failure: CommandFailure | None = None
    pairs = [(s, d) for s in command.sources for d in command.destinations]
    if action == "R":
        pairs = pairs[:1]
    echo_first = program.variant.echoes_first(action)
    for (src, src_mask), (dst, dst_mask) in pairs:
        spec = base if len(pairs) == 1 else base.copy()
        spec.src, spec.src_mask, spec.dst, spec.dst_mask = src, src_mask, dst, dst_mask
        if echo_first and echo is not None:
            echo(spec)
        try:
            shown = _one_rule(tables, command, chain, spec)
        except CommandFailure as error:
            failure = error
            if program.variant.stops_at_failure:
                break
        except ResourceProblem:
            # The kernel is asked last, after the echo.
            if not echo_first and echo is not None:
                echo(spec)
            raise
        else:
            if not echo_first and echo is not None:
                echo(shown)
    if failure is not None:
        raise failure


def _one_rule(tables: Tables, command: Command, chain: str, spec: RuleSpec) -> RuleSpec:
    """Do it; the rule that was added or found."""
    action, table = command.action, command.table
    if action == "D":
        return typed(tables.delete(table, chain, spec), tables.family)
    if action == "C":
        found, index = tables.find(table, chain, spec)
        return typed(found.rules[index], tables.family)
    rule = rule_of(spec, tables.family, command)
    rule.source = command.source
    if action == "A":
        tables.append(table, chain, [rule], command.parsing)
    elif action == "I":
        tables.insert(table, chain, command.number or 1, [rule], command.parsing)
    else:
        tables.replace(table, chain, command.number or 1, rule, command.parsing)
    return spec


def _teller_of_rules(program: Program, command: Command) -> Callable[[RuleSpec], None]:
    """``-v`` shows each rule that is dealt with."""
    from pyiptables.syntax.listing import echo_line

    format = _format(program, command, numeric=True)

    def tell(spec: RuleSpec) -> None:
        program.err += [match.remark for match in spec.matches if match.remark]
        program.out.append(echo_line(spec, program.family, format))

    return tell


def _format(program: Program, command: Command, numeric: bool | None = None) -> Format:
    from pyiptables.syntax.listing import Format

    return Format(
        program.names,
        program.variant,
        "n" in command.options if numeric is None else numeric,
        bool(command.verbose),
        "x" in command.options,
        "0" in command.options,
    )


def _teller(program: Program, command: Command, what: str) -> Callable[[str], None] | None:
    """What ``-v`` says of each chain that is dealt with."""
    return (lambda name: program.out.append(f"{what} chain `{name}'\n")) if command.verbose else None


def _zero(program: Program, tables: Tables, command: Command) -> None:
    if command.zeroes_rule:
        assert command.chain is not None
        assert command.number is not None
        tables.zero_rule(command.table, command.chain, command.number)
    else:
        tables.zero(command.table, command.chain, _teller(program, command, "Zeroing"))


def _show(program: Program, tables: Tables, command: Command) -> None:
    program.out.append(tables.misfits(command.table, command.chain))
    if "L" in command.action:
        _list(program, tables, command)
    else:
        _list_rules(program, tables, command)
    if "Z" in command.action:
        _zero(program, tables, command)


def _chains(tables: Tables, command: Command) -> list[Chain]:
    if command.chain is None:
        return list(tables.visible_chains(command.table))
    found = tables.visible_chain(command.table, command.chain)
    if found is None:
        raise CommandFailure(tables.missing, ENOENT)
    return [found]


def _list(program: Program, tables: Tables, command: Command) -> None:
    from pyiptables.syntax.listing import Rows, chain_header, rule_line

    format = _format(program, command)
    rows = Rows(program.family, format) if format.numeric else None
    out = program.out
    first = True
    references = tables.listed_references(command.table)
    for chain in _chains(tables, command):
        if not first:
            out.append("\n")
        first = False
        if command.number is None:
            out.append(chain_header(chain, references.get(chain.name), format))
        for number, rule in enumerate(chain.rules, 1):
            if command.number in (None, number):
                line = None
                if rows is not None and rule.spec is None and rule.stored is None:
                    line = rows.line(rule, number)
                if line is None:
                    line = rule_line(typed(rule, program.family), program.family, number, (rule.packets, rule.bytes), format)
                out.append(line)
        program.remark(_shown(chain, command))


def _shown(chain: Chain, command: Command) -> list[Rule]:
    """The rules of a chain that the command names: all, or the one with its number."""
    number = command.number
    return chain.rules if number is None else chain.rules[number - 1 : number]


def _list_rules(program: Program, tables: Tables, command: Command) -> None:
    out = program.out
    counters = bool(command.verbose)
    chains = _chains(tables, command)
    if command.number is None:
        for chain in chains:
            if chain.policy is None:
                out.append(f"-N {chain.name}\n")
            else:
                numbers = f" -c {chain.packets} {chain.bytes}" if counters else ""
                out.append(f"-P {chain.name} {chain.policy}{numbers}\n")
    for chain in chains:
        for number, rule in enumerate(chain.rules, 1):
            if command.number in (None, number):
                text = rule.text
                if counters:
                    text = text_of(typed(rule, program.family), program.family, (rule.packets, rule.bytes))
                unknown = tables.unknown_target(rule)
                if unknown is not None:
                    out.append(f"-A {chain.name} {text.rpartition(' -')[0] if ' -' in text else ''}".rstrip())
                    program.err.append(f"Can't find library for target `{unknown}'\n")
                    raise Exit(1)
                out.append(f"-A {chain.name} {text}\n" if text else f"-A {chain.name}\n")
        program.remark(_shown(chain, command))
