"""What ``pyiptables --version`` prints."""

from __future__ import annotations

__all__ = ["version_text"]


def version_text(verbose: bool) -> str:
    """One line, or with ``verbose`` all that a bug report needs."""
    import os
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from pyiptables import __version__
    from pyiptables.store import default_directory

    head = f"pyiptables {__version__}"
    if not verbose:
        return head
    # Not platform.platform(): that starts a program.
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    lines = [
        head,
        "emulates iptables 1.8.11 (nf_tables and legacy)",
        f"python {platform.python_version()} ({platform.python_implementation()}) on {system}",
        f"state {default_directory(os.environ)}",
    ]
    for package in ("click", "rich", "pyparsing", "tree-sitter", "tree-sitter-bash", "dpkt"):
        try:
            lines.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            lines.append(f"{package} not installed")
    for name in ("PYIPTABLES_STATE", "PYIPTABLES_VARIANT", "PYIPTABLES_RESOLVE"):
        if name in os.environ:
            lines.append(f"{name}={os.environ[name]}")
    return "\n".join(lines)
