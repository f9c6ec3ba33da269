"""The manual pages: complete, in step with the program's tables, and without a complaint from the formatters."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import click
import pytest

from pyiptables.commands import SUBCOMMANDS, group
from pyiptables.lint.settings import Settings
from pyiptables.netfilter.language import parse_packets

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*(ROOT / "man").glob("*.1"), *(ROOT / "man").glob("*.5")])


def _by_name(page: Path) -> str:
    return page.name


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "man" / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES, ids=_by_name)
def test_lists_are_in_step(page: Path, generate: ModuleType) -> None:
    text = page.read_text(encoding="utf-8")
    assert generate.generated(text) == text, "run: python man/generate.py"


def test_the_check_notices_a_page_out_of_step(generate: ModuleType) -> None:
    page = (ROOT / "man" / "pyiptables-lint.1").read_text(encoding="utf-8")
    assert generate.generated(page.replace(".It Fl Fl fix\n", "")) == page


@pytest.mark.parametrize("name", sorted(SUBCOMMANDS))
def test_every_subcommand_has_a_page(name: str) -> None:
    text = (ROOT / "man" / f"pyiptables-{name}.1").read_text(encoding="utf-8")
    assert f'.\\" generated: options {name}\n' in text
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "EXAMPLES", "SEE ALSO"):
        assert f".Sh {section}\n" in text


@pytest.mark.parametrize("name", sorted(SUBCOMMANDS))
def test_every_option_says_what_it_does(name: str) -> None:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    silent = [option.opts for option in command.params if isinstance(option, click.Option) and not (option.hidden or option.help)]
    assert silent == []


@pytest.mark.parametrize("page", PAGES, ids=_by_name)
def test_examples_use_options_that_exist(page: Path) -> None:
    examples = page.read_text(encoding="utf-8").partition(".Sh EXAMPLES\n")[2].partition("\n.Sh ")[0].replace("\\e\n", "")
    for found in re.finditer(r"pyiptables (?:--state \S+ )?([a-z]+) ([^\n]*)", examples):
        command = group.get_command(click.Context(group), found[1])
        if command is not None:
            known = {name for parameter in command.params for name in parameter.opts}
            ours = found[2].partition(" -- ")[0]
            assert set(re.findall(r"(?<!\S)--[a-z][a-z-]*", ours)) <= known, found[0]


def test_example_packets() -> None:
    text = (ROOT / "man" / "pyiptables-packet.5").read_text(encoding="utf-8").partition(".Sh EXAMPLES\n")[2]
    lines = [line.removeprefix(".Dl ").replace("\\(dq", '"') for line in text.splitlines() if " -> " in line or line.startswith("reply")]
    assert len(lines) == len(parse_packets("\n".join(lines))) == 8


def test_every_setting_is_described() -> None:
    text = (ROOT / "man" / "pyiptables-lint.5").read_text(encoding="utf-8").partition(".Pp\nTheir values")[0]
    assert re.findall(r"^\.It Ic (\S+)", text, re.MULTILINE) == [
        field.name.replace("_", "-") for field in fields(Settings) if field.name != "source"
    ]  # fmt: skip


def test_references_lead_somewhere() -> None:
    names = {page.name for page in PAGES}
    for page in PAGES:
        for name, section in re.findall(r"^\.(?:It )?Xr (pyiptables\S*) (\d)", page.read_text(encoding="utf-8"), re.MULTILINE):
            assert f"{name}.{section}" in names, page


def test_every_page_is_installed() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shared = data["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert {f"man/{page.name}": f"share/man/man{page.suffix[1:]}/{page.name}" for page in PAGES}.items() <= shared.items()


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
def test_mandoc_has_no_complaint() -> None:
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *PAGES], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)


@pytest.mark.skipif(shutil.which("man") is None or shutil.which("groff") is None, reason="man and groff are not installed")
@pytest.mark.skipif(sys.platform == "darwin", reason="this man has no --warnings")
def test_groff_has_no_complaint() -> None:
    for page in PAGES:
        done = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, text=True, check=False)
        assert (done.stderr, done.returncode) == ("", 0), page
