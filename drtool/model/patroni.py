"""What Patroni says of a cluster: its members, its leader, its configuration."""

from __future__ import annotations

from datetime import datetime

from drtool.model.replication import Replication
from drtool.model.value import Value


class Following(Value):
    """The section ``standby_cluster``: whom a standby cluster follows, as Patroni has it."""

    host: str = ""
    port: str = ""
    slot: str = ""
    restore_command: str = ""

    def __str__(self) -> str:
        """Host and port, or the archive."""
        return f"{self.host}:{self.port}" if self.host else "an archive"


class Settings(Value):
    """The configuration that all members share, kept in the DCS.

    ``slots`` are the permanent physical ones. ``paused`` is Patroni's maintenance mode.
    """

    following: Following | None = None
    paused: bool = False
    slots: tuple[str, ...] = ()


class Listed(Value):
    """A member as the DCS lists it; ``called`` is Patroni's name for it."""

    called: str
    leads: bool = False
    state: str = ""
    lag_bytes: int | None = None
    barred: bool = False


class Node(Value):
    """One member by the word of its own REST API; ``trouble`` is why it gave none.

    ``name`` is the inventory's name, ``called`` Patroni's. ``role`` is primary, standby_leader,
    replica or what it is on its way to; ``replication`` is streaming when a walreceiver streams.
    ``dcs_age_seconds`` is how long ago it heard of its DCS, by its own clock.
    """

    name: str
    called: str
    trouble: str = ""
    role: str = ""
    state: str = ""
    replication: str = ""
    system_identifier: str = ""
    paused: bool = False
    dcs_age_seconds: float | None = None
    listed: Listed | None = None

    @property
    def answers(self) -> bool:
        """Whether its REST API answered."""
        return not self.trouble

    @property
    def leads(self) -> bool:
        """Whether it says that it leads its cluster."""
        return self.role in {"primary", "standby_leader"}

    @property
    def running(self) -> bool:
        """Whether its PostgreSQL runs."""
        return self.answers and self.state == "running"

    def __str__(self) -> str:
        """The member on one line."""
        if not self.answers:
            return f"{self.name}: {self.trouble}"
        lag = self.listed.lag_bytes if self.listed else None
        behind = f", {lag} bytes behind" if lag else ""
        return f"{self.name}: {self.role} {self.replication or self.state}{behind}"


class Cluster(Value):
    """A Patroni cluster as a whole.

    ``strangers`` are members that the DCS lists and the inventory does not. ``settings`` is None
    and ``dcs_trouble`` says why when the DCS could not be read through Patroni.
    """

    place: str
    at: datetime
    nodes: tuple[Node, ...]
    strangers: tuple[str, ...] = ()
    settings: Settings | None = None
    dcs_trouble: str = ""

    @property
    def leader(self) -> Node | None:
        """The member that the DCS names as the leader."""
        return next((one for one in self.nodes if one.listed and one.listed.leads), None)

    @property
    def paused(self) -> bool:
        """Whether Patroni is in its maintenance mode."""
        said = any(node.paused for node in self.nodes)
        return self.settings.paused if self.settings else said

    @property
    def following(self) -> Following | None:
        """Whom it follows, by its configuration."""
        return self.settings.following if self.settings else None

    @property
    def role(self) -> str:
        """``standby`` for a standby cluster, else ``primary``; by its configuration."""
        if self.settings is None:
            return "unknown"
        return "standby" if self.settings.following else "primary"

    def node(self, name: str) -> Node | None:
        """The member of that name in the inventory."""
        return next((one for one in self.nodes if one.name == name), None)

    def __str__(self) -> str:
        """The cluster on one line."""
        return f"{self.place}: {self.role} cluster, {'; '.join(map(str, self.nodes))}"


class Word(Value):
    """What one member's PostgreSQL server says of itself, or why it does not; see Replication."""

    place: str
    replication: Replication | None = None
    trouble: str = ""
