"""``-m hbh``: the IPv6 hop-by-hop options (``libip6t_hbh.c``, kernel ``ip6t_hbh.c``)."""

from __future__ import annotations

from pyiptables.xtables.ipv6_options import OptionsHeaderMatch
from pyiptables.xtables.option import Option
from pyiptables.xtables.values import Text, UInt


class Hbh(OptionsHeaderMatch):
    """``values``: hbh-len, hbh-opts."""

    __slots__ = ()

    name = "hbh"
    families = (6,)
    summary = "the IPv6 hop-by-hop options header"
    header = 0
    options = (
        Option("hbh-len", UInt(32), invert=True, metavar="length", help="total length of the header in bytes"),
        Option("hbh-opts", Text(), metavar="type[:length][,…]", help="these options, in this order"),
    )


EXTENSIONS = (Hbh,)
