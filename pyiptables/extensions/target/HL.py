"""``-j HL``: the hop limit (``libip6t_HL.c``, kernel ``xt_HL.c``)."""

from __future__ import annotations

from pyiptables.xtables.hop_limit_target import HopLimitTarget, hop_limit_options


class Hl(HopLimitTarget):
    """``values``: one of hl-set, hl-dec, hl-inc."""

    __slots__ = ()

    name = "HL"
    families = (6,)
    summary = "change the hop limit"
    numbering = ("hl-set", "hl-inc", "hl-dec")
    options = hop_limit_options("hl", "hop limit")


EXTENSIONS = (Hl,)
