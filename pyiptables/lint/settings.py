"""What to check and how to say it: ``[tool.pyiptables.lint]``, ``pyiptables.toml`` and the command line."""

from __future__ import annotations

import fnmatch
import os
from dataclasses import dataclass, field, replace
from typing import Any

from pyiptables.lint.registry import all_checks, expand

__all__ = ["ConfigError", "Configuration", "Settings", "find_config", "load_config"]


class ConfigError(ValueError):
    """A configuration file that cannot be used; the text names it and the key."""


@dataclass(frozen=True)
class Settings:
    """All settings with their defaults."""

    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file_ignores: dict[str, tuple[str, ...]] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    fail_level: str = "info"
    #: ``auto``: full on a terminal, else concise.
    output_format: str = "auto"
    #: iptables variant whose refusals count.
    variant: str = "nft"
    #: Ports that should not be open to the world without a word (S checks).
    sensitive_ports: tuple[str, ...] = (
        "tcp/23", "tcp/111", "tcp/135", "tcp/139", "tcp/445", "tcp/1433", "tcp/2375", "tcp/3306", "tcp/3389",
        "tcp/5432", "tcp/5900", "tcp/6379", "tcp/9200", "tcp/11211", "tcp/27017", "udp/111", "udp/161", "udp/11211",
    )  # fmt: skip
    #: TCP ports on which the host is administered: a script should not lock them out (O checks).
    ssh_ports: tuple[str, ...] = ("22",)
    #: Ports on which the host listens, as ``tcp/22`` (C105).
    listening_ports: tuple[str, ...] = ()
    #: The file that configured this, None for defaults.
    source: str | None = None

    def codes(self) -> set[str]:
        """The codes that are switched on."""
        if self.select:
            chosen = expand(self.select)
        else:
            chosen = {code for code, check in all_checks().items() if check.default}
        return (chosen | expand(self.extend_select)) - expand(self.ignore)

    def ignored_in(self, file: str) -> set[str]:
        """Codes that ``per-file-ignores`` switches off for a file."""
        codes: set[str] = set()
        base = os.path.dirname(os.path.abspath(self.source)) if self.source else os.getcwd()
        relative = os.path.relpath(os.path.abspath(file), base).replace(os.sep, "/") if file != "-" else file
        for pattern, selectors in self.per_file_ignores.items():
            if fnmatch.fnmatch(relative, pattern) or fnmatch.fnmatch(os.path.basename(file), pattern):
                codes |= expand(selectors)
        return codes

    def with_overrides(self, **changes: Any) -> Settings:
        return replace(self, **{key: value for key, value in changes.items() if value is not None})


class Configuration:
    """The settings of each file: those of the configuration nearest above it, changed by the command line.

    ``path`` names one configuration for all files, ``isolated`` means none. Raises ConfigError, and ValueError for
    codes of the command line that stand for no check.
    """

    def __init__(self, path: str | None, isolated: bool, ignore: tuple[str, ...] | None, **overrides: Any) -> None:
        self.path = path
        self.isolated = isolated
        self.ignore = ignore or ()
        self.overrides = overrides
        self._known: dict[str, Settings] = {}

    def of(self, file: str) -> Settings:
        """The settings for a file (``-``: for what comes from standard input)."""
        folder = os.getcwd() if file == "-" else os.path.dirname(os.path.abspath(file))
        if folder not in self._known:
            path = self.path or (None if self.isolated else find_config(folder))
            settings = load_config(path) if path is not None else Settings()
            changes = self.overrides | {"ignore": settings.ignore + self.ignore}
            self._known[folder] = settings = settings.with_overrides(**changes)
            settings.codes()
        return self._known[folder]


_LISTS = ("select", "extend-select", "ignore", "exclude", "sensitive-ports", "ssh-ports", "listening-ports")
_WORDS = {
    "fail-level": ("error", "warning", "info"),
    "output-format": ("auto", "full", "concise", "json", "sarif", "github", "gitlab", "junit"),
    "variant": ("nft", "legacy"),
}


def find_config(start: str) -> str | None:
    """The nearest ``pyiptables.toml`` or ``pyproject.toml`` with our table, upwards from a folder."""
    folder = os.path.abspath(start)
    while True:
        own = os.path.join(folder, "pyiptables.toml")
        if os.path.isfile(own):
            return own
        project = os.path.join(folder, "pyproject.toml")
        if os.path.isfile(project):
            import tomllib

            try:
                with open(project, "rb") as file:
                    if "lint" in tomllib.load(file).get("tool", {}).get("pyiptables", {}):
                        return project
            except (OSError, ValueError, AttributeError):
                # Somebody else's file: what is wrong with it is for its own readers to say.
                pass
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def load_config(path: str) -> Settings:
    """Settings from a file. Raises ConfigError."""
    import tomllib

    try:
        with open(path, "rb") as file:
            data = tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    keys = ("tool", "pyiptables", "lint") if os.path.basename(path) == "pyproject.toml" else ("lint",)
    table: Any = data
    for key in keys:
        table = table.get(key, {}) if isinstance(table, dict) else None
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: lint must be a table")
    values: dict[str, Any] = {"source": path}
    for key, value in table.items():
        values[key.replace("-", "_")] = _value(path, key, value)
    settings = Settings(**values)
    try:
        settings.codes()
        for codes in settings.per_file_ignores.values():
            expand(codes)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    return settings


def _value(path: str, key: str, value: Any) -> Any:
    from difflib import get_close_matches

    if key in _LISTS:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ConfigError(f"{path}: {key} must be a list of strings")
        return tuple(value)
    if key in _WORDS:
        if value not in _WORDS[key]:
            raise ConfigError(f"{path}: {key} must be one of {', '.join(_WORDS[key])}")
        return value
    if key == "per-file-ignores":
        lists = value.values() if isinstance(value, dict) else [None]
        if not all(isinstance(item, list) and all(isinstance(code, str) for code in item) for item in lists):
            raise ConfigError(f"{path}: per-file-ignores must map patterns to lists of codes")
        return {pattern: tuple(codes) for pattern, codes in value.items()}
    near = get_close_matches(key, (*_LISTS, *_WORDS, "per-file-ignores"), 1)
    raise ConfigError(f"{path}: unknown setting {key!r}{f', did you mean {near[0]!r}?' if near else ''}")
