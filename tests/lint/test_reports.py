"""The formats: the same findings in each, and what their readers demand of them."""

from __future__ import annotations

import gzip
import json
import os
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner

from pyiptables.commands.lint import command
from pyiptables.lint.registry import find
from pyiptables.report.check_pages import listing, page

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
    # The schema of the standard's committee, as the npm package @microsoft/jest-sarif (MIT) carries it.
    schema = json.loads(gzip.decompress((Path(__file__).parent / "sarif-2.1.0.schema.json.gz").read_bytes()))
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
    # A setting does not change the others: into a pipe goes the concise form.
    (tmp_path / "pyproject.toml").write_text('[tool.pyiptables.lint]\nselect = ["U101"]\n')
    assert CliRunner().invoke(command, [str(path)]).stdout.startswith(f"{path}:4:1: U101")
    (tmp_path / "pyproject.toml").write_text('[tool.pyiptables.lint]\nselekt = ["E"]\n')
    result = CliRunner().invoke(command, [str(path)])
    assert result.exit_code != 0
    assert "unknown setting 'selekt'" in result.stderr


def test_json_of_lists_pages_settings_and_dependencies(rules: Path) -> None:
    listed = json.loads(run("--list", "--json")[1])["checks"]
    assert [check["code"] for check in listed] == sorted(check["code"] for check in listed)
    page = json.loads(run("--explain", "u101", "--json")[1])
    assert page["code"] == "U101"
    assert page["bad"]
    assert json.loads(run("--show-settings", "--json", "--select", "U1")[1])["select"] == ["U1"]
    rules.write_text("*filter\n-A INPUT -m set --match-set bad src -j DROP\nCOMMIT\n")
    found = json.loads(run(str(rules), "--dependencies", "--json")[1])["dependencies"]
    assert {"file": str(rules), "kind": "set", "name": "bad", "lines": [2]} in found
    _, out = run(str(rules), "--json", "--statistics")
    document = json.loads(out)
    assert sum(document["statistics"].values()) == len(document["findings"])


