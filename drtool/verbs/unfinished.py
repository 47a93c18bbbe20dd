"""An earlier run of a service that has not ended, and that nobody carries any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from drtool.bootstrap import App
from drtool.errors import DrtoolError, Refused
from drtool.model.pulse import Living
from drtool.verbs.records import list_runs, open_runs


@contextmanager
def unfinished_first(service: str, app: App) -> Iterator[None]:
    """Have a refusal hint at the run that may be what stands in the way, where there is one."""
    try:
        yield
    except Refused as refused:
        refused.hint = unfinished(service, app) or refused.hint
        raise


def unfinished(service: str, app: App) -> str:
    """What to know of the service's newest run whose engine is gone before its end, or ""."""
    try:
        known = list_runs(app).runs
    except DrtoolError:
        return ""
    for one in open_runs(run for run in known if run.service == service):
        if one.life is not None and one.life.word is Living.GONE:
            return f"run {one.run} has not ended, and its engine is gone: drtool resume {one.run}"
    return ""
