"""Secrets: whether each reference resolves."""

from __future__ import annotations

from collections.abc import Iterator

from drtool.verbs.doctor.finding import Area, Finding
from drtool.verbs.doctor.seen import Seen


def findings(seen: Seen) -> Iterator[Finding]:
    """Those that do not resolve, and how many do."""
    bad = {ref: error for ref, error in seen.secrets.items() if error is not None}
    for ref, error in bad.items():
        yield Area.SECRETS.told(error, f"put the secret where {ref.secret} refers to")
    good = len(seen.secrets) - len(bad)
    if good:
        yield Area.SECRETS.well(f"{good} secret{'s' if good > 1 else ''}", "resolve")
