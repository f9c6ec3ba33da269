"""What ip(6)tables-legacy-restore makes of the lines: each is carried out on a copy of the table that COMMIT puts back
(``iptables-restore.c``)."""

from __future__ import annotations

from pyiptables.ruleset import Chain
from pyiptables.syntax.arguments import NAME_SIZE, VERDICTS
from pyiptables.syntax.command import Command
from pyiptables.syntax.variant import CHAINS
from pyiptables.tools.iptables import execute
from pyiptables.tools.restore import Restore
from pyiptables.xtables.errors import CommandFailure, OtherProblem, ParameterProblem
from pyiptables.xtables.values import byte_length

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.tools.bulk import CertifiedRules

__all__ = ["LegacyRestore"]


class LegacyRestore(Restore):
    def is_commit(self, line: str) -> bool:
        return line == "COMMIT\n"

    def skips_strays(self) -> bool:
        return True

    def use_table(self, table: str) -> None:
        self.tables.use_table(table)
        self.tables.line = self.line
        self.tables.begin(table, knows_rules=True)

    def empty_table(self, table: str) -> None:
        if self.settings.verbose:
            chains = self.tables.visible_chains(table)
            self.program.out += [f"Flushing chain `{chain.name}'\n" for chain in chains]
            self.program.out += [f"Deleting chain `{chain.name}'\n" for chain in chains if chain.policy is None]
        found = self.tables.ruleset.tables[table].chains
        for chain in list(found.values()):
            if chain.policy is None:
                del found[chain.name]
            chain.rules = []

    def announce(self, chain: str) -> None:
        if byte_length(chain) >= NAME_SIZE:
            raise ParameterProblem(f"Invalid chain name `{chain}' ({NAME_SIZE - 1} chars max)")
        if chain in CHAINS[self.current]:
            return
        chains = self.tables.ruleset.tables[self.current].chains
        found = chains.get(chain)
        if found is not None and self.settings.noflush:
            found.rules = []
        elif found is not None or chain in VERDICTS:
            raise ParameterProblem(f"error creating chain '{chain}':File exists")
        else:
            chains[chain] = Chain(chain)

    def has_policy(self, chain: str, policy: str) -> bool:
        self.announced.add(chain)
        return policy != "-"

    def set_policy(self, chain: str, policy: str, counters: tuple[int, int] | None) -> None:
        try:
            self.tables.set_policy(self.current, chain, policy, counters)
        except CommandFailure as failure:
            raise OtherProblem(f"Can't set policy `{policy}' on `{chain}' line {self.line}: {failure.text}") from failure

    def carry_out(self, command: Command) -> None:
        try:
            execute(self.program, self.tables, command)
        except CommandFailure:
            self.fail(f"{self.program.name}: line {self.line} failed\n")

    def transact(self) -> None:
        if self.settings.testing:
            return
        try:
            self.tables.commit(self.current, self.program.parsing(self.current))
        except CommandFailure:
            self.fail(f"{self.program.name}: line {self.line} failed\n")

    def open_rules(self, chain: str, line: int) -> CertifiedRules | None:
        found = self.tables.find_chain(self.current, chain)
        if found is None:
            return None
        from pyiptables.tools.bulk import CertifiedRules

        self.tables.changed = True
        return CertifiedRules(chain, line, found.rules)
