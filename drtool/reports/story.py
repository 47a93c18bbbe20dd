"""What happened, in a paragraph that a person who was not there understands."""

from __future__ import annotations

from datetime import datetime

from drtool.model.proof import ProofKind
from drtool.model.purpose import Outcome, Purpose
from drtool.model.verdict import Verdict
from drtool.progress.moments import seconds_between
from drtool.progress.objectives import answered, downtime_seconds, recovery_seconds
from drtool.progress.protection import unprotected
from drtool.progress.run_state import RunState
from drtool.reports.ahead import title as title_of
from drtool.reports.steered import steered_sentences
from drtool.units import seconds_text


def title(state: RunState) -> str:
    """What was run, of which service, which way."""
    return title_of(state.plan)


def paragraph(state: RunState) -> str:
    """The whole story, sentence by sentence; a sentence that has nothing to say is left out."""
    told = (
        _beginning(state),
        _outage(state),
        _people(state),
        steered_sentences(state),
        _fence(state),
        _promotion(state),
        _answer(state),
        _ending(state),
        _verdicts(state),
        _after(state),
    )
    return " ".join(sentence for sentence in told if sentence)


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S} UTC"


def _beginning(state: RunState) -> str:
    what = title(state)
    what = what[0].lower() + what[1:]
    kind = {"live": "a ", "drill": "a drill, the real "}.get(
        state.mode.value, f"a {state.mode.value} of the "
    )
    started = state.started.wall
    day = f"{started.day} {started:%B %Y}"
    text = f"At {_clock(started)} on {day} {state.requester} began {kind}{what}"
    before = state.adopts or state.escalates
    text += f", taking over run {before}." if before else "."
    if state.gaps:
        times = "once" if len(state.gaps) == 1 else f"{len(state.gaps)} times"
        text += f" The run was interrupted and resumed {times}."
    return text


def _outage(state: RunState) -> str:
    if not state.plan.procedure.unplanned or not state.mode.changes_the_world:
        return ""
    if state.outage_start is None:
        return "When the outage began is not known."
    before = (state.started.wall - state.outage_start).total_seconds()
    return (
        f"The outage had begun at {_clock(state.outage_start)} ({state.outage_source}), "
        f"{seconds_text(max(0.0, before))} before."
    )


def _people(state: RunState) -> str:
    sentences = []
    for consent in state.consents:
        about = "the start" if consent.asked.step == "start" else f"step {consent.asked.step}"
        given = consent.given
        if given is None or consent.given_at is None:
            sentences.append(f"Nobody has answered the question about {about}.")
            continue
        took = seconds_text(max(0.0, seconds_between(consent.asked_at, consent.given_at)))
        if given.decision == "expired":
            sentences.append(f"Nobody answered the question about {about} within {took}.")
            continue
        verb = "consented to" if given.decision == "approved" else "refused"
        if given.decision == "skipped":
            verb = "did without"
        own = " (self-consented: it is the requester's own)" if given.self_consented else ""
        sentences.append(f"{given.by or 'Somebody'} {verb} {about} after {took}{own}.")
    return " ".join(sentences)


def _fence(state: RunState) -> str:
    fences = [step for step in state.effects(Purpose.FENCE) if step.outcome is Outcome.SUCCEEDED]
    if not fences or not state.mode.changes_the_world:
        return ""
    proofs = [proof for step in fences for proof in step.proofs]
    proven = [proof for proof in proofs if proof.kind is not ProofKind.STATEMENT]
    if proven:
        places = dict.fromkeys(proof.subject for proof in proven)
        kinds = dict.fromkeys(proof.kind.value for proof in proven)
        return f"{_and(list(places))} was fenced, proven by {_and(list(kinds))}."
    if state.statements:
        said = state.statements[-1].statement
        return (
            f"That the old primary is fenced was not proven: it rests on the word of {said.by} "
            f"({said.reason})."
        )
    if proofs:
        return (
            "That the old primary is fenced was not proven: it rests on a person's word "
            f"({proofs[-1].evidence})."
        )
    return f"Step {fences[0].name} ended the old primary's service, and left no proof of it."


