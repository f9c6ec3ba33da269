"""The checks: found in ``lint/checks/``, one module each, by the code in their class."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pyiptables.lint.diagnostic import Diagnostic
    from pyiptables.lint.subject import Subject

__all__ = ["FAMILIES", "Check", "all_checks", "expand", "find"]

FAMILIES = {
    "E": "what the real iptables would refuse",
    "U": "rules without effect",
    "S": "security",
    "O": "operation of scripts",
    "C": "host firewall items of the CIS benchmarks (off by default: --select cis)",
    "D": "what the file depends on",
    "P": "portability and age",
    "L": "about the linter's own directions",
}


class Check:
    """A check. The docstring of a subclass is its page: what it does, why it matters, what to do instead.

    ``bad`` are texts it must find something in, ``good`` texts it must not; both are proven by a test and printed
    by ``lint --explain``. A text is a rule file unless it begins with ``#!`` (a script) or ``[`` (a configuration of
    wg-quick).
    """

    code: ClassVar[str] = ""
    name: ClassVar[str] = ""
    severity: ClassVar[str] = "warning"
    #: Switched on unless selected away.
    default: ClassVar[bool] = True
    #: Names of selectable sets it belongs to (``cis``).
    sets: ClassVar[tuple[str, ...]] = ()
    #: Settings with which the examples are proven.
    settings: ClassVar[tuple[tuple[str, tuple[str, ...]], ...]] = ()
    bad: ClassVar[tuple[str, ...]] = ()
    good: ClassVar[tuple[str, ...]] = ()

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """What there is to say about one file."""
        raise NotImplementedError

    def run_together(self, subjects: list[Subject]) -> Iterator[Diagnostic]:
        """What there is to say about several files side by side."""
        return iter(())

    @classmethod
    def page(cls) -> str:
        import inspect

        return inspect.cleandoc(cls.__doc__ or "")

    @classmethod
    def summary(cls) -> str:
        return cls.page().partition("\n")[0]


@cache
def all_checks() -> dict[str, type[Check]]:
    """Every check by its code, sorted."""
    package = __import__("pyiptables.lint.checks", fromlist=["__path__"])
    found: dict[str, type[Check]] = {}
    for module_info in pkgutil.iter_modules(package.__path__):
        module = __import__(f"pyiptables.lint.checks.{module_info.name}", fromlist=["CHECKS"])
        for check in module.CHECKS:
            if check.code in found:
                raise ValueError(f"two checks have the code {check.code}")
            found[check.code] = check
    return dict(sorted(found.items()))


def find(code: str) -> type[Check] | None:
    """The check of a code or a name."""
    checks = all_checks()
    return checks.get(code.upper()) or next((check for check in checks.values() if check.name == code.lower()), None)


def expand(selectors: Iterable[str]) -> set[str]:
    """The codes that prefixes, set names and ``ALL`` stand for. Raises ValueError for one that stands for none."""
    chosen: set[str] = set()
    for selector in selectors:
        checks = all_checks()
        if selector.upper() == "ALL":
            chosen.update(checks)
            continue
        hits = {code for code, check in checks.items() if code.startswith(selector.upper()) or selector.lower() in check.sets}
        if not hits:
            raise ValueError(f"no check is called {selector!r}")
        chosen |= hits
    return chosen
