"""``-j DNPT``: translate the prefix of the destination (``libip6t_DNPT.c``, kernel ``ip6t_NPT.c``)."""

from __future__ import annotations

from pyiptables.xtables.prefix_translation import PrefixTarget


class Dnpt(PrefixTarget):
    """``values``: src-pfx, dst-pfx (address, prefix length)."""

    __slots__ = ()

    name = "DNPT"
    summary = "translate the IPv6 prefix of the destination, without state"
    hooks = ("PREROUTING", "OUTPUT")
    field = "dst"
    returned = "src"


EXTENSIONS = (Dnpt,)
