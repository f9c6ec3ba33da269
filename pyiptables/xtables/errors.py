"""Errors of the emulated programs: one hierarchy whose members know their text and exit status.

Texts and statuses are those of ``basic_exit_err`` and its callers (``libxtables/xtables.c``); only the edge
(``tools/``) prints them.
"""

from __future__ import annotations

__all__ = [
    "CommandFailure",
    "IptablesError",
    "KernelRefusal",
    "OtherProblem",
    "ParameterProblem",
    "ResourceProblem",
    "TryHelp",
    "VersionProblem",
]


class IptablesError(Exception):
    """A message of the program and the status it exits with."""

    status = 1

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def render(self, program: str, version: str, line: int | None = None) -> str:
        """The text on stderr: ``program v1.8.11 (variant): message`` and what follows it."""
        return f"{program} v{version}: {self.text}\n"


class OtherProblem(IptablesError):
    """Status 1."""


class ParameterProblem(IptablesError):
    """Status 2: the command line (or the line of a restore file) is wrong."""

    status = 2

    def render(self, program: str, version: str, line: int | None = None) -> str:
        place = "" if line is None else f"Error occurred at line: {line}\n"
        return f"{program} v{version}: {self.text}\n{place}{try_help(program)}"


class VersionProblem(IptablesError):
    """Status 3: something the kernel seems not to know."""

    status = 3

    def render(self, program: str, version: str, line: int | None = None) -> str:
        return f"{program} v{version}: {self.text}\nPerhaps {program} or your kernel needs to be upgraded.\n"


class ResourceProblem(IptablesError):
    """Status 4: the kernel refused the transaction (nft), or the lock is held."""

    status = 4


class TryHelp(IptablesError):
    """``exit_tryhelp`` (``xshared.c``): a plain first line, then the pointer to ``-h``; status 2."""

    status = 2

    def render(self, program: str, version: str, line: int | None = None) -> str:
        place = "" if line is None else f"Error occurred at line: {line}\n"
        return f"{self.text}{place}{try_help(program)}"


class CommandFailure(IptablesError):
    """The command was understood but could not be carried out; ``errno`` decides the words.

    ``text`` is the message as ``nft_strerror``/``iptc_strerror`` give it, without the final full stop.
    """

    def __init__(self, text: str, errno: int = 0, status: int = 1) -> None:
        super().__init__(text)
        self.errno = errno
        self.status = status


class KernelRefusal(IptablesError):
    """A rule that userspace accepts and the kernel does not; ``errno`` as the kernel gives it."""

    def __init__(self, errno: int, why: str = "") -> None:
        super().__init__(why)
        self.errno = errno


def try_help(program: str) -> str:
    return f"Try `{program} -h' or '{program} --help' for more information.\n"
