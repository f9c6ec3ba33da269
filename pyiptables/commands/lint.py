"""``pyiptables lint``: check rule files and firewall scripts."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from pyiptables.lint.diagnostic import Diagnostic
    from pyiptables.lint.engine import FileReport
    from pyiptables.lint.settings import Configuration, Settings

__all__ = ["command"]

_FORMATS = ("full", "concise", "json", "sarif", "github", "gitlab", "junit")
#: Mending may uncover more to mend; a handful of rounds ends it.
_MOST_ROUNDS = 10
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
@click.option("--json", "output_format", flag_value="json", help="The same as --output-format json.")
@click.option("--show-unknown", is_flag=True, help="List the values of scripts that only a run would tell.")
@click.option("--fix", is_flag=True, help="Mend what can be mended safely, in the files.")
@click.option("--diff", "show_diff", is_flag=True, help="Show what --fix would change, change nothing.")
@click.option("--statistics", is_flag=True, help="Count findings by code.")
@click.option("--baseline", metavar="FILE", help="Report only what is not in this file; it is made if it does not exist.")
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
    import gc

    from pyiptables.lint.settings import ConfigError
    from pyiptables.report import check_pages

    # What was read is kept until the last file is through.
    gc.set_threshold(1_000_000)
    as_json = options["output_format"] == "json"
    if options["list_checks"]:
        _echo(check_pages.listing(as_json, _columns()))
        return
    if options["explain"]:
        _echo(_explained(options["explain"], as_json))
        return
    try:
        configuration = _configuration(options)
        settings = configuration.of(files[0] if files else "-")
        if options["show_settings"]:
            _echo(check_pages.settings(settings, as_json))
            return
        if not files:
            raise click.UsageError("name a file, a folder or - for standard input")
        reports, unreadable = _run(files, configuration, options)
        if options["dependencies"]:
            _echo(_dependencies(reports, as_json))
            sys.exit(2 if unreadable else 0)
        if options["show_diff"]:
            _show_diff(reports)
        elif options["fix"]:
            reports = _fix(reports, configuration, options)
        if options["baseline"]:
            _baseline(options["baseline"], reports)
        if not options["show_diff"]:
            _report(reports, settings, options)
    except ConfigError as error:
        _refuse(str(error))
    diagnostics = [found for report in reports for found in report.diagnostics]
    _summary(reports, diagnostics)
    if unreadable:
        sys.exit(2)
    worst = max([_RANK[found.severity] for found in diagnostics], default=-1)
    if worst >= _RANK[settings.fail_level] and not options["exit_zero"]:
        sys.exit(1)


def _refuse(text: str) -> NoReturn:
    click.echo(f"pyiptables lint: {text}", err=True)
    sys.exit(2)


def _configuration(options: dict[str, Any]) -> Configuration:
    from pyiptables.lint.registry import expand
    from pyiptables.lint.settings import Configuration

    for name in ("select", "extend_select", "ignore"):
        try:
            expand(options[name] or ())
        except ValueError as error:
            raise click.UsageError(f"{error}; --list shows them all") from error
    overrides = {name: options[name] for name in ("select", "extend_select", "fail_level", "output_format", "variant")}
    return Configuration(options["config"], options["isolated"], options["ignore"], **overrides)


def _reading(options: dict[str, Any]) -> dict[str, Any]:
    """What the reader of files is told from outside."""
    values = {}
    for pair in options["set_values"]:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise click.UsageError(f"--set wants NAME=VALUE, not {pair!r}")
        values[name] = value
    reading: dict[str, Any] = {"family": int(options["family"]) if options["family"] else None, "set_values": values}
    if options["script_args"] is not None:
        import shlex

        try:
            reading["args"] = shlex.split(options["script_args"])
        except ValueError as error:
            raise click.UsageError(f"--args: {error}") from error
    return reading


def _run(files: tuple[str, ...], configuration: Configuration, options: dict[str, Any]) -> tuple[list[FileReport], int]:
    """The reports, and how many files could not be read. Leaves when none could."""
    from pyiptables.lint.engine import LintError, lint_data, lint_file, walk
    from pyiptables.lint.together import lint_together

    reading = _reading(options)
    reports: list[FileReport] = []
    seen: set[Diagnostic] = set()
    unreadable = 0
    for path in dict.fromkeys(path for each in files for path in walk((each,), configuration.of(each).exclude)):
        name = options["stdin_filename"] or "-" if path == "-" else path
        settings = configuration.of(name)
        try:
            if path == "-":
                report = lint_data(sys.stdin.buffer.read(), name, settings, **reading)
            else:
                report = lint_file(path, settings, **reading)
        except LintError as error:
            click.echo(f"pyiptables lint: {error}", err=True)
            unreadable += 1
            continue
        # A file that another one sources is read twice; what was said is not said again.
        report.diagnostics = [found for found in report.diagnostics if found not in seen]
        seen.update(report.diagnostics)
        report.from_stdin = path == "-"
        reports.append(report)
    if unreadable and not reports:
        sys.exit(2)
    lint_together(reports, configuration.of(files[0]))
    return reports, unreadable


def _console(options: dict[str, Any]) -> Any:
    from rich.console import Console

    force = {"always": True, "never": False}.get(options["color"])
    return Console(force_terminal=force, no_color=None if force is None else not force, soft_wrap=True)


def _report(reports: list[FileReport], settings: Settings, options: dict[str, Any]) -> None:
    from pyiptables.report import finding_files, findings

    diagnostics = [found for report in reports for found in report.diagnostics]
    form = settings.output_format
    if form == "auto":
        form = "full" if sys.stdout.isatty() else "concise"
    if form == "json":
        unknown = [one for report in reports for one in report.unknown()]
        _echo(finding_files.as_json(diagnostics, unknown, options["statistics"]))
    elif form == "sarif":
        _echo(finding_files.as_sarif(diagnostics))
    elif form == "github":
        _echo(finding_files.as_github(diagnostics))
    elif form == "gitlab":
        _echo(finding_files.as_gitlab(diagnostics))
    elif form == "junit":
        _echo(finding_files.as_junit(diagnostics, [report.file for report in reports]))
    else:
        # Behind --fix of standard input, standard output has the mended text.
        mended = options["fix"] and any(report.from_stdin for report in reports)
        if form == "full" and not mended:
            findings.full(reports, _console(options))
        else:
            _echo(findings.concise(diagnostics), mended)
        if options["show_unknown"]:
            _echo(findings.unknown([one for report in reports for one in report.unknown()]), mended)
        if options["statistics"]:
            _echo(findings.statistics(diagnostics), mended)


def _echo(text: str, err: bool = False) -> None:
    stream = sys.stderr.buffer if err else sys.stdout.buffer
    stream.write(text.encode("utf-8", "surrogateescape"))
    stream.flush()


def _summary(reports: list[FileReport], diagnostics: list[Diagnostic]) -> None:
    from pyiptables.lint.effect import undecided

    unknown = sum(len(report.unknown()) for report in reports)
    if unknown:
        click.echo(f"{_counted(unknown, 'value')} only a run would tell; checked as far as the known parts go.", err=True)
    left = sum(undecided(report.subject) for report in reports if report.subject is not None)
    if left:
        click.echo(f"{_counted(left, 'question')} about rules took too much time or memory; nothing is claimed there.", err=True)
    if not diagnostics:
        click.echo("All checks passed." if reports else "No files.", err=True)
        return
    fixable = sum(1 for found in diagnostics if found.fix)
    more = f" {fixable} can be mended with --fix." if fixable else ""
    click.echo(f"Found {_counted(len(diagnostics), 'problem')}.{more}", err=True)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _columns() -> int:
    """The terminal's; a file has no end."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize


