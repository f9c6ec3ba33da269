"""What a state gained, held to counting all lines before and after."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from pyiptables.tools.gained import new_rules

_RULES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=8)
_TABLES = st.dictionaries(st.sampled_from(["nat", "filter", "raw"]), _RULES)


def _file(tables: dict[str, list[tuple[int, int]]], stamp: int) -> bytes:
    text = ""
    for table, rules in tables.items():
        lines = "".join(f"[0:{count}] -A INPUT -s 192.0.2.{host}/32 -j DROP\n" for host, count in rules)
        text += f"*{table}\n:INPUT ACCEPT [0:0]\n{lines}COMMIT\n"
    return f"{text}# pyiptables: state {stamp:015d} {stamp:020d}\n".encode()


def _lines(tables: dict[str, list[tuple[int, int]]]) -> Counter[tuple[str, str]]:
    return Counter((table, f"-A INPUT -s 192.0.2.{host}/32 -j DROP") for table, rules in tables.items() for host, _ in rules)


@given(_TABLES, _TABLES)
def test_new_rules_are_those_that_were_not_there(before: dict[str, list[tuple[int, int]]], after: dict[str, list[tuple[int, int]]]) -> None:
    assert Counter(new_rules(_file(before, 1), _file(after, 2))) == _lines(after) - _lines(before)


def test_an_empty_state() -> None:
    assert list(new_rules(b"", _file({"filter": [(1, 0)]}, 1))) == [("filter", "-A INPUT -s 192.0.2.1/32 -j DROP")]
    assert list(new_rules(_file({"filter": [(1, 0)]}, 1), b"")) == []
