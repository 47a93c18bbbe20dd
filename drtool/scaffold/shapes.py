"""What there is for each strategy: the runbook it is made from, and the machines it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["postgresql", "none"]
PLAIN = "none"


@dataclass(frozen=True, slots=True)
class Shape:
    """One way to begin.

    ``example`` is the runbook among those that travel with drtool, ``word`` the service's name in
    it; the plain shape has neither. ``machines`` are the hosts of each site, by what they are
    called behind the site's name; the first is asked for. ``powered`` are those that only a power
    controller can start or fence. ``least_rto`` is what the budgets of its steps add up to.
    """

    name: str
    kind: Kind
    about: str
    example: str = ""
    word: str = ""
    machines: tuple[str, ...] = ()
    powered: tuple[str, ...] = ()
    rto: str = "30m"
    least_rto: str = "7m"
    rpo: str = ""
    dns: bool = True


SHAPES = {
    shape.name: shape
    for shape in (
        Shape(
            name="hot-standby",
            kind="postgresql",
            about="a PostgreSQL primary, and a standby that could take over at once",
            example="hot-standby/orders.yaml",
            word="orders",
            machines=("db",),
            rto="5m",
            least_rto="1m45s",
            rpo="10s",
        ),
        Shape(
            name="warm-standby",
            kind="postgresql",
            about="as hot-standby, and web hosts that are too few for the load",
            example="warm-standby/shop.yaml",
            word="shop",
            machines=("db", "web_1", "web_2", "web_3"),
            rto="15m",
            least_rto="8m25s",
            rpo="30s",
        ),
        Shape(
            name="pilot-light",
            kind="postgresql",
            about="the database follows; the application's machines are off",
            example="pilot-light/ledger.yaml",
            word="ledger",
            machines=("db", "app_1", "app_2"),
            powered=("app_1", "app_2"),
            rto="45m",
            least_rto="19m35s",
            rpo="1m",
        ),
        Shape(
            name="cold-standby",
            kind="none",
            about="nothing runs at the other site; a backup is restored there",
            example="cold-standby/archive.yaml",
            word="archive",
            machines=("archive",),
            powered=("archive",),
            rto="8h",
            least_rto="4h49m40s",
            rpo="24h",
        ),
        Shape(
            name="active-active",
            kind="none",
            about="all sites serve; a traffic manager weighs them",
            example="active-active/profiles.yaml",
            word="profiles",
            machines=("writer",),
            powered=("writer",),
            rto="5m",
            least_rto="2m50s",
            rpo="5s",
        ),
        Shape(
            name=PLAIN,
            kind="none",
            about="one command over SSH brings it up at the other site",
            machines=("host",),
            dns=False,
        ),
    )
}
DEFAULTS = {"postgresql": "hot-standby", "none": PLAIN}
