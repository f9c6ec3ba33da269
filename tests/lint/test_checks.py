"""Every check fires in its `bad` examples, keeps quiet in its `good` ones, and has a page."""

from __future__ import annotations

import pytest

from pyiptables.lint.engine import LintError, lint_data
from pyiptables.lint.registry import Check, all_checks
from pyiptables.lint.settings import Settings

CHECKS = list(all_checks().values())


def codes(text: str, check: type[Check]) -> set[str]:
    if text[:1] in "#[":
        pytest.importorskip("tree_sitter_bash", reason="scripts need the lint extra")
    settings = Settings(select=(check.code,), **dict(check.settings))
    name = {"#": "firewall.sh", "[": "wg0.conf"}.get(text[:1], "rules.v4")
    return {found.code for found in lint_data(text.encode(), name, settings).diagnostics}


@pytest.mark.parametrize(("check", "text"), [(c, t) for c in CHECKS for t in c.bad], ids=lambda v: getattr(v, "code", ""))
def test_finds_the_bad(check: type[Check], text: str) -> None:
    assert codes(text, check) == {check.code}


@pytest.mark.parametrize(("check", "text"), [(c, t) for c in CHECKS for t in c.good], ids=lambda v: getattr(v, "code", ""))
def test_leaves_the_good_alone(check: type[Check], text: str) -> None:
    assert codes(text, check) == set()


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.code)
def test_page_is_complete(check: type[Check]) -> None:
    page = check.page()
    assert check.name
    for heading in ("What it does:", "Why it matters:", "Instead:"):
        assert heading in page
    assert check.bad
    assert len(check.good) >= len(check.bad)


def test_families_of_two_files_are_held_against_each_other() -> None:
    from pyiptables.lint.together import lint_together

    settings = Settings(select=("S112",))
    four = b"*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n"
    for six, expected in ((b"*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n", 1), (four, 0), (four.replace(b"22", b"5432"), 1)):
        reports = [lint_data(four, "etc/rules.v4", settings), lint_data(six, "etc/rules.v6", settings)]
        lint_together(reports, settings)
        assert [len(report.diagnostics) for report in reports] == [0, expected]


@pytest.mark.parametrize(("sign", "what"), [("", "nothing"), ("! ", "everything")])
def test_a_helper_that_nobody_attaches(sign: str, what: str) -> None:
    found = lint_data(f"*filter\n-A INPUT -m helper {sign}--helper ftp -j ACCEPT\nCOMMIT\n".encode(), "rules.v4", Settings())
    assert [each.message.split(" unless ")[0] for each in found.diagnostics if each.code == "D004"] == [f"matches {what}"]


def test_a_word_that_is_not_known_names_nothing() -> None:
    pytest.importorskip("tree_sitter_bash", reason="scripts need the lint extra")
    script = b'#!/bin/sh\nhelp() { iptables -t raw -A PREROUTING -p tcp --dport 21 -j CT --helper "$1"; }\n'
    assert not lint_data(script, "f.sh", Settings(select=("D",))).diagnostics


def test_what_follows_a_failure_that_ends_the_script_is_not_done() -> None:
    """The second run ends at `-N`, however many commands stand behind it that end the script when they fail."""
    pytest.importorskip("tree_sitter_bash", reason="scripts need the lint extra")
    rules = "".join([f"iptables -A web -p tcp --dport {port} -j ACCEPT || exit 1\n" for port in range(1, 100)])
    script = f"#!/bin/sh\niptables -N web{{}}\n{rules}"
    settings = Settings(select=("O103", "O104"))
    assert [found.code for found in lint_data(script.format(" || exit 1").encode(), "x.sh", settings).diagnostics] == []
    assert "O103" in [found.code for found in lint_data(script.format("").encode(), "x.sh", settings).diagnostics]


@pytest.mark.parametrize(("times", "found"), [(3, 3), (40, 1)])
def test_what_is_no_script_at_all_is_said_once(times: int, found: int) -> None:
    pytest.importorskip("tree_sitter_bash", reason="scripts need the lint extra")
    report = lint_data(b"#!/bin/sh\n" + b"iptables -F )\n" * times, "f.sh", Settings(select=("E102",)))
    assert len(report.diagnostics) == found
    assert ("more places" in report.diagnostics[0].message) == (found == 1)


def test_markup_is_no_script() -> None:
    with pytest.raises(LintError, match="markup"):
        lint_data(b'<?xml version="1.0"?>\n<a>iptables -F</a>\n', "f.fwb", Settings())
