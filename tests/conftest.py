from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

# How busy a machine is decides nothing.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """A job in the background or under nohup ignores signals, and so would all that it starts."""
    for number in (signal.SIGINT, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])):
        if signal.getsignal(number) is signal.SIG_IGN:
            # Handled without effect here; what is started begins with the default.
            signal.signal(number, lambda *_: None)


@pytest.fixture
def slowdown() -> float:
    """How much longer code may take here than by itself: coverage counts each line of it."""
    return 4 if sys.gettrace() is not None else 1


@pytest.fixture
def kernel_oracle() -> ModuleType:
    """The module that runs scenarios on the real kernel (``KERNEL_ORACLE`` names its directory); a skip where it cannot run."""
    home = Path(os.environ.get("KERNEL_ORACLE", Path(__file__).parents[2] / "shared" / "oracle"))
    if not (home / "kernel_oracle.py").exists():
        pytest.skip("no kernel oracle here")
    if str(home) not in sys.path:
        sys.path.insert(0, str(home))
    import kernel_oracle

    reason = kernel_oracle.unavailable_reason()
    if reason is not None:
        pytest.skip(f"the kernel oracle cannot run: {reason}")
    return kernel_oracle
