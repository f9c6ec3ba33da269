"""Findings that are known and accepted for now: a file of their fingerprints."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pyiptables.lint.settings import ConfigError

__all__ = ["read_baseline", "write_baseline"]

_SCHEMA = "pyiptables.lint-baseline/1"


def read_baseline(path: str) -> set[str] | None:
    """The fingerprints in a baseline file, None if there is no such file. Raises ConfigError."""
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        if document["schema"] != _SCHEMA:
            raise ConfigError(f"{path}: a baseline of another kind: {document['schema']}")
        return {str(name) for name in document["fingerprints"]}
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise error if isinstance(error, ConfigError) else ConfigError(f"{path}: not a baseline file") from error


def write_baseline(path: str, fingerprints: Sequence[str]) -> None:
    """Make a baseline file. Raises ConfigError."""
    try:
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"schema": _SCHEMA, "fingerprints": sorted(fingerprints)}, file, indent=1)
            file.write("\n")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
