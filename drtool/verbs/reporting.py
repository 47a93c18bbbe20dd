"""A run's report: made, shown, and written where its home keeps them."""

from __future__ import annotations

from pathlib import Path

from drtool.bootstrap import App, build
from drtool.errors import DrtoolError, JournalUnusable
from drtool.journal.home import secure_directory
from drtool.journal.store import Journal
from drtool.model.event import ReportWritten
from drtool.model.value import Value
from drtool.reports.html import to_html
from drtool.reports.report import Report, report
from drtool.verbs.records import find, records


def write_report(app: App, journal: Journal, run: str) -> ReportWritten:
    """Write HTML and JSON; a report that cannot be written is told, and never fails a run."""
    try:
        made = report(journal.events(run), journal.head())
        html = secure_directory(app.reports) / f"{run}.html"
        html.write_text(app.redactor.clean(to_html(made)), encoding="utf-8")
        html.with_suffix(".json").write_text(
            app.redactor.clean(made.model_dump_json(indent=2)), encoding="utf-8"
        )
    except (OSError, DrtoolError) as error:
        return ReportWritten(trouble=str(error))
    return ReportWritten(html=str(html), json_file=str(html.with_suffix(".json")))


class MadeReport(Value):
    """A report and its renderings."""

    report: Report

    def as_json(self) -> str:
        """For scripts."""
        return self.report.model_dump_json(indent=2)

    def write_html(self, path: Path) -> None:
        """For people, as one file."""
        try:
            path.write_text(to_html(self.report), encoding="utf-8")
        except OSError as error:
            raise JournalUnusable(f"report {path}", str(error.strerror)) from error


def report_of(said: str) -> MadeReport:
    """A run's report, folded from its events."""
    app = build()
    run = find(said, app)
    journal = records(app)
    made = report(journal.events(run), journal.head())
    journal.close()
    return MadeReport(report=made)
