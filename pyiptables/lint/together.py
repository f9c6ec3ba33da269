"""Checks over several files at once: what one of them says is held against the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.registry import all_checks
from pyiptables.lint.suppression import find_suppressions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiptables.lint.engine import FileReport
    from pyiptables.lint.settings import Settings

__all__ = ["lint_together"]


def lint_together(reports: Sequence[FileReport], settings: Settings) -> None:
    """Add to the reports what the checks say about their files side by side."""
    subjects = [report.subject for report in reports if report.subject is not None]
    by_file = {report.file: report for report in reports}
    if len(subjects) < 2:
        return
    codes = settings.codes()
    for code, check in all_checks().items():
        if code not in codes:
            continue
        for found in check().run_together(subjects):
            report = by_file.get(found.place.file)
            if report is None or report.subject is None or code in settings.ignored_in(report.file):
                continue
            excused = [each.line for each in find_suppressions(report.subject.lines) if each.covers(found.code, found.place.line)]
            if excused:
                # What seemed to excuse nothing does.
                report.diagnostics = [one for one in report.diagnostics if one.code != "L001" or one.place.line not in excused]
            elif found not in report.diagnostics:
                report.diagnostics.append(found)
                report.diagnostics.sort(key=Diagnostic.sort_key)
