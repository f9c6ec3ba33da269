"""pyiptables: iptables without a kernel, without root, on any system."""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.ruleset import Ruleset as Ruleset
    from pyiptables.tools.load import load as load
    from pyiptables.tools.run import Completed as Completed
    from pyiptables.tools.run import run as run

__all__ = ["Completed", "Ruleset", "load", "run"]

_HOMES = {
    "Completed": "pyiptables.tools.run",
    "Ruleset": "pyiptables.ruleset",
    "load": "pyiptables.tools.load",
    "run": "pyiptables.tools.run",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'pyiptables' has no attribute {name!r}")
    value = getattr(__import__(home, fromlist=[name]), name)
    globals()[name] = value
    return value
