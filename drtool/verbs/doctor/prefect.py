"""The Prefect API that runs would go through."""

from __future__ import annotations

from collections.abc import Iterator

from drtool.compiler.choice import ANSWER_SECONDS
from drtool.compiler.health import Health
from drtool.units import brief_text
from drtool.verbs.doctor.finding import Area, Finding

_AREA = Area.PREFECT


def findings(health: Health) -> Iterator[Finding]:
    """Whether it answers, in time, in a version that fits, without a backlog."""
    if not health.url:
        yield _AREA.warning(
            "Prefect API",
            "none: PREFECT_API_URL is not set and drtool's own server does not run; steps run"
            " directly",
            "drtool server start",
        )
        return
    if health.trouble:
        yield _unusable(health)
        return
    faults = [*_slow(health), *_version(health), *_late(health)]
    yield from faults
    if not faults:
        said = f"{health.server}, answers in {brief_text(health.seconds)}"
        yield _AREA.well(health.url, said)


def _unusable(health: Health) -> Finding:
    restart = "drtool server stop; drtool server start"
    start = "start or restart it, or unset PREFECT_API_URL and: drtool server start"
    return _AREA.problem(
        health.url,
        f"{health.trouble}; steps would run directly",
        health.hint or (restart if health.ours else start),
    )


def _slow(health: Health) -> Iterator[Finding]:
    if health.seconds > ANSWER_SECONDS:
        yield _AREA.problem(
            health.url,
            f"answers after {brief_text(health.seconds)}; steps would run directly",
            "see what keeps it busy, give it a faster disk, or: drtool server start",
            f"at most {brief_text(ANSWER_SECONDS)}",
        )


def _version(health: Health) -> Iterator[Finding]:
    if _minor(health.server) != _minor(health.client):
        yield _AREA.warning(
            health.url,
            f"the server is {health.server}",
            f"bring the server to {_minor(health.client)}",
            f"{_minor(health.client)}, as the client {health.client} here",
        )


def _late(health: Health) -> Iterator[Finding]:
    if health.late:
        yield _AREA.warning(
            health.url,
            f"{health.late} flow runs are late: nothing serves their deployments, or all are busy",
            "prefect flow-run ls --state Late, then start what serves them",
            "none late",
        )


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
