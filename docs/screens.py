"""The page of all screens of ``drtool explain``: each way in which a run can stand or stop."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

from tables import table

from drtool.cli import show
from drtool.model.pulse import Life, Living
from drtool.model.purpose import Mode, Outcome, Procedure, StepKind
from drtool.progress.explain import Explanation, explain
from drtool.progress.run_state import Consent, RunState, StepState
from drtool.progress.words import stands_steered

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from told_states import approving, found

ABOUT = """\
At any time, and in any terminal of the machine that runs the engine, `drtool explain` says how the
last run stands: first the state of the world, then why, then what is done and what is not, then
three commands that work as they stand, one of which changes nothing.

Here are the screens of all the states that a run can be found in. **To find yours**: the row is
what your screen says first, the column is the procedure in its title; then open the title that says
how your run came to stand there. A screen that says and offers the same for several procedures
stands under the first of them, so a failback's are mostly those of a switchover; a drill has those
of a live run. Sites, steps, reasons and times are examples.
"""
STATES = {
    "Untouched": "The run changed nothing, or has taken back what it did.",
    "Prepared": "Something was changed, but neither was a site promoted nor all clients moved.",
    "Under way": "At this moment the old primary is being fenced, or brought back as a standby.",
    "NOTHING IS WRITABLE": "The old primary is fenced and nobody was promoted: the service is down "
    "until somebody goes on, or releases the old site. This state is never called safe.",
    "Promoted, not redirected": "The new primary takes writes, and clients do not reach it yet.",
    "Redirected, not verified": "Clients are sent to the new site, and what should confirm from "
    "outside that it serves them has not.",
    "Recovered": "The service runs. It may be **unprotected**: with nowhere left to go.",
    "Protected": "There is a standby again.",
    "IN DOUBT": "An effect was begun, and it is not known whether it took place. A resumed or a "
    "new run looks first, and does nothing twice.",
    "A rehearsal": "A rehearsal acts on an isolated copy; the service itself is never touched.",
    "A dry-run, a tabletop": "Nothing is changed, whatever the end.",
}


def screens() -> str:
    """Every screen once, under what it says first and the procedure that its title names."""
    os.environ["COLUMNS"] = "100"
    found: dict[str, dict[str, list[str]]] = {name: {} for name in STATES}
    for heading, title, screen in _different():
        procedure, _, how = title.partition(": ")
        there = found[heading].setdefault(procedure.partition(",")[0], [])
        mode = procedure.partition(", ")[2]
        shown = f"{mode}: {how}" if mode else how
        there.append(f'??? quote "{shown}"\n\n    ```text\n{screen}    ```\n')
    parts = ["---\nhide: [toc]\n---\n\n# All screens of drtool explain\n", ABOUT, _overview(found)]
    for name, of in found.items():
        parts += [f"## {name} {{ #{_anchor(name)} }}\n", f"{STATES[name]}\n"]
        for procedure in _in_order(of):
            parts += [f"### {procedure} {{ #{_anchor(name, procedure)} }}\n", *of[procedure]]
    return "\n".join(parts)


def _overview(found: dict[str, dict[str, list[str]]]) -> str:
    """Which screens there are, as a table of links; a cell has the number of screens."""
    columns = _in_order({procedure for of in found.values() for procedure in of})
    rows = (
        (
            f"[{name}](#{_anchor(name)})",
            *(f"[{len(of[one])}](#{_anchor(name, one)})" if one in of else "" for one in columns),
        )
        for name, of in found.items()
    )
    return table(("it says first", *columns), rows)


def _in_order(procedures: Iterable[str]) -> list[str]:
    order = [one.value for one in Procedure]
    return sorted(procedures, key=order.index)


def _anchor(*words: str) -> str:
    return re.sub(r"[^a-z]+", "-", "-".join(words).lower())


def _different() -> Iterator[tuple[str, str, str]]:
    """Heading, title and screen of each state that differs in what it says or how it came about."""
    seen = set()
    for _, told, alive in found():
        state = _plain(told)
        if state.mode is Mode.DRILL or alive is None or not _may_be(state):
            continue  # a drill's screens are the live run's
        said = explain(state, alive=alive)
        title = f"{state.plan.procedure.value}{_mode(state)}: {_how(state, alive=alive)}"
        goes_on = alive and state.plan.procedure is not Procedure.FAILOVER
        how = "" if goes_on else _general(title, state).partition(": ")[2]
        world, typed = _general(said.world, state), _typed(said, state)
        if (world, how, typed) not in seen:
            seen |= {(world, how, typed), (world, "", typed)}
            yield _heading(said), title, _screen(said)
    yield _hanging()
    yield from _approved()


def _typed(said: Explanation, state: RunState) -> tuple[str, ...]:
    """What may be typed, without the procedure where it is the run's own."""
    own = state.plan.procedure.value
    return tuple(one.command.split()[1].replace(own, "OWN") for one in said.options)


