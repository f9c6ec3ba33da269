"""The formats: the same findings in each, and what their readers demand of them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner

from pyiptables.commands.lint import command

RULES = """*filter
:INPUT ACCEPT [0:0]
-A INPUT -p tcp -j DROP
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.v4"
    path.write_text(RULES)
    return path


def run(*args: str, stdin: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(command, [*args, "--isolated"], input=stdin)
    return result.exit_code, result.stdout


def test_concise_names_place_code_and_rule(rules: Path) -> None:
    status, out = run(str(rules), "--output-format", "concise", "--select", "U101")
    assert status == 1
    assert out.splitlines()[0] == (f"{rules}:4:1: U101 rule 2 of INPUT is never reached: rule 1 (line 3) before it drops all its packets")


def test_json(rules: Path) -> None:
    status, out = run(str(rules), "--output-format", "json", "--select", "U101,U104")
    document = json.loads(out)
    assert status == 1
    assert document["schema"] == "pyiptables.lint/1"
    assert [f["code"] for f in document["findings"]][:1] == ["U101"]
    assert document["findings"][0]["data"]["covered_by"] == [1]


def test_sarif_is_valid_and_fingerprinted(rules: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    _, out = run(str(rules), "--output-format", "sarif")
    document = json.loads(out)
    # The parts of the SARIF 2.1.0 schema that code scanning reads.
    schema = json.loads((Path(__file__).parent / "sarif-2.1.0-subset.schema.json").read_text())
    jsonschema.validate(document, schema)
    prints = [r["partialFingerprints"]["pyiptables/v1"] for r in document["runs"][0]["results"]]
    assert len(prints) == len(set(prints)) > 0


def test_fingerprints_outlive_moved_lines(rules: Path) -> None:
    _, before = run(str(rules), "--output-format", "gitlab", "--select", "U101")
    rules.write_text("# a new first line\n" + RULES)
    _, after = run(str(rules), "--output-format", "gitlab", "--select", "U101")
    assert [e["fingerprint"] for e in json.loads(before)] == [e["fingerprint"] for e in json.loads(after)]


def test_github_escapes_properties(tmp_path: Path) -> None:
    path = tmp_path / "a,b.rules"
    path.write_text(RULES)
    _, out = run(str(path), "--output-format", "github", "--select", "U101")
    assert out.startswith("::warning file=")
    assert "a%2Cb.rules" in out


def test_junit_has_a_case_for_each_finding_and_each_clean_file(rules: Path, tmp_path: Path) -> None:
    clean = tmp_path / "clean.rules"
    clean.write_text("*filter\nCOMMIT\n")
    _, out = run(str(rules), str(clean), "--output-format", "junit", "--select", "U101")
    suites = ET.fromstring(out.encode()).findall("testsuite")
    assert [s.get("failures") for s in suites] == ["2", "0"] or [s.get("failures") for s in suites] == ["1", "0"]


def test_exit_status(rules: Path, tmp_path: Path) -> None:
    assert run(str(rules), "--exit-zero")[0] == 0
    assert run(str(rules), "--select", "U101", "--fail-level", "error")[0] == 0
    assert run(str(tmp_path / "missing"))[0] == 2
    assert run("--select", "Q9", str(rules))[0] == 2


def test_stdin_with_a_name() -> None:
    status, out = run("-", "--stdin-filename", "etc/rules.v4", "--output-format", "concise", stdin="*filter\n-A INPUT --foo\nCOMMIT\n")
    assert status == 1
    assert out.startswith("etc/rules.v4:2:")


def test_suppressions_and_unused_ones(tmp_path: Path) -> None:
    path = tmp_path / "rules.v4"
    path.write_text(
        "*filter\n-A INPUT -p tcp -j DROP\n# pyiptables: ignore[U101] kept for its counter\n"
        "-A INPUT -p tcp -m mark --mark 1 -j ACCEPT\n-A INPUT -p udp -j DROP\n# pyiptables: ignore[U102]\nCOMMIT\n"
    )
    _, out = run(str(path), "--output-format", "concise", "--select", "U1,L")
    assert "U101" not in out
    assert f"{path}:6:1: L001" in out


def test_fix_and_diff(rules: Path) -> None:
    _, diff = run(str(rules), "--diff", "--select", "U104", "--output-format", "concise")
    assert "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT" in diff
    assert rules.read_text() == RULES
    run(str(rules), "--fix", "--select", "U104")
    assert rules.read_text().count("--dport 22") == 1


def test_baseline(rules: Path, tmp_path: Path) -> None:
    baseline = tmp_path / "baseline.json"
    assert run(str(rules), "--baseline", str(baseline))[0] == 0
    assert run(str(rules), "--baseline", str(baseline))[0] == 0
    rules.write_text(RULES.replace("COMMIT", "-A INPUT -p sctp -j nowhere\nCOMMIT"))
    status, out = run(str(rules), "--baseline", str(baseline), "--output-format", "concise")
    assert status == 1
    assert "E004" in out
    assert "U101" not in out


def test_configuration_is_found_upwards(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.pyiptables.lint]\nselect = ["E"]\n')
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    path = folder / "rules.v4"
    path.write_text(RULES)
    result = CliRunner().invoke(command, [str(path)])
    assert (result.exit_code, result.stdout) == (0, "")
    (tmp_path / "pyproject.toml").write_text('[tool.pyiptables.lint]\nselekt = ["E"]\n')
    result = CliRunner().invoke(command, [str(path)])
    assert result.exit_code != 0
    assert "unknown setting 'selekt'" in result.stderr