def test_gitlab_entries_are_unique_relative_and_stable(rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules.write_text(RULES.replace("COMMIT", "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n" * 3 + "COMMIT"))
    monkeypatch.chdir(rules.parent)
    entries = [json.loads(run(name, "--output-format", "gitlab")[1]) for name in ("rules.v4", "./rules.v4", str(rules))]
    assert entries[0] == entries[1] == entries[2]
    assert {entry["location"]["path"] for entry in entries[0]} == {"rules.v4"}
    prints = [entry["fingerprint"] for entry in entries[0]]
    assert len(prints) == len(set(prints)) > 5
    assert all(set(entry) == {"description", "check_name", "fingerprint", "severity", "location"} for entry in entries[0])
    assert {entry["severity"] for entry in entries[0]} <= {"info", "minor", "major", "critical", "blocker"}


def test_junit_has_the_shape_that_servers_read(rules: Path, tmp_path: Path) -> None:
    rules.write_bytes(RULES.replace("COMMIT", '-A INPUT -m comment --comment "<&\x01\xff>" -j NO\nCOMMIT').encode("latin-1"))
    root = ET.fromstring(run(str(rules), "--output-format", "junit")[1].encode())
    assert root.tag == "testsuites"
    suites = list(root)
    assert int(root.get("tests", "")) == sum(int(suite.get("tests", "")) for suite in suites)
    for suite in suites:
        assert {"name", "tests", "failures"} <= set(suite.keys())
        cases = suite.findall("testcase")
        assert len(cases) == int(suite.get("tests", ""))
        assert sum(case.find("failure") is not None for case in cases) == int(suite.get("failures", ""))


def test_every_file_has_the_settings_of_its_own_folder(tmp_path: Path) -> None:
    for name, codes in (("a", '["U104"]'), ("b", '["E"]')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pyiptables.toml").write_text(f"[lint]\nselect = {codes}\n")
        (tmp_path / name / "rules.v4").write_text(RULES)
    result = CliRunner().invoke(command, [str(tmp_path), "--output-format", "json"])
    found = json.loads(result.stdout)["findings"]
    assert {(Path(one["file"]).parent.name, one["code"]) for one in found} == {("a", "U104")}


def test_per_file_ignores_and_file_suppression(tmp_path: Path) -> None:
    (tmp_path / "pyiptables.toml").write_text('[lint]\nselect = ["U1"]\n[lint.per-file-ignores]\n"old*.v4" = ["U"]\n')
    for name in ("old1.v4", "new.v4", "own.v4"):
        (tmp_path / name).write_text(RULES)
    (tmp_path / "own.v4").write_text("# pyiptables: ignore-file[U101,U104] generated\n" + RULES)
    result = CliRunner().invoke(command, [str(tmp_path), "--output-format", "json"])
    assert {Path(one["file"]).name for one in json.loads(result.stdout)["findings"]} == {"new.v4"}


@pytest.mark.parametrize(
    "text",
    [
        "[lint]\nselect = 3\n",
        '[lint]\nselect = ["Q"]\n',
        "[lint]\nnope = 1\n",
        "lint = 3\n",
        "[lint\n",
        '[lint.per-file-ignores]\nx = ["Q"]\n',
        b"\xff\xfe",
    ],
)
def test_a_configuration_that_cannot_be_used_is_named(rules: Path, text: str | bytes) -> None:
    config = rules.parent / "pyiptables.toml"
    config.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = CliRunner().invoke(command, [str(rules)])
    assert result.exit_code == 2
    assert str(config) in result.stderr


SCRIPT = b"""#!/bin/sh
iptables -P INPUT DROP\r
iptables -A INPUT -p tcp --dport 22 -j ACCEPT
# pyiptables: ignore[P001] old kernels
iptables -A INPUT -m state --state NEW -p tcp --dport 80 -j ACCEPT
iptables -A INPUT -m state --state NEW -p tcp --dport 81 -j ACCEPT
"""


def test_scripts_are_suppressed_and_mended_too(tmp_path: Path) -> None:
    pytest.importorskip("tree_sitter_bash", reason="scripts need the lint extra")
    script = tmp_path / "fw.sh"
    script.write_bytes(SCRIPT)
    script.chmod(0o750)
    _, out = run(str(script), "--select", "P001,E101,L", "--json")
    assert [(one["code"], one["line"]) for one in json.loads(out)["findings"]] == [("E101", 2), ("P001", 6)]
    assert run(str(script), "--select", "E101,L", "--fix") == (0, "")
    assert script.read_bytes() == SCRIPT.replace(b"\r", b"")
    assert script.stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize(
    ("script", "mended"),
    [
        ("I=iptables\n$I -F", "I=iptables\n$I -w -F"),
        ("I='iptables -t nat'\n$I -F", "I='iptables -t nat'\n$I -w -F"),
        # The number behind it would be the seconds to wait.
        ("I='iptables -I INPUT'\n$I 1 -j DROP", None),
        ("I='iptables -I INPUT'\n$I $N -j DROP", None),
        ("I='iptables -A INPUT'\n$I", None),
    ],
)
def test_waiting_is_added_where_it_means_that(script: str, mended: str | None) -> None:
    pytest.importorskip("tree_sitter_bash", reason="scripts need the lint extra")
    args = ["-", "--fix", "--isolated", "--select", "O105", "--stdin-filename", "a.sh"]
    result = CliRunner().invoke(command, args, input=f"#!/bin/sh\n{script}\n".encode())
    assert result.stdout == f"#!/bin/sh\n{script if mended is None else mended}\n"


def test_fix_of_standard_input_is_a_filter() -> None:
    result = CliRunner().invoke(
        command, ["-", "--fix", "--isolated", "--select", "E101", "--stdin-filename", "a.v4"], input=b"*filter\r\nCOMMIT\r\n"
    )
    assert (result.exit_code, result.stdout) == (0, "*filter\nCOMMIT\n")
    result = CliRunner().invoke(
        command, ["-", "--fix", "--isolated", "--select", "E", "--stdin-filename", "a.v4"], input=b"*filter\n-A INPUT -j no\nCOMMIT\n"
    )
    assert (result.exit_code, result.stdout) == (1, "*filter\n-A INPUT -j no\nCOMMIT\n")
    assert "E004" in result.stderr


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        (b"", []),
        (b"\xef\xbb\xbf*filter\r\n[1:2] -A INPUT -j no\r\nCOMMIT\r\n", ["E004", "E101", "E101"]),
        (b"Dear all,\n\n*filter\n-A INPUT -j no\nCOMMIT\nbye\n", ["E002", "E002", "E004"]),
        (b"-A INPUT -j no\n", ["E002", "E004"]),
        (b"*filter\n-A INPUT -s \xff\xfe -j DROP\n\0\nCOMMIT\n", ["E001", "E101"]),
        (b"*filter\nCOMMIT \n", ["E001"]),
        (b"\0" * 10, ["E101"]),
    ],
)
def test_rule_files_in_any_shape_are_findings(data: bytes, codes: list[str], tmp_path: Path) -> None:
    path = tmp_path / "x.rules"
    path.write_bytes(data)
    _, out = run(str(path), "--select", "E", "--json")
    assert sorted(one["code"] for one in json.loads(out)["findings"]) == codes


