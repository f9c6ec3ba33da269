"""What ip(6)tables-nft-restore makes of the lines: a queue of commands, carried out at COMMIT (``xtables-restore.c``)."""

from __future__ import annotations

from pyiptables.syntax.arguments import assert_chain_name
from pyiptables.syntax.command import Command
from pyiptables.syntax.variant import CHAINS
from pyiptables.tools.iptables import execute
from pyiptables.tools.restore import Restore, Settings
from pyiptables.tools.run import Program
from pyiptables.tools.tables import Tables
from pyiptables.xtables.errors import CommandFailure, ParameterProblem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyiptables.ruleset import Chain
    from pyiptables.tools.bulk import CertifiedRules

    #: What stands in a transaction: a command, certified rules, or a line about a chain or the table.
    Item = Command | CertifiedRules | tuple[object, ...]

__all__ = ["NftRestore"]


class NftRestore(Restore):
    deferred = True

    def __init__(self, program: Program, tables: Tables, settings: Settings) -> None:
        super().__init__(program, tables, settings)
        #: Each with its line.
        self._queue: list[tuple[int, Item]] = []

    def is_commit(self, line: str) -> bool:
        return line[:6] == "COMMIT" and line[6:7] in ("", "\n")

    def skips_strays(self) -> bool:
        return bool(self.current)

    def check_table(self, table: str) -> None:
        if table not in CHAINS:
            raise ParameterProblem(f"{self.program.name}: line {self.line} table name '{table}' invalid")

    def empty_table(self, table: str) -> None:
        self._later(("flush",))

    def announce(self, chain: str) -> None:
        self.announced.add(chain)
        assert_chain_name(chain, self.program.family, self.announced)

    def has_policy(self, chain: str, policy: str) -> bool:
        if chain in CHAINS[self.current]:
            return True
        self._later(("chain", chain))
        return False

    def set_policy(self, chain: str, policy: str, counters: tuple[int, int] | None) -> None:
        self._later(("policy", chain, policy, counters))

    def carry_out(self, command: Command) -> None:
        self._later(command)

    def open_rules(self, chain: str, line: int) -> CertifiedRules:
        from pyiptables.tools.bulk import CertifiedRules

        rules = CertifiedRules(chain, line, [])
        self._queue.append((line, rules))
        return rules

    def _later(self, item: Item) -> None:
        self._queue.append((self.line, item))

    def transact(self) -> None:
        queue, self._queue = self._queue, []
        if not self.settings.testing:
            self._run_queue(queue)

    def _run_queue(self, queue: list[tuple[int, Item]]) -> None:
        """``nft_prepare``, then the kernel: errors name the line that queued the command."""
        program, tables = self.program, self.tables
        knows_rules = not self.settings.noflush or any(_reads_rules(item) for _, item in queue)
        tables.begin(self.current, knows_rules, any(isinstance(item, Command) and "L" in item.action for _, item in queue))
        for line, item in queue:
            tables.line = line
            try:
                if isinstance(item, Command):
                    execute(program, tables, item)
                elif isinstance(item, tuple):
                    self._run_chain_item(item)
                else:
                    self._run_rules(item)
            except CommandFailure as failure:
                self.fail(f"{program.name}: line {line} failed: {failure.text}.\n")
        tables.commit(self.current, program.parsing(self.current))

    def _teller(self, what: str) -> Callable[[str], None]:
        return lambda name: self.program.out.append(f"{what} chain `{name}'\n")

    def _run_rules(self, item: CertifiedRules) -> None:
        """Certified rules for one chain; a jump is looked at once for each name."""
        tables, table = self.tables, self.current
        tables.note("A")
        chain: Chain | None = None
        known: set[str] = set()
        for line, _, name in item.jumps:
            if chain is None and line != item.first:
                chain = tables.writable_chain(table, item.chain)
            if name not in known and not tables.chain_exists(table, name):
                tables.line = line
                raise ParameterProblem(f"Chain '{name}' does not exist")
            known.add(name)
        chain = chain or tables.writable_chain(table, item.chain)
        chain.rules += item.rules
        tables.note_certified(chain, item.rules, [(line, rule) for line, rule, _ in item.jumps])
        tables.changed = True

    def _run_chain_item(self, item: tuple[object, ...]) -> None:
        tables = self.tables
        if item[0] == "flush":
            tables.note("F")
            if self.settings.verbose:
                tables.flush(self.current, None, self._teller("Flushing"))
                tables.delete_chain(self.current, None, self._teller("Deleting"))
            else:
                tables.drop_table(self.current)
        elif item[0] == "chain":
            tables.add_chain(self.current, str(item[1]))
        else:
            tables.note("P")
            _, chain, policy, counters = item
            tables.set_policy(self.current, str(chain), str(policy), counters)  # type: ignore[arg-type]
        tables.changed = True


def _reads_rules(item: Item) -> bool:
    """Whether a command makes iptables-nft fetch the rules first (``nft-cmd.c``)."""
    if not isinstance(item, Command):
        return False
    first = item.action[0]
    return first in "DRCLSZ" or (first == "I" and item.number != 1) or (first == "X" and item.chain is None)
