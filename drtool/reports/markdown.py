"""A report as Markdown, for places that show it: what happened, and the tables."""

from __future__ import annotations

import re

from drtool.reports.tables import TextTable, text_tables
from drtool.reports.values import Report

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|])")


def to_markdown(report: Report) -> str:
    """The report; every text in it is escaped."""
    outcome = report.outcome.value if report.outcome else "not ended"
    stands = f"**{_plain(outcome)}**, {report.mode.value}, run {_plain(report.run)}"
    parts = [
        f"# {_plain(report.title)}",
        f"{stands}: {_plain(report.world_text)}",
        _plain(report.paragraph),
        *(_table(table) for table in text_tables(report)),
    ]
    if report.warnings:
        parts.append("\n".join(f"- warning: {_plain(line.text)}" for line in report.warnings))
    if report.next:
        lines = (
            f"1. {_plain(line.text)}" + (f": `{line.command}`" if line.command else "")
            for line in report.next
        )
        parts.append("## What next\n\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _table(table: TextTable) -> str:
    head = f"| {' | '.join(table.columns)} |\n|{'---|' * len(table.columns)}"
    rows = (f"| {' | '.join(_plain(cell.text) for cell in row)} |" for row in table.rows)
    return f"## {_plain(table.title)}\n\n" + "\n".join((head, *rows))


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
