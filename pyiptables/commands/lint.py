"""``pyiptables lint``: check rule files and firewall scripts."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pyiptables.lint.diagnostic import Diagnostic
    from pyiptables.lint.engine import FileReport
    from pyiptables.lint.settings import Settings

__all__ = ["command"]

_FORMATS = ("full", "concise", "json", "sarif", "github", "gitlab", "junit")
_RANK = {"info": 0, "warning": 1, "error": 2}


def _codes(ctx: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...] | None:
    """Comma lists and repeated options alike."""
    codes = tuple([code.strip() for item in value for code in item.split(",") if code.strip()])
    return codes or None


@click.command(short_help="Check rule files and firewall scripts.")
@click.argument("files", nargs=-1, metavar="[FILE|DIR|-]...")
@click.option("--select", multiple=True, callback=_codes, metavar="CODES", help="Only these checks (prefixes, sets such as cis, ALL).")
@click.option("--extend-select", multiple=True, callback=_codes, metavar="CODES", help="These checks as well.")
@click.option("--ignore", multiple=True, callback=_codes, metavar="CODES", help="Not these checks.")
@click.option("--output-format", type=click.Choice(_FORMATS), help="How to report (default: full on a terminal, else concise).")
@click.option("--fix", is_flag=True, help="Mend what can be mended safely, in the files.")
@click.option("--diff", "show_diff", is_flag=True, help="Show what --fix would change, change nothing.")
@click.option("--statistics", is_flag=True, help="Count findings by code.")
@click.option("--baseline", metavar="FILE", help="Report only what is not in this file; made if it does not exist.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever is found.")
@click.option("--fail-level", type=click.Choice(tuple(_RANK)), help="The least severity that makes the exit status 1 (default: info).")
@click.option("--variant", type=click.Choice(("nft", "legacy")), help="The iptables whose refusals count (default: nft).")
@click.option("--family", type=click.Choice(("4", "6")), help="Read rule files as IPv4 or IPv6 (default: by name and content).")
@click.option("--set", "set_values", multiple=True, metavar="NAME=VALUE", help="A variable that scripts find set.")
@click.option("--args", "script_args", metavar="WORDS", help="Arguments that scripts are called with.")
@click.option("--stdin-filename", metavar="NAME", help="What to call the file read with -.")
@click.option("--config", metavar="FILE", help="Configuration file instead of the one found upwards.")
@click.option("--isolated", is_flag=True, help="Ignore configuration files.")
@click.option("--explain", metavar="CODE", help="Show the page of a check.")
@click.option("--list", "list_checks", is_flag=True, help="List all checks.")
@click.option("--show-settings", is_flag=True, help="Show the settings that apply, and stop.")
@click.option("--dependencies", is_flag=True, help="List what the files depend on from outside, and stop.")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True, help="When to use colours.")
def command(files: tuple[str, ...], **options: Any) -> None:
    """Check iptables-save files and the iptables commands of scripts, without running anything.

    Exit status: 0 nothing found, 1 findings, 2 usage or unreadable input.
    """
    if options["list_checks"]:
        _list()
        return
    if options["explain"]:
        _explain(options["explain"])
        return
    settings = _settings(files, options)
    if options["show_settings"]:
        _show_settings(settings)
        return
    if not files:
        raise click.UsageError("name a file, a folder or - for standard input")
    reports = _run(files, settings, options)
    if options["dependencies"]:
        _dependencies(reports)
        return
    if options["fix"] or options["show_diff"]:
        reports = _fix(reports, settings, options)
    diagnostics = [found for report in reports for found in report.diagnostics]
    if options["baseline"]:
        diagnostics = _baseline(options["baseline"], diagnostics)
        kept = set(diagnostics)
        for report in reports:
            report.diagnostics = [found for found in report.diagnostics if found in kept]
    _report(reports, diagnostics, settings, options)
    worst = max([_RANK[found.severity] for found in diagnostics], default=-1)
    if worst >= _RANK[settings.fail_level] and not options["exit_zero"]:
        sys.exit(1)


def _settings(files: tuple[str, ...], options: dict[str, Any]) -> Settings:
    from pyiptables.lint.settings import ConfigError, Settings, find_config, load_config

    try:
        settings = Settings()
        if options["config"]:
            settings = load_config(options["config"])
        elif not options["isolated"]:
            start = os.path.dirname(os.path.abspath(files[0])) if files and files[0] != "-" else os.getcwd()
            path = find_config(start)
            if path is not None:
                settings = load_config(path)
        settings = settings.with_overrides(
            select=options["select"],
            extend_select=options["extend_select"],
            ignore=None if options["ignore"] is None else settings.ignore + options["ignore"],
            fail_level=options["fail_level"],
            output_format=options["output_format"],
            variant=options["variant"],
        )
        settings.codes()
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return settings


def _run(files: tuple[str, ...], settings: Settings, options: dict[str, Any]) -> list[FileReport]:
    from pyiptables.lint.engine import LintError, lint_data, lint_file, walk
    from pyiptables.lint.together import lint_together

    reading: dict[str, Any] = {"family": int(options["family"]) if options["family"] else None}
    values = {}
    for pair in options["set_values"]:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise click.UsageError(f"--set wants NAME=VALUE, not {pair!r}")
        values[name] = value
    reading["set_values"] = values
    if options["script_args"] is not None:
        import shlex

        reading["args"] = shlex.split(options["script_args"])
    reports = []
    failed = False
    for path in walk(files, settings.exclude):
        try:
            if path == "-":
                data = sys.stdin.buffer.read()
                reports.append(lint_data(data, options["stdin_filename"] or "-", settings, **reading))
            else:
                reports.append(lint_file(path, settings, **reading))
        except LintError as error:
            click.echo(f"pyiptables lint: {error}", err=True)
            failed = True
    if failed:
        sys.exit(2)
    lint_together(reports, settings)
    return reports


def _console(options: dict[str, Any]) -> Any:
    from rich.console import Console

    force = {"always": True, "never": False}.get(options["color"])
    return Console(force_terminal=force, no_color=None if force is None else not force, soft_wrap=True)


def _report(reports: list[FileReport], diagnostics: list[Diagnostic], settings: Settings, options: dict[str, Any]) -> None:
    from pyiptables.report import finding_files, findings

    form = options["output_format"] or (settings.output_format if settings.source else None)
    form = form or ("full" if sys.stdout.isatty() else "concise")
    if form == "json":
        click.echo(finding_files.as_json(diagnostics), nl=False)
    elif form == "sarif":
        click.echo(finding_files.as_sarif(diagnostics), nl=False)
    elif form == "github":
        click.echo(finding_files.as_github(diagnostics), nl=False)
    elif form == "gitlab":
        click.echo(finding_files.as_gitlab(diagnostics), nl=False)
    elif form == "junit":
        click.echo(finding_files.as_junit(diagnostics, [report.file for report in reports]), nl=False)
    else:
        if form == "full":
            findings.full(reports, _console(options))
        else:
            _echo(findings.concise(diagnostics))
        if options["statistics"]:
            _echo(findings.statistics(diagnostics))
        _summary(reports, diagnostics)


def _echo(text: str) -> None:
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.flush()


def _summary(reports: list[FileReport], diagnostics: list[Diagnostic]) -> None:
    unresolved = [u for report in reports if report.subject for u in report.subject.unresolved]
    if unresolved:
        click.echo(f"{len(unresolved)} values only a run would tell; checked as far as the known parts go.", err=True)
    if not diagnostics:
        click.echo("All checks passed." if reports else "No files.", err=True)
        return
    fixable = sum(1 for found in diagnostics if found.fix)
    text = f"Found {len(diagnostics)} problem{'s' if len(diagnostics) != 1 else ''}."
    if fixable:
        text += f" {fixable} can be mended with --fix."
    click.echo(text, err=True)


def _list() -> None:
    from pyiptables.lint.registry import FAMILIES, all_checks

    family = ""
    for code, check in all_checks().items():
        if code[0] != family:
            family = code[0]
            click.echo(f"{family}: {FAMILIES[family]}")
        off = "" if check.default else " (off by default)"
        click.echo(f"  {code}  {check.name:<28} {check.summary()}{off}")


def _explain(code: str) -> None:
    from pyiptables.lint.registry import find

    check = find(code)
    if check is None:
        raise click.UsageError(f"no check is called {code!r}; --list shows them all")
    click.echo(f"{check.code} {check.name} ({check.severity})\n\n{check.page()}")
    for title, texts in (("Found in:", check.bad), ("Not in:", check.good)):
        for text in texts[:2]:
            body = "\n".join([f"    {line}" for line in text.strip("\n").split("\n")])
            click.echo(f"\n{title}\n{body}")


def _show_settings(settings: Settings) -> None:
    from dataclasses import fields

    for item in fields(settings):
        click.echo(f"{item.name.replace('_', '-')} = {getattr(settings, item.name)!r}")
    click.echo(f"codes = {', '.join(sorted(settings.codes()))}")


def _dependencies(reports: list[FileReport]) -> None:
    from pyiptables.lint.dependencies import dependencies_of

    for report in reports:
        if report.subject is None:
            continue
        for kind, name, lines in dependencies_of(report.subject):
            places = ", ".join([str(line) for line in lines[:8]]) + (" …" if len(lines) > 8 else "")
            click.echo(f"{report.file}: {kind} {name} (line {places})")


def _fix(reports: list[FileReport], settings: Settings, options: dict[str, Any]) -> list[FileReport]:
    from pyiptables.lint.engine import lint_data
    from pyiptables.lint.fixing import apply_fixes, unified_diff

    after = []
    for report in reports:
        assert report.subject is not None
        old = report.subject.data
        new, count = apply_fixes(old, report.diagnostics)
        if not count:
            after.append(report)
            continue
        if options["show_diff"]:
            _echo(unified_diff(report.file, old, new))
            after.append(report)
            continue
        if report.file == "-":
            _echo(new.decode("utf-8", "surrogateescape"))
        else:
            temporary = f"{report.file}.pyiptables-fix"
            with open(temporary, "wb") as file:
                file.write(new)
            os.chmod(temporary, os.stat(report.file).st_mode & 0o7777)
            os.replace(temporary, report.file)
        click.echo(f"{report.file}: mended {count}", err=True)
        after.append(lint_data(new, report.file, settings))
    return after


def _baseline(path: str, diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Findings that are not in the baseline file; the file is made when it is not there."""
    import json

    from pyiptables.report.finding_files import fingerprints

    names = fingerprints(diagnostics)
    if not os.path.exists(path):
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"schema": "pyiptables.lint-baseline/1", "fingerprints": names}, file, indent=1)
            file.write("\n")
        click.echo(f"{path}: baseline of {len(names)} findings written", err=True)
        return []
    try:
        with open(path, encoding="utf-8") as file:
            known = set(json.load(file)["fingerprints"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise click.ClickException(f"{path}: not a baseline file: {error}") from error
    return [found for found, name in zip(diagnostics, names, strict=True) if name not in known]
