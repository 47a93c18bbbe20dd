"""The paper runbook: what a person does in place of every step, to print and to tick off."""

from __future__ import annotations

from datetime import datetime

from drtool.model.purpose import OnFailure, StepKind
from drtool.model.value import Value
from drtool.reports.html import environment
from drtool.units import Duration


class PaperLine(Value):
    """A sentence, or a command with the prompt that says where it is typed."""

    text: str
    prompt: str = ""


class PaperStep(Value):
    """One step; ``after`` are the numbers of those before it, where that is not just the last."""

    number: int
    name: str
    kind: StepKind
    what: str
    place: str
    budget: Duration
    on_failure: OnFailure
    only_if: str = ""
    after: tuple[int, ...] = ()
    no_return: bool = False
    lines: tuple[PaperLine, ...] = ()


class Kept(Value):
    """What is asked for on the way, and where it is kept."""

    what: str
    where: str


class Paper(Value):
    """Everything that stands on the paper; ``unplanned`` says that it begins with an outage."""

    title: str
    facts: tuple[str, ...]
    printed: datetime
    unplanned: bool
    consent: str
    directory: str
    programs: tuple[str, ...]
    kept: tuple[Kept, ...]
    hosts: tuple[Kept, ...]
    steps: tuple[PaperStep, ...]


def to_text(paper: Paper) -> str:
    """The paper for a terminal, or a printer that knows only text."""
    lines = [paper.title, *paper.facts, f"printed {paper.printed:%Y-%m-%d %H:%M} UTC", ""]
    lines.append(f"Type in {paper.directory}, with {', '.join(paper.programs)}.")
    lines.append("If a step fails, stop, unless it says otherwise.")
    lines += [f"  {kept.what}: {kept.where}" for kept in (*paper.kept, *paper.hosts)]
    if paper.consent:
        lines += ["", f"[ ] {paper.consent}"]
    for step in paper.steps:
        lines += ["", *_step(step)]
    return "\n".join(lines)


def _step(step: PaperStep) -> list[str]:
    at = f" at {step.place}" if step.place else ""
    lines = ["--- the point of no return ---"] if step.no_return else []
    lines.append(f"[ ] {step.number}. {step.name}: {step.what}{at}, in {step.budget}")
    lines.append(f"      begun __:__   done __:__   by ____{_notes(step)}")
    for line in step.lines:
        shown = f"{line.prompt} {line.text}" if line.prompt else line.text
        lines += [f"      {part}" for part in shown.splitlines()]
    return lines


def _notes(step: PaperStep) -> str:
    return "".join(f"   {note}" for note in notes(step))


def notes(step: PaperStep) -> list[str]:
    """What a step's place in the whole asks for."""
    found = []
    if step.after:
        found.append(f"after {', '.join(map(str, step.after))}")
    if step.only_if:
        found.append(f"only if {step.only_if}")
    if step.on_failure is not OnFailure.STOP:
        found.append(f"if it fails: {step.on_failure.value}")
    return found


def to_html(paper: Paper) -> str:
    """The paper as one page that prints on A4; nothing is loaded from anywhere."""
    return environment().get_template("paper.html").render(paper=paper, notes=notes)
