"""pyiptables: iptables without a kernel, without root, on any system."""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.analysis.difference import Difference as Difference
    from pyiptables.analysis.difference import diff as diff
    from pyiptables.report.api import Trace as Trace
    from pyiptables.report.api import trace as trace
    from pyiptables.report.api import trace_scenario as trace_scenario
    from pyiptables.ruleset import Ruleset as Ruleset
    from pyiptables.tools.load import load as load
    from pyiptables.tools.run import Completed as Completed
    from pyiptables.tools.run import run as run

__all__ = ["Completed", "Difference", "Ruleset", "Trace", "diff", "load", "run", "trace", "trace_scenario"]

_HOMES = {
    "Completed": "pyiptables.tools.run",
    "Difference": "pyiptables.analysis.difference",
    "Ruleset": "pyiptables.ruleset",
    "Trace": "pyiptables.report.api",
    "diff": "pyiptables.analysis.difference",
    "load": "pyiptables.tools.load",
    "run": "pyiptables.tools.run",
    "trace": "pyiptables.report.api",
    "trace_scenario": "pyiptables.report.api",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'pyiptables' has no attribute {name!r}")
    value = getattr(__import__(home, fromlist=[name]), name)
    globals()[name] = value
    return value
