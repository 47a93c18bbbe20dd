"""What was looked at and how it stands."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Self

from pydantic import model_validator

from drtool.errors import DrtoolError
from drtool.model.value import Value
from drtool.runbook.limits import TimeLimits


class State(Enum):
    """How a thing stands; a warning costs time or safety one day, a problem stops a run."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Area(Enum):
    """What belongs together, in the order in which it is shown."""

    MACHINE = "this machine"
    JOURNAL = "journal"
    CLOCKS = "clocks"
    PREFECT = "Prefect"
    DOCUMENTS = "runbook and inventory"
    PEOPLE = "people"
    SECRETS = "secrets"
    HOSTS = "hosts"
    POWER = "power controllers"
    POSTGRESQL = "PostgreSQL"
    DNS = "DNS"
    SERVICES = "services"
    LIMITS = "time limits"

    def well(self, subject: str, found: str) -> Finding:
        """All is well."""
        return Finding(area=self, subject=subject, state=State.OK, found=found)

    def warning(self, subject: str, found: str, cure: str, expected: str = "") -> Finding:
        """It will do, and may cost something one day."""
        return self._bad(State.WARNING, subject, found, cure, expected)

    def problem(self, subject: str, found: str, cure: str, expected: str = "") -> Finding:
        """It will not do."""
        return self._bad(State.PROBLEM, subject, found, cure, expected)

    def told(self, error: DrtoolError, cure: str) -> Finding:
        """An error as a problem; ``cure`` is for one that brings no hint."""
        return self.problem(error.subject, error.found, error.hint or cure, error.expected)

    def _bad(self, state: State, subject: str, found: str, cure: str, expected: str) -> Finding:
        return Finding(
            area=self, subject=subject, state=state, found=found, expected=expected, cure=cure
        )


class Finding(Value):
    """One thing: what was found, what was expected, and how to cure the difference.

    A warning or a problem always has its cure.
    """

    area: Area
    subject: str
    state: State
    found: str
    expected: str = ""
    cure: str = ""

    @model_validator(mode="after")
    def _has_its_cure(self) -> Self:
        if self.state is not State.OK and not self.cure:
            msg = f"{self.subject}: a {self.state.value} without a cure"
            raise ValueError(msg)
        return self


class Diagnosis(Value):
    """All that was found, the sums of the time limits, and how long it took to look."""

    about: tuple[str, ...] = ()
    findings: tuple[Finding, ...]
    limits: tuple[TimeLimits, ...] = ()
    seconds: float

    def count(self, state: State) -> int:
        """How many findings stand so."""
        return sum(finding.state is state for finding in self.findings)

    @property
    def exit_code(self) -> int:
        """1 when there is a problem."""
        return 1 if self.count(State.PROBLEM) else 0


def folded(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those that are one cause with one cure are one, of several subjects."""
    found: dict[Finding, list[str]] = {}
    for one in findings:
        alone = one if one.state is State.OK else one.model_copy(update={"subject": ""})
        found.setdefault(alone, []).append(one.subject)
    return tuple(
        one.model_copy(update={"subject": " and ".join(dict.fromkeys(subjects))})
        for one, subjects in found.items()
    )
