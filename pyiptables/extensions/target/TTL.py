"""``-j TTL``: the time to live (``libipt_TTL.c``, kernel ``xt_HL.c``)."""

from __future__ import annotations

from pyiptables.xtables.hop_limit_target import HopLimitTarget, hop_limit_options


class Ttl(HopLimitTarget):
    """``values``: one of ttl-set, ttl-dec, ttl-inc."""

    __slots__ = ()

    name = "TTL"
    families = (4,)
    summary = "change the time to live"
    numbering = ("ttl-set", "ttl-inc", "ttl-dec")
    options = hop_limit_options("ttl", "time to live")


EXTENSIONS = (Ttl,)
