"""``-m dst``: the IPv6 destination options (``libip6t_dst.c``, kernel ``ip6t_hbh.c``)."""

from __future__ import annotations

from pyiptables.xtables.ipv6_options import OptionsHeaderMatch
from pyiptables.xtables.option import Option
from pyiptables.xtables.values import Text, UInt


class Dst(OptionsHeaderMatch):
    """``values``: dst-len, dst-opts."""

    __slots__ = ()

    name = "dst"
    families = (6,)
    summary = "the IPv6 destination options header"
    header = 60
    pad_with_length = "PAD0 hasn't got length"
    options = (
        Option("dst-len", UInt(32), invert=True, metavar="length", help="total length of the header in bytes"),
        Option("dst-opts", Text(), metavar="type[:length][,…]", help="these options, in this order"),
    )


EXTENSIONS = (Dst,)
