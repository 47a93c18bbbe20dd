"""Write a run's report where its home keeps them."""

from __future__ import annotations

from drtool.bootstrap import App
from drtool.errors import DrtoolError
from drtool.journal.home import secure_directory
from drtool.journal.store import Journal
from drtool.model.event import ReportWritten
from drtool.reports.html import to_html
from drtool.reports.report import report


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
