"""What a recovery needs, and whether it would be lost together with a site."""

from __future__ import annotations

from enum import Enum

from drtool.model.purpose import Procedure
from drtool.model.value import Name, Value

UNSAID = "nobody has said where"


class Lost(Enum):
    """Whether a thing would be lost with the site."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Kind(Enum):
    """What a thing is to the recovery."""

    MACHINE = "machine"
    DOCUMENT = "document"
    SECRET = "secret"  # noqa: S105 - a word, no secret
    KEY = "key file"
    JOURNAL = "journal"
    ARBITER = "arbiter"
    SYSTEM = "system"
    HOST = "host"
    FENCE = "fence"
    DNS = "DNS"
    RESOLVER = "resolver"
    ENDPOINT = "endpoint"
    PROGRAM = "program"
    PREFECT = "Prefect"
    NOTICES = "notices"


class Where(Value):
    """Where a thing stands: at sites, at none of them (``outside``), or nobody has said.

    ``why`` replaces the words for it where they would say too little.
    """

    sites: tuple[Name, ...] = ()
    outside: bool = False
    why: str = ""

    @property
    def known(self) -> bool:
        """Whether anybody has said it."""
        return bool(self.sites) or self.outside

    def lost_with(self, site: str) -> Lost:
        """Whether it is gone when the site is."""
        if not self.known:
            return Lost.UNKNOWN
        return Lost.YES if set(self.sites) == {site} and not self.outside else Lost.NO

    def __str__(self) -> str:
        """The places as people read them."""
        if self.why:
            return self.why
        if self.sites:
            return f"at {' and '.join(self.sites)}"
        return "at no site" if self.outside else UNSAID


class Need(Value):
    """One thing that an unplanned procedure uses.

    ``instead`` is what takes its place where it is not ``needed``. What lies ``on_machine``, the
    one that drtool runs on, shares its lot. ``place`` is its path in the inventory, ``source`` its
    ``file:line:column`` in the runbook.
    """

    kind: Kind
    what: str
    where: str
    lost: Lost
    needed: bool = True
    steps: tuple[str, ...] = ()
    instead: str = ""
    todo: str = ""
    on_machine: bool = False
    place: tuple[str, ...] = ()
    source: str = ""

    @property
    def fatal(self) -> bool:
        """Whether the procedure cannot do without it, and it would be lost."""
        return self.needed and self.lost is Lost.YES


class Without(Value):
    """What one unplanned procedure needs when a site is lost, and what of it is lost with it.

    ``waiver`` is the runbook's reason to accept it.
    """

    procedure: Procedure
    service: Name
    site: Name
    to_site: Name | None = None
    needs: tuple[Need, ...]
    waiver: str = ""
    source: str = ""

    @property
    def fatal(self) -> bool:
        """Whether a needed thing would be lost."""
        return any(need.fatal for need in self.needs)

    @property
    def title(self) -> str:
        """The procedure and the site as people read them."""
        return f"{self.procedure.value} without {self.site}"


class Here(Value):
    """The machine that drtool runs on, as far as it matters; empty where nobody looked.

    ``home`` is drtool's own directory, ``prefect`` the API that runs would go through,
    ``resolvers`` whom this machine asks for names.
    """

    machine: str = ""
    home: str = ""
    prefect: str = ""
    resolvers: tuple[str, ...] = ()
