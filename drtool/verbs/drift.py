"""What has changed since a run began: drtool, its documents, the machine's boot."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from drtool import __version__
from drtool.clock import kept_in_time
from drtool.errors import Refused
from drtool.model.event import Event, Instant
from drtool.model.plan import Plan
from drtool.model.purpose import StepKind
from drtool.progress.gap import gap_text
from drtool.progress.run_state import RunState, StepState
from drtool.redact import MASK

# Versions whose events and steps mean to this one what they meant to them. A release that cannot
# say so of another declares nothing, and their runs are refused.
TAKES_UP: frozenset[str] = frozenset()
_NEW_RUN = "start a new run: it observes every step and adopts what is done"


def refuse_other_version(state: RunState) -> None:
    """Raise Refused for a run of a version that this one does not declare to take up."""
    if state.version in {__version__, *TAKES_UP}:
        return
    raise Refused(
        f"run {state.run}",
        f"drtool {state.version} ran it, and this is drtool {__version__}, which declares no "
        f"migration of its runs",
        f"drtool {state.version}",
        f"take it up with drtool {state.version}, or {_NEW_RUN}",
    )


def refuse_masked(state: RunState) -> None:
    """Raise Refused where a step has yet to run whose fields are not known any more.

    The journal holds no secret, even where a command's own word is one.
    """
    hidden = [step.name for step in state.steps if _masked(step)]
    if hidden:
        raise Refused(
            f"run {state.run}, step {hidden[0]}",
            "its stored fields have a secret masked in them, so that it cannot be run as planned",
            "fields with references to secrets",
            _NEW_RUN,
        )


def _masked(step: StepState) -> bool:
    """Whether a step that may yet run, and is no mere notice, lost a word of its fields."""
    return (
        not step.ended_well
        and step.plan.kind is not StepKind.NOTICE
        and MASK in json.dumps(step.plan.fields, ensure_ascii=False)
    )


def drift(state: RunState) -> str:
    """What has changed since the run began, as sentences; the stored plan is used all the same."""
    changed = list(_documents(state))
    if state.version != __version__:
        changed.insert(0, f"drtool was {state.version} when the run began and is {__version__} now")
    return f"{'; '.join(changed)}: the stored plan is used" if changed else ""


def _documents(state: RunState) -> Iterator[str]:
    for document in state.plan.documents:
        path = Path(document.path)
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError:
            yield f"{path} is not there any more"
        else:
            if found != document.sha256:
                yield f"{path} was edited since the run began"
    if not state.plan.documents:
        yield from _edited_later(state.plan, state.started)


def _edited_later(plan: Plan, began: Instant) -> Iterator[str]:
    """A plan that an older drtool stored does not say what it was read from: judge by the time."""
    source = Path(plan.source)
    if source.exists() and source.stat().st_mtime > began.wall.timestamp():
        yield f"{source} was edited since the run began"


def gap(events: Sequence[Event], now: Instant) -> str:
    """What is to be said of the time between two boots of the machine; "" within one boot."""
    return gap_text(events, now, in_time=kept_in_time())
