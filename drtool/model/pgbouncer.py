"""What PgBouncer says of the databases that it stands before."""

from __future__ import annotations

from datetime import datetime

from drtool.model.value import Value


class Pool(Value):
    """One database: where it points, whether it is paused, who still uses its servers.

    ``paused`` says that it was asked to pause. ``servers`` counts the connections to the server
    that are still open: none are once it has paused. ``busy`` are the clients that keep one,
    ``waiting`` counts those that wait. ``mode`` is transaction, session or statement.
    """

    database: str
    host: str = ""
    port: int = 0
    paused: bool = False
    disabled: bool = False
    servers: int = 0
    busy: tuple[str, ...] = ()
    waiting: int = 0
    mode: str = ""

    @property
    def still(self) -> bool:
        """Whether it is paused and no connection to the server is left."""
        return self.paused and not self.servers

    def __str__(self) -> str:
        """The database on one line."""
        if not self.paused:
            return f"{self.database} is not paused"
        if self.still:
            return f"{self.database} is paused, {self.waiting} clients wait"
        rest = "; the pool mode is session: until they leave" if self.mode == "session" else ""
        return f"{self.database} waits for {', '.join(self.busy) or 'its connections'}{rest}"


class Bouncer(Value):
    """A PgBouncer's databases, as far as they are a service's; ``missing`` are not there."""

    place: str
    at: datetime
    pools: tuple[Pool, ...] = ()
    missing: tuple[str, ...] = ()
