"""The verdicts ACCEPT, DROP, QUEUE, RETURN and jumps to chains (``libxt_standard.c``)."""

from __future__ import annotations

from errno import EINVAL, ENOENT

from pyiptables.xtables.errors import KernelRefusal
from pyiptables.xtables.option import Parsing, Target


class Standard(Target):
    """Only its help is ever asked for: a rule keeps its verdict as ``RuleSpec.jump``."""

    __slots__ = ()

    name = "standard"
    summary = "standard verdicts and jumps; takes no options"

    def kernel_check(self, parsing: Parsing) -> None:
        """No kernel has a target of this name."""
        raise KernelRefusal(EINVAL if parsing.variant == "nft" else ENOENT)


EXTENSIONS = (Standard,)
