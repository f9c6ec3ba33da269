"""Every check fires in its `bad` examples, keeps quiet in its `good` ones, and has a page."""

from __future__ import annotations

import pytest

from pyiptables.lint.engine import lint_data
from pyiptables.lint.registry import Check, all_checks
from pyiptables.lint.settings import Settings

CHECKS = list(all_checks().values())


def codes(text: str, check: type[Check]) -> set[str]:
    if text[:1] in "#[":
        pytest.importorskip("tree_sitter_bash", reason="scripts need the lint extra")
    settings = Settings(select=(check.code,))
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
    assert check.good
