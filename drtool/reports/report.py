"""Make the report of a run from its events."""

from __future__ import annotations

from collections.abc import Sequence

from drtool.journal.chain import Head
from drtool.model.event import Event, Instant, LeaseTaken, Warned
from drtool.model.proof import ProofKind
from drtool.model.purpose import Mode, Outcome
from drtool.model.value import Fields
from drtool.model.verdict import Verdict
from drtool.progress.moments import seconds_between
from drtool.progress.narrate import narrate
from drtool.progress.objectives import (
    answered,
    downtime_seconds,
    judge,
    recovery_seconds,
    split,
)
from drtool.progress.protection import unprotected
from drtool.progress.run_state import RunState, StepState
from drtool.progress.state import fold
from drtool.reports.approving import consent_line, start_line, verify_text
from drtool.reports.outlook import next_steps, world_text
from drtool.reports.steered import steered_lines
from drtool.reports.story import paragraph, title
from drtool.reports.values import (
    JournalHead,
    LogLine,
    ObjectiveLine,
    PartLine,
    ProofLine,
    Report,
    SeenField,
    StatementLine,
    StepLine,
    WarningLine,
)

__all__ = ["Report", "report"]

_MEANINGS = {
    "detection": "from the start of the outage to the start of the run",
    "decision": "waiting for people",
    "interruption": "no engine was at work: from the last word of one to the first of the next",
    "execution": "the engine's own work, up to the last effect that brought the service back",
    "convergence": "until clients reached the service again",
    "verification": "after the first success from outside, until it was confirmed",
}
_LONGEST = 400


def report(events: Sequence[Event], head: Head | None = None) -> Report:
    """The report of a run, ended or not; raises JournalUnusable if the events begin no run.

    ``head`` is the journal's, by which it can be shown later that nothing was changed since.
    """
    state = fold(events)
    ended, plan = state.ended, state.plan
    lease = _lease(events)
    first = answered(state) if state.mode.changes_the_world else None
    return Report(
        run=state.run,
        title=title(state),
        service=plan.service,
        runbook=plan.runbook,
        strategy=plan.strategy,
        procedure=plan.procedure,
        mode=state.mode,
        executed=state.mode.changes_the_world,
        from_site=plan.direction.from_site,
        to_site=plan.direction.to_site,
        requester=state.requester,
        host=state.host,
        version=state.version,
        engine=state.engine,
        engine_note=state.engine_note,
        adopts=state.adopts,
        escalates=state.escalates,
        heir=ended.heir if ended else "",
        started=state.started.wall,
        ended=state.ended_at.wall if state.ended_at else None,
        seconds=_since(state, state.ended_at or state.last),
        expected=plan.expected,
        resumed=tuple(gap.over.wall for gap in state.gaps),
        outcome=ended.outcome if ended else None,
        exit_code=ended.exit_code if ended else None,
        reason=ended.reason if ended else "",
        hint=ended.hint if ended else "",
        world=state.world if ended else state.world_if_stopped,
        world_text=world_text(state),
        unprotected=unprotected(state),
        paragraph=paragraph(state),
        outage_start=state.outage_start,
        outage_source=state.outage_source,
        recovery_seconds=_measured(state),
        answered_seconds=_since(state, first) if first else None,
        no_return_seconds=_since(state, state.promotion_began) if state.promotion_began else None,
        objectives=tuple(map(_objective, ended.verdicts if ended else judge(state, None))),
        parts=_parts(state),
        steps=tuple(_step(state, step) for step in state.steps),
        consents=tuple(consent_line(state, consent) for consent in state.consents),
        proofs=tuple(
            ProofLine(step=step.name, proof=proof)
            for step in state.steps
            for proof in step.proofs
            if proof.kind is not ProofKind.STATEMENT
        ),
        steered=steered_lines(events),
        statements=_statements(state),
        accepted_loss=state.accepted_loss,
        warnings=_warnings(events),
        plan_warnings=plan.warnings,
        abort=_abort(state),
        arbiter=lease.arbiter if lease else "",
        token=lease.token if lease else "",
        next=next_steps(state),
        log=_log(events, state),
        plan_digest=plan.digest,
        plan_source=plan.source,
        started_by=start_line(state),
        break_glass=state.glass_broken,
        verify=verify_text(state),
        journal=JournalHead(seq=head.seq, sha256=head.sha256) if head else None,
    )


def _since(state: RunState, moment: Instant) -> float:
    return max(0.0, seconds_between(state.started, moment))


def _measured(state: RunState) -> float | None:
    if not state.mode.changes_the_world:
        return None
    return recovery_seconds(state) if state.plan.procedure.unplanned else downtime_seconds(state)


