"""An earlier run of a service that has not ended, and that nobody carries any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from drtool.bootstrap import App
from drtool.errors import DrtoolError, Refused
from drtool.model.pulse import Living
from drtool.verbs.records import list_runs


@contextmanager
def unfinished_first(service: str, app: App) -> Iterator[None]:
    """Have a refusal hint at the run that may be what stands in the way, where there is one."""
    try:
        yield
    except Refused as refused:
        run = ""
        with suppress(DrtoolError):
            run = _unfinished(service, app)
        if run:
            refused.hint = f"run {run} has not ended, and its engine is gone: drtool resume {run}"
        raise


def _unfinished(service: str, app: App) -> str:
    """The service's newest run that changes the world, if its engine is gone before its end."""
    newest = next(
        (
            one
            for one in list_runs(app).runs
            if one.service == service and one.mode.changes_the_world
        ),
        None,
    )
    if newest is None or newest.ended is not None or newest.life is None:
        return ""
    return newest.run if newest.life.word is Living.GONE else ""
