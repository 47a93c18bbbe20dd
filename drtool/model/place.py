"""Where a step acts, and which way a run goes."""

from __future__ import annotations

from drtool.model.value import Name, Value


class Place(Value):
    """A site, and the system or the host there that a step acts on."""

    site: Name
    system: Name | None = None
    host: Name | None = None

    def __str__(self) -> str:
        """The place as people read it: ``west.orders_db``, ``west.west_db`` or ``west``."""
        part = self.system or self.host
        return f"{self.site}.{part}" if part else self.site


class Direction(Value):
    """``from_site`` is left or spoken of, ``to_site`` takes over; see the procedure for each."""

    from_site: Name | None = None
    to_site: Name | None = None
