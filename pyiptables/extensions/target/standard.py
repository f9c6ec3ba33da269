"""The verdicts ACCEPT, DROP, QUEUE, RETURN and jumps to chains (``libxt_standard.c``)."""

from __future__ import annotations

from pyiptables.xtables.option import Target


class Standard(Target):
    """Only its help is ever asked for: a rule keeps its verdict as ``RuleSpec.jump``."""

    __slots__ = ()

    name = "standard"
    summary = "standard verdicts and jumps; takes no options"


EXTENSIONS = (Standard,)
