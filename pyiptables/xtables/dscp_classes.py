"""DiffServ class names (RFC 2474, 2597, 3246) as the dscp match and the DSCP target read them."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem

__all__ = ["CLASSES", "parse_class"]

CLASSES = {
    **{f"CS{n}": n << 3 for n in range(8)},
    "BE": 0,
    **{f"AF{c}{d}": c << 3 | d << 1 for c in range(1, 5) for d in range(1, 4)},
    "EF": 0x2E,
}


def parse_class(text: str) -> int:
    """The code point of a class; what follows the name does not matter (``class_to_dscp``)."""
    for name, code in CLASSES.items():
        if text.upper().startswith(name):
            return code
    raise ParameterProblem(f"Invalid DSCP value `{text}'")