def _explained(code: str, as_json: bool) -> str:
    from pyiptables.lint.registry import find
    from pyiptables.report import check_pages

    check = find(code)
    if check is None:
        raise click.UsageError(f"no check is called {code!r}; --list shows them all")
    return check_pages.page(check, as_json, _columns())


def _dependencies(reports: list[FileReport], as_json: bool) -> str:
    from pyiptables.lint.dependencies import dependencies_of
    from pyiptables.report import check_pages

    return check_pages.dependencies([(report.file, dependencies_of(report.subject)) for report in reports if report.subject], as_json)


def _show_diff(reports: list[FileReport]) -> None:
    from pyiptables.lint.fixing import apply_fixes, unified_diff

    for report in reports:
        assert report.subject is not None
        new, _ = apply_fixes(report.subject.data, report.diagnostics)
        _echo(unified_diff(report.file, report.subject.data, new))


def _fix(reports: list[FileReport], configuration: Configuration, options: dict[str, Any]) -> list[FileReport]:
    """Mend the files; what is still to say of them comes back. A mended text may show what the old one hid."""
    from pyiptables.lint.engine import lint_data
    from pyiptables.lint.fixing import apply_fixes, replace_file

    after = []
    for report in reports:
        assert report.subject is not None
        new, total = report.subject.data, 0
        for _ in range(_MOST_ROUNDS):
            new, count = apply_fixes(new, report.diagnostics)
            if not count:
                break
            total += count
            stdin = report.from_stdin
            report = lint_data(new, report.file, configuration.of(report.file), **_reading(options))
            report.from_stdin = stdin
        after.append(report)
        if report.from_stdin:
            sys.stdout.buffer.write(new)
            sys.stdout.flush()
        elif total:
            try:
                replace_file(report.file, new)
            except OSError as error:
                _refuse(f"{report.file}: {error.strerror}")
        if total:
            click.echo(f"{report.file}: mended {total}", err=True)
    return after


def _baseline(path: str, reports: list[FileReport]) -> None:
    """Drop what the baseline file knows; without such a file, make it of all that was found."""
    from pyiptables.lint.baseline import read_baseline, write_baseline
    from pyiptables.report.finding_files import fingerprints

    names = fingerprints([found for report in reports for found in report.diagnostics])
    known = read_baseline(path)
    if known is None:
        write_baseline(path, names)
        click.echo(f"{path}: baseline of {_counted(len(names), 'finding')} written", err=True)
        known = set(names)
    left = iter(names)
    for report in reports:
        report.diagnostics = [found for found in report.diagnostics if next(left) not in known]
