"""Which of the services that the journal knows are frozen."""

from __future__ import annotations

from pathlib import Path

from drtool.bootstrap import App, build
from drtool.connections.reach import Context
from drtool.connections.secrets import Secrets
from drtool.lease.freeze import Flag, frozen
from drtool.verbs.freeze import answers, ask_flags, thaw_command
from drtool.verbs.preflight import Call
from drtool.verbs.records import Services, ServiceStanding, services, state_of


def services_now() -> Services:
    """What the runs left of each service, and who froze it.

    The places that keep a flag are asked side by side, for two seconds at most; where the last
    run's inventory names none, nothing is asked.
    """
    app = build()
    known = services(app).services
    asked = [(one, *_asked(one, app)) for one in known]
    return Services(services=tuple(_told(one, calls, where, app) for one, calls, where in asked))


def _asked(one: ServiceStanding, app: App) -> tuple[dict[str, Call[Flag]], str]:
    plan = state_of(one.last.run, app)[1].plan
    secrets = Secrets(app.redactor, Path(plan.inventory_source).parent)
    context = Context(plan.inventory, secrets, app.clock, run="status")
    return ask_flags(one.service, context), plan.inventory_source


def _told(
    one: ServiceStanding, calls: dict[str, Call[Flag]], inventory: str, app: App
) -> ServiceStanding:
    flag = frozen(answers(calls), app.clock.wall())
    if flag is None or flag.freeze is None:
        return one
    thaw = thaw_command(one.service, inventory)
    return one.model_copy(update={"frozen": flag.freeze.told(), "thaw": thaw})
