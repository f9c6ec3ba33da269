"""``-j SNPT``: translate the prefix of the source (``libip6t_SNPT.c``, kernel ``ip6t_NPT.c``)."""

from __future__ import annotations

from pyiptables.xtables.prefix_translation import PrefixTarget


class Snpt(PrefixTarget):
    """``values``: src-pfx, dst-pfx (address, prefix length)."""

    __slots__ = ()

    name = "SNPT"
    summary = "translate the IPv6 prefix of the source, without state"
    hooks = ("INPUT", "POSTROUTING")
    field = "src"
    returned = "dst"


EXTENSIONS = (Snpt,)
