"""Where a step acts, and which way a run goes."""

from __future__ import annotations

from drtool.model.value import Name, Value


class Place(Value):
    """A site, and the system or the host there that a step acts on.

    ``member`` is one server of a system that has several.
    """

    site: Name
    system: Name | None = None
    member: Name | None = None
    host: Name | None = None

    def __str__(self) -> str:
        """The place as people read it: ``west.orders_db``, ``west.west_db`` or ``west``."""
        parts = (self.site, self.system or self.host, self.member)
        return ".".join(part for part in parts if part)


class Direction(Value):
    """``from_site`` is left or spoken of, ``to_site`` takes over; see the procedure for each."""

    from_site: Name | None = None
    to_site: Name | None = None
