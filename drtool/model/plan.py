"""The frozen result of planning one procedure in one direction."""

from __future__ import annotations

from pydantic import Field

from drtool.model.inventory import Inventory
from drtool.model.place import Direction, Place
from drtool.model.purpose import OnFailure, Procedure, Purpose, StepKind, Strategy
from drtool.model.value import Fields, Name, Value
from drtool.units import Duration


class Objectives(Value):
    """What the runbook promises; ``downtime`` is for planned procedures."""

    rto: Duration | None = Field(
        default=None, description="How long the service may be away, from the outage's start."
    )
    rpo: Duration | None = Field(
        default=None, description="How much of what was written last may be lost; 0s for nothing."
    )
    downtime: Duration | None = Field(
        default=None, description="How long a planned procedure may refuse clients."
    )


class Approval(Value):
    """Whose consent a step waits for, how many of them, and what if nobody answers in time."""

    of: Name
    count: int | None = Field(default=None, ge=1)
    otherwise: OnFailure | str = "abort"


class PlanStep(Value):
    """One step of a plan.

    ``name`` is unique in the plan; steps from a block used ``as`` something, from ``each`` or
    from ``ramp`` bear it as ``prefix.step``. ``fields`` are the action's own; templates that
    speak of earlier steps stand in them unrendered, and ``bindings`` are what ``each`` and
    ``ramp`` give them. ``needs`` are the names of the steps right before it. ``owner`` is
    the person or the role whose work a manual step is. ``every`` is the
    pause between attempts. ``rescues`` names the steps of a ramp whose failure, and only that,
    makes this step run; ``never`` is an expression that refuses the step when it holds.
    ``source`` is ``file:line:column``.
    """

    name: str
    kind: StepKind
    action: str
    purpose: Purpose
    place: Place | None = None
    fields: Fields = {}
    needs: tuple[str, ...] = ()
    when: str | None = None
    budget: Duration | None = None
    deadline: Duration
    attempts: int | None = Field(default=None, ge=1)
    every: Duration = Duration(0.5)
    passes: int = Field(default=1, ge=1)
    on_failure: OnFailure = OnFailure.STOP
    repeatable: bool = False
    one_way: bool = False
    approval: Approval | None = None
    instructions: str | None = None
    owner: str | None = None
    rescues: tuple[str, ...] = ()
    never: str | None = None
    bindings: Fields = {}
    source: str = ""

    @property
    def counted(self) -> Duration:
        """The budget; where none is written, what a step of its kind is counted with."""
        if self.budget is not None:
            return self.budget
        return min(_COUNTED[self.kind], self.deadline)


_COUNTED = {
    StepKind.ACTION: Duration(10),
    StepKind.COMMAND: Duration(10),
    StepKind.CHECK: Duration(5),
    StepKind.NOTICE: Duration(0),
    StepKind.APPROVAL: Duration(300),
    StepKind.MANUAL: Duration(600),
}


class Document(Value):
    """A file that a plan was made of, as it was then."""

    path: str
    sha256: str


class Plan(Value):
    """What a run does: steps in an order in which each stands after those it needs.

    ``critical_path`` are the names of the steps whose budgets add up to the expected finish.
    ``digest`` is the SHA-256 of what will be done, without mode and version. ``parameters`` came
    in at the command line. ``consent_at_start`` asks for the typed service name before step one.
    ``procedures`` are all that the runbook has, ``documents`` the files that it was made of; old
    plans do not say. Secret files are relative to
    the directory of ``inventory_source``.
    """

    runbook: Name
    strategy: Strategy | None
    service: Name
    procedure: Procedure
    direction: Direction
    objectives: Objectives
    inventory: Inventory
    parameters: Fields = {}
    steps: tuple[PlanStep, ...]
    critical_path: tuple[str, ...] = ()
    expected: Duration = Duration(0)
    consent_at_start: bool = False
    warnings: tuple[str, ...] = ()
    procedures: tuple[Procedure, ...] = ()
    documents: tuple[Document, ...] = ()
    source: str = ""
    inventory_source: str = ""
    digest: str = ""

    def step(self, name: str) -> PlanStep:
        """The step of that name; KeyError if there is none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)
