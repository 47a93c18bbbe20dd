"""A plan in the forms that are not for the terminal: JSON, pictures, paper."""

from __future__ import annotations

from pathlib import Path

from drtool.errors import BadInput
from drtool.model.plan import Plan
from drtool.reports.mermaid import to_mermaid
from drtool.reports.paper import to_html, to_text
from drtool.reports.picture import to_svg
from drtool.verbs.paper import paper_runbook

FORMS = ("table", "json", "mermaid", "svg")


def form_of(form: str, output: Path | None, *, manual: bool) -> str:
    """Which form is asked for; raises BadInput for one that is not known, or for two."""
    if form not in FORMS:
        raise BadInput(f"--format {form}", "is not known", " or ".join(FORMS))
    if manual and form != "table":
        raise BadInput("--manual", f"is a form of its own, and --format {form} another", "one")
    if manual:
        return "paper" if output is not None and output.suffix == ".html" else "manual"
    if output is not None and form == "table":
        raise BadInput("--output", "a table is for the terminal", hint="--format svg, or --manual")
    return form


def drawn(plan: Plan, form: str) -> str:
    """The plan in one form, ending with a line's end."""
    if form == "json":
        return f"{plan.model_dump_json()}\n"
    if form == "mermaid":
        return to_mermaid(plan)
    if form == "svg":
        return f"{to_svg(plan)}\n"
    paper = paper_runbook(plan)
    return f"{to_html(paper) if form == 'paper' else to_text(paper)}\n"