def test_ip6tables_files_are_known_by_name_comment_and_content(tmp_path: Path) -> None:
    six = "*filter\n-A INPUT -s 2001:db8::/32 -p ipv6-icmp -j DROP\nCOMMIT\n"
    for name, text in (("rules.v6", six), ("x.rules", six), ("y.rules", "# Generated by ip6tables-save v1.8.11\n" + six)):
        (tmp_path / name).write_text(text)
        assert run(str(tmp_path / name), "--select", "E")[0] == 0
    assert run(str(tmp_path / "x.rules"), "--select", "E", "--family", "4")[0] == 1


def test_what_is_no_firewall_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("#!/usr/bin/env python3\n")
    assert run(str(tmp_path / "a.py"))[0] == 2
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"iptables -A INPUT\n", mtime=0))
    for path in (str(tmp_path / "a.gz"), sys.executable):
        result = CliRunner().invoke(command, [path, "--isolated"])
        assert (result.exit_code, result.stderr) == (2, f"pyiptables lint: {path}: a binary file, no script for a shell\n")
    # In a folder it is passed over, as is all that does not speak of iptables.
    (tmp_path / "readme.md").write_text("iptables -A INPUT\n")
    (tmp_path / "Dockerfile").write_text("FROM x\nRUN iptables -A INPUT -s 10.0.0.300 -j DROP\n")
    (tmp_path / "start").write_text("#!/bin/bash\nip6tables -A INPUT --nowhere\n")
    _, out = run(str(tmp_path), "--select", "E", "--output-format", "concise")
    assert sorted({Path(line.split(":")[0]).name for line in out.splitlines()}) == ["Dockerfile", "start"]


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.sh").write_text("iptables -w -A INPUT -s 10.0.0.300 -j DROP\n")
    closed = tmp_path / "closed"
    closed.mkdir()
    scan = os.scandir

    def refuse(path: str) -> object:
        if path == str(closed):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    result = CliRunner().invoke(command, [str(tmp_path), "--isolated"])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"pyiptables lint: {closed}: ")
    assert "a.sh:1:" in result.stdout


def test_pages_fit_the_terminal() -> None:
    for columns, widest in ((60, 60), (80, 80), (200, 80)):
        text = page(find("U101"), False, columns)
        assert max(len(line) for line in text.splitlines()) <= widest
        assert find("never-reached") is find("U101")
    lines = listing(False, 76).splitlines()
    assert max(len(line) for line in lines) <= 76
    assert "\n".join(lines).replace("\n" + " " * 32, " ") + "\n" == listing(False, sys.maxsize)


def test_a_file_that_cannot_be_read_hides_no_findings(tmp_path: Path) -> None:
    (tmp_path / "a.pl").write_text("#!/usr/bin/perl\n")
    (tmp_path / "b.v4").write_text("*filter\n-A INPUT -s 10.0.0.300 -j DROP\nCOMMIT\n")
    result = CliRunner().invoke(command, [str(tmp_path / "a.pl"), str(tmp_path / "b.v4"), "--isolated"])
    assert result.exit_code == 2
    assert "a script for perl" in result.stderr
    assert "b.v4:2:13: E001" in result.stdout