def _objective(verdict: Verdict) -> ObjectiveLine:
    name = verdict.subject.capitalize()
    return ObjectiveLine(**dict(verdict), name=name, judgement=verdict.word)


def _parts(state: RunState) -> tuple[PartLine, ...]:
    if not state.mode.changes_the_world or not state.plan.procedure.unplanned:
        return ()
    parts = split(state)
    known = {
        "detection": parts.detection,
        "decision": parts.decision,
        **({"interruption": parts.interruption} if state.gaps else {}),
        "execution": parts.execution,
        "convergence": parts.convergence,
        "verification": parts.verification,
    }
    return tuple(
        PartLine.model_validate({"name": name, "meaning": _MEANINGS[name], "seconds": seconds})
        for name, seconds in known.items()
    )


def _step(state: RunState, step: StepState) -> StepLine:
    seconds = None
    if step.started is not None and step.outcome is not Outcome.SKIPPED:
        seconds = step.seconds or _lasted(state, step)
    return StepLine(
        name=step.name,
        kind=step.plan.kind,
        action=step.plan.action,
        purpose=step.purpose,
        place=str(step.plan.place) if step.plan.place else "",
        outcome=step.outcome,
        attempts=step.attempts,
        begins_seconds=_since(state, step.started) if step.started else None,
        seconds=seconds,
        budget=step.plan.budget,
        critical=step.name in state.plan.critical_path,
        via=step.via,
        via_reason=step.via_reason,
        adopted=step.adopted,
        answered_seconds=_since(state, step.answered) if step.answered else None,
        seen=tuple(_fields(step.seen or {})),
        changes=step.changes,
        changes_are=_changes_are(state.mode, step),
        reason=step.reason,
        hint=step.hint,
        source=step.plan.source,
        skipped_by=step.skipped_by,
    )


def _lasted(state: RunState, step: StepState) -> float:
    if step.started is None:
        return 0.0
    return max(0.0, seconds_between(step.started, step.ended or state.last))


def _changes_are(mode: Mode, step: StepState) -> str:
    if not mode.changes_the_world:
        return "would change"
    return "changed" if step.outcome is Outcome.SUCCEEDED else "was about to change"


def _fields(seen: Fields, prefix: str = "") -> list[SeenField]:
    """What a step saw, nested values one below the other."""
    found: list[SeenField] = []
    for name, value in seen.items():
        if isinstance(value, dict) and value:
            found += _fields(value, f"{prefix}{name}.")
        else:
            found.append(SeenField(name=prefix + name, text=_text(value)))
    return found


def _text(value: object) -> str:
    match value:
        case None:
            text = "unknown"
        case bool():
            text = "yes" if value else "no"
        case float():
            text = f"{value:.6g}"
        case list():
            text = ", ".join(_text(item) for item in value) or "none"
        case dict():
            text = ", ".join(f"{key} {_text(item)}" for key, item in value.items()) or "none"
        case _:
            text = str(value) or "none"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ... ({len(text)} characters)"


def _statements(state: RunState) -> tuple[StatementLine, ...]:
    """What people stated, and every so-called proof that rests on nothing else."""
    made = [
        StatementLine(
            step=one.step, by=one.statement.by, reason=one.statement.reason, at=one.statement.at
        )
        for one in state.statements
    ]
    told = {line.step for line in made}
    return (
        *made,
        *(
            StatementLine(step=step.name, by="a person", reason=proof.evidence, at=proof.at)
            for step in state.steps
            for proof in step.proofs
            if proof.kind is ProofKind.STATEMENT and step.name not in told
        ),
    )


def _warnings(events: Sequence[Event]) -> tuple[WarningLine, ...]:
    return tuple(
        WarningLine(about=event.body.about, text=event.body.text, at=event.at.wall)
        for event in events
        if isinstance(event.body, Warned)
    )


def _lease(events: Sequence[Event]) -> LeaseTaken | None:
    taken = [event.body for event in events if isinstance(event.body, LeaseTaken)]
    return taken[-1] if taken else None


def _abort(state: RunState) -> str:
    if state.abort is None:
        return ""
    return f"{state.abort.by}: {state.abort.reason}" if state.abort.reason else state.abort.by


def _log(events: Sequence[Event], state: RunState) -> tuple[LogLine, ...]:
    lines = ((event, narrate(event, state)) for event in events)
    return tuple(
        LogLine(seq=event.seq, at=event.at.wall, text=line.partition(" ")[2])
        for event, line in lines
        if line is not None
    )
