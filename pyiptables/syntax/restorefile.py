"""The lines of a restore file as C reads them: ``fgets``, ``strtok``, ``sscanf`` (``iptables-restore.c``, ``xshared.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import strtoul
from pyiptables.xtables.values import byte_length

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["policy_counters", "restore_lines", "rule_counters", "tokens"]

#: Lines are read with ``fgets`` into ``char buffer[10240]``.
_LINE_SIZE = 10239


def restore_lines(text: str) -> Iterator[str]:
    """Lines with their newline, as ``fgets`` cuts them; a zero byte ends what C sees of a line."""
    start = 0
    size = len(text)
    while start < size:
        end = text.find("\n", start)
        end = size if end < 0 else end + 1
        line = text[start:end]
        start = end
        if len(line) > _LINE_SIZE // 4 and byte_length(line) > _LINE_SIZE:
            data = line.encode("utf-8", "surrogateescape")
            for at in range(0, len(data), _LINE_SIZE):
                yield _c_string(data[at : at + _LINE_SIZE].decode("utf-8", "surrogateescape"))
        else:
            yield _c_string(line) if "\0" in line else line


def _c_string(line: str) -> str:
    return line.partition("\0")[0]


def tokens(text: str) -> list[str]:
    """``strtok(…, " \\t\\n")``."""
    return [word for word in text.replace("\t", " ").replace("\n", " ").split(" ") if word]


def policy_counters(text: str) -> tuple[int, int] | None:
    """``sscanf("[%llu:%llu]")``."""
    packets, colon, rest = text[1:].partition(":")
    first, second = _number(packets, whole=True), _number(rest)
    return None if text[:1] != "[" or not colon or first is None or second is None else (first, second)


def _number(text: str, whole: bool = False) -> int | None:
    """``%llu``: a minus wraps around, too much is the largest number."""
    number, end = strtoul(text, 10)
    return None if not end or (whole and end < len(text)) else number


def rule_counters(line: str, number: int) -> tuple[str, tuple[str, str] | None]:
    """``tokenize_rule_counters``: the line behind ``[packets:bytes]`` and the two texts."""
    if line[:1] != "[":
        return line, None
    at = line.find("]")
    if at < 0:
        raise ParameterProblem(f"Bad line {number}: need ]")
    # strtok does not stop at the first bracket, and where it cuts the line ends.
    packets, colon, tail = line[1:].lstrip(":").partition(":")
    if not packets:
        raise ParameterProblem(f"Bad line {number}: need :")
    octets, end, after = tail.lstrip("]").partition("]")
    if not octets:
        raise ParameterProblem(f"Bad line {number}: need ]")
    cuts = [len(line) - len(tail) - 1 if colon else len(line), len(line) - len(after) - 1 if end else len(line)]
    return line[at + 1 : min([cut for cut in cuts if cut > at], default=len(line))], (packets, octets)
