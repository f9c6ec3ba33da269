"""What ``getopt_long`` itself prints where a program does not silence it (save, restore)."""

from __future__ import annotations

from pyiptables.syntax.scanner import MISSING, REQUIRED, Scanner

__all__ = ["complaint"]


def complaint(called: str, key: str, scanner: Scanner) -> str:
    """glibc's sentence for the option that :class:`Scanner` just gave up on."""
    word = scanner.argv[scanner.index - 1] if scanner.index else ""
    if key == MISSING:
        if word.startswith("--"):
            return f"{called}: option '{_full_name(word[2:], scanner)}' requires an argument\n"
        return f"{called}: option requires an argument -- '{word[-1]}'\n"
    if not word.startswith("--"):
        return f"{called}: invalid option -- '{scanner.failed[1:]}'\n"
    name, equals, _ = word[2:].partition("=")
    candidates = _candidates(name, scanner)
    if name in candidates:
        candidates = [name]
    if len(candidates) > 1:
        listed = "".join([f" '--{candidate}'" for candidate in candidates])
        return f"{called}: option '{word}' is ambiguous; possibilities:{listed}\n"
    if candidates and equals:
        return f"{called}: option '--{candidates[0]}' doesn't allow an argument\n"
    return f"{called}: unrecognized option '{word}'\n"


def _candidates(name: str, scanner: Scanner) -> list[str]:
    return [candidate for group in scanner.groups for candidate in group if candidate.startswith(name)]


def _full_name(name: str, scanner: Scanner) -> str:
    needing = [
        candidate
        for group in scanner.groups
        for candidate, (has_arg, _) in group.items()
        if candidate.startswith(name) and has_arg == REQUIRED
    ]
    return f"--{needing[0] if needing else name}"
