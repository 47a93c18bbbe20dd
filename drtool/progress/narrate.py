"""Say what happened, one plain line for each event."""

from __future__ import annotations

from drtool.model.approving import ApprovalGiven, ApprovalVoided
from drtool.model.event import (
    AbortAsked,
    Body,
    ConsentAsked,
    ConsentGiven,
    Event,
    LeaseEnded,
    LeaseTaken,
    ReportWritten,
    RunEnded,
    RunResumed,
    RunStarted,
    StatementMade,
    StepEnded,
    StepIntent,
    StepStarted,
    Via,
    Warned,
)
from drtool.model.purpose import Outcome
from drtool.model.steering import (
    EscalationAsked,
    RunContinued,
    RunPaused,
    StepDirected,
    UnwindAsked,
)
from drtool.progress.approvals import answer_to
from drtool.progress.refusals import with_changes
from drtool.progress.run_state import RunState
from drtool.progress.words import word
from drtool.units import seconds_text

_TOLD_ATTEMPTS = 2


def narrate(event: Event, state: RunState | None = None) -> str | None:
    """The line for an event, with its time; None for what need not be told.

    With ``state``, what a person may type names the run's service.
    """
    service = state.plan.service if state is not None else "SERVICE"
    said = _step(event.body) or _person(event.body, event.run, service) or _run(event.body)
    if said is None:
        return None
    text = " ".join(said.split())
    return f"{event.at.wall:%H:%M:%S}.{event.at.wall.microsecond // 1000:03d}Z {text}"


def _run(body: Body) -> str | None:
    match body:
        case RunStarted():
            return _started(body)
        case RunResumed():
            drift = f"; {body.drift}" if body.drift else ""
            return f"run RESUMED by {body.by}{drift}; what stands above was before"
        case LeaseTaken():
            return f"lease taken at {body.arbiter} for {body.holder}"
        case LeaseEnded():
            what = "lease LOST" if body.lost else "lease given back"
            return what + (f": {body.reason}" if body.reason else "")
        case _:
            return _end(body)


def _started(body: RunStarted) -> str:
    plan = body.plan
    sites = (plan.direction.from_site, plan.direction.to_site)
    way = " -> ".join(site for site in sites if site)
    note = f" ({body.engine_note})" if body.engine_note else ""
    since = f"{body.outage_start:%Y-%m-%d %H:%M:%S}Z" if body.outage_start else "an unknown time"
    outage = f", outage since {since}" if plan.procedure.unplanned else ""
    return (
        f"run started: {plan.procedure.value} of {plan.service} {way}, {body.mode.value}{outage}, "
        f"asked by {body.requester}, engine {body.engine}{note}"
        + (f", taking over run {body.escalates}" if body.escalates else "")
    )


def _end(body: Body) -> str | None:
    match body:
        case RunEnded():
            why = f". {body.reason}" if body.reason else ""
            return f"run {body.outcome.value} (exit {body.exit_code}): {body.world.value}{why}"
        case ReportWritten():
            written = body.html or body.json_file
            return f"report: {written}" if written else f"no report: {body.trouble}"
        case _:
            return None


def _step(body: Body) -> str | None:
    match body:
        case StepStarted():
            if _is_untold(body.attempt):
                return None
            again = f", attempt {body.attempt}" if body.attempt > 1 else ""
            direct = f", {body.via_reason}" if body.via is Via.DIRECT and body.via_reason else ""
            return f"step {body.step}: started ({body.via.value}{direct}{again})"
        case StepIntent():
            changes = "; ".join(map(str, body.changes))
            told = changes and not _is_untold(body.attempt)
            return f"step {body.step}: about to change {changes}" if told else None
        case StepEnded():
            shown = body.changes if body.outcome is Outcome.SKIPPED else ()
            said = with_changes(body.reason, shown)
            why = f": {said}" if said else ""
            hint = f" (hint: {body.hint})" if body.hint else ""
            took = seconds_text(body.seconds)
            return f"step {body.step}: {body.outcome.value} after {took}{why}{hint}"
        case _:
            return None


def _is_untold(attempt: int) -> bool:
    """Each attempt is in the journal; of many the 2nd, 4th, 8th ... are told."""
    return attempt > _TOLD_ATTEMPTS and bool(attempt & (attempt - 1))


def _consent(body: Body, run: str, service: str) -> str | None:
    match body:
        case ConsentAsked():
            of = f" of {body.of}" if body.of else ""
            changes = "; ".join(map(str, body.changes))
            shown = f" [{changes}]" if changes else ""
            typed = answer_to(run, body.step, body.what, service)
            many = f", {body.needs} of them" if body.needs > 1 else ""
            return f"waiting for {body.what}{of}{many}: {body.text}{shown}; {typed}"
        case ConsentGiven():
            by = f" by {body.by}" if body.by else ""
            own = ", self-consented" if body.self_consented else ""
            why = f": {body.reason}" if body.reason else ""
            loud = "BREAK-GLASS, " if body.break_glass else ""
            shown = ", ".join(f"{one.name} (sha256 {one.sha256})" for one in body.evidence)
            evidence = f"; evidence: {shown}" if shown else ""
            return f"{body.step}: {loud}{body.decision}{by}{own}{why}{evidence}"
        case ApprovalGiven():
            loud = "BREAK-GLASS, " if body.break_glass else ""
            key = f" with key {body.signed.fingerprint}" if body.signed else ""
            count = f", {body.number} of {body.needs}" if body.needs > 1 else ""
            return f"{body.step}: {loud}{body.decision} by {body.by}{key}{count}"
        case ApprovalVoided():
            return f"{body.step}: the approval by {body.by} is VOID: {body.reason}"
        case _:
            return None


def _person(body: Body, run: str, service: str) -> str | None:
    match body:
        case StatementMade():
            said = body.statement
            return f"step {body.step}: {said.by} states that it is fenced: {said.reason}"
        case Warned():
            return f"WARNING {body.about}: {body.text}"
        case AbortAsked():
            return f"abort asked by {body.by}" + (f": {body.reason}" if body.reason else "")
        case RunPaused():
            return f"{word(body)}; nothing more begins until drtool continue {run}"
        case RunContinued() | StepDirected() | UnwindAsked() | EscalationAsked():
            return word(body)
        case _:
            return _consent(body, run, service)