def _promotion(state: RunState) -> str:
    steps = [step for step in state.effects(Purpose.PROMOTE) if step.ended is not None]
    done = [step for step in steps if step.outcome is Outcome.SUCCEEDED]
    if not done or not state.mode.changes_the_world:
        return ""
    step = done[-1]
    place = str(step.plan.place) if step.plan.place else step.name
    if step.adopted and step.intent_at is not None:
        return f"{place} was being promoted when the run was interrupted, and was found promoted."
    if step.adopted:
        return f"{place} was found promoted already, and was not promoted again."
    at = _clock(step.ended.wall) if step.ended else ""
    return f"{place} was promoted at {at}."


def _answer(state: RunState) -> str:
    first = answered(state)
    if first is None or not state.mode.changes_the_world:
        return ""
    recovery, downtime = recovery_seconds(state), downtime_seconds(state)
    text = f"The first success from outside was seen at {_clock(first.wall)}"
    if state.plan.procedure.unplanned and recovery is not None:
        return f"{text}, {seconds_text(recovery)} after the outage had begun."
    if not state.plan.procedure.unplanned and downtime is not None:
        return f"{text}, {seconds_text(downtime)} after the service had been taken away."
    return f"{text}."


def _ending(state: RunState) -> str:
    ended = state.ended
    if ended is None or state.ended_at is None:
        return f"The run has not ended; its last event is of {_clock(state.last.wall)}."
    took = seconds_text(max(0.0, seconds_between(state.started, state.ended_at)))
    bad = [step for step in state.steps if step.outcome.ended and not step.ended_well]
    text = f"The run {_ended_how(ended.outcome)} after {took}"
    if ended.outcome is Outcome.SUCCEEDED or not bad:
        why = "" if ended.outcome is Outcome.SUCCEEDED else ended.reason  # the verdicts follow
        return f"{text}: {why}." if why else f"{text}."
    reason = bad[0].reason.rstrip(".")
    return f"{text} at step {bad[0].name}: {reason or bad[0].outcome.value}."


def _ended_how(outcome: Outcome) -> str:
    return {
        Outcome.SUCCEEDED: "succeeded",
        Outcome.REFUSED: "was refused",
        Outcome.FAILED: "failed",
        Outcome.ABORTED: "was aborted",
        Outcome.UNWOUND: "was unwound",
        Outcome.IN_DOUBT: "ended in doubt",
        Outcome.HANDED_OVER: "was handed over",
    }.get(outcome, f"is {outcome.value}")


def _verdicts(state: RunState) -> str:
    verdicts = state.ended.verdicts if state.ended else ()
    return " ".join(_verdict(verdict) for verdict in verdicts if verdict.binding)


def _verdict(verdict: Verdict) -> str:
    what = f"The {verdict.subject}"
    by = f", accepted by {verdict.accepted}" if verdict.accepted else ""
    if verdict.measured_seconds is None and by:
        return f"{what} is unknown{by}."
    if verdict.measured_seconds is None:
        why = f" ({verdict.note})" if verdict.note else ""
        return (
            f"{what} was not measured{why}, so nothing shows that it met its objective of "
            f"{verdict.limit}."
        )
    what = f"{what}, {verdict.measured_text},"
    if verdict.met is not None:
        return f"{what} {verdict.word} its objective of {verdict.limit}{by}."
    why = f": {verdict.withheld}" if verdict.withheld else ""
    against = f" against its objective of {verdict.limit}" if verdict.limit is not None else ""
    return f"{what} is not judged{against}{why}{by}."


def _after(state: RunState) -> str:
    if state.ended is not None and unprotected(state):
        return "Since then the service is unprotected until reprotect has run."
    return ""


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
