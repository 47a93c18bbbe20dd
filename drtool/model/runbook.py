"""One YAML document: the procedures that recover one service, for one strategy."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from drtool.model.plan import Approval, Objectives
from drtool.model.purpose import OnFailure, Procedure, Purpose, StepKind, Strategy
from drtool.model.value import Fields, Name, Value
from drtool.units import Duration

Waiver = Literal["failback", "static_stability"]
Positive = Annotated[int, Field(ge=1, le=10_000)]


class Step(Value):
    """One entry that does something.

    ``uses`` is the name of its action, check or notice; ``approval`` and ``manual`` stand for
    themselves. ``source`` is ``file:line:column``, ``sources`` the same for its keys, those of
    nested values by dotted path.
    """

    name: Name
    kind: StepKind
    uses: str
    at: str | None = None
    purpose: Purpose | None = None
    budget: Duration | None = None
    deadline: Duration | None = None
    attempts: Positive | None = None
    every: Duration | None = None
    passes: Positive = 1
    on_failure: OnFailure | None = None
    when: str | None = None
    repeatable: bool = False
    fields: Fields = {}
    approval: Approval | None = None
    instructions: str | None = None
    owner: Name | None = None
    source: str = ""
    sources: dict[str, str] = {}

    def unread(self, key: str) -> bool:
        """Whether a key was written whose value could not be read."""
        return f"@{key}" in self.sources and getattr(self, key) is None

    def place_of(self, key: str) -> str:
        """Where a key of the step was written, or the nearest thing around it."""
        while key:
            if key in self.sources:
                return self.sources[key]
            key = key.rpartition(".")[0]
        return self.source


class Use(Value):
    """The steps of a block, under a prefix when it is used twice."""

    block: Name
    prefix: Name | None = None
    source: str = ""


class Sequence(Value):
    """Entries that follow one another; a branch of ``parallel``."""

    entries: tuple[Entry, ...]


class Parallel(Value):
    """Entries side by side."""

    branches: tuple[Entry, ...]
    source: str = ""


class Each(Value):
    """The same steps for each item of a list that is known when planned, ``pace`` at once."""

    variable: Name
    items: tuple[JsonValue, ...] | str
    pace: Positive = 1
    entries: tuple[Entry, ...]
    source: str = ""


class Ramp(Value):
    """A value in stages, with checks between them, back to the last good one on failure.

    ``start`` is what stands before the first stage; without it a failed first stage has nothing
    to go back to. ``never`` is an expression; a stage is refused when it holds.
    """

    variable: Name
    start: JsonValue = None
    through: tuple[JsonValue, ...] | str
    entries: tuple[Entry, ...]
    between: tuple[Entry, ...] = ()
    never: str | None = None
    source: str = ""


class Lost(Value):
    """An entry that could not be read: what it stands for is not known.

    ``name`` is its step's, where that much could be read.
    """

    name: Name | None = None
    source: str = ""


Entry = Step | Use | Sequence | Parallel | Each | Ramp | Lost
for _holder in (Sequence, Parallel, Each, Ramp):
    _holder.model_rebuild()


class Parameter(Value):
    """A value given at the command line as KEY=VALUE."""

    type: Literal["text", "integer", "number", "boolean", "duration", "list"] = Field(
        default="text", description="What may be given."
    )
    default: JsonValue = Field(
        default=None, description="What stands where nothing is given; without it, it must be."
    )
    one_of: tuple[JsonValue, ...] = Field(default=(), description="The only values to accept.")
    about: str = Field(default="", description="What it is, for the person who gives it.")


class Way(Value):
    """A procedure's entries; ``same_as`` says that it goes another procedure's way."""

    entries: tuple[Entry, ...] = ()
    same_as: Procedure | None = None
    source: str = ""


class Runbook(Value):
    """Everything that one document says."""

    version: Literal[1] = 1
    name: Name
    service: Name
    strategy: Strategy | None = None
    inventory: str | None = None
    objectives: Objectives = Objectives()
    parameters: dict[Name, Parameter] = {}
    blocks: dict[Name, tuple[Entry, ...]] = {}
    procedures: dict[Procedure, Way]
    waivers: dict[Waiver, str] = {}
    sources: dict[str, str] = {}

    def way(self, procedure: Procedure) -> Way:
        """The procedure's entries, its own or another's; KeyError if there is none."""
        found = self.procedures[procedure]
        return self.procedures[found.same_as] if found.same_as else found