def _approved() -> Iterator[tuple[str, str, str]]:
    """Several people approve; one puts the rules aside; an approval is void."""
    how = {
        "one-of-two": "one of two people has approved",
        "glass-broken": "somebody put aside the rules of who may",
        "revoked": "an approval is void and is asked for again",
    }
    for name, state in approving():
        if name in how:
            said = explain(_plain(state), alive=True)
            yield _heading(said), f"failover: {how[name]}", _screen(said)


def _hanging() -> tuple[str, str, str]:
    """An engine that is there and does not move."""
    told = next(told for name, told, _ in found() if name == "failover-live-at-promote-True")
    life = Life(word=Living.HUNG, since=told.last.wall, pid=4711, stopped=True)
    said = explain(_plain(told), life=life)
    return _heading(said), "failover: the engine does not move", _screen(said)


def _plain(state: RunState) -> RunState:
    """The same with names as short as people give them."""
    names = {"source": "orders.yaml", "inventory_source": "inventory.yaml", "parameters": {}}
    return replace(state, plan=state.plan.model_copy(update=names))


def _may_be(state: RunState) -> bool:
    """Whether such a step asks what is asked, and only what has effects is in doubt."""
    in_doubt = [step for step in state.steps if step.outcome is Outcome.IN_DOUBT]
    return all(step.intent_at is not None for step in in_doubt) and all(
        one.asked.what != "manual" and (one.asked.what != "approval" or _is_approval(state, one))
        for one in state.waiting_for
    )


def _is_approval(state: RunState, asked: Consent) -> bool:
    return state.step(asked.asked.step).plan.kind is StepKind.APPROVAL


def _mode(state: RunState) -> str:
    return "" if state.mode.changes_the_world else f", {state.mode.value}"


def _general(text: str, state: RunState) -> str:
    """A text without what is only this run's: sites, and names of steps."""
    names = {step.name: "STEP" for step in state.steps}
    way = state.plan.direction
    names |= {name: side for name, side in ((way.from_site, "OLD"), (way.to_site, "NEW")) if name}
    return re.sub(r"[a-z_]+", lambda word: names.get(word[0], word[0]), text)


def _heading(said: Explanation) -> str:
    first = said.world.partition(". ")[0]
    if first.startswith("A rehearsal"):
        return "A rehearsal"
    return "A dry-run, a tabletop" if first.startswith(("A dry-run", "A tabletop")) else first


def _how(state: RunState, *, alive: bool | None) -> str:
    """How a run came to stand like this, in a few words."""
    if state.ended is not None:
        return _how_ended(state)
    at = next((step for step in state.steps if not step.outcome.ended), None)
    name = at.name if at else ""
    begun = at is not None and at.mid_effect
    if alive is False:
        where = f"while {name} was at work" if begun else f"before {name}"
        stands = "after somebody asked to abort" if state.abort else stands_steered(state)
        where += f", {stands}" if stands else ""
        return f"the engine was lost {where}"
    if _steered(state):
        return _steered(state)
    if state.waiting_for:
        asked = state.waiting_for[0].asked
        return f"{asked.step} waits for a person ({asked.what})"
    if state.abort is not None:
        return f"somebody asked to abort while {name} was at work"
    return f"{name} is at work" if begun else f"{name} comes next"


def _steered(state: RunState) -> str:
    """How a run that people steer came to stand like this; "" for one that they do not."""
    stands = stands_steered(state) if state.abort is None else ""
    if stands == "paused" and state.waiting_for:
        return f"paused while {state.waiting_for[0].asked.step} waits for a person"
    back = [step.name for step in state.steps if step.outcome is Outcome.UNWOUND]
    if back:
        return f"{stands}, {', '.join(back)} is back"
    running = [step.name for step in state.steps if step.mid_effect]
    return f"{stands} while {running[0]} is at work" if stands and running else stands


def _how_ended(state: RunState) -> str:
    assert state.ended is not None  # noqa: S101 - its caller has looked
    outcome = state.ended.outcome
    left_out = [step.name for step in state.steps if step.skipped_by]
    if left_out:
        return f"{left_out[0]} was left out by a person"
    if outcome is Outcome.HANDED_OVER:
        begun = [step.name for step in state.steps if step.outcome is outcome]
        return f"handed over while {begun[0]} was at work" if begun else "handed over"
    if outcome is Outcome.SUCCEEDED:
        return "all went well"
    step = next((one for one in state.steps if one.outcome is outcome), None)
    if step is None:
        at = next((one.name for one in state.steps if not one.outcome.ended), "its end")
        return f"aborted before {at}"
    return f"{step.name} {_fell(step)}"


def _fell(step: StepState) -> str:
    if step.outcome is Outcome.REFUSED and step.intent_at is None:
        return "refused by its guard"
    begun = " half-way" if step.intent_at else ""
    return {
        Outcome.REFUSED: f"refused{begun}",
        Outcome.FAILED: f"failed{begun}",
        Outcome.ABORTED: f"aborted{begun}",
        Outcome.IN_DOUBT: "in doubt",
    }[step.outcome]


def _screen(said: Explanation) -> str:
    printed = io.StringIO()
    with redirect_stdout(printed):
        show.explanation(said)
    return "".join(f"    {line}".rstrip() + "\n" for line in printed.getvalue().splitlines())
