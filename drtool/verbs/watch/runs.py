"""What there is to tell of this journal's runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from drtool.bootstrap import App
from drtool.journal.summary import RunSummary
from drtool.model.pulse import Life
from drtool.progress.approvals import answer_to
from drtool.progress.life import life_sentence
from drtool.progress.run_state import Consent
from drtool.units import Duration, seconds_text
from drtool.verbs.records import ServiceStanding, list_runs, open_runs, services, state_of
from drtool.verbs.watch.findings import About, Finding

SCOPE = "runs"


def findings_of_runs(app: App, now: datetime, patience: Duration) -> tuple[Finding, ...]:
    """Engines that are gone or hang, people who are waited for, services without a standby.

    ``patience`` is how long a person may be waited for before that is told.
    """
    return (*_of_newest(app, now, patience), *_unprotected(app))


def newest_by_service(app: App) -> dict[str, RunSummary]:
    """The last run of each service that changes the world; an older one has been overtaken.

    One that has not ended is overtaken by none that changed nothing.
    """
    runs = [one for one in list_runs(app).runs if one.mode.changes_the_world]
    newest: dict[str, RunSummary] = {}
    for summary in (*open_runs(runs), *runs):
        newest.setdefault(summary.service, summary)
    return newest


def _of_newest(app: App, now: datetime, patience: Duration) -> Iterator[Finding]:
    for summary in newest_by_service(app).values():
        if summary.life is None:
            continue
        if not summary.life.well:
            yield _engine(summary, summary.life)
            continue
        for consent in state_of(summary.run, app)[1].waiting_for:
            if now - consent.asked_at.wall >= timedelta(seconds=patience.seconds):
                yield _waiting(summary, consent, now)


def _engine(summary: RunSummary, life: Life) -> Finding:
    return Finding(
        key=f"engine {life.word.value} {summary.run}",
        scope=SCOPE,
        about=About.ENGINE,
        service=summary.service,
        run=summary.run,
        since=life.since,
        text=f"run {summary.run}: {life_sentence(life, summary.run)}",
        commands=(f"drtool explain {summary.run}", f"drtool resume {summary.run}"),
    )


def _waiting(summary: RunSummary, consent: Consent, now: datetime) -> Finding:
    asked = consent.asked
    waited = seconds_text((now - consent.asked_at.wall).total_seconds())
    until = f", until {asked.expires:%H:%M:%S}Z" if asked.expires else ""
    whom = asked.of.replace("_", " ") or "a person"
    approve = answer_to(summary.run, asked.step, asked.what, summary.service)
    return Finding(
        key=f"waiting {summary.run} {asked.step} {consent.asked_at.wall.isoformat()}",
        scope=SCOPE,
        about=About.WAITING,
        service=summary.service,
        run=summary.run,
        since=consent.asked_at.wall,
        text=f"run {summary.run}: step {asked.step} has waited {waited} for {whom}{until}",
        commands=(approve, f"drtool explain {summary.run}"),
    )


def _unprotected(app: App) -> Iterator[Finding]:
    for one in services(app).services:
        if one.unprotected_since is None:
            continue
        explain = f"drtool explain {one.doubtful}"
        yield Finding(
            key=f"unprotected {one.service} {one.unprotected_since.isoformat()}",
            scope=SCOPE,
            about=About.UNPROTECTED,
            service=one.service,
            run=one.last.run,
            since=one.unprotected_since,
            text=_bare(one, one.unprotected_since),
            commands=tuple(filter(None, (explain if one.doubtful else "", one.reprotect))),
        )


def _bare(one: ServiceStanding, since: datetime) -> str:
    """What is wrong of a service that has no standby, or maybe none."""
    if one.doubtful:
        return (
            f"whether {one.service} has a standby is not known since {since:%Y-%m-%d %H:%M:%S}Z, "
            f"when run {one.doubtful} ended: count it as unprotected"
        )
    return (
        f"{one.service} is unprotected since {since:%Y-%m-%d %H:%M:%S}Z: it has nowhere left to go"
    )
