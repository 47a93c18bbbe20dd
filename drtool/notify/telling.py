"""Which events people are told of, and in which words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from drtool.model.approving import ApprovalGiven, ApprovalVoided
from drtool.model.event import (
    PARTLY_READ,
    AbortAsked,
    ConsentAsked,
    ConsentGiven,
    Event,
    Instant,
    LeaseEnded,
    RunEnded,
    RunResumed,
    RunStarted,
    StatementMade,
    StepEnded,
    StepStarted,
    Warned,
)
from drtool.model.pulse import Life, Living
from drtool.model.purpose import Outcome, Purpose, StepKind
from drtool.notify.board import board, heading
from drtool.notify.card import Call, Card, Note, Part, Small, Text, Tone
from drtool.notify.ending import ending
from drtool.notify.question import asked_of, question
from drtool.notify.steered import told_of
from drtool.progress.approvals import so_far
from drtool.progress.moments import seconds_between
from drtool.progress.run_state import RunState
from drtool.progress.state import Folder
from drtool.safety.rights import those_who_may
from drtool.units import seconds_text

_BAD = {
    Outcome.FAILED: "FAILED",
    Outcome.REFUSED: "was REFUSED",
    Outcome.IN_DOUBT: "is IN DOUBT",
    Outcome.ABORTED: "was aborted",
}
_URGENT = {
    *("rto_at_risk", "data_loss_accepted", "lease_taken_over", "break_glass"),
    *("automatic", "flapping"),
}
# what Prefect has not recorded, and where a freeze could not be read besides, is for the report,
# not for those who wait for the service
_UNTOLD = {"executor", PARTLY_READ}
_SHORT = 120
GONE = "the engine is gone"


class Teller:
    """Takes a run's events in their order, and says which notes they make."""

    def __init__(self) -> None:
        self.folder = Folder()
        self._phase: Purpose | None = None
        self._questions: dict[str, str] = {}

    @property
    def state(self) -> RunState:
        """The run so far; costs a pass over its steps."""
        return self.folder.state

    def hear(self, event: Event) -> tuple[Note, ...]:
        """Take one event; what is to be told of it."""
        self.folder.apply(event)
        return tuple(self._notes(event))

    def board(self, now: Instant, *, alive: bool = True, life: Life | None = None) -> Card:
        """The first message, as it should be now."""
        return board(self.state, now, alive=alive, life=life)

    def gone(self, now: Instant) -> Note:
        """What is told when the engine has left and its run has not ended."""
        card = self.board(now, life=Life(word=Living.GONE, since=now.wall))
        return Note(GONE, now.wall, card, urgent=True)

    def hangs(self, life: Life, now: Instant) -> Note:
        """What is told when the engine is there and does not move."""
        card = self.board(now, life=life)
        return Note("the engine that does not move", now.wall, card, urgent=True)

    def moves(self, before: Life, now: Instant) -> Note:
        """What is told when an engine that did not move does so again."""
        stood = f"It had not moved since {before.since:%H:%M:%S} UTC." if before.since else ""
        card = Card(
            f"{self._head}, its engine moves again",
            Tone.RUNNING,
            (Text(stood),) if stood else (),
        )
        return Note("the engine that moves again", now.wall, card, urgent=True)

    def _notes(self, event: Event) -> Iterator[Note]:
        match event.body:
            case RunStarted():
                card = board(self.state, event.at)
                yield Note("the start", event.at.wall, card, urgent=True, opens=True)
            case RunEnded():
                yield Note("the end", event.at.wall, ending(self.state), urgent=True)
            case StepStarted():
                yield from self._of_begun(event, event.body)
            case StepEnded():
                yield from self._of_ended(event, event.body)
            case ConsentAsked():
                yield self._of_question(event, event.body)
            case ConsentGiven():
                yield self._of_answer(event, event.body)
            case ApprovalGiven() | ApprovalVoided():
                yield from self._of_one_of_several(event, event.body)
            case Warned():
                yield from self._of_warning(event, event.body)
            case _:
                yield from self._of_the_rest(event)

    def _of_begun(self, event: Event, body: StepStarted) -> Iterator[Note]:
        """A phase begins with a step that has another purpose than the one before it."""
        step = self.folder.steps[body.step]
        if step.plan.kind is StepKind.NOTICE or step.purpose is self._phase:
            return
        before, self._phase = self._phase, step.purpose
        if before is None:
            return
        began = self.folder.start.at if self.folder.start else event.at
        after = seconds_text(max(0.0, seconds_between(began, event.at)))
        name, at = step.purpose.value, f"{event.at.wall:%H:%M:%S} UTC"
        card = Card(
            "",
            Tone.QUIET,
            (Small(f"{at}   *{name}* begins, {after} into the run"),),
            said=f"{self._head}, {name} begins",
        )
        yield Note(f"the phase {name}", event.at.wall, card, joined=True)

    def _of_ended(self, event: Event, body: StepEnded) -> Iterator[Note]:
        step, how = self.folder.steps[body.step], _BAD.get(body.outcome)
        if how is None or (body.outcome is Outcome.ABORTED and self.folder.abort):
            return
        parts: list[Part] = [Text(body.reason)] if body.reason else []
        parts += [Text(body.hint, lead="What now:")] if body.hint else []
        parts += [Small("The run goes on all the same.")] if step.forgiven else []
        title = f"{self._head}, step {body.step} {how}"
        yield Note(
            f"step {body.step} {body.outcome.value}",
            event.at.wall,
            Card(
                title,
                Tone.WARNING if step.forgiven else Tone.BAD,
                tuple(parts),
                said=f"{title}: {body.reason}" if body.reason else title,
            ),
            urgent=not step.forgiven,
        )

    def _of_question(self, event: Event, body: ConsentAsked) -> Note:
        key = self._questions[body.step] = f"{body.step} {event.seq}"
        title = f"{self._head}, waiting for {asked_of(body)}"
        parts = (Call(body.of, self._ids(body)), *question(body, self.state))
        card = Card(title, Tone.ASKING, parts, said=f"{title}: {body.text}")
        about = f"the question about {body.step}"
        return Note(about, event.at.wall, card, urgent=True, key=key)

    def _ids(self, body: ConsentAsked) -> tuple[str, ...]:
        """Where those are called whose answer counts."""
        state, inventory = self.state, self.state.plan.inventory
        names = those_who_may(body, inventory, state.requester_name, state.mode)
        found = (inventory.people[name].slack for name in names if name in inventory.people)
        return tuple(one for one in found if one)

    def _of_answer(self, event: Event, body: ConsentGiven) -> Note:
        by = f" by {body.by}" if body.by else ""
        own = ", who asked for the run" if body.self_consented else ""
        tone = Tone.RUNNING if body.decision == "approved" else Tone.WARNING
        note = self._note(
            event,
            f"the answer about {body.step}",
            f"{body.step} {body.decision}{by}{own}",
            tone,
            body.reason,
        )
        return replace(note, answers=self._questions.pop(body.step, ""))

    def _of_one_of_several(
        self, event: Event, body: ApprovalGiven | ApprovalVoided
    ) -> Iterator[Note]:
        """One approval came, or is void, and others are waited for."""
        what, tone, more = f"{body.step} approved by {body.by}", Tone.ASKING, ""
        if isinstance(body, ApprovalVoided):
            what = f"the approval of {body.step} by {body.by} is void"
            tone, more = Tone.WARNING, f"{body.reason}. "
        elif body.decision == "denied" or body.number >= body.needs:
            return
        waiting = (one for one in self.state.waiting_for if one.asked.step == body.step)
        more += "".join(so_far(one, self.state) for one in waiting)
        yield self._note(event, f"an approval of {body.step}", what, tone, more, urgent=True)

    def _of_warning(self, event: Event, body: Warned) -> Iterator[Note]:
        if body.about in _UNTOLD:
            return
        short = len(body.text) <= _SHORT
        what = body.text if short else body.about.replace("_", " ")
        yield self._note(
            event,
            f"the warning {body.about}",
            what,
            Tone.WARNING,
            "" if short else body.text,
            urgent=body.about in _URGENT,
        )

    def _of_the_rest(self, event: Event) -> Iterator[Note]:
        match event.body:
            case RunResumed(by=by, drift=drift):
                yield self._note(event, "the resumption", f"resumed by {by}", Tone.RUNNING, drift)
            case LeaseEnded(lost=True, reason=why):
                what = "the right to act was LOST"
                yield self._note(event, "the lost lease", what, Tone.BAD, why, urgent=True)
            case StatementMade(step=step, statement=said):
                what = f"{said.by} states that the old primary is fenced"
                why = f"{said.reason}. A person's word in step {step}, and no proof."
                yield self._note(event, "the statement", what, Tone.WARNING, why, urgent=True)
            case AbortAsked(by=by, reason=why):
                what = f"{by} asked to abort"
                yield self._note(event, "the abort", what, Tone.WARNING, why, urgent=True)
            case _:
                yield from self._of_steering(event)

    def _of_steering(self, event: Event) -> Iterator[Note]:
        told = told_of(event.body, self.state)
        if told is not None:
            card = Card(f"{self._head}, {told.what}", told.tone, told.parts)
            yield Note(told.about, event.at.wall, card, urgent=True)

    def _note(
        self,
        event: Event,
        about: str,
        what: str,
        tone: Tone,
        more: str = "",
        *,
        urgent: bool = False,
    ) -> Note:
        parts = (Text(more),) if more else ()
        card = Card(f"{self._head}, {what}", tone, parts)
        return Note(about, event.at.wall, card, urgent=urgent)

    @property
    def _head(self) -> str:
        begun = self.folder.started
        return heading(begun.plan, begun.mode)
